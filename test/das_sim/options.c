#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

enum kind { KIND_COUNT, KIND_NUMBER, KIND_DURATION, KIND_SIZE, KIND_OUTAGE, KIND_TEXT, KIND_LIST };

struct row {
    const char *name;
    enum kind kind;
    bool run_time;
    size_t offset;
    double least;
    double most;
    const char *initial;
    const char *help;
};

#define FIELD(name) offsetof(struct options, name)
#define DAY         86400e6

static const struct row table[] = {
    {"listen", KIND_TEXT, false, FIELD(listen), 0, 0, "127.0.0.1:0",
     "loopback address and port; port 0 lets the system choose"},
    {"account", KIND_LIST, false, FIELD(accounts), 0, 0, NULL,
     "UID:ACCESS_KEY_ID:SECRET[:SECURITY_TOKEN], repeatable; keys may share a UID"},
    {"accounts-file", KIND_TEXT, false, FIELD(accounts_file), 0, 0, NULL,
     "file of such lines; empty lines and # comments are skipped"},
    {"quota", KIND_COUNT, true, FIELD(quota), 0, 1e9, "60", "calls that one UID may make in any window"},
    {"window", KIND_DURATION, true, FIELD(window), 1e3, DAY, "1s", "length of that window"},
    {"completion-median", KIND_DURATION, true, FIELD(completion_median), 0, DAY, "1s",
     "median time until a result is finished (log-normal)"},
    {"completion-sigma", KIND_NUMBER, true, FIELD(completion_sigma), 0, 10, "0.5",
     "shape of that distribution; 0 makes every time the median"},
    {"rtt", KIND_DURATION, true, FIELD(rtt), 0, DAY, "50ms",
     "delay of a call; half before it is counted, half before the reply"},
    {"jitter", KIND_DURATION, true, FIELD(jitter), 0, DAY, "20ms",
     "uniform, plus or minus, added to rtt; never below 0 in all"},
    {"slow-call-fraction", KIND_NUMBER, true, FIELD(slow_call_fraction), 0, 1, "0.05",
     "share of the calls that take slow-call-delay longer"},
    {"slow-call-delay", KIND_DURATION, true, FIELD(slow_call_delay), 0, DAY, "3s", "that delay"},
    {"foreign-rate", KIND_NUMBER, true, FIELD(foreign_rate), 0, 1e5, "30",
     "calls per second of another tool on each UID, evenly spaced"},
    {"result-lifetime", KIND_DURATION, true, FIELD(result_lifetime), 0, DAY, "300s",
     "age at which a ResultId is forgotten"},
    {"clock-tolerance", KIND_DURATION, true, FIELD(clock_tolerance), 0, DAY, "15m",
     "allowed difference between x-acs-date and our clock"},
    {"huge-size", KIND_SIZE, true, FIELD(huge_size), 1, 1e12, "20MiB",
     "bytes of SessionList in a reply of a rm-huge- instance"},
    {"users", KIND_COUNT, true, FIELD(users), 1, 1e5, "6", "database users of each instance"},
    {"clients", KIND_COUNT, true, FIELD(clients), 1, 60000, "5", "client addresses of each instance"},
    {"session-list", KIND_COUNT, true, FIELD(session_list), 0, 1e6, "40",
     "most entries of SessionList; the counts are not affected"},
    {"generation", KIND_COUNT, true, FIELD(generation), 0, 1e15, "0",
     "number that goes into the formula of the session counts"},
    {"retry-after", KIND_COUNT, true, FIELD(retry_after), 0, 1e9, "0",
     "x-acs-retry-after of throttled replies in ms; 0 sends none"},
    {"deny-for", KIND_DURATION, true, FIELD(deny_for), 0, DAY, "60s",
     "how long the control deny-uid denies the calls of a UID"},
    {"seed", KIND_COUNT, false, FIELD(seed), 0, 1e15, "1", "seed of every random choice"},
    {"tls-cert", KIND_TEXT, false, FIELD(tls_cert), 0, 0, NULL, "PEM certificate chain: serve https"},
    {"tls-key", KIND_TEXT, false, FIELD(tls_key), 0, 0, NULL, "PEM private key of it"},
    {"tls-max-version", KIND_TEXT, false, FIELD(tls_max_version), 0, 0, "1.3",
     "1.1, 1.2 or 1.3; with 1.1 the ciphers of security level 0 are allowed"},
    {"log", KIND_TEXT, false, FIELD(log), 0, 0, NULL,
     "one line per call: seconds, uid, phase, instance, node, outcome"},
    {"role", KIND_LIST, false, FIELD(roles), 0, 0, NULL,
     "acs:ram::UID:role/NAME[:EXTERNAL_ID], repeatable: a role that STS knows"},
    {"role-max-duration", KIND_DURATION, true, FIELD(role_max_duration), 900e6, DAY, "1h",
     "largest DurationSeconds of every role"},
    {"oidc-token", KIND_TEXT, false, FIELD(oidc_token), 0, 0, NULL,
     "the OIDCToken that AssumeRoleWithOIDC accepts"},
    {"token-lifetime", KIND_DURATION, true, FIELD(token_lifetime), 0, DAY, "0",
     "of everything issued; 0: DurationSeconds, else 3600s"},
    {"token-size", KIND_COUNT, true, FIELD(token_size), 16, 1e6, "1500", "characters of a security token"},
    {"sts-down", KIND_OUTAGE, true, FIELD(sts_down), 0, 0, "0",
     "hang, or the HTTP status that STS answers; 1: 503; 0: none"},
    {"sts-hang", KIND_COUNT, true, FIELD(sts_hang), 0, 1, "0", "1: STS never answers"},
    {"imds-listen", KIND_TEXT, false, FIELD(imds_listen), 0, 0, NULL,
     "loopback address of the metadata server and the credentials URI"},
    {"imds-role", KIND_TEXT, false, FIELD(imds_role), 0, 0, NULL, "NAME:UID, the role of the instance"},
    {"imds-hardened", KIND_COUNT, true, FIELD(imds_hardened), 0, 1, "1",
     "1: the metadata are refused to requests without a metadata token"},
    {"imds-token-404", KIND_COUNT, true, FIELD(imds_token_404), 0, 1, "0",
     "1: an old metadata server, which knows no tokens"},
    {"imds-renew-at", KIND_NUMBER, true, FIELD(imds_renew_at), 0, 1, "0",
     "share of their life after which the metadata have new credentials; 0: always"},
    {"imds-down", KIND_OUTAGE, true, FIELD(imds_down), 0, 0, "0", "as sts-down, of the metadata server"},
    {"credentials-down", KIND_OUTAGE, true, FIELD(credentials_down), 0, 0, "0",
     "as sts-down, of the credentials URI"},
};

