#include "test/das/reply_fixture.h"

#include <string.h>

struct das_reply reply;

int reply_setup(void **state)
{
    (void)state;
    das_reply_init(&reply);
    return 0;
}

int reply_teardown(void **state)
{
    (void)state;
    das_reply_release(&reply);
    return 0;
}

void reply_parse(long http_status, const char *body)
{
    das_reply_parse(http_status, body, strlen(body), -1, NULL, &reply);
}
