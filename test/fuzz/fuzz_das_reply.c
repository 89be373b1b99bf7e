/* The body of a reply through das/elide, split where the input says, and into das/reply. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "das/elide.h"
#include "das/peer_address.h"
#include "das/reply.h"
#include "test/fuzz/fuzz_input.h"

#define HEADER_SIZE 3 /* bytes that choose the status, the split, the throttling header and the parts */

static void check_address(const char *key)
{
    size_t length = strlen(key);
    char *copy = strndup(key, length);
    const char *address;

    assert(copy != NULL);
    address = peer_address(copy);
    assert(address >= copy && address + strlen(address) <= copy + length);
    free(copy);
}

static void check_group(const struct das_reply *reply, const struct das_group *group)
{
    assert(reply->outcome == DAS_FINISHED || group->count == 0);
    for (size_t i = 0; i < group->count; i++) {
        assert(group->sessions[i].key != NULL);
        assert(group->sessions[i].total >= 0 && group->sessions[i].active >= 0);
    }
}

static void check_reply(const struct das_reply *reply)
{
    assert((reply->outcome == DAS_FAILED) == (reply->error.class != ERROR_NONE));
    assert((reply->outcome == DAS_RUNNING) == (reply->result_id[0] != '\0'));
    check_group(reply, &reply->users);
    check_group(reply, &reply->clients);
    check_group(reply, &reply->schemas);
    for (size_t i = 0; i < reply->clients.count; i++)
        check_address(reply->clients.sessions[i].key);
    assert(reply->node.total >= -1 && reply->node.active >= -1 && reply->node.longest_active >= -1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const long statuses[] = {200, 200, 200, 204, 302, 400, 403, 404, 429, 500, 503};
    const char *body = (const char *)data + HEADER_SIZE;
    struct strbuf kept;
    struct elide elide;
    struct das_reply reply;
    size_t length, step;

    if (size < HEADER_SIZE)
        return 0;
    length = size - HEADER_SIZE;
    step = (size_t)data[1] + 1;
    strbuf_init(&kept, 0);
    elide_init(&elide, data[2] / 2 % (DAS_PART_ALL + 1), &kept);
    for (size_t i = 0; i < length; i += step)
        elide_feed(&elide, body + i, length - i < step ? length - i : step);
    assert(kept.length <= length);
    das_reply_init(&reply);
    das_reply_parse(statuses[data[0] % (sizeof(statuses) / sizeof(statuses[0]))], kept.data, kept.length,
                    data[2] % 2 == 0 ? -1 : data[2], NULL, &reply);
    check_reply(&reply);
    das_reply_release(&reply);
    strbuf_release(&kept);
    return 0;
}
