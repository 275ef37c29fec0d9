/* The page, and many explanations on one, with every allocation refused in turn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "explain/corpus.h"
#include "explain/page.h"
#include "oom/refuse.h"

#include <string.h>

static bool make_page(void *data)
{
    static const char line[] = "{\"model\": {\"name\": \"m\"}, \"source\": \"<a>\", \"source_tokens\": [], \"outputs\": []}\n";
    (void)data;
    heed_buf json = {0}, page = {0};
    heed_error err = {0};
    const heed_corpus_text texts[] = {{"x", line, strlen(line)}, {"y", line, strlen(line)}};
    heed_status status = heed_corpus_join(texts, 2, &json, &err);
    if (status) assert_int_equal(status, HEED_E_NOMEM);
    if (!status) status = heed_explain_page(json.data, json.size, NULL, &page);
    if (status) assert_int_equal(status, HEED_E_NOMEM);
    heed_buf_free(&json);
    heed_buf_free(&page);
    return !status;
}

static void test_page__survives_every_refusal(void **state)
{
    (void)state;
    assert_true(refuse_each(make_page, NULL, true, 1000) > 0);
    assert_true(refuse_each(make_page, NULL, false, 1000) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_page__survives_every_refusal)};
    return cmocka_run_group_tests_name("oom/page", tests, NULL, NULL);
}
