/* libFuzzer: any bytes as exporter.ini load or give an error, and a dump never fails. */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_load(const char *path)
{
    struct error error = {.class = ERROR_NONE};
    struct config *config = config_load(path, &error);
    struct strbuf out;

    if (config == NULL) {
        if (error.class == ERROR_NONE || error.message[0] == '\0')
            abort();
        return;
    }
    strbuf_init(&out, 0);
    config_dump(config, &out);
    if (strbuf_failed(&out) || !config_reloadable(config, config, &error))
        abort();
    strbuf_release(&out);
    config_put(config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = memfd_create("fuzz_config", MFD_CLOEXEC);
    char path[64];

    if (fd < 0)
        abort();
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (write(fd, data, size) == (ssize_t)size)
        try_load(path);
    close(fd);
    return 0;
}
