#include "test/fuzz/fuzz_input.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

char *input_text(const uint8_t *data, size_t size)
{
    char *text = strndup((const char *)data, size);

    assert(text != NULL);
    return text;
}

int input_file(const uint8_t *data, size_t size, char path[INPUT_PATH_SIZE])
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);

    assert(fd >= 0 && fchmod(fd, 0600) == 0);
    assert(write(fd, data, size) == (ssize_t)size);
    snprintf(path, INPUT_PATH_SIZE, "/proc/self/fd/%d", fd);
    return fd;
}
