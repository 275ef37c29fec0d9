/* Items as they come over a wire. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "heed.h"

static void test_item__has_its_texts_and_lists(void **state)
{
    (void)state;
    static const char json[] = "{\"source\": \"ab\", \"prefix\": \"A\", \"must\": [\"B C\", \"D\"], \"never\": [\"\xC3\xA9\"], \"target\": null, \"id\": 7}";
    heed_item item;
    char *memory;
    assert_int_equal(heed_item_parse(json, sizeof json - 1, &item, &memory, NULL), HEED_OK);
    assert_string_equal(item.text, "ab");
    assert_string_equal(item.prefix, "A");
    assert_null(item.target);
    assert_int_equal(item.must.count, 2);
    assert_string_equal(item.must.items[0], "B C");
    assert_string_equal(item.must.items[1], "D");
    assert_int_equal(item.never.count, 1);
    assert_string_equal(item.never.items[0], "\xC3\xA9");
    heed_free(memory);
}

static void test_item__may_have_a_text_alone(void **state)
{
    (void)state;
    static const char json[] = "{\"text\": \"\", \"must\": [], \"never\": null}";
    heed_item item;
    char *memory;
    assert_int_equal(heed_item_parse(json, sizeof json - 1, &item, &memory, NULL), HEED_OK);
    assert_string_equal(item.text, "");
    assert_int_equal(item.must.count + item.never.count, 0);
    heed_free(memory);
}

static void test_item__says_what_is_wrong(void **state)
{
    (void)state;
    static const struct { const char *json, *says; } rows[] = {
        {"{", "not a JSON object"},
        {"[]", "not an object"},
        {"{}", "no \"source\""},
        {"{\"source\": 1}", "\"source\" must be a string"},
        {"{\"source\": \"a\", \"source\": \"b\"}", "not a JSON object"},
        {"{\"source\": \"a\", \"target\": \"b\", \"prefix\": \"b\"}", "give one"},
        {"{\"source\": \"a\", \"must\": \"b\"}", "\"must\" must be a list of strings"},
        {"{\"source\": \"a\", \"never\": [\"b\", 2]}", "\"never\" must be a list of strings"},
        {"{\"source\": \"a\", \"never\": [\"b\\u0000\"]}", "not a JSON object"},
        {"{\"source\": \"a\", \"target\": \"b\", \"must\": [\"c\"]}", "give one of them"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        heed_item item;
        heed_error err = {0};
        char *memory;
        assert_int_equal(heed_item_parse(rows[i].json, strlen(rows[i].json), &item, &memory, &err), HEED_E_DATA);
        assert_null(memory);
        if (!strstr(err.text, rows[i].says)) fail_msg("\"%s\" is not in: %s", rows[i].says, err.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_item__has_its_texts_and_lists),
        cmocka_unit_test(test_item__may_have_a_text_alone),
        cmocka_unit_test(test_item__says_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
