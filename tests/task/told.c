#include "task/told.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

seer open_seer(const tiny *t)
{
    heed_error err;
    seer s = {.model = tiny_build(t)};
    s.session = heed_session_new(s.model, &(heed_session_options){.threads = 2}, &err);
    if (!s.session) fail_msg("%s", err.text);
    return s;
}

void close_seer(seer *s)
{
    heed_session_free(s->session);
    heed_model_free(s->model);
}

bool tell(void *user, const heed_reply *r, int64_t first)
{
    told *x = user;
    assert_int_equal(first, x->pairs);
    for (int64_t i = 0; i < heed_reply_count(r); i++, x->pairs++) {
        const heed_output *o = heed_reply_at(r, i);
        for (int64_t k = 0; k < o->link_count; k++) {
            const long long source = o->links[k].source + 1, target = o->links[k].target + 1;
            assert_true(source <= o->source_words && target <= o->target_words);
            heed_buf_printf(&x->text, "%s%lld-%lld", k ? " " : "", x->swapped ? target : source, x->swapped ? source : target);
        }
        heed_buf_char(&x->text, '\n');
    }
    return !x->stop_at || x->pairs < x->stop_at;
}

heed_align_report align(heed_session *s, heed_align_options o, told *x)
{
    heed_error err = {0};
    heed_align_report report;
    o.answer = x ? tell : NULL;
    o.user = x;
    if (heed_files_align(s, &o, &report, &err)) fail_msg("%s", err.text);
    return report;
}

void refused(heed_session *s, const heed_align_options *o, heed_status status, const char *text)
{
    heed_error err = {0};
    assert_int_equal(heed_files_align(s, o, NULL, &err), status);
    assert_int_equal(err.status, status);
    if (!strstr(err.text, text)) fail_msg("no \"%s\" in: %s", text, err.text);
    assert_int_equal(heed_files_align(s, o, NULL, NULL), status);
}

void counts(const heed_align_figures *f, double aer, double precision, double recall, int64_t lines)
{
    assert_true(f->aer > aer - 1e-9 && f->aer < aer + 1e-9);
    assert_true(f->precision > precision - 1e-9 && f->precision < precision + 1e-9);
    assert_true(f->recall > recall - 1e-9 && f->recall < recall + 1e-9);
    assert_int_equal(f->lines, lines);
}
