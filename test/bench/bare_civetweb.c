/*
 * What CivetWeb alone can do, to compare /metrics with: a handler that writes a file, a whole
 * HTTP response with its head, as fast as it goes. The options are those of http/server.c.
 *
 *     bare_civetweb PORT RESPONSE GZIP_RESPONSE
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <civetweb.h>

struct file {
    char *bytes;
    size_t length;
};

struct responses {
    struct file identity;
    struct file gzip;
};

static bool file_read(struct file *file, const char *path)
{
    FILE *stream = fopen(path, "rbe");
    bool complete = false;
    long length;

    if (stream == NULL)
        return false;
    if (fseek(stream, 0, SEEK_END) == 0 && (length = ftell(stream)) > 0) {
        rewind(stream);
        file->length = (size_t)length;
        file->bytes = malloc(file->length);
        complete = file->bytes != NULL && fread(file->bytes, 1, file->length, stream) == file->length;
    }
    fclose(stream);
    return complete;
}

static int write_file(struct mg_connection *connection)
{
    const struct responses *responses = mg_get_user_data(mg_get_context(connection));
    const char *encoding = mg_get_header(connection, "Accept-Encoding");
    bool gzip = encoding != NULL && strstr(encoding, "gzip") != NULL;
    const struct file *file = gzip ? &responses->gzip : &responses->identity;

    mg_write(connection, file->bytes, file->length);
    return 200;
}

int main(int argc, char **argv)
{
    const struct mg_callbacks callbacks = {.begin_request = write_file};
    struct responses responses = {{0}, {0}};

    if (argc != 4 || !file_read(&responses.identity, argv[2]) || !file_read(&responses.gzip, argv[3])) {
        fprintf(stderr, "usage: bare_civetweb PORT RESPONSE GZIP_RESPONSE\n");
        return 2;
    }
    const char *options[] = {"listening_ports",
                             argv[1],
                             "num_threads",
                             "32",
                             "request_timeout_ms",
                             "2000",
                             "enable_keep_alive",
                             "yes",
                             "keep_alive_timeout_ms",
                             "1000",
                             "tcp_nodelay",
                             "1",
                             "listen_backlog",
                             "128",
                             NULL};

    mg_init_library(MG_FEATURES_DEFAULT);
    if (mg_start(&callbacks, &responses, options) == NULL) {
        fprintf(stderr, "bare_civetweb: cannot listen on %s\n", argv[1]);
        return 1;
    }
    puts("ready");
    fflush(stdout);
    for (;;)
        pause();
}
