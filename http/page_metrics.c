#include "http/negotiate.h"
#include "http/page.h"

static void use_gzip(struct page_response *response, enum exposition_format format)
{
    if (!snapshot_gzip(response->snapshot, format, &response->whole))
        return; /* memory ran out: the plain parts stay */
    response->gzip = true;
    response->parts = &response->whole;
    response->part_count = 1;
    response->length = response->whole.length;
}

void page_metrics(const struct page_request *request, const struct providers *providers,
                  struct page_response *response)
{
    enum exposition_format format = exposition_negotiate(request->accept);

    response->snapshot = providers->snapshot(providers->context);
    if (response->snapshot == NULL) {
        page_no_memory(response);
        return;
    }
    response->content_type = exposition_content_type(format);
    response->vary = "Accept, Accept-Encoding";
    response->parts = snapshot_parts(response->snapshot, format, &response->part_count, &response->length);
    if (accept_encoding_gzip(request->accept_encoding))
        use_gzip(response, format);
}
