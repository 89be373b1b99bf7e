/*
 * The running program: the object graph, what flows between its parts, and its ordered end.
 * Main thread, but for what the parts call on their own threads.
 */
#ifndef APP_RUNTIME_H
#define APP_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>

#include "app/commands/options.h"
#include "config/config.h"
#include "core/error.h"

struct runtime;

/* "0.1.0 (revision abc)" as --version prints it. */
const char *runtime_version(void);

/* Loads the file, lays the command line over it and checks what no table row can. NULL with *error. */
struct config *runtime_load_config(const struct options *options, struct error *error);

/* Once per process around everything else. */
bool runtime_global_init(struct error *error);
void runtime_global_release(void);

/*
 * Builds and starts everything; takes its own reference to config. Call with SIGHUP, SIGINT and
 * SIGTERM blocked. NULL with *error, nothing left running.
 */
struct runtime *runtime_start(const struct options *options, struct config *config, struct error *error);

/* What /-/healthy says: false with the reason in why[size]. */
bool runtime_healthy(struct runtime *runtime, char *why, size_t size);

/* Reloads the configuration, all or nothing; the result is logged and told to who asked by HTTP. */
void runtime_reload(struct runtime *runtime);

/*
 * Stops everything in order, in less than 2 s. False when a thread is still inside a blocking
 * call to MySQL: then nothing was freed, and the process must end without touching it.
 */
bool runtime_stop(struct runtime *runtime);

#endif
