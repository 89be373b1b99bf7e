#include "test/das/server_process.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct server_process {
    pid_t pid;
    int input;  /* the server ends when this is closed */
    int output; /* where it says its ports */
    char folder[64];
    char ca_file[80];
    char ports[512]; /* " name=port name=port" */
};

static void run_server(const char *folder, int input, int output)
{
    dup2(input, STDIN_FILENO);
    dup2(output, STDOUT_FILENO);
    execl(PYTHON3, PYTHON3, SERVER_SCRIPT, folder, (char *)NULL);
    _exit(127);
}

static bool start(struct server_process *server)
{
    int input[2], output[2];

    if (pipe2(input, O_CLOEXEC) != 0)
        return false;
    if (pipe2(output, O_CLOEXEC) != 0) {
        close(input[0]);
        close(input[1]);
        return false;
    }
    server->pid = fork();
    if (server->pid == 0)
        run_server(server->folder, input[0], output[1]);
    close(input[0]);
    close(output[1]);
    server->input = input[1];
    server->output = output[0];
    return server->pid > 0;
}

static bool read_ports(struct server_process *server)
{
    size_t length = 1;
    ssize_t count;

    server->ports[0] = ' ';
    while (strchr(server->ports, '\n') == NULL) {
        count = read(server->output, server->ports + length, sizeof(server->ports) - 1 - length);
        if (count <= 0)
            return false;
        length += (size_t)count;
    }
    return true;
}

struct server_process *server_process_start(void)
{
    struct server_process *server = calloc(1, sizeof(*server));

    if (server == NULL)
        return NULL;
    server->input = -1;
    server->output = -1;
    snprintf(server->folder, sizeof(server->folder), "/tmp/test_das_XXXXXX");
    if (mkdtemp(server->folder) == NULL) {
        free(server);
        return NULL;
    }
    snprintf(server->ca_file, sizeof(server->ca_file), "%s/ca.pem", server->folder);
    if (start(server) && read_ports(server))
        return server;
    server_process_stop(server);
    return NULL;
}

static void remove_folder(const char *folder)
{
    DIR *entries = opendir(folder);

    if (entries == NULL)
        return;
    for (struct dirent *entry = readdir(entries); entry != NULL; entry = readdir(entries))
        unlinkat(dirfd(entries), entry->d_name, 0);
    closedir(entries);
    rmdir(folder);
}

void server_process_stop(struct server_process *server)
{
    if (server == NULL)
        return;
    if (server->input >= 0)
        close(server->input);
    if (server->output >= 0)
        close(server->output);
    if (server->pid > 0) {
        kill(server->pid, SIGTERM);
        waitpid(server->pid, NULL, 0);
    }
    remove_folder(server->folder);
    free(server);
}

int server_process_port(const struct server_process *server, const char *name)
{
    char key[32];
    const char *found;

    snprintf(key, sizeof(key), " %s=", name);
    found = strstr(server->ports, key);
    return found != NULL ? (int)strtol(found + strlen(key), NULL, 10) : 0;
}

const char *server_process_ca_file(const struct server_process *server)
{
    return server->ca_file;
}
