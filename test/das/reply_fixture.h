/* A reply that each test parses into. */
#ifndef TEST_DAS_REPLY_FIXTURE_H
#define TEST_DAS_REPLY_FIXTURE_H

#include "das/reply.h"

extern struct das_reply reply; /* of the running test */

int reply_setup(void **state);
int reply_teardown(void **state);

#define REPLY_TEST(name) cmocka_unit_test_setup_teardown(name, reply_setup, reply_teardown)

void reply_parse(long http_status, const char *body);

#endif
