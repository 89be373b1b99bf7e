/* What the simulator remembers of a target: an instance, or a node of a cluster.
 */
#ifndef DAS_SIM_TARGET_H
#define DAS_SIM_TARGET_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct target {
    char *name; /* InstanceId/NodeId, the NodeId empty for rm- instances */
    uint64_t submits;
    uint64_t polls;
    uint64_t throttled;
    uint64_t delivered;
    uint64_t replies; /* ever, of the fault flaky */
};

struct target_table {
    void *tree; /* tsearch(3), by name */
};

/* The name a target has after the rules: the NodeId of an rm- instance is ignored, a
 * pc- cluster without one means its primary pi-REST. The caller frees it. */
char *target_name(const char *instance_id, const char *node_id);
/* Never NULL. */
struct target *target_table_get(struct target_table *table, const char *name);
/* {"rm-test1/": {"submits": …}, …} */
json_t *target_table_report(const struct target_table *table);
/* Zeroes the statistics and keeps what faults need. */
void target_table_reset(struct target_table *table);
void target_table_release(struct target_table *table);

#endif
