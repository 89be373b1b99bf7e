/* Who pretends to be the database does not learn the password. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test/db/mysql_fixture.h"

#define SCRAMBLE      "12345678123456789012"
#define RSA_BITS      2048
#define RSA_BYTES     (RSA_BITS / 8)
#define HEADER_SIZE   4
#define MAX_RECEIVED  8192
#define FULL_PROOF    "\2\0\0\0\1\4" /* "show me the whole password", as a packet */
#define KEY_REQUEST   '\2'
#define ERROR_REFUSED "\x17\0\0\0\xff\x15\x04#28000Access denied"

/* Of a connection that fails, the client library forgets the path of the server's key. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:mysql_optionsv";
}

/* A server that asks for the password in a certain way, and all that it was sent. */
struct impostor {
    const char *plugin; /* what it asks for */
    EVP_PKEY *key;
    int listener;
    pthread_t thread;
    char received[MAX_RECEIVED];
    size_t length;
};

/* One packet of the client, kept. Its length without the header; 0 at the end of the connection. */
static size_t receive(struct impostor *impostor, int connection)
{
    char *packet = impostor->received + impostor->length;
    ssize_t count = read(connection, packet, sizeof(impostor->received) - impostor->length);

    if (count <= HEADER_SIZE)
        return 0;
    impostor->length += (size_t)count;
    return (size_t)count - HEADER_SIZE;
}

static bool send_packet(int connection, const char *packet, size_t length, char sequence)
{
    char copy[1024];

    memcpy(copy, packet, length);
    copy[3] = sequence;
    return write(connection, copy, length) == (ssize_t)length;
}

/* Its own RSA key, as a packet. */
static void send_key(const struct impostor *impostor, int connection)
{
    BIO *memory = BIO_new(BIO_s_mem());
    char packet[1024] = {0};
    char *text;
    long length;

    PEM_write_bio_PUBKEY(memory, impostor->key);
    length = BIO_get_mem_data(memory, &text);
    packet[0] = (char)(length + 1);
    packet[1] = (char)((length + 1) >> 8);
    packet[HEADER_SIZE] = '\1';
    memcpy(packet + HEADER_SIZE + 1, text, (size_t)length);
    send_packet(connection, packet, HEADER_SIZE + 1 + (size_t)length, 6);
    BIO_free(memory);
}

/* The first packet of a server of MySQL 8, without TLS. */
static bool greet(int connection)
{
    static const char greeting[] = "\x49\0\0\0"
                                   "\x0a"
                                   "8.0.0\0"
                                   "\1\0\0\0"
                                   "12345678\0"
                                   "\x09\xa2\x2d\2\0\x08\0\x15"
                                   "\0\0\0\0\0\0\0\0\0\0"
                                   "123456789012\0"
                                   "mysql_native_password";

    return write(connection, greeting, sizeof(greeting)) == sizeof(greeting);
}

static bool switch_to(int connection, const char *plugin)
{
    char packet[128] = {0};
    size_t length = 1 + strlen(plugin) + 1 + sizeof(SCRAMBLE);

    packet[0] = (char)length;
    packet[HEADER_SIZE] = '\xfe';
    memcpy(packet + HEADER_SIZE + 1, plugin, strlen(plugin));
    memcpy(packet + HEADER_SIZE + 1 + strlen(plugin) + 1, SCRAMBLE, sizeof(SCRAMBLE));
    return send_packet(connection, packet, HEADER_SIZE + length, 2);
}

static void *serve(void *argument)
{
    struct impostor *impostor = argument;
    int connection = accept(impostor->listener, NULL, NULL);

    if (connection >= 0 && greet(connection) && receive(impostor, connection) > 0 &&
        switch_to(connection, impostor->plugin) && receive(impostor, connection) > 0 &&
        send_packet(connection, FULL_PROOF, sizeof(FULL_PROOF) - 1, 4) &&
        receive(impostor, connection) == 1 && impostor->received[impostor->length - 1] == KEY_REQUEST) {
        send_key(impostor, connection);
        receive(impostor, connection);
    }
    send_packet(connection, ERROR_REFUSED, sizeof(ERROR_REFUSED) - 1, 6);
    close(connection);
    return NULL;
}

