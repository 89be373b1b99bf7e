#include "metrics/snapshot.h"

#define ZLIB_CONST
#include <pthread.h>
#include <stdlib.h>
#include <zlib.h>

#include "core/refcount.h"
#include "core/thread.h"

/*
 * Measured on a page of 300 000 series, 58 MiB, on one core: level 1 packs 500 MiB/s to 1/15.7,
 * levels 2 and 3 no better, level 4 310 MiB/s to 1/16.7, level 6 220 MiB/s to 1/17.4. The first
 * scrape of a page waits for it and the network hardly feels a tenth more, so the fastest it is.
 */
#define GZIP_LEVEL        1
#define GZIP_WINDOW_BITS  (15 + 16) /* the largest window, a gzip header instead of zlib's */
#define GZIP_MEMORY_LEVEL 8         /* zlib's default */
#define GZIP_CHUNK        ((size_t)16 * 1024)
#define GZIP_INPUT_MAX    ((size_t)1 << 30) /* zlib counts input in an unsigned int */

/* A header and the lines of each family, and the end. */
#define PARTS_MAX (2 * FAMILY_COUNT + 1)

/* The page in one format. */
struct format_page {
    struct strbuf headers; /* those of all families and the end, in the order of the page */
    struct snapshot_part parts[PARTS_MAX];
    size_t part_count;
    size_t length;
    pthread_mutex_t gzip_mutex; /* of this format alone: neither waits for the other's compression */
    char *gzip;                 /* NULL until asked for; guarded by gzip_mutex, as its length */
    size_t gzip_length;
};

struct snapshot {
    struct refcount refs;
    struct strbuf lines;
    struct format_page pages[EXPOSITION_FORMAT_COUNT];
};

static size_t family_start(const size_t family_ends[FAMILY_COUNT], int id)
{
    return id == 0 ? 0 : family_ends[id - 1];
}

/* Renders the headers of the families that have lines; header_ends as family_ends. */
static void render_headers(struct strbuf *headers, enum exposition_format format,
                           const size_t family_ends[FAMILY_COUNT], size_t header_ends[FAMILY_COUNT])
{
    int id;

    for (id = 0; id < FAMILY_COUNT; id++) {
        if (family_ends[id] > family_start(family_ends, id))
            exposition_header(headers, (enum family_id)id, format);
        header_ends[id] = headers->length;
    }
    exposition_end(headers, format);
}

/* Adds bytes [start, end) of a buffer to the page, if any. */
static void add_part(struct format_page *page, const struct strbuf *buffer, size_t start, size_t end)
{
    if (end == start)
        return;
    page->parts[page->part_count++] = (struct snapshot_part){buffer->data + start, end - start};
    page->length += end - start;
}

static bool page_build(struct format_page *page, enum exposition_format format, const struct strbuf *lines,
                       const size_t family_ends[FAMILY_COUNT])
{
    size_t header_ends[FAMILY_COUNT];
    int id;

    render_headers(&page->headers, format, family_ends, header_ends);
    if (strbuf_failed(&page->headers))
        return false;
    for (id = 0; id < FAMILY_COUNT; id++) {
        add_part(page, &page->headers, family_start(header_ends, id), header_ends[id]);
        add_part(page, lines, family_start(family_ends, id), family_ends[id]);
    }
    add_part(page, &page->headers, header_ends[FAMILY_COUNT - 1], page->headers.length);
    return true;
}

struct snapshot *snapshot_new(struct strbuf *lines, const size_t family_ends[FAMILY_COUNT])
{
    struct snapshot *snapshot = calloc(1, sizeof(*snapshot));
    bool built = !strbuf_failed(lines);
    int format;

