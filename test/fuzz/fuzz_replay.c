/* The main program of a fuzz target without libFuzzer: each file of a folder once. */
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test/fuzz/fuzz_input.h"

/* The bytes on a heap block of exactly that size, so that the sanitizer sees a read beyond it. */
static bool replay(int fd)
{
    struct stat status;
    uint8_t *data;
    bool ok;

    if (fstat(fd, &status) != 0)
        return false;
    data = malloc((size_t)status.st_size);
    ok = data != NULL && read(fd, data, (size_t)status.st_size) == status.st_size;
    if (ok)
        LLVMFuzzerTestOneInput(data, (size_t)status.st_size);
    free(data);
    return ok;
}

static bool replay_file(int folder, const char *name)
{
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
    bool ok;

    fprintf(stderr, "%s\n", name); /* the last one is the one that failed */
    ok = fd >= 0 && replay(fd);
    if (!ok)
        fprintf(stderr, "cannot be read\n");
    close(fd);
    return ok;
}

int main(int argc, char **argv)
{
    DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
    struct dirent *entry;

    if (folder == NULL) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return EXIT_FAILURE;
    }
    while ((entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] != '.' && !replay_file(dirfd(folder), entry->d_name))
            return EXIT_FAILURE;
    }
    closedir(folder);
    return EXIT_SUCCESS;
}