/* Reads once from the impostor. */
static void fall_for(struct impostor *impostor, struct mysql_config *config, struct reading *reading)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);

    impostor->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(impostor->listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(impostor->listener, 1), 0);
    assert_int_equal(getsockname(impostor->listener, (struct sockaddr *)&address, &length), 0);
    config->socket = "";
    config->host = "127.0.0.1";
    config->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&impostor->thread, NULL, serve, impostor), 0);
    read_with(reading, config, LOAD_ALL);
    pthread_join(impostor->thread, NULL);
    close(impostor->listener);
    assert_int_equal(reading->whole, 0);
    assert_null(strstr(reading->error.message, PASSWORD));
    rows_release(&reading->rows);
}

/* What the impostor can make of the last packet: the password, when that was encrypted for `key`. */
static bool can_read_password(const struct impostor *impostor, EVP_PKEY *key)
{
    unsigned char plain[RSA_BYTES];
    size_t length = sizeof(plain);
    EVP_PKEY_CTX *context;
    bool decrypted;

    if (memmem(impostor->received, impostor->length, PASSWORD, strlen(PASSWORD)) != NULL)
        return true;
    if (impostor->length < RSA_BYTES)
        return false;
    context = EVP_PKEY_CTX_new(key, NULL);
    decrypted = EVP_PKEY_decrypt_init(context) > 0 &&
                EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) > 0 &&
                EVP_PKEY_decrypt(context, plain, &length,
                                 (const unsigned char *)impostor->received + impostor->length - RSA_BYTES,
                                 RSA_BYTES) > 0;
    EVP_PKEY_CTX_free(context);
    for (size_t i = 0; decrypted && i < length; i++)
        plain[i] ^= (unsigned char)SCRAMBLE[i % strlen(SCRAMBLE)];
    return decrypted && length == sizeof(PASSWORD) && memcmp(plain, PASSWORD, sizeof(PASSWORD)) == 0;
}

static void assert_password_is_not_shown(const char *plugin, enum mysql_tls tls)
{
    struct impostor impostor = {.plugin = plugin, .key = EVP_RSA_gen(RSA_BITS)};
    struct mysql_config config = socket_config();
    struct reading reading;

    config.tls = tls;
    fall_for(&impostor, &config, &reading);
    assert_string_equal(reading.error.code, "5010");
    assert_non_null(strstr(reading.error.message, "the server wants an authentication other than"));
    assert_non_null(strstr(reading.error.message, "set tls = verify in [mysql], or server_public_key_file"));
    assert_non_null(memmem(impostor.received, impostor.length, USER, strlen(USER)));
    assert_false(can_read_password(&impostor, impostor.key));
    EVP_PKEY_free(impostor.key);
}

static void test_password_in_clear_is_not_sent(void **state)
{
    (void)state;
    assert_password_is_not_shown("mysql_clear_password", MYSQL_TLS_OFF);
}

static void test_password_is_not_encrypted_with_a_key_of_the_impostor(void **state)
{
    (void)state;
    assert_password_is_not_shown("caching_sha2_password", MYSQL_TLS_OFF);
    assert_password_is_not_shown("sha256_password", MYSQL_TLS_OFF);
}

static void write_public_key(EVP_PKEY *key, char *path)
{
    int descriptor = mkstemp(path);
    FILE *file = fdopen(descriptor, "w");

    assert_non_null(file);
    assert_true(PEM_write_PUBKEY(file, key));
    assert_int_equal(fclose(file), 0);
}

static void test_password_is_encrypted_with_the_key_of_the_file_only(void **state)
{
    struct impostor impostor = {.plugin = "caching_sha2_password", .key = EVP_RSA_gen(RSA_BITS)};
    struct mysql_config config = socket_config();
    EVP_PKEY *right_key = EVP_RSA_gen(RSA_BITS);
    char path[] = "/tmp/public_key.XXXXXX";
    struct reading reading;

    (void)state;
    write_public_key(right_key, path);
    config.server_public_key_file = path;
    fall_for(&impostor, &config, &reading);
    unlink(path);
    assert_false(can_read_password(&impostor, impostor.key));
    assert_true(can_read_password(&impostor, right_key));
    EVP_PKEY_free(right_key);
    EVP_PKEY_free(impostor.key);
}

static int initialise(void **state)
{
    struct error error;

    (void)state;
    return source_global_init(&error) ? 0 : -1;
}

static int release(void **state)
{
    (void)state;
    source_global_release();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_password_in_clear_is_not_sent),
        cmocka_unit_test(test_password_is_not_encrypted_with_a_key_of_the_impostor),
        cmocka_unit_test(test_password_is_encrypted_with_the_key_of_the_file_only),
    };

    return cmocka_run_group_tests(tests, initialise, release);
}
