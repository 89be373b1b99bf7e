#include "http/web/files.h"

#include <string.h>

#include "http/negotiate.h"

#define EMBEDDED(name)                                                                                       \
    extern const struct embedded_file web_##name##_bytes;                                                    \
    extern const struct embedded_file web_##name##_gzip;
#define FORMS(name) &web_##name##_bytes, &web_##name##_gzip

#define TYPE_CSS    "text/css; charset=utf-8"
#define TYPE_SCRIPT "text/javascript; charset=utf-8"

EMBEDDED(index_html)
EMBEDDED(targets_html)
EMBEDDED(style_css)
EMBEDDED(app_js)
EMBEDDED(phrases_en_json)
EMBEDDED(phrases_zh_json)

static const char phrases_path[] = WEB_FILES_PREFIX "phrases.json";

static const char *const phrases_of[LANGUAGE_COUNT] = {
    [LANGUAGE_EN] = WEB_FILES_PREFIX "phrases.en.json",
    [LANGUAGE_ZH] = WEB_FILES_PREFIX "phrases.zh.json",
};

static const struct web_file {
    const char *path;
    const char *content_type;
    const struct embedded_file *plain;
    const struct embedded_file *gzip;
} files[] = {
    {"/", PAGE_TYPE_HTML, FORMS(index_html)},
    {"/targets", PAGE_TYPE_HTML, FORMS(targets_html)},
    {WEB_FILES_PREFIX "style.css", TYPE_CSS, FORMS(style_css)},
    {WEB_FILES_PREFIX "app.js", TYPE_SCRIPT, FORMS(app_js)},
    {WEB_FILES_PREFIX "phrases.en.json", PAGE_TYPE_JSON, FORMS(phrases_en_json)},
    {WEB_FILES_PREFIX "phrases.zh.json", PAGE_TYPE_JSON, FORMS(phrases_zh_json)},
};

static const struct web_file *file_find(const char *path)
{
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        if (strcmp(files[i].path, path) == 0)
            return &files[i];
    }
    return NULL;
}

/* Our tags hold no quotes but their own and are no part of each other, so finding one in the list is enough. */
static bool client_has(const char *if_none_match, const char *etag)
{
    return if_none_match != NULL && (strcmp(if_none_match, "*") == 0 || strstr(if_none_match, etag) != NULL);
}

void page_web_file(const struct page_request *request, const struct providers *providers,
                   struct page_response *response)
{
    bool by_language = strcmp(request->path, phrases_path) == 0;
    const char *path = by_language ? phrases_of[accept_language(request->accept_language)] : request->path;
    const struct web_file *file = file_find(path);
    const struct embedded_file *form;

    (void)providers;
    if (file == NULL) {
        page_text(response, 404, "there is no such file");
        return;
    }
    response->gzip = accept_encoding_gzip(request->accept_encoding);
    form = response->gzip ? file->gzip : file->plain;
    response->content_type = file->content_type;
    response->vary = by_language ? "Accept-Encoding, Accept-Language" : "Accept-Encoding";
    response->etag = form->etag;
    if (client_has(request->if_none_match, form->etag)) {
        response->status = 304;
        return;
    }
    response->whole.bytes = form->bytes;
    response->whole.length = form->length;
}
