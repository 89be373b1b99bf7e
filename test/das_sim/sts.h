/* STS, version 2015-04-01, at POST / like DAS: AssumeRole and AssumeRoleWithOIDC. */
#ifndef DAS_SIM_STS_H
#define DAS_SIM_STS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "role.h"
#include "window.h"

struct call;

#define STS_VERSION "2015-04-01"

struct sts {
    struct role_list roles;
    char *oidc_token;  /* the one that is valid; NULL: none */
    int64_t deny_next; /* calls still to deny */
    /* Statistics. */
    struct window second;
    uint64_t calls;
    uint64_t worst_second; /* most calls in any second */
    json_t *actions;       /* Action → calls */
    json_t *outcomes;      /* Code or "issued" → calls */
    json_t *callers;       /* uid whose key signed → calls */
};

void sts_init(struct sts *sts, const char *oidc_token);
void sts_release(struct sts *sts);
/* Whether a request to POST / is for STS: it has no Authorization, and its query says so. */
bool sts_is_meant(const struct call *call);
/* Whether its body is of the type that STS reads parameters from. */
bool sts_reads_form(const struct call *call);
/* Answers a call, and counts it. */
void sts_answer(struct call *call);
json_t *sts_report(const struct sts *sts);
void sts_reset(struct sts *sts);

/* The two actions: they make the reply. */
void sts_assume_role(struct call *call);
void sts_assume_role_with_oidc(struct call *call);

#endif
