#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/*
 * Random and mutated requests, many on a connection. Whatever comes, the server answers with
 * whole responses of its own statuses until it closes, and goes on serving. Those that it answered
 * are counted: what follows a bad one on the same connection is never looked at.
 *
 *     FUZZ_REQUESTS=1000000 FUZZ_SEED=1 build/dev/test/http/test_http_server_fuzz
 */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/text.h"
#include "http/server.h"
#include "test/http/fake_providers.h"
#include "test/http/http_client.h"

#define REQUESTS_DEFAULT 50000
#define BATCH_MAX        32
#define BATCH_SIZE_MAX   ((size_t)48 * 1024)
#define PATIENCE_MS      20000

struct fuzzer {
    uint64_t state;
    int port;
    uint64_t sent; /* requests */
    uint64_t responses;
    uint64_t refused; /* of the responses, 4xx */
};

static uint64_t next_random(struct fuzzer *fuzzer)
{
    fuzzer->state ^= fuzzer->state << 13;
    fuzzer->state ^= fuzzer->state >> 7;
    fuzzer->state ^= fuzzer->state << 17;
    return fuzzer->state * UINT64_C(0x2545F4914F6CDD1D) >> 16;
}

static size_t below(struct fuzzer *fuzzer, size_t limit)
{
    return (size_t)(next_random(fuzzer) % limit);
}

static const char *pick(struct fuzzer *fuzzer, const char *const *texts)
{
    size_t count = 0;

    while (texts[count] != NULL)
        count++;
    return texts[below(fuzzer, count)];
}

/* One time in `rarely` something from the second list. */
static const char *pick_of_two(struct fuzzer *fuzzer, const char *const *usual, const char *const *strange,
                               size_t rarely)
{
    return pick(fuzzer, below(fuzzer, rarely) == 0 ? strange : usual);
}

static void append_head(struct fuzzer *fuzzer, struct strbuf *out)
{
    static const char *const methods[] = {"GET", "GET",     "GET",    "HEAD", "POST",
                                          "PUT", "OPTIONS", "DELETE", NULL};
    static const char *const strange_methods[] = {"TRACE", "CONNECT",  "BREW", "get",
                                                  "PRI",   "M-SEARCH", "",     NULL};
    static const char *const targets[] = {"/metrics",
                                          "/",
                                          "/targets",
                                          "/targets?state=%00&q=%",
                                          "/-/healthy",
                                          "/api/v1/targets?q=x",
                                          "/refresh?ins_id=rm-test1",
                                          "/refresh",
                                          "/refresh/00",
                                          "/-/reload",
                                          "/metrics/../x",
                                          "//",
                                          "/%2e%2e/%6d",
                                          NULL};
    static const char *const strange_targets[] = {
        "*", "http://127.0.0.1/metrics", "/?\xff", "", "x", "/a b", "http://", NULL};
    static const char *const versions[] = {"HTTP/1.1", NULL};
    static const char *const strange_versions[] = {"HTTP/1.0", "HTTP/2.0", "HTTP/1.", "http/1.1", "", NULL};

    strbuf_append_format(out, "%s %s %s\r\nHost: localhost\r\n",
                         pick_of_two(fuzzer, methods, strange_methods, 100),
                         pick_of_two(fuzzer, targets, strange_targets, 100),
                         pick_of_two(fuzzer, versions, strange_versions, 100));
}

