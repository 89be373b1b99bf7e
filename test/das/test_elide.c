#include "das/elide.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define RANDOM_DOCUMENTS 3000
#define LARGE_SIZE       ((size_t)64 << 20)

/* Feeds `input` in pieces of `step` bytes. The caller releases *out. */
static void elide_parts_in_steps(const char *input, size_t length, unsigned parts, size_t step,
                                 struct strbuf *out)
{
    struct elide elide;

    strbuf_init(out, 0);
    elide_init(&elide, parts, out);
    for (size_t i = 0; i < length; i += step)
        assert_true(elide_feed(&elide, input + i, length - i < step ? length - i : step));
}

static void elide_in_steps(const char *input, size_t length, size_t step, struct strbuf *out)
{
    elide_parts_in_steps(input, length, 0, step, out);
}

/* The same output for every way to split the input evenly. */
static void assert_parts_elided(const char *input, unsigned parts, const char *expected)
{
    size_t length = strlen(input);

    for (size_t step = 1; step <= length; step++) {
        struct strbuf out;

        elide_parts_in_steps(input, length, parts, step, &out);
        assert_string_equal(strbuf_text(&out), expected);
        assert_true(out.length <= length);
        strbuf_release(&out);
    }
}

static void assert_elided(const char *input, const char *expected)
{
    assert_parts_elided(input, 0, expected);
}

static void test_session_list_is_emptied(void **state)
{
    (void)state;
    assert_elided("{\"SessionList\":[{\"SqlText\":\"select 1\",\"x\":[1,{}]}],\"a\":1}",
                  "{\"SessionList\":[],\"a\":1}");
}

static void test_thread_ids_and_user_list_are_emptied(void **state)
{
    (void)state;
    assert_elided("{\"ThreadIdList\":[1,2],\"Key\":\"app\",\"UserList\":[\"app\",\"b\"]}",
                  "{\"ThreadIdList\":[],\"Key\":\"app\",\"UserList\":[]}");
}

#define STATS(clients, schemas)                                                                              \
    "{\"ClientStats\":[" clients "],\"DbStats\":[" schemas "],\"UserStats\":[{\"Key\":\"a\"}]}"
#define CLIENT "{\"Key\":\"192.0.2.1\",\"ThreadIdList\":[]}"
#define SCHEMA "{\"Key\":\"shop\"}"

static void test_clients_and_schemas_are_emptied_unless_wanted(void **state)
{
    static const char input[] = STATS("{\"Key\":\"192.0.2.1\",\"ThreadIdList\":[1,2]}", SCHEMA);

    (void)state;
    assert_parts_elided(input, 0, STATS("", ""));
    assert_parts_elided(input, DAS_PART_CLIENTS, STATS(CLIENT, ""));
    assert_parts_elided(input, DAS_PART_SCHEMAS, STATS("", SCHEMA));
    assert_parts_elided(input, DAS_PART_ALL, STATS(CLIENT, SCHEMA));
}

static void test_blanks_around_the_colon(void **state)
{
    (void)state;
    assert_elided("{\"UserList\" \t\r\n:\n [ 1 , 2 ] , \"a\" : 1}",
                  "{\"UserList\" \t\r\n:\n [] , \"a\" : 1}");
}

static void test_text_inside_a_string_is_no_member(void **state)
{
    static const char text[] = "{\"SqlText\":\"select '\\\"SessionList\\\":[1,2]'\",\"b\":\"\\\\\"}";

    (void)state;
    assert_elided(text, text);
}

static void test_a_string_value_of_that_name_is_no_member(void **state)
{
    static const char text[] = "{\"a\":\"SessionList\",\"b\":[\"UserList\",[1,2]]}";

    (void)state;
    assert_elided(text, text);
}

static void test_brackets_and_quotes_in_dropped_strings(void **state)
{
    (void)state;
    assert_elided("{\"SessionList\":[\"]}\\\"]\",\"\\\\\",\"[[[\"],\"a\":1}", "{\"SessionList\":[],\"a\":1}");
}

