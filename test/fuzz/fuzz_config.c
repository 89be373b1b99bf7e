/* Any bytes as exporter.ini load or give an error, and what was loaded can be shown and be reloaded. */
#include <assert.h>
#include <unistd.h>

#include "config/config.h"
#include "test/fuzz/fuzz_input.h"

static void check_loaded(struct config *config)
{
    struct error error = {.class = ERROR_NONE};
    struct strbuf out;

    strbuf_init(&out, 0);
    config_dump(config, &out);
    assert(!strbuf_failed(&out));
    assert(config_reloadable(config, config, &error));
    strbuf_release(&out);
    config_put(config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error error = {.class = ERROR_NONE};
    char path[INPUT_PATH_SIZE];
    int fd = input_file(data, size, path);
    struct config *config = config_load(path, &error);

    if (config != NULL)
        check_loaded(config);
    else
        assert(error.class != ERROR_NONE && error.message[0] != '\0');
    close(fd);
    return 0;
}
