/* A credential source's test: the local server, a transport, and what came of the last call. */
#ifndef TEST_DAS_KEYRING_SOURCES_ISSUER_FIXTURE_H
#define TEST_DAS_KEYRING_SOURCES_ISSUER_FIXTURE_H

#include <stdbool.h>

#include "core/error.h"
#include "das/keyring/sources/credential_source.h"
#include "das/transport.h"

/* Of the running test. */
struct issuer_fixture {
    struct transport *transport;
    struct credentials *caller; /* TestAk, TestSecret, and the token CanaryToken */
    struct issued_credentials issued;
    struct error error;
};

extern struct issuer_fixture fixture;

/* Once per program: the server. */
int issuer_start(void **state);
int issuer_stop(void **state);

/* Once per test: the rest. */
int issuer_setup(void **state);
int issuer_teardown(void **state);

#define ISSUER_TEST(name) cmocka_unit_test_setup_teardown(name, issuer_setup, issuer_teardown)

/* The URL of one of the server's listeners; valid until the next call. */
const char *issuer_endpoint(const char *scheme, const char *listener);

/* The call issued what the server issues. */
void assert_issued(bool ok);

/* The call issued nothing, and the error has this class, this part, and no secret. */
void assert_failed(bool ok, enum error_class class, const char *part);

/* A member of the request before this one, as the server saw it; to be freed. */
char *issuer_last_seen(const char *name);
void assert_last_seen(const char *name, const char *part);

#endif
