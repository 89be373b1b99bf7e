/* The header Authorization: nobody is let in who does not say the token or a password. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/clock.h"
#include "core/strbuf.h"
#include "http/access.h"
#include "test/fuzz/fuzz_input.h"

#define TOKEN "0123456789abcdef"
/* Of no password that is known: the letters after the salt are invented. */
#define USERS "user:$2b$04$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234\n"
#define STEP  (60 * NS_PER_SECOND) /* between two inputs, so that each is judged by itself */

static struct access *new_access(void)
{
    struct error error = {.class = ERROR_NONE};
    struct web_config web = {.admin_token = TOKEN};
    char path[INPUT_PATH_SIZE];
    int fd = input_file((const uint8_t *)USERS, strlen(USERS), path);
    struct access *access;

    web.basic_auth_file = path;
    access = access_new(access_rules_load(&web, &error), &error);
    assert(access != NULL);
    (void)fd; /* stays: the file is looked at again and again */
    return access;
}

static void check_header(struct access *access, const char *header, bool change, int64_t now)
{
    enum access_answer answer = access_check(access, header, change, 1, now);

    assert(answer != ACCESS_READ);
    if (answer == ACCESS_ADMIN)
        assert(strncasecmp(header, "Bearer ", 7) == 0 && strstr(header, TOKEN) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct access *access;
    static int64_t now;
    char *text = input_text(data, size);
    struct strbuf basic;

    if (access == NULL)
        access = new_access();
    strbuf_init(&basic, 0);
    strbuf_append_format(&basic, "Basic %s", text);
    now += STEP;
    check_header(access, text, false, now);
    check_header(access, text, true, now);
    check_header(access, strbuf_text(&basic), false, now);
    strbuf_release(&basic);
    free(text);
    return 0;
}