static void test_an_object_is_emptied_too(void **state)
{
    (void)state;
    assert_elided("{\"SessionList\":{\"a\":[1,{\"b\":2}]},\"a\":1}", "{\"SessionList\":{},\"a\":1}");
}

static void test_other_values_are_kept(void **state)
{
    static const char text[] =
        "{\"SessionList\":null,\"UserList\":\"[1,2]\",\"ThreadIdList\":-1.5,\"SessionList\":true}";

    (void)state;
    assert_elided(text, text);
}

static void test_similar_names_are_kept(void **state)
{
    static const char text[] = "{\"SessionListe\":[1],\"essionList\":[1],\"sessionlist\":[1],\"\":[1],"
                               "\"UserListUserListUserList\":[1],\"UserStats\":[1]}";

    (void)state;
    assert_elided(text, text);
}

static void test_an_escaped_name_is_kept(void **state)
{
    static const char text[] = "{\"\\u0053essionList\":[1],\"Session\\\"List\":[1]}";

    (void)state;
    assert_elided(text, text);
}

static void test_a_member_inside_a_dropped_one_is_dropped(void **state)
{
    (void)state;
    assert_elided("[{\"SessionList\":[{\"UserList\":[1]}]},{\"UserList\":[[]]}]",
                  "[{\"SessionList\":[]},{\"UserList\":[]}]");
}

static void test_a_cut_document_stays_cut(void **state)
{
    (void)state;
    assert_elided("{\"SessionList\":[1,2", "{\"SessionList\":[");
    assert_elided("{\"SessionList\":[\"a", "{\"SessionList\":[");
    assert_elided("{\"SessionList\"", "{\"SessionList\"");
}

static void test_html_passes_through(void **state)
{
    static const char text[] = "<html class=\"SessionList\">'\"<b>[]</b></html>";

    (void)state;
    assert_elided(text, text);
}

static void test_failure_of_the_output_is_told(void **state)
{
    struct strbuf out;
    struct elide elide;

    (void)state;
    strbuf_init(&out, 8);
    elide_init(&elide, 0, &out);
    assert_true(elide_feed(&elide, "{\"a\":", 5));
    assert_false(elide_feed(&elide, "123456789", 9));
    strbuf_release(&out);
}

static void test_a_huge_list_leaves_nothing(void **state)
{
    static const char element[] = "{\"SqlText\":\"select \\\"SessionList\\\":[\",\"Time\":1},";
    struct strbuf out;
    struct elide elide;

    (void)state;
    strbuf_init(&out, 64);
    elide_init(&elide, 0, &out);
    assert_true(elide_feed(&elide, "{\"SessionList\":[", 16));
    for (size_t fed = 0; fed < LARGE_SIZE; fed += sizeof(element) - 1)
        assert_true(elide_feed(&elide, element, sizeof(element) - 1));
    assert_true(elide_feed(&elide, "0]}", 3));
    assert_string_equal(strbuf_text(&out), "{\"SessionList\":[]}");
    strbuf_release(&out);
}

/* xorshift64: the same documents in every run. */
static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static const char *const random_names[] = {"SessionList", "ThreadIdList",     "UserList", "UserStats", "a",
                                           "Key",         "SessionList\":[1", "\\",       "\"",        "",
                                           "User",        "Sess\nion"};
#define RANDOM_NAMES (sizeof(random_names) / sizeof(random_names[0]))

static json_t *random_value(uint64_t *seed, int depth);

static json_t *random_object(uint64_t *seed, int depth)
{
    json_t *object = json_object();

    for (uint64_t i = next_random(seed) % 5; i > 0; i--)
        json_object_set_new(object, random_names[next_random(seed) % RANDOM_NAMES],
                            random_value(seed, depth - 1));
    return object;
}

static json_t *random_array(uint64_t *seed, int depth)
{
    json_t *array = json_array();

    for (uint64_t i = next_random(seed) % 5; i > 0; i--)
        json_array_append_new(array, random_value(seed, depth - 1));
    return array;
}

