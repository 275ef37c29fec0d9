/* explain: the page around an explanation. What it looks like is for tests/page; here: nothing of the data can leave its element, and nothing else is asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "explain/corpus.h"
#include "explain/page.h"
#include "explain/page_text.h"
#include "support/xml.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char START[] = "<script type=\"application/json\" id=\"data\">";

static char *page_of(const char *json)
{
    heed_buf b = {0};
    assert_int_equal(heed_explain_page(json, strlen(json), NULL, &b), HEED_OK);
    return heed_buf_take(&b);
}

/* What stands in the element of the data, as a parser of HTML sees it: up to the first "</script". */
static char *data_of(char *page)
{
    char *data = strstr(page, START);
    assert_non_null(data);
    data += strlen(START);
    char *end = strstr(data, "</script");
    assert_non_null(end);
    *end = 0;
    return data;
}

static void test_page__data_cannot_end_their_element(void **state)
{
    (void)state;
    static const char *const hostile[] = {"</script><script>alert(1)</script>", "<!--", "<!--<script>", "-->", "]]>", "&lt;/script&gt;", "</SCRIPT >", "\xE2\x80\xA8", "\xE2\x80\xA9",
                                          "@@nonce@@", "@@data@@", "{{", "\\u003c"};
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        json_t *object = json_pack("{s:s, s:[]}", "source", hostile[i], "outputs");
        char *json = json_dumps(object, 0), *page = page_of(json), *data = data_of(page);
        assert_null(strpbrk(data, "<>&"));
        assert_null(strstr(data, "\xE2\x80\xA8"));
        assert_null(strstr(data, "\xE2\x80\xA9"));
        json_t *read = json_loads(data, 0, NULL);
        assert_true(json_equal(read, object));
        json_decref(read);
        json_decref(object);
        free(page);
        free(json);
    }
}

static void test_page__a_nonce_guards_every_script_and_style_and_belongs_to_the_data(void **state)
{
    (void)state;
    char *one = page_of("{\"source\": \"a\"}"), *same = page_of("{\"source\": \"a\"}"), *other = page_of("{\"source\": \"b\"}");
    assert_string_equal(one, same);
    const char *nonce = strstr(one, "'nonce-") + 7;
    assert_int_equal(strspn(nonce, "0123456789abcdef"), 32);
    assert_memory_not_equal(nonce, strstr(other, "'nonce-") + 7, 32);
    assert_int_equal(text_count(one, "@@"), 0);
    assert_non_null(strstr(one, "color-scheme:"));          /* of page.css */
    assert_non_null(strstr(one, "readPage()"));             /* of data.js */
    for (const char *at = one; (at = strpbrk(at, "<")); at++) {
        if (strncmp(at, "<style", 6) && (strncmp(at, "<script", 7) || !strncmp(at, START, strlen(START)))) continue;
        const char *given = strstr(at, "nonce=\"");
        assert_true(given && given < strchr(at, '>'));
        assert_memory_equal(given + 7, nonce, 32);
    }
    free(one);
    free(same);
    free(other);
}

static void test_page__names_no_address_and_makes_no_html_from_text(void **state)
{
    (void)state;
    static const char *const never[] = {"https:", "//cdn", "@import", "url(", "src=", "href=", "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function",
                                        "XMLHttpRequest", "WebSocket", "sendBeacon", "onclick=", "onload=", "style=\""};
    char *page = page_of("{}");
    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        if (strstr(page, never[i])) fail_msg("the page holds %s", never[i]);
    assert_int_equal(text_count(page, "http:"), text_count(page, "http://www.w3.org/2000/svg"));
    assert_int_equal(text_count(page, "fetch("), text_count(page, "fetch(SERVER,"));
    assert_non_null(strstr(page, "default-src 'none'"));    /* so the page of a file has nobody whom it could ask */
    free(page);
}

static void test_page__its_code_is_under_200_kB(void **state)
{
    (void)state;
    assert_true(heed_page_size < 200000);
    assert_int_equal(strlen((const char *)heed_page_text), heed_page_size);
}

static void test_page__of_a_server_asks_it_and_nobody_else(void **state)
{
    (void)state;
    static const char json[] = "{\"heed\": \"explanation\"}", drawn[] = "0123456789abcdef";
    heed_buf served = {0};
    assert_int_equal(heed_explain_page(json, strlen(json), drawn, &served), HEED_OK);
    assert_non_null(strstr(served.data, "script-src 'nonce-0123456789abcdef'"));
    assert_non_null(strstr(served.data, " connect-src 'self';"));
    assert_non_null(strstr(served.data, "<script type=\"application/json\" id=\"data\" data-server=\"what-if\">"));
    assert_null(strstr(served.data, "@@"));
    heed_buf_free(&served);
    char *file = page_of(json);
    assert_null(strstr(file, "connect-src"));
    assert_null(strstr(file, "data-server"));
    assert_null(strstr(file, "@@"));
    free(file);
    assert_int_equal(heed_explain_page(json, strlen(json), "short", &served), HEED_E_USAGE);
    assert_int_equal(heed_explain_page(json, strlen(json), "0123456789abcde'", &served), HEED_E_USAGE);
    assert_int_equal(served.size, 0);
}