    if (snapshot == NULL) {
        strbuf_release(lines);
        return NULL;
    }
    refcount_init(&snapshot->refs);
    snapshot->lines = *lines;
    strbuf_init(lines, 0);
    for (format = 0; format < EXPOSITION_FORMAT_COUNT; format++) {
        pthread_mutex_init(&snapshot->pages[format].gzip_mutex, NULL);
        strbuf_init(&snapshot->pages[format].headers, 0);
        built = built && page_build(&snapshot->pages[format], (enum exposition_format)format,
                                    &snapshot->lines, family_ends);
    }
    if (built)
        return snapshot;
    snapshot_put(snapshot);
    return NULL;
}

struct snapshot *snapshot_get(struct snapshot *snapshot)
{
    refcount_get(&snapshot->refs);
    return snapshot;
}

void snapshot_put(struct snapshot *snapshot)
{
    int format;

    if (snapshot == NULL || !refcount_put(&snapshot->refs))
        return;
    for (format = 0; format < EXPOSITION_FORMAT_COUNT; format++) {
        strbuf_release(&snapshot->pages[format].headers);
        free(snapshot->pages[format].gzip);
        pthread_mutex_destroy(&snapshot->pages[format].gzip_mutex);
    }
    strbuf_release(&snapshot->lines);
    free(snapshot);
}

const struct snapshot_part *snapshot_parts(const struct snapshot *snapshot, enum exposition_format format,
                                           size_t *count, size_t *length)
{
    *count = snapshot->pages[format].part_count;
    *length = snapshot->pages[format].length;
    return snapshot->pages[format].parts;
}

/* Runs the compressor until it took all of its input or, when finishing, has no more to say. */
static bool deflate_input(z_stream *stream, int flush, struct strbuf *out)
{
    unsigned char chunk[GZIP_CHUNK];
    int status;

    do {
        stream->next_out = chunk;
        stream->avail_out = sizeof(chunk);
        status = deflate(stream, flush);
        if (status == Z_STREAM_ERROR)
            return false;
        strbuf_append(out, chunk, sizeof(chunk) - stream->avail_out);
    } while (stream->avail_out == 0);
    return !strbuf_failed(out) && (flush != Z_FINISH || status == Z_STREAM_END);
}

static bool deflate_part(z_stream *stream, struct snapshot_part part, struct strbuf *out)
{
    size_t piece;

    while (part.length > 0) {
        piece = part.length < GZIP_INPUT_MAX ? part.length : GZIP_INPUT_MAX;
        stream->next_in = (const unsigned char *)part.bytes;
        stream->avail_in = (unsigned)piece;
        if (!deflate_input(stream, Z_NO_FLUSH, out))
            return false;
        part.bytes += piece;
        part.length -= piece;
    }
    return true;
}

static bool compress_page(const struct format_page *page, struct strbuf *out)
{
    z_stream stream = {0};
    bool done = true;
    size_t i;

    if (deflateInit2(&stream, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW_BITS, GZIP_MEMORY_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        return false;
    for (i = 0; i < page->part_count && done; i++)
        done = deflate_part(&stream, page->parts[i], out);
    done = done && deflate_input(&stream, Z_FINISH, out);
    deflateEnd(&stream);
    return done;
}

/* The mutex is held. */
static bool make_gzip(struct format_page *page)
{
    struct strbuf out;

    strbuf_init(&out, 0);
    if (compress_page(page, &out))
        page->gzip = strbuf_detach(&out, &page->gzip_length);
    strbuf_release(&out);
    return page->gzip != NULL;
}

bool snapshot_gzip(struct snapshot *snapshot, enum exposition_format format, struct snapshot_part *gzip)
{
    struct format_page *page = &snapshot->pages[format];
    bool there;

    mutex_lock(&page->gzip_mutex);
    there = page->gzip != NULL || make_gzip(page);
    mutex_unlock(&page->gzip_mutex);
    /* Once made it never changes: it may be read without the mutex. */
    *gzip = there ? (struct snapshot_part){page->gzip, page->gzip_length} : (struct snapshot_part){"", 0};
    return there;
}
