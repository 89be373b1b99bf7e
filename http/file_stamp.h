/* Whether a file is another one than before: written, replaced, or its link pointed elsewhere. */
#ifndef HTTP_FILE_STAMP_H
#define HTTP_FILE_STAMP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct file_stamp {
    dev_t device;
    ino_t inode;
    off_t size;
    int64_t modified_ns;
    int64_t changed_ns; /* also tells new permissions */
};

/* The stamp of the file at path now; all 0 when path is "" or there is no such file. Any thread. */
struct file_stamp file_stamp_of(const char *path);

bool file_stamp_equal(const struct file_stamp *left, const struct file_stamp *right);

#endif
