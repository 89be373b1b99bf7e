/*
 * The embedded HTTP server: the only module that knows CivetWeb.
 *
 * Requests are answered on CivetWeb's own threads, which take no signals; each connection has one.
 * A client that reads slowly is cut off a few seconds after its response began; one that sends
 * slowly, or is silent, after two. Nobody gets more than half of the threads.
 */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include <stdbool.h>

#include "config/config.h"
#include "core/error.h"
#include "http/providers.h"
#include "http/web_settings.h"
#include "metrics/self_metrics.h"

struct server;

/* Once per process, before any thread starts, and at its end. */
bool server_global_init(struct error *error);
void server_global_release(void);

/*
 * Listens on every address of web->listen (port 0: chosen by the system) and answers from then
 * on. providers outlives the server, web need not. NULL with *error, which names what is wrong
 * with the settings, or the address that could not be bound and why.
 */
struct server *server_start(const struct web_config *web, const struct providers *providers,
                            struct error *error);

/*
 * Puts other settings in force for the next connections and requests, and takes them over. Their
 * addresses are those that the server was started with. Any thread.
 */
void server_adopt(struct server *server, struct web_settings *settings);

/* The first bound port, in host order. */
int server_port(const struct server *server);

/* How many wrong passwords and tokens came so far. Any thread. */
void server_auth_failures(const struct server *server, uint64_t counts[AUTH_KIND_COUNT]);

/* Who waits for a turn, to have a page made or a password checked, is refused at once. NULL is allowed. */
void server_stop_soon(struct server *server);

/*
 * Stops listening, ends the threads. Waits for handlers under way, so providers->refresh must
 * not go on waiting once the program stops; else at most about 2 s. One thread, not a handler.
 */
void server_stop(struct server *server); /* NULL is allowed */

#endif