static void append_fields(struct fuzzer *fuzzer, struct strbuf *out)
{
    static const char *const fields[] = {"Accept: application/openmetrics-text;version=1.0.0;q=0.7,*/*;q=0.1",
                                         "Accept-Encoding: gzip;q=1,br",
                                         "Accept: ;;;,,,q=",
                                         "Connection: keep-alive",
                                         "Content-Length: 0",
                                         "X-Forwarded-For: 192.0.2.1",
                                         "Origin: null",
                                         "Sec-Fetch-Site: cross-site",
                                         "Content-Type: application/x-www-form-urlencoded",
                                         "Upgrade: websocket",
                                         "Range: bytes=0-1",
                                         "If-None-Match: *",
                                         "A:",
                                         NULL};
    static const char *const strange_fields[] = {"Connection: close",
                                                 "Content-Length: 5",
                                                 "Content-Length: -1",
                                                 "Content-Length: 99999999999999999999",
                                                 "Transfer-Encoding: chunked",
                                                 "Transfer-Encoding: identity",
                                                 "Host: other",
                                                 " folded: line",
                                                 "Authorization: Bearer 0123456789abcdef",
                                                 "Authorization: Bearer",
                                                 "Authorization: Basic OjpBOg==",
                                                 "Authorization: Basic =",
                                                 "Expect: 100-continue",
                                                 ":",
                                                 "Name : x",
                                                 NULL};

    for (size_t left = below(fuzzer, 6); left > 0; left--)
        strbuf_append_format(out, "%s\r\n", pick_of_two(fuzzer, fields, strange_fields, 40));
    if (below(fuzzer, 200) == 0) {
        for (size_t left = below(fuzzer, 120); left > 0; left--)
            strbuf_append_format(out, "X-%zu: %zu\r\n", left, below(fuzzer, 1000));
    }
    if (below(fuzzer, 500) == 0) {
        strbuf_append_text(out, "X-Long: ");
        for (size_t left = below(fuzzer, 17000); left > 0; left--)
            strbuf_append_char(out, 'x');
        strbuf_append_text(out, "\r\n");
    }
}

/* Changes, drops or repeats some of the bytes from `start` on. */
static void mutate(struct fuzzer *fuzzer, struct strbuf *out, size_t start)
{
    static const char strange[] = {'\0', '\r', '\n', ' ', '\t', ':', '\x7f', '\x80', '\xff', '%', '/', ','};

    for (size_t left = 1 + below(fuzzer, 3); left > 0 && out->length > start; left--) {
        size_t at = start + below(fuzzer, out->length - start);

        switch (below(fuzzer, 4)) {
        case 0:
            out->data[at] = strange[below(fuzzer, sizeof(strange))];
            break;
        case 1:
            out->data[at] = (char)below(fuzzer, 256);
            break;
        case 2:
            memmove(out->data + at, out->data + at + 1, out->length - at - 1);
            strbuf_truncate(out, out->length - 1);
            break;
        default:
            strbuf_append(out, strange, 1 + below(fuzzer, 3));
            break;
        }
    }
}

static void append_request(struct fuzzer *fuzzer, struct strbuf *out)
{
    size_t start = out->length;

    if (below(fuzzer, 100) == 0) {
        for (size_t left = below(fuzzer, 200); left > 0; left--)
            strbuf_append_char(out, (char)below(fuzzer, 256));
        return;
    }
    append_head(fuzzer, out);
    append_fields(fuzzer, out);
    strbuf_append_text(out, "\r\n");
    if (below(fuzzer, 100) == 0)
        strbuf_append_text(out, "a=b&c");
    if (below(fuzzer, 30) == 0)
        mutate(fuzzer, out, start);
}