static void test_page__what_is_no_object_is_refused(void **state)
{
    (void)state;
    heed_buf b = {0};
    assert_int_equal(heed_explain_page("", 0, NULL, &b), HEED_E_USAGE);
    assert_int_equal(heed_explain_page(" \n", 2, NULL, &b), HEED_E_USAGE);
    assert_int_equal(heed_explain_page("[1]", 3, NULL, &b), HEED_E_USAGE);
    assert_int_equal(heed_explain_page("{\0}", 3, NULL, &b), HEED_E_USAGE);
    assert_int_equal(b.size, 0);
    assert_int_equal(heed_explain_page("{} and more", 2, NULL, &b), HEED_OK);
    assert_null(strstr(b.data, "and more"));
    heed_buf_free(&b);
}

/* --- many explanations ---------------------------------------------------------------------------------------------------------------------- */
static const char ONE[] = "{\"model\": {\"name\": \"m\"}, \"source\": \"a\", \"source_tokens\": [], \"outputs\": []}\n\n", OTHER[] = "{\"source\": \"b\", \"source_tokens\": [], \"outputs\": []}";

static json_t *joined(const heed_corpus_text *texts, int count)
{
    heed_buf b = {0};
    heed_error err;
    assert_int_equal(heed_corpus_join(texts, count, &b, &err), HEED_OK);
    json_t *object = json_loadb(b.data, b.size, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(object);
    heed_buf_free(&b);
    return object;
}

static const char *model_of(const json_t *corpus, size_t i) { return json_string_value(json_array_get(json_object_get(corpus, "models"), i)); }

static void test_corpus__explanations_stand_as_they_are_with_their_models(void **state)
{
    (void)state;
    json_t *corpus = joined((heed_corpus_text[]){{"x.jsonl", ONE, strlen(ONE)}, {"y.jsonl", OTHER, strlen(OTHER)}}, 2), *items = json_object_get(corpus, "items");
    assert_int_equal(json_array_size(items), 2);
    assert_string_equal(json_string_value(json_object_get(json_array_get(items, 1), "source")), "b");
    assert_int_equal(json_integer_value(json_array_get(json_object_get(corpus, "counts"), 1)), 1);
    assert_string_equal(model_of(corpus, 0), "m");
    assert_string_equal(model_of(corpus, 1), "y.jsonl");
    json_decref(corpus);
}

static void test_corpus__two_runs_of_one_model_are_told_apart_by_their_files(void **state)
{
    (void)state;
    json_t *corpus = joined((heed_corpus_text[]){{"x.jsonl", ONE, strlen(ONE)}, {"y.jsonl", ONE, strlen(ONE)}}, 2);
    assert_string_equal(model_of(corpus, 0), "x.jsonl");
    assert_string_equal(model_of(corpus, 1), "y.jsonl");
    json_decref(corpus);
}

static void test_corpus__a_line_that_is_none_is_named(void **state)
{
    (void)state;
    static const char *const wrong[][2] = {{"{\"source_tokens\": [], \"outputs\": []}\n{", "x: line 2: is no JSON object"}, {"\n[]\n", "x: line 2: is no explanation"}, {"{\"film\": 1}", "x: line 1: is no explanation"},
                                           {"{\"outputs\": 1, \"source_tokens\": []}", "x: line 1: is no explanation"}, {" \n\n", "x: holds no explanation"}, {"", "x: holds no explanation"},
                                           {"{\"a\": 1, \"a\": 2}", "x: line 1: is no JSON object"}, {"{\"a\": \"\xFF\"}", "x: line 1: is no JSON object"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        heed_buf b = {0};
        heed_error err = {0};
        assert_int_equal(heed_corpus_join(&(heed_corpus_text){"x", wrong[i][0], strlen(wrong[i][0])}, 1, &b, &err), HEED_E_DATA);
        assert_memory_equal(err.text, wrong[i][1], strlen(wrong[i][1]));
        heed_buf_free(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_page__data_cannot_end_their_element),
        cmocka_unit_test(test_page__a_nonce_guards_every_script_and_style_and_belongs_to_the_data),
        cmocka_unit_test(test_page__names_no_address_and_makes_no_html_from_text),
        cmocka_unit_test(test_page__its_code_is_under_200_kB),
        cmocka_unit_test(test_page__of_a_server_asks_it_and_nobody_else),
        cmocka_unit_test(test_page__what_is_no_object_is_refused),
        cmocka_unit_test(test_corpus__explanations_stand_as_they_are_with_their_models),
        cmocka_unit_test(test_corpus__two_runs_of_one_model_are_told_apart_by_their_files),
        cmocka_unit_test(test_corpus__a_line_that_is_none_is_named),
    };
    return cmocka_run_group_tests_name("explain/page", tests, NULL, NULL);
}
