/* The program: command line, configuration, signals, exit code. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "app/commands/check.h"
#include "app/commands/encrypt_secret.h"
#include "app/commands/hash_password.h"
#include "app/commands/health.h"
#include "app/commands/options.h"
#include "app/runtime.h"
#include "app/service_notify.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/terminal.h"

#define EXIT_USAGE 2
#define WHY_SIZE   256
#define WAIT_MAX   (3600 * NS_PER_SECOND) /* fits every time_t */

/* Signals are taken by sigtimedwait in the main thread and by nobody else. */
static void block_signals(sigset_t *taken)
{
    sigemptyset(taken);
    sigaddset(taken, SIGHUP);
    sigaddset(taken, SIGINT);
    sigaddset(taken, SIGTERM);
    sigprocmask(SIG_BLOCK, taken, NULL);
}

/* A peer that closes its connection, or a reader of our output that ends, is an error of one write. */
static void ignore_broken_pipes(void)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};

    sigaction(SIGPIPE, &ignore, NULL);
}

/*
 * The end goes first: reloads asked for without a pause must not keep it waiting. Negative when
 * none came in time.
 */
static int next_signal(const sigset_t *taken, int64_t wait)
{
    static const struct timespec no_wait;
    struct timespec limit = {.tv_sec = (time_t)(wait / NS_PER_SECOND),
                             .tv_nsec = (long)(wait % NS_PER_SECOND)};
    sigset_t ending;
    int signal_number;

    sigemptyset(&ending);
    sigaddset(&ending, SIGINT);
    sigaddset(&ending, SIGTERM);
    signal_number = sigtimedwait(&ending, NULL, &no_wait);
    return signal_number > 0 ? signal_number : sigtimedwait(taken, NULL, &limit);
}

static void feed_watchdog(struct service_notify *notify, struct runtime *runtime)
{
    int64_t now = clock_now();
    char why[WHY_SIZE];
    bool healthy;

    if (!service_notify_ping_due(notify, now))
        return;
    healthy = runtime_healthy(runtime, why, sizeof(why));
    if (!healthy)
        log_warn("unhealthy, the watchdog is not told otherwise", log_text("reason", why));
    service_notify_ping(notify, now, healthy);
}

static void serve_until_stopped(struct runtime *runtime, const sigset_t *taken, struct service_notify *notify)
{
    service_notify_ready(notify);
    for (;;) {
        int signal_number;

        feed_watchdog(notify, runtime);
        signal_number = next_signal(taken, service_notify_wait(notify, clock_now()));
        if (signal_number == SIGHUP) {
            service_notify_reloading(notify, clock_monotonic_us());
            runtime_reload(runtime);
            service_notify_ready(notify);
        } else if (signal_number > 0) {
            log_info("stopping", log_text("signal", signal_number == SIGINT ? "SIGINT" : "SIGTERM"));
            service_notify_stopping(notify);
            return;
        }
    }
}

static void find_service_manager(struct service_notify *notify)
{
    struct service_environment environment = {
        .notify_socket = getenv("NOTIFY_SOCKET"),
        .watchdog_usec = getenv("WATCHDOG_USEC"),
        .watchdog_pid = getenv("WATCHDOG_PID"),
    };
    struct error error;

    if (!service_notify_init(notify, &environment, &error))
        log_failure(LOG_LEVEL_WARN, "the service manager is not told anything", &error);
}

/* Takes the reference over: the secrets of a configuration that is not in force any more must not stay. */
static int run(const struct options *options, struct config *config)
{
    struct service_notify notify;
    struct error error;
    struct runtime *runtime;
    sigset_t taken;

    block_signals(&taken);
    runtime = runtime_start(options, config, &error);
    config_put(config);
    if (runtime == NULL) {
        log_failure(LOG_LEVEL_ERROR, "cannot start", &error);
        return EXIT_FAILURE;
    }
    find_service_manager(&notify);
    serve_until_stopped(runtime, &taken, &notify);
    service_notify_release(&notify);
    if (!runtime_stop(runtime)) {
        log_info("stopped");
        _exit(EXIT_SUCCESS); /* a thread still uses what a return from main would free */
    }
    log_info("stopped");
    return EXIT_SUCCESS;
}

/* Takes the reference over. */
static int check(const struct options *options, struct config *config)
{
    bool good = check_run(config, options->offline, stdout, stderr);

    config_put(config);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int run_with_config(const struct options *options)
{
    struct error error;
    struct config *config = runtime_load_config(options, &error);
    int code;

    if (config == NULL) {
        terminal_line(stderr, "mysql_session_exporter: %s", error.message);
        return EXIT_FAILURE;
    }
    if (!runtime_global_init(&error)) {
        terminal_line(stderr, "mysql_session_exporter: %s", error.message);
        config_put(config);
        return EXIT_FAILURE;
    }
    if (options->command == COMMAND_CHECK)
        code = check(options, config);
    else
        code = run(options, config);
    runtime_global_release();
    return code;
}

/* A standard stream that is closed would become the next socket, and log lines would go there. */
static void open_standard_streams(void)
{
    int fd;

    do {
        fd = open("/dev/null", O_RDWR);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

/*
 * Keys are in memory: neither a core file nor another process of the same user may have them. The leak check of
 * a sanitizer reads its own process as such a process.
 */
static void keep_memory_private(void)
{
    const struct rlimit none = {0, 0};

    setrlimit(RLIMIT_CORE, &none);
#ifndef __SANITIZE_ADDRESS__
    prctl(PR_SET_DUMPABLE, 0);
#endif
}

/* Connections of workers, scrapes and files: the soft limit is often 1024, the hard one is meant for servers. */
static void allow_many_files(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv)
{
    struct options options;
    struct error error;

    open_standard_streams();
    keep_memory_private();
    allow_many_files();
    ignore_broken_pipes();
    if (!options_parse(argc, argv, &options, &error)) {
        terminal_line(stderr, "mysql_session_exporter: %s; see --help", error.message);
        return EXIT_USAGE;
    }
    switch (options.command) {
    case COMMAND_HELP:
        options_print_help(stdout);
        return EXIT_SUCCESS;
    case COMMAND_HASH_PASSWORD:
        return hash_password_run(options.user, stdout, stderr) ? EXIT_SUCCESS : EXIT_FAILURE;
    case COMMAND_VERSION:
        terminal_line(stdout, "mysql_session_exporter %s", runtime_version());
        return EXIT_SUCCESS;
    case COMMAND_ENCRYPT_SECRET:
        return encrypt_secret_run(&options, stdout, stderr) ? EXIT_SUCCESS : EXIT_FAILURE;
    case COMMAND_HEALTH:
        return health_run(&options, stderr) ? EXIT_SUCCESS : EXIT_FAILURE;
    case COMMAND_CHECK:
    case COMMAND_RUN:
        break;
    }
    return run_with_config(&options);
}
