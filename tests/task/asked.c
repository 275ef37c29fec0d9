#include "task/asked.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

bool asked_take(void *user, const char *bytes, size_t size)
{
    asked_taker *t = user;
    heed_buf_add(&t->text, bytes, size);
    t->largest = size > t->largest ? size : t->largest;
    return ++t->parts != t->most;
}

heed_status asked_ask(const probed *p, const heed_item *item, heed_form form, const char *lens, const char *change, asked_taker *t, heed_error *err)
{
    *t = (asked_taker){.most = t->most};
    return heed_explanation_write(p->session, item, &(heed_explanation_options){.form = form, .lenses = &lens, .lens_count = lens != NULL, .what_if = &change,
                                                                                .what_if_count = change != NULL, .heads = true, .name = "tiny",
                                                                                .write = asked_take,
                                                                                .user = t}, err);
}

heed_item asked_forced(const probed *p) { return (heed_item){.text = p->source_text, .target = p->target_text}; }

const char *asked_text_of(const probed *p, const heed_item *item, heed_form form, const char *lens, const char *change, asked_taker *t)
{
    heed_error err;
    if (asked_ask(p, item, form, lens, change, t, &err) != HEED_OK) fail_msg("%s", err.text);
    assert_non_null(t->text.data);
    return t->text.data;
}

json_t *asked_json_of(const probed *p, const heed_item *item, const char *lens, const char *change)
{
    asked_taker t = {0};
    json_error_t why;
    json_t *root = json_loads(asked_text_of(p, item, HEED_FORM_JSON, lens, change, &t), JSON_REJECT_DUPLICATES, &why);
    if (!root) fail_msg("%s at %d", why.text, why.position);
    heed_buf_free(&t.text);
    return root;
}

void asked_expect_error(const probed *p, const heed_item *item, heed_form form, const char *lens, const char *change, heed_status status, const char *word)
{
    asked_taker t = {0};
    heed_error err = {0};
    assert_int_equal(asked_ask(p, item, form, lens, change, &t, &err), status);
    if (!strstr(err.text, word)) fail_msg("\"%s\" is not in: %s", word, err.text);
    heed_buf_free(&t.text);
}

const char *asked_name = "";

static void visit_one(const tiny *model, void (*visit)(probed *p))
{
    probed p;
    probed_open(&p, model, "ab q", "A B C");
    visit(&p);
    probed_close(&p);
}

void asked_each(void (*visit)(probed *p))
{
    for (int i = 0; i < ASKED_WHOLE; i++) visit_one(probed_at(i, &asked_name), visit);
    for (int i = ASKED_WHOLE; i < probed_count(); i += 11) visit_one(probed_at(i, &asked_name), visit);
    visit_one(&(tiny){.attention = "{score: scaled, heads: 3, width: 12, align: entmax}", .order = "order: luong"}, visit);
}
