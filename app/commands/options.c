#include "app/commands/options.h"

#include <getopt.h>
#include <string.h>

#include "config/table.h"
#include "core/terminal.h"

/* Beside the commands, which are options of their own. */
enum {
    OPTION_CONFIG_FILE = 256,
    OPTION_LISTEN_ADDRESS,
    OPTION_EXTERNAL_URL,
    OPTION_ROUTE_PREFIX,
    OPTION_LOG_LEVEL,
    OPTION_LOG_FORMAT,
};

static const struct option long_options[] = {
    {"config.file", required_argument, NULL, OPTION_CONFIG_FILE},
    {"web.listen-address", required_argument, NULL, OPTION_LISTEN_ADDRESS},
    {"web.external-url", required_argument, NULL, OPTION_EXTERNAL_URL},
    {"web.route-prefix", required_argument, NULL, OPTION_ROUTE_PREFIX},
    {"log.level", required_argument, NULL, OPTION_LOG_LEVEL},
    {"log.format", required_argument, NULL, OPTION_LOG_FORMAT},
    {"check", optional_argument, NULL, COMMAND_CHECK},
    {"encrypt-secret", no_argument, NULL, COMMAND_ENCRYPT_SECRET},
    {"health", no_argument, NULL, COMMAND_HEALTH},
    {"hash-password", required_argument, NULL, COMMAND_HASH_PASSWORD},
    {"version", no_argument, NULL, COMMAND_VERSION},
    {"help", no_argument, NULL, COMMAND_HELP},
    {NULL, 0, NULL, 0},
};

/* As the key of [exporter] is written in the file, into *number. */
static bool take_log_key(const char *option, const char *name, const char *value, int *number,
                         struct error *error)
{
    const struct config_key *key = config_key_find("exporter", name);
    char expected[64];

    for (*number = 0; key->names[*number] != NULL; ++*number) {
        if (strcmp(value, key->names[*number]) == 0)
            return true;
    }
    error_set(error, ERROR_CONFIG, "%s is '%s', expected %s", option, value,
              config_key_expected(key, expected, sizeof(expected)));
    return false;
}

static bool take_command(enum command command, const char *value, struct options *options,
                         struct error *error)
{
    options->command = command;
    if (command == COMMAND_HASH_PASSWORD)
        options->user = value;
    if (command != COMMAND_CHECK)
        return true;
    options->offline = value != NULL && strcmp(value, "offline") == 0;
    if (value == NULL || options->offline)
        return true;
    error_set(error, ERROR_CONFIG, "--check is '%s', expected nothing or offline", value);
    return false;
}

static bool take(int key, const char *value, struct options *options, struct error *error)
{
    int number;

    switch (key) {
    case OPTION_CONFIG_FILE:
        options->config_file = value;
        return true;
    case OPTION_LISTEN_ADDRESS:
        if (options->listen_count < OPTIONS_LISTEN_MAX) {
            options->listen_addresses[options->listen_count++] = value;
            return true;
        }
        error_set(error, ERROR_CONFIG, "--web.listen-address is given more than %d times",
                  OPTIONS_LISTEN_MAX);
        return false;
    case OPTION_EXTERNAL_URL:
        options->external_url = value;
        return true;
    case OPTION_ROUTE_PREFIX:
        options->route_prefix = value;
        return true;
    case OPTION_LOG_LEVEL:
        options->has_log_level = take_log_key("--log.level", "log_level", value, &number, error);
        options->log_level = (enum log_level)number;
        return options->has_log_level;
    case OPTION_LOG_FORMAT:
        options->has_log_format = take_log_key("--log.format", "log_format", value, &number, error);
        options->log_format = (enum log_format)number;
        return options->has_log_format;
    default:
        return take_command((enum command)key, value, options, error);
    }
}

