/* What if: each change does what its words say. */
#include "task/probed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "task/asked.h"

enum { MOST = PROBED_MOST };

static const json_t *changed(const json_t *root, const char *what) { return json_object_get(json_array_get(json_object_get(root, "what_if"), 0), what); }

static double change_at(const json_t *root, int64_t t) { return json_number_value(json_array_get(changed(root, "change"), (size_t)t)); }

static const json_t *changed_output(const json_t *root) { return changed(root, "output"); }

/* What the change does is what another text does: forced, and when it is written freely. */
static void as_another_text(probed *p, const char *change, const char *text)
{
    const heed_item item = asked_forced(p), other = {.text = text}, own = {.text = p->source_text};
    heed_error err;
    double before[MOST];
    json_t *root = asked_json_of(p, &item, "leave-one-out", change), *free_run = asked_json_of(p, &own, "leave-one-out", change);
    const heed_output *o = probed_forced(p, p->source_text);
    for (int64_t t = 0; t < p->in.T; t++) before[t] = o->tokens[t].logp;
    o = probed_forced(p, text);
    for (int64_t t = 0; t < p->in.T; t++)
        if (!probed_near(change_at(root, t), o->tokens[t].logp - before[t], 2)) fail_msg("%s: %s, symbol %d: %.8g, not %.8g", asked_name, change, (int)t,
                                                                               change_at(root, t), o->tokens[t].logp - before[t]);
    heed_reply *r = heed_session_run(p->session, &(heed_request){.items = &other, .count = 1}, &err);
    assert_non_null(r);
    if (!p->model->head.copies)   /* a symbol that is read as <unk> is copied as what it was */
        assert_string_equal(json_string_value(json_object_get(changed_output(free_run), "text")), heed_reply_at(r, 0)->text);
    heed_reply_free(r);
    json_decref(root);
    json_decref(free_run);
}

static void changed_texts(probed *p)
{
    as_another_text(p, "mask:1", "az q");
    as_another_text(p, "edit:0=", "b q");
    as_another_text(p, "edit:1=ce", "ace q");
}

static void test_what_if__masked_and_edited_symbols_are_as_another_text(void **state) { (void)state, asked_each(changed_texts); }

/* What a changed model writes step by step, when it is read along under the same change, has the probabilities it was written with. */
static void written_and_read(probed *p, const char *change)
{
    const heed_item own = {.text = p->source_text};
    asked_taker t = {0};
    heed_error err;
    const heed_status status = asked_ask(p, &own, HEED_FORM_JSON, "leave-one-out", change, &t, &err);
    heed_buf_free(&t.text);
    if (status && strncmp(change, "row:1", 5) == 0) return;   /* nothing but </s> was written */
    json_t *root = asked_json_of(p, &own, "leave-one-out", change);
    const json_t *written = changed_output(root), *tokens = json_object_get(written, "tokens");
    const heed_item again = {.text = p->source_text, .target = json_string_value(json_object_get(written, "text"))};
    const size_t n = json_array_size(tokens);
    if (*again.target && !strstr(again.target, "<unk>") && !p->model->head.copies) {   /* what was copied may be no symbol to read */
        json_t *read = asked_json_of(p, &again, "leave-one-out", change);
        const json_t *first = json_object_get(json_array_get(json_object_get(read, "outputs"), 0), "tokens");
        for (size_t t = 0; t < n && t < json_array_size(first); t++) {
            const double as_written = json_number_value(json_object_get(json_array_get(tokens, t), "logp"));
            const double as_read = json_number_value(json_object_get(json_array_get(first, t), "logp")) + change_at(read, (int64_t)t);
            if (!probed_near(as_written, as_read, 2)) fail_msg("%s: %s: %.8g written, %.8g read", asked_name, change, as_written, as_read);
        }
        json_decref(read);
    }
    json_decref(root);
}

static void changed_heads(probed *p)
{
    static const char *const changes[] = {"head:cross.*.*=uniform", "head:cross.0.0=off", "row:1=0", "row:0=1,0,2,0.5,0", "head:encoder.*.0=off",
                                          "head:decoder.0.1=uniform", "mask:0"};
    const heed_item item = asked_forced(p);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        int layers, heads;
        heed_probe_heads(p->probe, strstr(changes[i], "encoder") ? HEED_SITE_ENCODER : strstr(changes[i], "decoder") ? HEED_SITE_DECODER : HEED_SITE_CROSS,
                         &layers, &heads);
        if (layers || strstr(changes[i], "mask")) written_and_read(p, changes[i]);
        else asked_expect_error(p, &item, HEED_FORM_JSON, NULL, changes[i], HEED_E_USAGE, "attention");
    }
}

