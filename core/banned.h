/*
 * Included before every source file of the project (see CMakeLists.txt). Functions that are easy
 * to use wrongly do not compile; the message names what to use instead.
 */
#ifndef CORE_BANNED_H
#define CORE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#define strcpy(a, b)     use_strbuf_instead_of_strcpy
#define strncpy(a, b, c) use_strbuf_instead_of_strncpy
#define strcat(a, b)     use_strbuf_instead_of_strcat
#define strncat(a, b, c) use_strbuf_instead_of_strncat
#undef sprintf
#define sprintf(...) use_snprintf_instead_of_sprintf
#undef vsprintf
#define vsprintf(a, b, c) use_vsnprintf_instead_of_vsprintf
#define strtok(a, b)      use_strtok_r_instead_of_strtok
#define atoi(a)           use_text_parse_int_instead_of_atoi
#define atol(a)           use_text_parse_int_instead_of_atol
#define atoll(a)          use_text_parse_int_instead_of_atoll
#define localtime(a)      use_clock_format_iso_instead_of_localtime
#define gmtime(a)         use_gmtime_r_instead_of_gmtime
#define ctime(a)          use_clock_format_iso_instead_of_ctime
#define asctime(a)        use_clock_format_iso_instead_of_asctime
#define strerror(a)       use_errno_text_instead_of_strerror
#define rand()            use_an_injected_nonce_instead_of_rand
#define random()          use_an_injected_nonce_instead_of_random

/* Clocks are read in core/clock.c, and in core/thread.c for timed waits; both undo this. */
#define time(a)             use_clock_unix_ms_instead_of_time
#define gettimeofday(a, b)  use_clock_unix_ms_instead_of_gettimeofday
#define clock_gettime(a, b) use_clock_now_instead_of_clock_gettime

#endif
