/*
 * What the pages need from the rest of the program, as functions: app/provide.c fills the struct.
 * Every function is called on an HTTP thread and may take a leaf lock for a moment.
 */
#ifndef HTTP_PROVIDERS_H
#define HTTP_PROVIDERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/error.h"
#include "metrics/snapshot.h"
#include "schedule/refresh.h"
#include "schedule/status.h"

struct providers {
    void *context;
    const char *version;
    const char *revision;
    int64_t start_unix_ms;

    /* The page in front, with a reference for the caller. */
    struct snapshot *(*snapshot)(void *context);

    /* Fills *status (initialised) with the state of a moment ago. False when none was ever made. */
    bool (*status)(void *context, struct status *status);

    /* True when the program makes progress; otherwise why not (one line). */
    bool (*healthy)(void *context, char *why, size_t size);

    /* True when there is data to scrape; otherwise what it waits for (one line). */
    bool (*ready)(void *context, char *why, size_t size);

    /*
     * Starts or joins a refresh; then waits up to wait_ns for its end, less when the program
     * stops. Fills *progress when accepted.
     */
    enum refresh_answer (*refresh)(void *context, const struct refresh_filter *filter, int64_t wait_ns,
                                   struct refresh_progress *progress);

    /* Progress of a refresh by id; false when it is unknown. */
    bool (*refresh_progress)(void *context, const char *id, struct refresh_progress *progress);

    /* Reloads the configuration; false with *error and nothing changed. */
    bool (*reload)(void *context, struct error *error);
};

#endif
