/* What went wrong, as a class with a consequence and a text for people. */
#ifndef CORE_ERROR_H
#define CORE_ERROR_H

#include <stdbool.h>

/*
 * Every failure of the program is one of these. The scheduler decides by the class alone; the
 * other fields of struct error are for logs and pages. error_class_name() is the value of the
 * `reason` label, so names never change.
 */
enum error_class {
    ERROR_NONE = 0,
    ERROR_TRANSIENT,     /* gateway trouble, transport, time-out: retry a few times in a cycle */
    ERROR_THROTTLED,     /* the account's quota is used up: news about the account */
    ERROR_CREDENTIALS,   /* the account's key is bad: long back-off for the whole account */
    ERROR_TOKEN_EXPIRED, /* the temporary token is bad: refresh it once, then as ERROR_CREDENTIALS */
    ERROR_CLOCK_SKEW,    /* our clock and the server's differ too much */
    ERROR_NONCE_USED,    /* sign again, once */
    ERROR_RESULT_LOST,   /* the server no longer knows our ResultId: submit again, once */
    ERROR_REFUSED,       /* this target cannot be asked (permission, parameter): slow retry */
    ERROR_REMOTE,        /* the server tried and failed (State FAIL, Success false) */
    ERROR_MALFORMED,     /* the reply is not what the protocol says */
    ERROR_TOO_LARGE,     /* the reply exceeds the size limit */
    ERROR_TIMED_OUT,     /* the computation did not finish within result_timeout */
    ERROR_NO_MEMORY,
    ERROR_CONFIG,    /* a file, key or value of the configuration */
    ERROR_INVENTORY, /* the inventory database or file */
    ERROR_SYSTEM,    /* an operating system call */
    ERROR_CLASS_COUNT
};

/*
 * A value: copied freely, owns nothing. Texts are cut at their field's size, always terminated.
 * They never hold a secret: whoever fills them redacts first.
 */
struct error {
    enum error_class class;
    char code[64];       /* the server's own code, such as "Throttling.User"; may be "" */
    char request_id[64]; /* the server's RequestId; may be "" */
    char message[320];   /* one line: what failed, what was expected, what to do next */
};

/* The stable lower-case name, for example "throttled". Any thread. Never NULL. */
const char *error_class_name(enum error_class class);

/* True for what is refused to the account as a whole and not to one target. Any thread. */
bool error_class_is_of_account(enum error_class class);

/* Makes *error say "no error". Any thread. */
void error_clear(struct error *error);

/*
 * Sets class and message; clears code and request_id. error may be NULL (then nothing happens).
 * Newlines and control characters in the message become spaces. Any thread, never fails.
 */
void error_set(struct error *error, enum error_class class, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * As error_set with class ERROR_SYSTEM, followed by ": " and the text of errno_value, which is
 * kept whole when the message is too long.
 */
void error_set_system(struct error *error, int errno_value, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The text of errno_value, in a caller's buffer. Returns buffer. Thread-safe unlike strerror. */
const char *errno_text(int errno_value, char *buffer, unsigned size);

#endif