static json_t *random_value(uint64_t *seed, int depth)
{
    switch (next_random(seed) % (depth > 0 ? 8 : 5)) {
    case 0:
        return json_null();
    case 1:
        return json_integer((json_int_t)(next_random(seed) % 1000) - 500);
    case 2:
        return json_boolean(next_random(seed) % 2);
    case 3:
    case 4:
        return json_string(random_names[next_random(seed) % RANDOM_NAMES]);
    case 5:
        return random_array(seed, depth);
    default:
        return random_object(seed, depth);
    }
}

static bool is_dropped_name(const char *name)
{
    return strcmp(name, "SessionList") == 0 || strcmp(name, "ThreadIdList") == 0 ||
           strcmp(name, "UserList") == 0;
}

/* What elide is to do, done on the tree. */
static void empty_dropped_members(json_t *value)
{
    const char *key;
    json_t *child;
    size_t index;

    json_object_foreach(value, key, child)
    {
        if (is_dropped_name(key)) {
            json_object_clear(child);
            json_array_clear(child);
        }
        empty_dropped_members(child);
    }
    json_array_foreach(value, index, child) empty_dropped_members(child);
}

static void check_random_document(uint64_t *seed)
{
    static const size_t formats[] = {JSON_COMPACT, 0, JSON_INDENT(2), JSON_ENSURE_ASCII};
    json_t *document = random_object(seed, 6);
    char *text = json_dumps(document, formats[next_random(seed) % 4]);
    size_t length = strlen(text);
    struct strbuf out;
    struct elide elide;
    json_t *elided;

    strbuf_init(&out, 0);
    elide_init(&elide, 0, &out);
    for (size_t fed = 0; fed < length;) {
        size_t step = next_random(seed) % 7;

        step = step > length - fed ? length - fed : step;
        assert_true(elide_feed(&elide, text + fed, step));
        fed += step;
    }
    assert_true(out.length <= length);
    elided = json_loadb(out.data, out.length, 0, NULL);
    assert_non_null(elided);
    empty_dropped_members(document);
    assert_true(json_equal(document, elided));
    json_decref(elided);
    json_decref(document);
    free(text);
    strbuf_release(&out);
}

static void test_random_documents_lose_those_members_only(void **state)
{
    uint64_t seed = 20250102;

    (void)state;
    for (int i = 0; i < RANDOM_DOCUMENTS; i++)
        check_random_document(&seed);
}

static void test_random_bytes_never_grow(void **state)
{
    static const char alphabet[] = "\"\\[]{}:, SessionListUserThreadId\x01\xff";
    uint64_t seed = 7;

    (void)state;
    for (int i = 0; i < RANDOM_DOCUMENTS; i++) {
        char text[256];
        struct strbuf out;

        for (size_t k = 0; k < sizeof(text); k++)
            text[k] = alphabet[next_random(&seed) % (sizeof(alphabet) - 1)];
        elide_in_steps(text, sizeof(text), 1 + next_random(&seed) % 9, &out);
        assert_true(out.length <= sizeof(text));
        strbuf_release(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_session_list_is_emptied),
        cmocka_unit_test(test_thread_ids_and_user_list_are_emptied),
        cmocka_unit_test(test_clients_and_schemas_are_emptied_unless_wanted),
        cmocka_unit_test(test_blanks_around_the_colon),
        cmocka_unit_test(test_text_inside_a_string_is_no_member),
        cmocka_unit_test(test_a_string_value_of_that_name_is_no_member),
        cmocka_unit_test(test_brackets_and_quotes_in_dropped_strings),
        cmocka_unit_test(test_an_object_is_emptied_too),
        cmocka_unit_test(test_other_values_are_kept),
        cmocka_unit_test(test_similar_names_are_kept),
        cmocka_unit_test(test_an_escaped_name_is_kept),
        cmocka_unit_test(test_a_member_inside_a_dropped_one_is_dropped),
        cmocka_unit_test(test_a_cut_document_stays_cut),
        cmocka_unit_test(test_html_passes_through),
        cmocka_unit_test(test_failure_of_the_output_is_told),
        cmocka_unit_test(test_a_huge_list_leaves_nothing),
        cmocka_unit_test(test_random_documents_lose_those_members_only),
        cmocka_unit_test(test_random_bytes_never_grow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