static void test_what_if__a_changed_model_writes_what_it_then_reads(void **state) { (void)state, asked_each(changed_heads); }

static void test_what_if__rows_prefixes_and_vectors(void **state)
{
    (void)state;
    probed p;
    const char *name;
    probed_open(&p, probed_at(0, &name), "ab q", "A B C");
    const heed_item item = asked_forced(&p), own = {.text = "ab q"};
    json_t *root = asked_json_of(&p, &item, "leave-one-out", "row:2=0");
    for (int64_t t = 0; t < 2; t++) assert_true(probed_near(change_at(root, t), 0, 2));
    assert_false(probed_near(change_at(root, 2), 0, 2));
    json_decref(root);
    root = asked_json_of(&p, &own, "leave-one-out", "prefix=C D");
    assert_memory_equal(json_string_value(json_object_get(changed_output(root), "text")), "C D", 3);
    assert_int_equal(json_array_size(json_object_get(json_array_get(json_object_get(root, "what_if"), 0), "change")), 0);
    json_decref(root);
    asked_expect_error(&p, &own, HEED_FORM_JSON, NULL, "vector=ab", HEED_E_USAGE, "begins with no vector");
    asked_expect_error(&p, &item, HEED_FORM_JSON, NULL, "prefix=C", HEED_E_USAGE, "with a target nothing is written");
    probed_close(&p);
    probed_open(&p, &(tiny){.attention = "{score: none}"}, "ab q", "A B C");
    root = asked_json_of(&p, &item, "leave-one-out", "vector=ce");
    double before[MOST];
    const heed_output *o = probed_forced(&p, "ab q");
    for (int64_t t = 0; t < o->count; t++) before[t] = o->tokens[t].logp;
    o = probed_forced(&p, "ce");
    for (int64_t t = 0; t < o->count; t++) assert_true(probed_near(change_at(root, t), o->tokens[t].logp - before[t], 2));
    json_decref(root);
    probed_close(&p);
}

static void test_what_if__says_what_there_is(void **state)
{
    (void)state;
    static const struct { const char *change, *word; } wrong[] = {
        {"mask:4", "0 to 3"}, {"mask:-1", "0 to 3"}, {"mask:x", "0 to 3"}, {"edit:0", "edit:I=TEXT"}, {"edit:4=a", "</s> is no part"},
            {"head:cross.0=off", "head:SITE"},
        {"head:cross.1.0=off", "layers 0 to 0"}, {"head:cross.0.2=off", "heads 0 to 1"}, {"head:cross.0.0=on", "head:SITE"}, {"head:side.0.0=off", "head:SITE"},
        {"row:9=0", "row:T=S"}, {"row:0=9", "row:T=S"}, {"row:0=1,2", "row:T=S"}, {"row:0=0,0,0,0,0", "row:T=S"}, {"row:0=1,-1,0,0,0", "row:T=S"},
            {"row:0", "row:T=S"},
        {"swap:1", "there are mask:I"}, {"", "there are mask:I"}, {"edit:0=\xFF", "UTF-8"}};
    probed p;
    const char *name;
    probed_open(&p, probed_at(0, &name), "ab q", "A B C");
    const heed_item item = asked_forced(&p);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        asked_expect_error(&p, &item, HEED_FORM_JSON, NULL, wrong[i].change, strstr(wrong[i].word, "UTF") ? HEED_E_DATA : HEED_E_USAGE, wrong[i].word);
    asked_expect_error(&p, &item, HEED_FORM_CSV, NULL, "mask:0", HEED_E_USAGE, "on a terminal, in JSON and on a page only");
    probed_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_if__masked_and_edited_symbols_are_as_another_text),
        cmocka_unit_test(test_what_if__a_changed_model_writes_what_it_then_reads),
        cmocka_unit_test(test_what_if__rows_prefixes_and_vectors),
        cmocka_unit_test(test_what_if__says_what_there_is),
    };
    return cmocka_run_group_tests_name("what_if", tests, NULL, NULL);
}
