/*
 * What the commands print, which a person reads on a terminal: everything but the log goes through here. Texts of
 * the configuration, of MySQL and of servers are shown as the log shows them, so that no byte of theirs is obeyed.
 */
#ifndef CORE_TERMINAL_H
#define CORE_TERMINAL_H

#include <stdio.h>

/* One line, its end added; a line end inside is shown as \n. */
void terminal_line(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same without a line end, for a question. */
void terminal_ask(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The program's own text as it is, of many lines. */
void terminal_own_text(FILE *out, const char *text);

#endif
