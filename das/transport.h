/*
 * HTTP for one thread: one libcurl connection cache, keep-alive, one request at a time.
 *
 * TLS peers are always verified (TLS 1.2 or newer); there is no switch. Plain http is accepted
 * for loopback hosts only, and for one host that a request may name. Redirects are not followed,
 * proxies only as the request says, never for loopback. One transport_send() sends one request at
 * most.
 */
#ifndef DAS_TRANSPORT_H
#define DAS_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/error.h"
#include "core/strbuf.h"

struct transport;

struct transport_settings {
    int64_t connect_timeout;   /* ns */
    int64_t timeout;           /* ns, whole request */
    int64_t max_response_size; /* bytes of headers, and of the body after decoding */
    const char *ca_file;       /* "": the system's; else these authorities and no others */
    unsigned parts;            /* enum das_part: what das/elide keeps */
};

/* The largest body that is kept after das/elide; a larger one is ERROR_TOO_LARGE. */
#define TRANSPORT_BODY_MAX ((size_t)16 << 20)

enum transport_method { TRANSPORT_GET, TRANSPORT_PUT, TRANSPORT_POST };

/* Borrowed for the time of the call. What is not set has its default. */
struct transport_request {
    enum transport_method method;
    const char *url;
    const char *header_lines;    /* separated by '\n'; "" for none */
    const char *form;            /* the body, sent as a form; NULL: none. Not for a GET */
    int64_t timeout;             /* ns; shortens the transport's limits; 0: those */
    size_t whole_body_max;       /* > 0: the body is kept as it came, up to so many bytes */
    const char *plain_http_host; /* may be reached without TLS although it is no loopback; NULL: none */
    const char *proxy;           /* NULL, "environment": as https_proxy and no_proxy say; "": none */
    bool is_das;                 /* errors name the keys of [das] to look at */
};

/* What came back. The body is what das/elide left of it, unless it was to be kept whole. */
struct transport_response {
    long http_status;       /* 0: none */
    int64_t retry_after_ms; /* x-acs-retry-after; -1: absent */
    int64_t server_unix_ms; /* the Date header; 0: absent */
    size_t received;        /* body bytes after decoding, before das/elide */
    int64_t duration;       /* ns */
    bool attempted;         /* false: given up before anything could reach the server */
    bool answered;          /* false: sent, and no byte came back: the server may still get and count it */
    struct strbuf body;
};

void transport_response_init(struct transport_response *response);

/* Frees; the body is overwritten first, for it may hold keys. */
void transport_response_release(struct transport_response *response);

/*
 * Once per process, before any thread starts, and at its end. The process ignores or blocks
 * SIGPIPE. Called by das_global_init().
 */
bool transport_global_init(struct error *error);
void transport_global_release(void);

/* An endpoint in the parts that a request needs. */
struct transport_endpoint {
    struct strbuf url;  /* with a path of "/", to which "?query" is appended */
    struct strbuf host; /* for the Host header: with a port when it is not the default */
};

void transport_endpoint_init(struct transport_endpoint *parts);
void transport_endpoint_release(struct transport_endpoint *parts);

/*
 * True when the URL is https with a host and no path, query or user, or http with a loopback
 * host (127.0.0.0/8, ::1, localhost). Otherwise *error says what was expected. Pure.
 */
bool transport_check_endpoint(const char *endpoint, struct error *error);

/* The same check, and *parts (initialised; earlier content is dropped) filled on success. */
bool transport_split_endpoint(const char *endpoint, struct transport_endpoint *parts, struct error *error);

/* False with *error, without the text itself, when it cannot be a request's proxy. Pure. */
bool transport_check_proxy(const char *proxy, struct error *error);

/* NULL with *error. Settings are copied. The object belongs to one thread. */
struct transport *transport_new(const struct transport_settings *settings, struct error *error);
void transport_free(struct transport *transport); /* NULL is allowed */

/*
 * Takes effect at the next request. False when memory runs out: the old settings stay. The
 * owning thread.
 */
bool transport_configure(struct transport *transport, const struct transport_settings *settings);

/*
 * Sends one request. Blocks until the answer, the time limit or transport_abort(). True when an
 * HTTP answer of any status arrived whole; otherwise *error (ERROR_TRANSIENT, ERROR_TOO_LARGE,
 * ERROR_NO_MEMORY, ERROR_CONFIG for a URL or ca_file that cannot be used) says what failed, with
 * the host. The owning thread. The error text never holds a query, a header or a body,
 * and of a proxy only host and port.
 */
bool transport_send(struct transport *transport, const struct transport_request *request,
                    struct transport_response *response, struct error *error);

/* The same for a POST to DAS with an empty body and the given header lines ('\n'-separated). */
bool transport_post(struct transport *transport, const char *url, const char *header_lines,
                    struct transport_response *response, struct error *error);

/*
 * Makes a running and every later request fail soon. Any thread, does not block.
 */
void transport_abort(struct transport *transport);

#endif
