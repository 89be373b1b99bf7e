/* The command line. */
#ifndef APP_COMMANDS_OPTIONS_H
#define APP_COMMANDS_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

#include "config/config.h"
#include "core/error.h"

enum command {
    COMMAND_RUN,
    COMMAND_CHECK,
    COMMAND_HEALTH,
    COMMAND_ENCRYPT_SECRET,
    COMMAND_HASH_PASSWORD,
    COMMAND_VERSION,
    COMMAND_HELP
};

/* How often --web.listen-address may be given. */
#define OPTIONS_LISTEN_MAX 16

struct options {
    enum command command;
    const char *config_file;
    bool offline; /* of COMMAND_CHECK: no call to Alibaba Cloud */
    const char *listen_addresses[OPTIONS_LISTEN_MAX];
    size_t listen_count;      /* 0: as configured */
    const char *external_url; /* NULL: as configured; likewise */
    const char *route_prefix;
    const char *user; /* of COMMAND_HASH_PASSWORD */
    bool has_log_level;
    enum log_level log_level;
    bool has_log_format;
    enum log_format log_format;
};

/* False with *error when an argument is wrong. Texts point into argv. */
bool options_parse(int argc, char **argv, struct options *options, struct error *error);

/* Lays the command line over a configuration that nobody shares yet. */
bool options_override(const struct options *options, struct config *config);

void options_print_help(FILE *out);

#endif