/* Sends what fits and reads what comes until the server closes. */
static void exchange(struct http_client *client, const struct strbuf *batch)
{
    struct pollfd poll_fd = {.fd = client->fd};
    size_t sent = 0;
    bool open = true;

    while (open) {
        char bytes[65536];
        ssize_t moved;

        poll_fd.events = sent < batch->length ? POLLIN | POLLOUT : POLLIN;
        if (poll(&poll_fd, 1, PATIENCE_MS) != 1)
            fail_msg("the server neither answers nor closes");
        if ((poll_fd.revents & POLLOUT) != 0) {
            moved = send(client->fd, batch->data + sent, batch->length - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
            sent = moved < 0 ? batch->length : sent + (size_t)moved; /* a closed peer takes no more */
        }
        if ((poll_fd.revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
            moved = recv(client->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
            if (moved > 0)
                strbuf_append(&client->received, bytes, (size_t)moved);
            open = moved > 0 || (moved < 0 && errno == EAGAIN);
        }
    }
}

static bool status_known(long status)
{
    static const long statuses[] = {200, 202, 303, 304, 400, 401, 403, 404, 405, 409, 411, 413, 505};

    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        if (statuses[i] == status)
            return true;
    }
    return false;
}

/* The end of the response at `text`; NULL when it is cut off, as a reset connection may do. */
static const char *response_end(const char *text, const char *end, long *status)
{
    const char *body = memmem(text, (size_t)(end - text), "\r\n\r\n", 4);
    const char *length = memmem(text, (size_t)(end - text), "\r\nContent-Length: ", 18);
    size_t size;

    if (body == NULL)
        return NULL;
    assert_memory_equal(text, "HTTP/1.1 ", 9);
    *status = strtol(text + 9, NULL, 10);
    assert_true(status_known(*status));
    if (*status == 304)
        return body + 4; /* no body, and not its length */
    assert_true(length != NULL && length < body);
    size = strtoul(length + 18, NULL, 10);
    body += 4;
    if (end - body < 9 || memcmp(body, "HTTP/1.1 ", 9) == 0) /* to HEAD: no body */
        return (size_t)(end - body) >= size && (size_t)(end - body) < 9 ? body + size : body;
    return (size_t)(end - body) >= size ? body + size : NULL;
}

static void judge(struct fuzzer *fuzzer, const struct strbuf *received)
{
    const char *text = received->data;
    const char *end = text == NULL ? NULL : text + received->length;
    long status;

    while (text != NULL && text < end) {
        text = response_end(text, end, &status);
        fuzzer->responses += text != NULL;
        fuzzer->refused += text != NULL && status >= 400;
    }
}

/* Neither side keeps the connection in mind: the ports would not suffice. */
static void forget(struct http_client *client)
{
    struct linger reset = {.l_onoff = 1, .l_linger = 0};

    setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    client_close(client);
}

static void run_batch(struct fuzzer *fuzzer)
{
    struct http_client client;
    struct strbuf batch;

    strbuf_init(&batch, 0);
    for (size_t left = 1 + below(fuzzer, BATCH_MAX); left > 0 && batch.length < BATCH_SIZE_MAX; left--) {
        append_request(fuzzer, &batch);
        fuzzer->sent++;
    }
    strbuf_append_text(&batch, "GET /-/healthy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    client_open(&client, fuzzer->port, 0);
    exchange(&client, &batch);
    judge(fuzzer, &client.received);
    forget(&client);
    strbuf_release(&batch);
}

static int64_t number_from(const char *variable, int64_t otherwise)
{
    const char *text = getenv(variable);
    int64_t number;

    return text != NULL && text_parse_int(text, 1, INT64_MAX, &number) ? number : otherwise;
}

static void assert_serves(int port)
{
    struct http_answer answer;

    fetch(port, "GET", "/-/healthy", "", &answer);
    assert_int_equal(answer.status, 200);
    answer_release(&answer);
}

static void test_no_request_breaks_the_server(void **state)
{
    uint64_t wanted = (uint64_t)number_from("FUZZ_REQUESTS", REQUESTS_DEFAULT);
    uint64_t seed = (uint64_t)number_from("FUZZ_SEED", clock_now());
    struct fuzzer fuzzer = {.state = seed};
    struct web_config web = fake_web("127.0.0.1:0");
    struct server *server;
    struct fake fake;
    int64_t started;

    (void)state;
    print_message("FUZZ_SEED=%llu\n", (unsigned long long)seed);
    fake_init(&fake, 300);
    web.admin_token = "0123456789abcdef";
    server = server_start(&web, &fake.providers, NULL);
    assert_non_null(server);
    fuzzer.port = server_port(server);
    started = clock_now();
    while (fuzzer.responses < wanted)
        run_batch(&fuzzer);
    print_message("%llu requests, %llu responses, %llu of them 4xx or 5xx, in %.1f s\n",
                  (unsigned long long)fuzzer.sent, (unsigned long long)fuzzer.responses,
                  (unsigned long long)fuzzer.refused,
                  (double)(clock_now() - started) / (double)NS_PER_SECOND);
    assert_serves(fuzzer.port);
    server_stop(server);
    fake_release(&fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_request_breaks_the_server),
    };
    int failed;

    if (!server_global_init(NULL))
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    server_global_release();
    return failed;
}
