#include "core/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK_SIZE 4096

/* Room for a regular file at once: growing later would leave freed copies of its content behind. */
static void reserve_for(int fd, struct strbuf *out)
{
    struct stat status;
    size_t size;

    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size <= 0)
        return;
    size = (size_t)status.st_size;
    if (out->ceiling == 0 || size <= out->ceiling - out->length)
        strbuf_reserve(out, size);
}

static bool read_all(int fd, const char *path, struct strbuf *out, struct error *error)
{
    char chunk[CHUNK_SIZE];
    ssize_t got;

    while ((got = read(fd, chunk, sizeof(chunk))) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            error_set_system(error, errno, "cannot read the file %s", path);
            break;
        }
        if (out->ceiling != 0 && (size_t)got > out->ceiling - out->length) {
            error_set(error, ERROR_TOO_LARGE, "the file %s is larger than %zu bytes", path, out->ceiling);
            break;
        }
        strbuf_append(out, chunk, (size_t)got);
        if (strbuf_failed(out)) {
            error_set(error, ERROR_NO_MEMORY, "out of memory while reading the file %s", path);
            break;
        }
    }
    explicit_bzero(chunk, sizeof(chunk));
    return got == 0;
}

bool file_read(const char *path, struct strbuf *out, struct error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    bool ok;

    if (fd < 0) {
        error_set_system(error, errno, "cannot open the file %s", path);
        return false;
    }
    reserve_for(fd, out);
    ok = read_all(fd, path, out, error);
    close(fd);
    return ok;
}
