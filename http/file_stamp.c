#include "http/file_stamp.h"

#include <sys/stat.h>

#include "core/clock.h"

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
