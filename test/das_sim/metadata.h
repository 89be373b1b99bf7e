/* The metadata server of an ECS instance with a RAM role, and, on the same listener, a credentials URI:
 *   PUT /latest/api/token
 *   GET /latest/meta-data/ram/security-credentials/[ROLE]
 *   GET /credentials?uid=UID */
#ifndef DAS_SIM_METADATA_H
#define DAS_SIM_METADATA_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct account;
struct call;
struct sim;

struct metadata {
    char *role; /* NULL: the instance has none */
    struct account *account;
    uint64_t token_salt; /* the metadata tokens made with another are unknown */
    char *current_id;    /* the access key of the role that was last handed out; NULL: none */
    uint64_t current_since_us;
    /* Statistics. */
    json_t *requests; /* kind → requests */
    json_t *outcomes;
};

void metadata_init(struct metadata *metadata);
void metadata_release(struct metadata *metadata);
/* NAME:UID. False when malformed. */
bool metadata_set_role(struct sim *sim, const char *text);
/* Answers a request, and counts it. */
void metadata_answer(struct call *call);
/* No metadata token given out until now is valid any more. */
void metadata_forget_tokens(struct metadata *metadata);
json_t *metadata_report(const struct metadata *metadata);
void metadata_reset(struct metadata *metadata);

#endif
