/* GetMySQLAllSessionAsync: submit, poll, and the body of either reply. */
#ifndef DAS_SIM_OPERATION_H
#define DAS_SIM_OPERATION_H

#include <jansson.h>
#include <stdbool.h>

struct call;

#define OPERATION_ACTION  "GetMySQLAllSessionAsync"
#define OPERATION_VERSION "2020-01-16"

/* Finds the phase, the instance and the node in the parameters. */
void operation_read_params(struct call *call);
/* Answers a call that is authentic and within the quota. */
void operation_answer(struct call *call);

/* For faults: wraps Data into the reply's top level; takes over data. NULL stands for null. */
json_t *operation_envelope(struct call *call, json_t *data);

#endif
