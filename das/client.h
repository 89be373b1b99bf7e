/*
 * The DAS client of one worker: one call = one signed HTTP request. No retries, no sleeping, no
 * waiting for a computation: those are the scheduler's decisions.
 */
#ifndef DAS_CLIENT_H
#define DAS_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "core/credentials.h"
#include "core/error.h"
#include "das/elide.h"
#include "das/reply.h"

struct das_client;

/*
 * Once per process, before any thread starts, and at its end: OpenSSL, libcurl and Jansson
 * have state of their own. The process ignores or blocks SIGPIPE. False with *error.
 */
bool das_global_init(struct error *error);
void das_global_release(void);

/* Borrowed for the call. */
struct das_call {
    const struct credentials *credentials;
    const char *instance_id;
    const char *node_id;   /* "": none */
    const char *result_id; /* "": submit; else poll */
};

/*
 * `parts` is a set of enum das_part: what its replies shall have beside the users. NULL with *error
 * (the endpoint, memory). `config` is copied. Belongs to one worker.
 */
struct das_client *das_client_new(const struct das_config *config, unsigned parts, struct error *error);
void das_client_free(struct das_client *client); /* NULL is allowed */

/*
 * Makes one HTTP request, never two, and fills *reply (initialised; earlier content is dropped).
 * None is made, and reply->duration is 0, when it cannot be signed or the client was aborted.
 * Blocks at most about das.timeout. Every trouble is in reply->error, redacted. Owning thread.
 */
void das_client_call(struct das_client *client, const struct das_call *call, struct das_reply *reply);

/* Makes a running call fail soon, and all later ones at once. Any thread, does not block. */
void das_client_abort(struct das_client *client);

#endif
