#include "das/keyring/key_source.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/strbuf.h"

#define UID_MARK    "{uid}"
#define TEXT(field) offsetof(struct account_config, field)

/* The texts of a section that say where credentials come from. */
static const size_t section_texts[] = {
    TEXT(access_key_id),     TEXT(access_key_id_file),
    TEXT(access_key_secret), TEXT(access_key_secret_file),
    TEXT(security_token),    TEXT(security_token_file),
    TEXT(role_arn),          TEXT(role_session_name),
    TEXT(external_id),       TEXT(policy),
    TEXT(sts_endpoint),      TEXT(source_account),
    TEXT(ecs_role),          TEXT(oidc_provider_arn),
    TEXT(oidc_token_file),   TEXT(credentials_uri),
};

static int compare_rows(const void *a, const void *b)
{
    return strcmp(((const struct keyring_row *)a)->aliyun_uid, ((const struct keyring_row *)b)->aliyun_uid);
}

/* By account, and of the rows for one the last of the table first. */
static int compare_places(const void *a, const void *b)
{
    const struct keyring_row *first = *(const struct keyring_row *const *)a;
    const struct keyring_row *second = *(const struct keyring_row *const *)b;
    int order = compare_rows(first, second);

    return order != 0 ? order : (first < second) - (first > second);
}

static bool copy_row(struct key_rows *copy, const struct keyring_row *row)
{
    struct keyring_row *own = &copy->rows[copy->count++];

    own->aliyun_uid = arena_strdup(&copy->arena, row->aliyun_uid);
    own->access_key_id = arena_strdup(&copy->arena, row->access_key_id);
    own->encrypted_access_key_secret = arena_strdup(&copy->arena, row->encrypted_access_key_secret);
    return own->aliyun_uid != NULL && own->access_key_id != NULL && own->encrypted_access_key_secret != NULL;
}

/* Sorted, and of several for one account the last. False when memory runs out. */
static bool copy_rows(struct key_rows *copy, const struct keyring_row *rows, size_t count)
{
    const struct keyring_row **places = calloc(count + 1, sizeof(const struct keyring_row *));
    bool ok = places != NULL;

    for (size_t i = 0; ok && i < count; i++)
        places[i] = &rows[i];
    if (ok)
        qsort(places, count, sizeof(const struct keyring_row *), compare_places);
    for (size_t i = 0; ok && i < count; i++) {
        if (i == 0 || compare_rows(places[i - 1], places[i]) != 0)
            ok = copy_row(copy, places[i]);
    }
    free(places);
    return ok;
}

struct key_rows *key_rows_new(const struct keyring_row *rows, size_t count)
{
    struct key_rows *copy = calloc(1, sizeof(*copy));

    if (copy == NULL)
        return NULL;
    refcount_init(&copy->refs);
    arena_init(&copy->arena);
    copy->rows = arena_alloc_array(&copy->arena, count, sizeof(*copy->rows));
    if (copy->rows == NULL || !copy_rows(copy, rows, count)) {
        key_rows_put(copy);
        return NULL;
    }
    return copy;
}

struct key_rows *key_rows_get(struct key_rows *rows)
{
    refcount_get(&rows->refs);
    return rows;
}

void key_rows_put(struct key_rows *rows)
{
    if (rows == NULL || !refcount_put(&rows->refs))
        return;
    arena_release(&rows->arena);
    free(rows);
}

const struct keyring_row *key_rows_find(const struct key_rows *rows, const char *aliyun_uid)
{
    const struct keyring_row wanted = {.aliyun_uid = aliyun_uid};

    return rows->count == 0 ? NULL : bsearch(&wanted, rows->rows, rows->count, sizeof(wanted), compare_rows);
}

int key_name_compare(struct key_name a, struct key_name b)
{
    if (a.is_hidden != b.is_hidden)
        return a.is_hidden ? 1 : -1;
    return strcmp(a.text, b.text);
}

static struct key_source *source_new(struct config *config, enum credential_kind kind)
{
    struct key_source *source = calloc(1, sizeof(*source));

    if (source == NULL)
        return NULL;
    refcount_init(&source->refs);
    source->kind = kind;
    source->config = config_get(config);
    return source;
}

/* A copy of the text with the account's id for every {uid}. NULL when memory runs out. */
static char *with_uid(const char *text, const char *aliyun_uid)
{
    struct strbuf result;
    const char *mark;
    size_t length;

    strbuf_init(&result, 0);
    strbuf_reserve(&result, strlen(text));
    while ((mark = strstr(text, UID_MARK)) != NULL) {
        strbuf_append(&result, text, (size_t)(mark - text));
        strbuf_append_text(&result, aliyun_uid);
        text = mark + strlen(UID_MARK);
    }
    strbuf_append_text(&result, text);
    if (strbuf_failed(&result)) {
        strbuf_release(&result);
        return NULL;
    }
    return strbuf_detach(&result, &length);
}

static bool fill(struct key_source *source, const char *aliyun_uid)
{
    const struct account_config *section = source->section;

    switch (source->kind) {
    case CREDENTIAL_STATIC:
        source->fixed =
            credentials_new(section->access_key_id, section->access_key_secret, section->security_token);
        return source->fixed != NULL;
    case CREDENTIAL_ROLE:
    case CREDENTIAL_OIDC_ROLE:
        source->role_arn = with_uid(section->role_arn, aliyun_uid);
        return source->role_arn != NULL;
    default:
        return true;
    }
}

