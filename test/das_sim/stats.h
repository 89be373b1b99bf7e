/* What was seen: GET /stats, POST /stats/reset, and the request log. */
#ifndef DAS_SIM_STATS_H
#define DAS_SIM_STATS_H

#include <jansson.h>
#include <stdbool.h>

struct call;
struct sim;

/* The call has its answer: counts the outcome and writes the log line. */
void stats_note(struct call *call);
/* A line of the log by itself: what is the phase, about the instance or whatever took part. */
void stats_log(struct call *call, const char *what, const char *about);
/* One more of that name in an object of counts. */
void stats_count(json_t *counts, const char *name);
json_t *stats_report(struct sim *sim, bool with_instances);
void stats_reset(struct sim *sim);

#endif
