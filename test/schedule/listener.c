#include "test/schedule/listener.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE_MS 60000

void listener_open_refusing(struct listener *listener)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);

    listener->descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(listener->descriptor >= 0);
    assert_int_equal(bind(listener->descriptor, (struct sockaddr *)&address, length), 0);
    assert_int_equal(getsockname(listener->descriptor, (struct sockaddr *)&address, &length), 0);
    listener->port = ntohs(address.sin_port);
}

void listener_open(struct listener *listener)
{
    listener_open_refusing(listener);
    assert_int_equal(listen(listener->descriptor, 16), 0);
}

void listener_close(struct listener *listener)
{
    close(listener->descriptor);
}

int listener_accept(const struct listener *listener)
{
    struct pollfd wait = {.fd = listener->descriptor, .events = POLLIN};
    int connection;

    assert_int_equal(poll(&wait, 1, PATIENCE_MS), 1);
    connection = accept4(listener->descriptor, NULL, NULL, SOCK_CLOEXEC);
    assert_true(connection >= 0);
    return connection;
}
