/* Any bytes as the file of users load or give an error that shows no hash. */
#include <assert.h>
#include <string.h>
#include <unistd.h>

#include "http/password.h"
#include "test/fuzz/fuzz_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error error = {.class = ERROR_NONE};
    char path[INPUT_PATH_SIZE];
    int fd = input_file(data, size, path);
    struct password_file *users = password_file_load(path, &error);

    assert((users == NULL) == (error.class != ERROR_NONE));
    if (users == NULL) {
        assert(strncmp(error.message, path, strlen(path)) == 0);
        assert(strstr(error.message, "$2") == NULL);
    }
    password_file_put(users);
    close(fd);
    return 0;
}
