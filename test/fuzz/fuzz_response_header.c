/* A line of the headers that DAS answers with, not terminated: no time before the epoch comes of it. */
#include <assert.h>

#include "das/response.h"
#include "test/fuzz/fuzz_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct transport_response response;

    transport_response_init(&response);
    transport_response_header(&response, (const char *)data, size);
    assert(response.retry_after_ms >= -1);
    assert(response.server_unix_ms >= 0);
    transport_response_release(&response);
    return 0;
}