struct key_source *key_source_new(struct config *config, const struct account_config *section,
                                  enum credential_kind kind, const char *aliyun_uid)
{
    struct key_source *source = source_new(config, section != NULL ? kind : CREDENTIAL_NONE);

    if (source == NULL)
        return NULL;
    source->section = section;
    if (section == NULL || fill(source, aliyun_uid))
        return source;
    key_source_put(source);
    return NULL;
}

struct key_source *key_source_new_row(struct config *config, struct key_rows *rows,
                                      const struct keyring_row *row)
{
    struct key_source *source = source_new(config, CREDENTIAL_TABLE);

    if (source == NULL)
        return NULL;
    source->rows = key_rows_get(rows);
    source->row = row;
    return source;
}

struct key_source *key_source_new_password(struct config *config)
{
    struct key_source *source = source_new(config, CREDENTIAL_STATIC);

    if (source != NULL)
        source->is_password = true;
    return source;
}

bool key_source_set_caller(struct key_source *source, struct key_name caller)
{
    source->caller = strdup(caller.text);
    source->caller_is_hidden = caller.is_hidden;
    return source->caller != NULL;
}

struct key_source *key_source_get(struct key_source *source)
{
    refcount_get(&source->refs);
    return source;
}

void key_source_put(struct key_source *source)
{
    if (source == NULL || !refcount_put(&source->refs))
        return;
    credentials_put(source->fixed);
    free(source->role_arn);
    free(source->caller);
    key_rows_put(source->rows);
    config_put(source->config);
    free(source);
}

/* Either may be NULL. */
static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static const char *text_at(const struct account_config *section, size_t offset)
{
    return *(const char *const *)(const void *)((const char *)section + offset);
}

static bool same_section(const struct account_config *a, const struct account_config *b)
{
    if (a == b)
        return true;
    if (a == NULL || b == NULL || a->duration != b->duration)
        return false;
    for (size_t i = 0; i < sizeof(section_texts) / sizeof(section_texts[0]); i++) {
        if (!same_text(text_at(a, section_texts[i]), text_at(b, section_texts[i])))
            return false;
    }
    return true;
}

static bool same_row(const struct keyring_row *a, const struct keyring_row *b)
{
    return a == b || (a != NULL && b != NULL && same_text(a->access_key_id, b->access_key_id) &&
                      same_text(a->encrypted_access_key_secret, b->encrypted_access_key_secret));
}

/* What the kind takes from [accounts]. */
static bool same_common(const struct key_source *a, const struct key_source *b)
{
    const struct accounts_config *ours = &a->config->accounts_common;
    const struct accounts_config *theirs = &b->config->accounts_common;

    if (a->is_password)
        return same_text(ours->encryption_password, theirs->encryption_password) &&
               same_text(ours->encryption_password_file, theirs->encryption_password_file);
    switch (a->kind) {
    case CREDENTIAL_ROLE:
    case CREDENTIAL_OIDC_ROLE:
        return same_text(ours->sts_endpoint, theirs->sts_endpoint) &&
               same_text(ours->sts_proxy, theirs->sts_proxy);
    case CREDENTIAL_ECS_ROLE:
        return same_text(ours->metadata_endpoint, theirs->metadata_endpoint) &&
               ours->metadata_without_token == theirs->metadata_without_token;
    default:
        return true;
    }
}

bool key_source_same(const struct key_source *a, const struct key_source *b)
{
    return a->kind == b->kind && a->is_password == b->is_password && a->awaits_table == b->awaits_table &&
           same_text(a->role_arn, b->role_arn) && same_text(a->caller, b->caller) &&
           a->caller_is_hidden == b->caller_is_hidden && same_row(a->row, b->row) &&
           same_section(a->section, b->section) && same_common(a, b);
}

bool key_source_is_remote(const struct key_source *source)
{
    return source->kind == CREDENTIAL_ROLE || source->kind == CREDENTIAL_OIDC_ROLE ||
           source->kind == CREDENTIAL_ECS_ROLE || source->kind == CREDENTIAL_URI;
}

bool key_source_has_files(const struct key_source *source)
{
    const struct account_config *section = source->section;

    if (source->is_password)
        return source->config->accounts_common.encryption_password_file[0] != '\0';
    return source->kind == CREDENTIAL_STATIC &&
           (section->access_key_id_file[0] != '\0' || section->access_key_secret_file[0] != '\0' ||
            section->security_token_file[0] != '\0');
}

bool key_source_needs_caller(const struct key_source *source)
{
    return source->kind == CREDENTIAL_ROLE || source->kind == CREDENTIAL_TABLE;
}

const char *key_source_place(const struct key_source *source, char buffer[KEY_SOURCE_PLACE_SIZE])
{
    if (source->is_password)
        snprintf(buffer, KEY_SOURCE_PLACE_SIZE, "[accounts] encryption_password");
    else if (source->row != NULL)
        snprintf(buffer, KEY_SOURCE_PLACE_SIZE, "the accounts table");
    else if (source->section == NULL)
        snprintf(buffer, KEY_SOURCE_PLACE_SIZE, "no section");
    else if (source->section == source->config->environment_account)
        snprintf(buffer, KEY_SOURCE_PLACE_SIZE, "the environment");
    else
        snprintf(buffer, KEY_SOURCE_PLACE_SIZE, "[account %.64s]", source->section->aliyun_uid);
    return buffer;
}
