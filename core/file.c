#include "core/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/clock.h"

#define CHUNK_SIZE        4096
#define BYTE_ORDER_MARK   "\xef\xbb\xbf" /* in UTF-8 */
#define OPEN_TO_EVERYBODY (S_IROTH | S_IWOTH)

static const char *kind_name(mode_t mode)
{
    if (S_ISDIR(mode))
        return "a folder";
    if (S_ISFIFO(mode))
        return "a named pipe";
    if (S_ISCHR(mode) || S_ISBLK(mode))
        return "a device";
    return "no file";
}

void file_append_closing_command(const char *path, struct strbuf *out)
{
    strbuf_append_text(out, "chmod o= '");
    for (const char *c = path; *c != '\0'; c++) {
        if (*c == '\'')
            strbuf_append_text(out, "'\\''");
        else
            strbuf_append_char(out, *c);
    }
    strbuf_append_char(out, '\'');
}

static void refuse_open_secret(const char *path, mode_t mode, struct error *error)
{
    struct strbuf command;

    strbuf_init(&command, 0);
    file_append_closing_command(path, &command);
    error_set(error, ERROR_SYSTEM,
              "every user may %s this secret (mode %04o), run: %s (in Kubernetes: defaultMode: 0440)",
              (mode & S_IROTH) != 0 ? "read" : "change", (unsigned)(mode & 07777), strbuf_text(&command));
    strbuf_release(&command);
}

static bool check_status(const char *path, const struct stat *status, bool secret, struct error *error)
{
    if (!S_ISREG(status->st_mode)) {
        error_set(error, ERROR_SYSTEM, "%s is %s, expected a regular file", path, kind_name(status->st_mode));
        return false;
    }
    if (!secret || (status->st_mode & OPEN_TO_EVERYBODY) == 0)
        return true;
    refuse_open_secret(path, status->st_mode, error);
    return false;
}

/* Room for it at once: growing later would leave freed copies of its content behind. */
static void reserve_for(off_t size, struct strbuf *out)
{
    if (size > 0 && (out->ceiling == 0 || (uintmax_t)size <= out->ceiling - out->length))
        strbuf_reserve(out, (size_t)size);
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

static void cut_byte_order_mark(struct strbuf *out, size_t start)
{
    size_t size = strlen(BYTE_ORDER_MARK);

    if (out->length - start < size || memcmp(out->data + start, BYTE_ORDER_MARK, size) != 0)
        return;
    memmove(out->data + start, out->data + start + size, out->length - start - size);
    strbuf_truncate(out, out->length - size);
}

/* Without O_NONBLOCK, a named pipe would keep the caller until somebody writes to it. */
static bool read_file(const char *path, bool secret, struct strbuf *out, struct error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    size_t start = out->length;
    struct stat status;
    bool ok = false;

    if (fd < 0) {
        error_set_system(error, errno, "cannot open the file %s", path);
        return false;
    }
    if (fstat(fd, &status) != 0) {
        error_set_system(error, errno, "cannot read the file %s", path);
    } else if (check_status(path, &status, secret, error)) {
        reserve_for(status.st_size, out);
        ok = read_all(fd, path, out, error);
    }
    close(fd);
    if (ok)
        cut_byte_order_mark(out, start);
    return ok;
}

bool file_read(const char *path, struct strbuf *out, struct error *error)
{
    return read_file(path, false, out, error);
}

bool file_read_secret(const char *path, struct strbuf *out, struct error *error)
{
    return read_file(path, true, out, error);
}

static void cut_line_end(struct strbuf *text)
{
    if (text->length > 0 && text->data[text->length - 1] == '\n')
        strbuf_truncate(text, text->length - 1);
    if (text->length > 0 && text->data[text->length - 1] == '\r')
        strbuf_truncate(text, text->length - 1);
}

static bool check_line(const struct strbuf *text, const char *path, struct error *error)
{
    for (size_t i = 0; i < text->length; i++) {
        unsigned char byte = (unsigned char)text->data[i];

        if ((byte < 0x20 && byte != '\t') || byte == 0x7f) {
            error_set(error, ERROR_CONFIG,
                      "the file %s has a line break or another control character (byte 0x%02x), expected "
                      "one line of text",
                      path, byte);
            return false;
        }
    }
    if (text->length == 0)
        error_set(error, ERROR_CONFIG, "the file %s is empty, expected the value in its only line", path);
    return text->length > 0;
}

bool file_read_secret_line(const char *path, struct strbuf *out, struct error *error)
{
    if (!file_read_secret(path, out, error))
        return false;
    cut_line_end(out);
    return check_line(out, path, error);
}

bool file_open_to_everybody(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && (status.st_mode & OPEN_TO_EVERYBODY) != 0;
}

static int64_t nanoseconds(struct timespec moment)
{
    return (int64_t)moment.tv_sec * NS_PER_SECOND + moment.tv_nsec;
}

struct file_stamp file_stamp_of(const char *path)
{
    struct stat status;

    if (path[0] == '\0' || stat(path, &status) != 0)
        return (struct file_stamp){0};
    return (struct file_stamp){
        .device = status.st_dev,
        .inode = status.st_ino,
        .size = status.st_size,
        .modified_ns = nanoseconds(status.st_mtim),
        .changed_ns = nanoseconds(status.st_ctim),
    };
}

bool file_stamp_equal(const struct file_stamp *left, const struct file_stamp *right)
{
    return left->device == right->device && left->inode == right->inode && left->size == right->size &&
           left->modified_ns == right->modified_ns && left->changed_ns == right->changed_ns;
}
