#include "account.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

struct account *account_book_find(const struct account_book *book, const char *uid)
{
    for (size_t i = 0; i < book->account_count; i++) {
        if (strcmp(book->accounts[i]->uid, uid) == 0)
            return book->accounts[i];
    }
    return NULL;
}

struct account *account_book_get(struct account_book *book, const char *uid)
{
    struct account *account = account_book_find(book, uid);

    if (account != NULL)
        return account;
    account = xcalloc(1, sizeof(*account));
    account->uid = xstrdup(uid);
    account->foreign_due_us = (double)clock_us();
    account->tally.outcomes = json_object();
    book->accounts = xrealloc(book->accounts, book->account_count + 1, sizeof(*book->accounts));
    book->accounts[book->account_count++] = account;
    return account;
}

bool account_book_add(struct account_book *book, const char *line)
{
    char *copy = xstrdup(line);
    char *rest = copy;
    const char *uid = strsep(&rest, ":");
    const char *id = strsep(&rest, ":");
    const char *secret = strsep(&rest, ":");
    bool whole = id != NULL && secret != NULL && *uid != '\0' && *id != '\0' && *secret != '\0';

    if (whole) {
        struct access_key *key = xcalloc(1, sizeof(*key));

        key->id = xstrdup(id);
        key->secret = xstrdup(secret);
        key->token = rest != NULL && *rest != '\0' ? xstrdup(rest) : NULL;
        key->account = account_book_get(book, uid);
        book->keys = xrealloc(book->keys, book->key_count + 1, sizeof(struct access_key *));
        book->keys[book->key_count++] = key;
    }
    free(copy);
    return whole;
}

bool account_book_load(struct account_book *book, const char *path)
{
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t size = 0;
    unsigned number = 0;
    bool ok = file != NULL;

    if (file == NULL)
        (void)fprintf(stderr, "das_sim: cannot open %s\n", path);
    while (ok && getline(&line, &size, file) != -1) {
        number++;
        line[strcspn(line, "\r\n")] = '\0';
        if (line[0] == '\0' || line[0] == '#')
            continue;
        ok = account_book_add(book, line);
        if (!ok)
            (void)fprintf(stderr, "das_sim: %s:%u: expected UID:ACCESS_KEY_ID:SECRET[:TOKEN]\n", path,
                          number);
    }
    free(line);
    if (file != NULL)
        (void)fclose(file);
    return ok;
}

static int compare_keys(const void *left, const void *right)
{
    const struct access_key *const *a = left;
    const struct access_key *const *b = right;

    return strcmp((*a)->id, (*b)->id);
}

bool account_book_seal(struct account_book *book, uint64_t now)
{
    if (book->key_count > 0)
        qsort(book->keys, book->key_count, sizeof(struct access_key *), compare_keys);
    for (size_t i = 0; i < book->account_count; i++)
        book->accounts[i]->foreign_due_us = (double)now;
    for (size_t i = 1; i < book->key_count; i++) {
        if (strcmp(book->keys[i - 1]->id, book->keys[i]->id) == 0) {
            (void)fprintf(stderr, "das_sim: access key %s is given twice\n", book->keys[i]->id);
            return false;
        }
    }
    return true;
}

static int compare_id(const void *id, const void *element)
{
    const struct access_key *const *key = element;

    return strcmp(id, (*key)->id);
}

struct access_key *account_book_find_key(const struct account_book *book, const char *id)
{
    struct access_key **found = NULL;

    if (book->key_count > 0)
        found = bsearch(id, book->keys, book->key_count, sizeof(struct access_key *), compare_id);
    return found == NULL ? token_store_find(&book->issued, id) : *found;
}

static void account_free(struct account *account)
{
    window_release(&account->counted);
    window_release(&account->attempted);
    window_release(&account->attempted_all);
    window_release(&account->burst);
    json_decref(account->tally.outcomes);
    free(account->uid);
    free(account);
}

void access_key_free(struct access_key *key)
{
    free(key->id);
    free(key->secret);
    free(key->token);
    free(key->expiration);
    free(key);
}

void account_book_release(struct account_book *book)
{
    for (size_t i = 0; i < book->account_count; i++)
        account_free(book->accounts[i]);
    for (size_t i = 0; i < book->key_count; i++)
        access_key_free(book->keys[i]);
    token_store_release(&book->issued);
    free(book->accounts);
    free(book->keys);
    *book = (struct account_book){0};
}
