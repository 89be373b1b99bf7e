#include "sts.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "reply.h"
#include "sim.h"
#include "stats.h"

struct action {
    const char *name;
    void (*answer)(struct call *call);
};

static const struct action actions[] = {
    {"AssumeRole", sts_assume_role},
    {"AssumeRoleWithOIDC", sts_assume_role_with_oidc},
};

/* What an action is told; the rest are system parameters. */
static const char *const form_names[] = {"RoleArn", "RoleSessionName", "DurationSeconds", "ExternalId",
                                         "Policy",  "OIDCProviderArn", "OIDCToken"};

void sts_init(struct sts *sts, const char *oidc_token)
{
    *sts = (struct sts){.actions = json_object(), .outcomes = json_object(), .callers = json_object()};
    sts->oidc_token = oidc_token == NULL ? NULL : xstrdup(oidc_token);
}

void sts_release(struct sts *sts)
{
    json_decref(sts->actions);
    json_decref(sts->outcomes);
    json_decref(sts->callers);
    window_release(&sts->second);
    role_list_release(&sts->roles);
    free(sts->oidc_token);
}

static const struct action *find_action(const struct call *call)
{
    const char *name = field_list_get(&call->params, "Action");

    for (size_t i = 0; name != NULL && i < sizeof(actions) / sizeof(actions[0]); i++) {
        if (strcmp(actions[i].name, name) == 0)
            return &actions[i];
    }
    return NULL;
}

bool sts_is_meant(const struct call *call)
{
    const char *version = field_list_get(&call->params, "Version");

    if (field_list_get(&call->headers, "authorization") != NULL)
        return false;
    return find_action(call) != NULL || (version != NULL && strcmp(version, STS_VERSION) == 0);
}

bool sts_reads_form(const struct call *call)
{
    static const char form[] = "application/x-www-form-urlencoded";
    const char *type = field_list_get(&call->headers, "content-type");

    return type != NULL && strncasecmp(type, form, strlen(form)) == 0;
}

static bool is_form_name(const char *name)
{
    for (size_t i = 0; i < sizeof(form_names) / sizeof(form_names[0]); i++) {
        if (strcmp(form_names[i], name) == 0)
            return true;
    }
    return false;
}

/* A secret in a query ends up in the logs of proxies, so its place is checked. */
static bool check_places(struct call *call)
{
    for (size_t i = 0; i < call->params.count; i++) {
        const char *name = call->params.at[i].name;
        bool in_form = i >= call->query_count;

        if (is_form_name(name) != in_form || field_list_count(&call->params, name) != 1) {
            reply_error(call, 400, "InvalidParameter", "%s belongs into the %s, once.", name,
                        in_form ? "query" : "form");
            return false;
        }
    }
    return true;
}

static bool check_system(struct call *call)
{
    const char *version = field_list_get(&call->params, "Version");
    const char *format = field_list_get(&call->params, "Format");

    if (version == NULL || strcmp(version, STS_VERSION) != 0) {
        reply_error(call, 400, "InvalidVersion", "Specified parameter Version is not valid.");
        return false;
    }
    if (format == NULL || strcmp(format, "JSON") != 0) {
        reply_error(call, 400, "InvalidParameter.Format", "Without Format=JSON the reply would be XML.");
        return false;
    }
    return check_places(call);
}

static void answer(struct call *call, const struct action *action)
{
    struct sim *sim = call->sim;

    if (reply_outage(call, sim->options.sts_hang ? OUTAGE_HANG : sim->options.sts_down))
        return;
    if (sim->sts.deny_next > 0) {
        sim->sts.deny_next--;
        reply_throttled(call);
    } else if (action == NULL) {
        reply_error(call, 404, "InvalidAction.NotFound",
                    "Specified api is not found, please check your url and method.");
    } else if (check_system(call)) {
        action->answer(call);
    }
}

void sts_answer(struct call *call)
{
    struct sts *sts = &call->sim->sts;
    const struct action *action = find_action(call);
    const char *name = action == NULL ? "unknown" : action->name;
    uint64_t in_second = window_add(&sts->second, call->arrived_us, 1000000);

    sts->calls++;
    if (in_second > sts->worst_second)
        sts->worst_second = in_second;
    stats_count(sts->actions, name);
    answer(call, action);
    stats_count(sts->outcomes, call->outcome);
    stats_log(call, name, field_list_get(&call->params, "RoleArn"));
}

json_t *sts_report(const struct sts *sts)
{
    json_t *roles = json_object();

    for (size_t i = 0; i < sts->roles.count; i++)
        (void)json_object_set_new(roles, sts->roles.at[i].arn,
                                  json_integer((json_int_t)sts->roles.at[i].assumed));
    return json_pack("{s:I,s:I,s:O,s:O,s:O,s:o}", "calls", (json_int_t)sts->calls, "worst_second",
                     (json_int_t)sts->worst_second, "actions", sts->actions, "outcomes", sts->outcomes,
                     "callers", sts->callers, "roles", roles);
}

void sts_reset(struct sts *sts)
{
    (void)json_object_clear(sts->actions);
    (void)json_object_clear(sts->outcomes);
    (void)json_object_clear(sts->callers);
    for (size_t i = 0; i < sts->roles.count; i++)
        sts->roles.at[i].assumed = 0;
    sts->calls = 0;
    sts->worst_second = 0;
}
