/* Who is calling, and is it them. Both functions make the error reply on false. */
#ifndef DAS_SIM_AUTH_H
#define DAS_SIM_AUTH_H

#include <stdbool.h>

struct call;

/* Finds the access key: the call can be counted from here on. */
bool auth_identify(struct call *call);
/* Signature, date, nonce, security token, state of the key. */
bool auth_verify(struct call *call);

/* The two signature versions. */
bool auth_v3_identify(struct call *call);
bool auth_v3_verify(struct call *call);
bool auth_v1_identify(struct call *call);
bool auth_v1_verify(struct call *call);

/* What they have in common. */
bool auth_find_key(struct call *call, const char *access_key_id);
bool auth_check_date(struct call *call, const char *date);
bool auth_check_nonce(struct call *call, const char *nonce);
/* token: NULL when none was sent. */
bool auth_check_token(struct call *call, const char *token);
bool auth_check_enabled(struct call *call);

#endif
