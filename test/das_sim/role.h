/* The RAM roles that exist, by ARN: acs:ram::UID:role/NAME. */
#ifndef DAS_SIM_ROLE_H
#define DAS_SIM_ROLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct account;
struct account_book;

struct role {
    char *arn;
    char *external_id; /* NULL: the trust policy asks for none */
    bool denied;       /* it trusts nobody: /control?role-deny=ARN */
    uint64_t assumed;
    struct account *account;
};

struct role_list {
    struct role *at;
    size_t count;
};

/* Size of the acs:ram::UID:KIND/NAME at the beginning of text, 0 when it is malformed. *uid, when
 * uid is not NULL, is then the UID, which the caller frees. */
size_t ram_arn_size(const char *text, const char *kind, char **uid);
/* One ARN[:EXTERNAL_ID]. False when malformed or given twice. */
bool role_list_add(struct role_list *list, struct account_book *book, const char *text);
/* NULL: no such role. */
struct role *role_list_find(const struct role_list *list, const char *arn);
void role_list_release(struct role_list *list);

#endif
