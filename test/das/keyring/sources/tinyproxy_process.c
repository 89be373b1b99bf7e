#include "test/das/keyring/sources/tinyproxy_process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM     "/usr/bin/tinyproxy"
#define ATTEMPTS    500
#define ATTEMPT_GAP 20 /* ms */

struct tinyproxy_process {
    pid_t pid;
    int port;
    char folder[64];
    char configuration[80];
};

bool tinyproxy_installed(void)
{
    return access(PROGRAM, X_OK) == 0;
}

static struct sockaddr_in loopback(int port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* tinyproxy takes no port 0: the system's choice is handed on. */
static int free_port(void)
{
    struct sockaddr_in address = loopback(0);
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int port = 0;

    if (fd >= 0 && bind(fd, (struct sockaddr *)&address, size) == 0 &&
        getsockname(fd, (struct sockaddr *)&address, &size) == 0)
        port = ntohs(address.sin_port);
    if (fd >= 0)
        close(fd);
    return port;
}

static bool write_configuration(struct tinyproxy_process *proxy)
{
    FILE *file = fopen(proxy->configuration, "we");

    if (file == NULL)
        return false;
    fprintf(file, "Port %d\nListen 127.0.0.1\nAllow 127.0.0.1\nTimeout 60\nMaxClients 20\n", proxy->port);
    fprintf(file, "BasicAuth " PROXY_USER " " PROXY_PASSWORD "\n");
    return fclose(file) == 0;
}

static void run(const struct tinyproxy_process *proxy)
{
    int null = open("/dev/null", O_RDWR);

    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
    execl(PROGRAM, PROGRAM, "-d", "-c", proxy->configuration, (char *)NULL);
    _exit(127);
}

static bool await(const struct tinyproxy_process *proxy)
{
    const struct sockaddr_in address = loopback(proxy->port);

    for (int i = 0; i < ATTEMPTS; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        bool is_there = connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;

        close(fd);
        if (is_there)
            return true;
        poll(NULL, 0, ATTEMPT_GAP);
    }
    return false;
}

struct tinyproxy_process *tinyproxy_process_start(void)
{
    struct tinyproxy_process *proxy = calloc(1, sizeof(*proxy));

    if (proxy == NULL)
        return NULL;
    snprintf(proxy->folder, sizeof(proxy->folder), "/tmp/test_proxy_XXXXXX");
    if (mkdtemp(proxy->folder) == NULL) {
        free(proxy);
        return NULL;
    }
    snprintf(proxy->configuration, sizeof(proxy->configuration), "%s/tinyproxy.conf", proxy->folder);
    proxy->port = free_port();
    if (write_configuration(proxy)) {
        proxy->pid = fork();
        if (proxy->pid == 0)
            run(proxy);
        if (proxy->pid > 0 && await(proxy))
            return proxy;
    }
    tinyproxy_process_stop(proxy);
    return NULL;
}

void tinyproxy_process_stop(struct tinyproxy_process *proxy)
{
    if (proxy == NULL)
        return;
    if (proxy->pid > 0) {
        kill(proxy->pid, SIGTERM);
        waitpid(proxy->pid, NULL, 0);
    }
    unlink(proxy->configuration);
    rmdir(proxy->folder);
    free(proxy);
}

int tinyproxy_process_port(const struct tinyproxy_process *proxy)
{
    return proxy->port;
}
