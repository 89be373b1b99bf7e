/* One table describes every option: for the command line, for --help, and for
 * POST /control, which may change those marked run_time. */
#ifndef DAS_SIM_OPTIONS_H
#define DAS_SIM_OPTIONS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { OUTAGE_HANG = -1 };

/* The values of an option that may be repeated, in order. */
struct text_list {
    const char **at;
    size_t count;
};

struct options {
    /* Durations in microseconds, sizes in bytes. */
    int64_t quota;
    int64_t window;
    int64_t completion_median;
    double completion_sigma;
    int64_t rtt;
    int64_t jitter;
    double slow_call_fraction;
    int64_t slow_call_delay;
    double foreign_rate;
    int64_t result_lifetime;
    int64_t clock_tolerance;
    int64_t huge_size;
    int64_t users;
    int64_t clients;
    int64_t session_list;
    int64_t generation;
    int64_t retry_after;
    int64_t deny_for;
    int64_t seed;
    int64_t token_lifetime; /* 0: what each kind of credentials has by itself */
    int64_t token_size;
    int64_t role_max_duration;
    int64_t imds_hardened;
    int64_t imds_token_404;
    double imds_renew_at;
    /* 0: none; OUTAGE_HANG; or the HTTP status of every answer. */
    int64_t sts_down;
    int64_t imds_down;
    int64_t credentials_down;
    int64_t sts_hang;
    /* Borrowed from argv. */
    const char *listen;
    const char *accounts_file;
    const char *tls_cert;
    const char *tls_key;
    const char *tls_max_version;
    const char *log;
    const char *imds_listen;
    const char *imds_role;
    const char *oidc_token;
    struct text_list accounts;
    struct text_list roles;
};

enum options_verdict { OPTIONS_RUN, OPTIONS_HELP, OPTIONS_WRONG };

/* Fills in defaults, then the command line. Complains on stderr itself. */
enum options_verdict options_parse(struct options *options, int argc, char **argv);
void options_release(struct options *options);

/* True when name is a numeric option that /control may change. */
bool options_is_run_time(const char *name);
/* Sets one numeric option from text; false when it does not fit. */
bool options_set(struct options *options, const char *name, const char *text);
/* Adds every run-time option to object: durations in seconds. */
void options_report(const struct options *options, json_t *object);

#endif