bool options_parse(int argc, char **argv, struct options *options, struct error *error)
{
    int key;

    *options = (struct options){.command = COMMAND_RUN, .config_file = "exporter.ini"};
    opterr = 0;
    optind = 1;
    while ((key = getopt_long(argc, argv, ":", long_options, NULL)) != -1) {
        if (key == ':') {
            error_set(error, ERROR_CONFIG, "%s needs a value", argv[optind - 1]);
            return false;
        }
        if (key == '?') {
            /* Without its value, which may be a secret. */
            error_set(error, ERROR_CONFIG, "%.*s is no option of this program",
                      (int)strcspn(argv[optind - 1], "="), argv[optind - 1]);
            return false;
        }
        if (!take(key, optarg, options, error))
            return false;
    }
    if (optind < argc) {
        error_set(error, ERROR_CONFIG, "'%s' is not expected: options begin with --", argv[optind]);
        return false;
    }
    return true;
}

/* As [web] listen has them. NULL when memory runs out. */
static const char *join_listen_addresses(const struct options *options, struct arena *arena)
{
    struct strbuf listen;
    const char *joined;

    strbuf_init(&listen, 0);
    for (size_t i = 0; i < options->listen_count; i++)
        strbuf_append_format(&listen, "%s%s", i == 0 ? "" : ",", options->listen_addresses[i]);
    joined = strbuf_failed(&listen) ? NULL : arena_strdup(arena, strbuf_text(&listen));
    strbuf_release(&listen);
    return joined;
}

bool options_override(const struct options *options, struct config *config)
{
    if (options->has_log_level)
        config->exporter.log_level = options->log_level;
    if (options->has_log_format)
        config->exporter.log_format = options->log_format;
    if (options->external_url != NULL)
        config->web.external_url = options->external_url;
    if (options->route_prefix != NULL)
        config->web.route_prefix = options->route_prefix;
    if (options->listen_count == 0)
        return true;
    config->web.listen = join_listen_addresses(options, &config->arena);
    return config->web.listen != NULL;
}

void options_print_help(FILE *out)
{
    terminal_own_text(
        out,
        "Usage: mysql_session_exporter [options]\n"
        "\n"
        "Exports the sessions of every database user on Alibaba Cloud RDS MySQL and PolarDB\n"
        "instances to Prometheus, beside each user's connection limit.\n"
        "\n"
        "  --config.file=FILE            configuration, INI format (default exporter.ini)\n"
        "  --web.listen-address=ADDRESS  where to serve, e.g. :10104 (every address), 127.0.0.1:10104 or\n"
        "                                [::1]:10104; may be repeated; overrides [web] listen\n"
        "  --web.external-url=URL        where a proxy in front serves it, e.g. "
        "https://proxy.example/sessions/;\n"
        "                                overrides [web] external_url\n"
        "  --web.route-prefix=PATH       what every requested path begins with (default: the path of\n"
        "                                --web.external-url); / when the proxy takes it off\n"
        "  --log.level=LEVEL             debug, info, warn or error; overrides [exporter] log_level\n"
        "  --log.format=FORMAT           logfmt or json; overrides [exporter] log_format\n"
        "  --check                       validate the configuration, read the inventory, get every\n"
        "                                account's credentials and try them with one call for one target,\n"
        "                                print the accounts with the calls per second they need and the\n"
        "                                time of a full cycle; then exit with 0, or with 1 and the reason.\n"
        "                                With --check=offline nothing is fetched and nobody is called\n"
        "  --encrypt-secret              read an AccessKey secret from standard input and print what\n"
        "                                belongs into the table aliyun_uids; the password is that of the\n"
        "                                variable ENCRYPTION_PASSWORD, else [accounts] encryption_password\n"
        "  --health                      ask the exporter that runs with this configuration whether it\n"
        "                                is healthy, at the first address of [web] listen; then exit\n"
        "                                with 0, or with 1 and the reason\n"
        "  --hash-password=USER          read a password from standard input and print the line for\n"
        "                                [web] basic_auth_file\n"
        "  --version                     print the version and exit\n"
        "  --help                        print this and exit\n"
        "\n"
        "Signals: SIGTERM and SIGINT stop it within 2 seconds, SIGHUP reloads the configuration.\n"
        "Exit codes: 0 stopped, checked or healthy, 1 failed, 2 wrong usage.\n"
        "\n"
        "First steps: copy exporter.ini, fill in [mysql] and one [account UID], then\n"
        "  mysql_session_exporter --config.file=my.ini --check\n"
        "  mysql_session_exporter --config.file=my.ini\n"
        "  curl http://127.0.0.1:10104/metrics\n");
}
