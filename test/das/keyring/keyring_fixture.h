/* A keyring's test: the local server, a configuration from text, a sink that counts. */
#ifndef TEST_DAS_KEYRING_KEYRING_FIXTURE_H
#define TEST_DAS_KEYRING_KEYRING_FIXTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "das/keyring/keyring.h"

/* Once per program: the server, and a folder for files. */
int keyring_tests_start(void **state);
int keyring_tests_stop(void **state);

/* Once per test: frees what is left of it. */
int keyring_test_teardown(void **state);

#define KEYRING_TEST(name) cmocka_unit_test_teardown(name, keyring_test_teardown)

/*
 * The configuration of the text after what every test needs: "{sts}" stands for the local STS, "{uri}" for the
 * credentials URI, "{metadata}" for the metadata service, "{mute}" for a port that never answers, "{dir}" for the
 * folder of files.
 */
struct config *keyring_test_config(const char *text);

/* A keyring of such a configuration; started when wanted. The running test's only one. */
struct keyring *keyring_test_new(const char *text, bool start);

/* Writes a file of the folder, which only we may read. */
void keyring_test_write(const char *name, const char *content);

/* How often the sink was told of an account, once that is so often; the entry changes before it is told. */
unsigned keyring_test_told(const char *aliyun_uid, unsigned least);

/* The account's key now, or "" when it has none; valid until the next call. */
const char *keyring_test_key(const char *aliyun_uid);

/* Waits, at most 20 s, for an account's key that is another than `than` ("": any). */
void await_key(const char *aliyun_uid, const char *than);

/* Waits for an error of the account that has this part. */
void await_error(const char *aliyun_uid, enum error_class class, const char *part);

/* How many requests for credentials came for a role ("metadata": for the metadata service). */
int64_t keyring_test_requests(const char *role);

#endif
