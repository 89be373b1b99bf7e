/* [web] listen: what is accepted has one form, which means the same again; what is not is named. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "http/listen.h"
#include "test/fuzz/fuzz_input.h"

static void check_again(const char *canonical, bool tls)
{
    struct error error = {.class = ERROR_NONE};
    struct strbuf again;
    bool tls_again = !tls;

    strbuf_init(&again, 0);
    assert(listen_canonical(canonical, false, &again, &tls_again, &error));
    assert(tls_again == tls && strcmp(strbuf_text(&again), canonical) == 0);
    strbuf_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error error = {.class = ERROR_NONE};
    struct strbuf canonical;
    char *text = input_text(data, size);
    bool tls = false;

    strbuf_init(&canonical, 0);
    if (listen_canonical(text, false, &canonical, &tls, &error)) {
        assert(strpbrk(strbuf_text(&canonical), " \t\r\n") == NULL);
        check_again(strbuf_text(&canonical), tls);
    } else {
        assert(error.class != ERROR_NONE && error.message[0] != '\0');
    }
    strbuf_release(&canonical);
    free(text);
    return 0;
}