enum { ROWS = sizeof(table) / sizeof(table[0]) };

struct unit {
    const char *name;
    double factor;
};

static const struct unit durations[] = {{"us", 1},   {"ms", 1e3},   {"s", 1e6},
                                        {"m", 60e6}, {"h", 3600e6}, {NULL, 0}};
static const struct unit sizes[] = {{"", 1}, {"KiB", 1024}, {"MiB", 1048576}, {"GiB", 1073741824}, {NULL, 0}};
static const struct unit numbers[] = {{"", 1}, {NULL, 0}};

static const struct row *find_row(const char *name)
{
    for (size_t i = 0; i < ROWS; i++) {
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    }
    return NULL;
}

static bool is_numeric(const struct row *row)
{
    return row->kind != KIND_TEXT && row->kind != KIND_LIST;
}

static const struct unit *units_of(enum kind kind)
{
    if (kind == KIND_DURATION)
        return durations;
    return kind == KIND_SIZE ? sizes : numbers;
}

/* A decimal number and a unit; "0" needs none. */
static bool parse_amount(const struct row *row, const char *text, double *out)
{
    char *end = NULL;
    double amount;

    *out = 0;
    if (text[0] < '0' || text[0] > '9')
        return false;
    errno = 0;
    amount = strtod(text, &end);
    if (errno != 0 || (row->kind == KIND_COUNT && amount != floor(amount)))
        return false;
    for (const struct unit *unit = units_of(row->kind); unit->name != NULL; unit++) {
        bool fits = strcmp(unit->name, end) == 0 || (amount == 0 && *end == '\0');

        if (fits) {
            *out = amount * unit->factor;
            return *out >= row->least && *out <= row->most;
        }
    }
    return false;
}

/* What a client must never take for an answer: 300 to 599. */
static bool parse_outage(const char *text, double *out)
{
    char *end = NULL;

    if (strcmp(text, "hang") == 0) {
        *out = OUTAGE_HANG;
        return true;
    }
    *out = (double)strtol(text, &end, 10);
    if (end == text || *end != '\0')
        return false;
    if (*out == 1)
        *out = 503;
    return *out == 0 || (*out >= 300 && *out <= 599);
}

static bool set_number(struct options *options, const struct row *row, const char *text)
{
    char *field = (char *)options + row->offset;
    double amount;

    if (!(row->kind == KIND_OUTAGE ? parse_outage(text, &amount) : parse_amount(row, text, &amount)))
        return false;
    if (row->kind == KIND_NUMBER) {
        memcpy(field, &amount, sizeof(amount));
    } else {
        int64_t whole = llround(amount);

        memcpy(field, &whole, sizeof(whole));
    }
    return true;
}

