/*
 * The pages: from a request to a response, pure but for what the providers read. Knows no
 * sockets; the server in server.h is the only file that knows CivetWeb.
 */
#ifndef HTTP_PAGES_H
#define HTTP_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/strbuf.h"
#include "metrics/snapshot.h"

struct access; /* who may ask: see access.h */
struct semaphore;

/* A request; texts are borrowed. Headers are NULL when absent. */
struct page_request {
    const char *method; /* "GET" */
    const char *path;   /* below the route prefix, see mount_below(); percent-encoded paths match no page */
    const char *external_path; /* that which paths in the answer begin with; NULL or "": nothing */
    const char *entrance;      /* likewise, of a redirect for MOUNT_ENTRANCE */
    const char *query;         /* raw, without '?'; NULL: none */
    const char *accept;
    const char *accept_encoding;
    const char *accept_language;
    const char *host; /* may be in authority: such a request is not copied */
    char authority[256];
    const char *origin;         /* set by browsers on requests that change something */
    const char *sec_fetch_site; /* likewise: how the asking web page is related to us */
    const char *authorization;
    const char *if_none_match;
    const char *defect;    /* why it cannot be trusted to mean what it says; NULL: it can */
    struct access *access; /* judges authorization; NULL: everybody may read */
    uint64_t client;       /* see client_of_text() */
    const char *content_type;
    const char *content_length; /* NULL also with a Transfer-Encoding or a second one */
    const char *form;           /* the body that form_length() allows, once read; NULL: none */
    bool has_body;              /* Content-Length other than 0, or any Transfer-Encoding */
    bool from_loopback;         /* the peer is on this machine and forwards for nobody else */
    struct semaphore *turns;    /* for pages that take long to make; NULL: there are always some */
    bool may_wait;              /* false: too many requests wait already, ?wait is not honoured */
};

/* A response; it must not be moved or copied: parts may point into it. */
struct page_response {
    int status;
    const char *content_type;
    const char *allow;                 /* for 405 and OPTIONS; NULL: no such header */
    const char *vary;                  /* the request headers that the answer depends on; likewise */
    const char *authenticate;          /* for 401; NULL: no such header */
    const char *etag;                  /* NULL: not to be kept anywhere, otherwise to be asked for again */
    int retry_after;                   /* seconds; 0: no such header */
    bool gzip;                         /* Content-Encoding: gzip */
    bool close;                        /* the connection cannot be used again: an unread body is on it */
    struct strbuf body;                /* used when snapshot is NULL */
    struct snapshot *snapshot;         /* a reference owned by the response */
    const struct snapshot_part *parts; /* the body's pieces in order */
    size_t part_count;
    size_t length;              /* of the whole body */
    char location[192];         /* for 302 and 303; "": no such header */
    struct snapshot_part whole; /* what parts points to when the body is one piece */
};

struct providers; /* what the pages show and trigger: see providers.h */

/*
 * Fills *response, to be released in any case. HEAD is answered like GET: the caller leaves the
 * body out. Any thread; blocks for POST /refresh?wait, for
 * a password's and a page's turn, and for the status. Memory trouble is a 503.
 */
void pages_answer(const struct page_request *request, const struct providers *providers,
                  struct page_response *response);

/* Fills *response with a 503 for a request that could not be looked at. Never fails. */
void pages_unavailable(struct page_response *response);

void page_response_release(struct page_response *response);

#endif
