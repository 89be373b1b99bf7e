#include "app/commands/hash_password.h"

#include <sys/random.h>

#include "app/commands/read_secret.h"
#include "core/terminal.h"
#include "http/password.h"

static bool make_line(const char *user, const struct strbuf *password, struct strbuf *line,
                      struct error *error)
{
    unsigned char random[16];

    if (getrandom(random, sizeof(random), 0) == (ssize_t)sizeof(random))
        return password_line(user, strbuf_text(password), random, line, error);
    error_set(error, ERROR_SYSTEM, "the system gives no random numbers");
    return false;
}

bool hash_password_run(const char *user, FILE *out, FILE *errors)
{
    struct strbuf password, line;
    struct error error;
    bool made;

    strbuf_init(&line, 0);
    made = read_secret("password", &password, &error) && make_line(user, &password, &line, &error);
    if (made)
        terminal_line(out, "%s", strbuf_text(&line));
    else
        terminal_line(errors, "mysql_session_exporter: %s", error.message);
    strbuf_release(&line);
    strbuf_release_secret(&password);
    return made;
}