bool options_is_run_time(const char *name)
{
    const struct row *row = find_row(name);

    return row != NULL && row->run_time;
}

bool options_set(struct options *options, const char *name, const char *text)
{
    const struct row *row = find_row(name);

    return row != NULL && is_numeric(row) && set_number(options, row, text);
}

void options_report(const struct options *options, json_t *object)
{
    for (size_t i = 0; i < ROWS; i++) {
        const char *field = (const char *)options + table[i].offset;
        double number;
        int64_t whole;

        if (!table[i].run_time)
            continue;
        memcpy(&number, field, sizeof(number));
        memcpy(&whole, field, sizeof(whole));
        if (table[i].kind == KIND_NUMBER)
            (void)json_object_set_new(object, table[i].name, json_real(number));
        else if (table[i].kind == KIND_DURATION)
            (void)json_object_set_new(object, table[i].name, json_real((double)whole / 1e6));
        else if (table[i].kind == KIND_OUTAGE && whole == OUTAGE_HANG)
            (void)json_object_set_new(object, table[i].name, json_string("hang"));
        else
            (void)json_object_set_new(object, table[i].name, json_integer(whole));
    }
}

static void print_help(void)
{
    (void)puts("das_sim: a stand-in for Alibaba Cloud DAS (GetMySQLAllSessionAsync) on loopback\n\n"
               "usage: das_sim --account UID:ACCESS_KEY_ID:SECRET [options]\n\n"
               "The first line on stdout is the address it listens on. Faults are chosen by the\n"
               "instance id (rm-html-1), options marked * can be changed with POST /control,\n"
               "and GET /stats tells what was seen; see README.md.\n");
    for (size_t i = 0; i < ROWS; i++) {
        const struct row *row = &table[i];

        (void)printf("  %c --%-19s %s", row->run_time ? '*' : ' ', row->name, row->help);
        if (row->initial != NULL)
            (void)printf(" [%s]", row->initial);
        (void)putchar('\n');
    }
    (void)puts("    --help                this text\n\n"
               "Durations: 500us 50ms 1s 5m 1h; sizes: 1048576 512KiB 20MiB 1GiB.\n\n"
               "example: das_sim --listen 127.0.0.1:9900 --account 1000000000000001:testak:testsecret \\\n"
               "             --quota 60 --completion-median 800ms --foreign-rate 0");
}

static bool accept_value(struct options *options, const struct row *row, const char *text)
{
    char *field = (char *)options + row->offset;

    if (row->kind == KIND_LIST) {
        struct text_list *list = (struct text_list *)(void *)field;

        list->at = xrealloc(list->at, list->count + 1, sizeof(*list->at));
        list->at[list->count++] = text;
        return true;
    }
    if (row->kind == KIND_TEXT) {
        memcpy(field, &text, sizeof(text));
        return true;
    }
    if (set_number(options, row, text))
        return true;
    (void)fprintf(stderr, "das_sim: --%s: \"%s\" is not accepted (%s)\n", row->name, text, row->help);
    return false;
}

static enum options_verdict parse_arguments(struct options *options, int argc, char **argv)
{
    struct option names[ROWS + 2] = {0};
    int choice;

    for (int i = 0; i < ROWS; i++)
        names[i] = (struct option){table[i].name, required_argument, NULL, 256 + i};
    names[ROWS] = (struct option){"help", no_argument, NULL, 'h'};
    while ((choice = getopt_long(argc, argv, "h", names, NULL)) != -1) {
        if (choice == 'h')
            return OPTIONS_HELP;
        if (choice < 256 || !accept_value(options, &table[choice - 256], optarg))
            return OPTIONS_WRONG;
    }
    if (optind < argc) {
        (void)fprintf(stderr, "das_sim: unexpected argument \"%s\"\n", argv[optind]);
        return OPTIONS_WRONG;
    }
    if ((options->tls_cert == NULL) != (options->tls_key == NULL)) {
        (void)fputs("das_sim: --tls-cert and --tls-key go together\n", stderr);
        return OPTIONS_WRONG;
    }
    return OPTIONS_RUN;
}

enum options_verdict options_parse(struct options *options, int argc, char **argv)
{
    enum options_verdict verdict;

    *options = (struct options){0};
    for (size_t i = 0; i < ROWS; i++) {
        if (table[i].initial != NULL && !accept_value(options, &table[i], table[i].initial))
            return OPTIONS_WRONG;
    }
    verdict = parse_arguments(options, argc, argv);
    if (verdict == OPTIONS_HELP)
        print_help();
    return verdict;
}

void options_release(struct options *options)
{
    free(options->accounts.at);
    free(options->roles.at);
    *options = (struct options){0};
}
