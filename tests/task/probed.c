#include "task/probed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "task/texts.h"
#include "task/variants.h"

#define TRANSFORMER(heads) "type: transformer, activation: gelu, heads: " heads   /* smooth, so that gradients can be held against slopes */
#define CONV "type: conv, embed: 6"

static const tiny others[] = {
    {.attention = "{score: scaled}", .encoder = TRANSFORMER("2"), .decoder = TRANSFORMER("2")},
    {.attention = "{score: scaled}", .layers = 2, .encoder = TRANSFORMER("2"), .decoder = TRANSFORMER("3")},
    {.attention = "{score: scaled, copy: true}", .layers = 2, .encoder = TRANSFORMER("3"), .decoder = TRANSFORMER("2"), .target_units = "symbols, lower: true"},
    {.attention = "{score: additive, heads: 4, key_heads: 2}", .layers = 3, .decoder = TRANSFORMER("2")},
    {.attention = "{score: none}", .layers = 2, .encoder = TRANSFORMER("2"), .decoder = TRANSFORMER("2")},
    {.attention = "{score: scaled}", .encoder = TRANSFORMER("2"), .layers = 1},
    {.attention = "{score: dot}", .layers = 2, .encoder = CONV, .decoder = CONV},
    {.attention = "{score: additive, heads: 2, copy: true}", .layers = 2, .decoder = CONV, .target_units = "symbols, lower: true"},
    {.attention = "{score: none}", .layers = 2, .encoder = CONV, .decoder = CONV},
};
enum { OTHERS = sizeof others / sizeof *others };

int probed_count(void) { return OTHERS + variant_count(); }

const tiny *probed_at(int i, const char **name)
{
    static char text[200];
    if (i >= OTHERS) return variant_at(i - OTHERS, name);
    snprintf(text, sizeof text, "%s, encoder %s, decoder %s", others[i].attention, others[i].encoder ? others[i].encoder : "rnn",
             others[i].decoder ? others[i].decoder : "rnn");
    *name = text;
    return &others[i];
}

static int64_t read(const heed_text *t, const char *text, int32_t *ids)
{
    heed_tokens tokens = {0};
    encode(t, text, &tokens);
    const int64_t n = tokens.count;
    assert_true(n < PROBED_MOST);
    for (int64_t i = 0; i < n; i++) ids[i] = tokens.item[i].id;
    ids[n] = HEED_EOS;
    heed_tokens_free(&tokens);
    return n + 1;
}

void probed_open(probed *p, const tiny *t, const char *source, const char *target)
{
    heed_error err;
    int layers, heads;
    *p = (probed){.model = tiny_build(t), .source_text = source, .target_text = target, .tape = new_tape()};
    p->session = heed_session_new(p->model, &(heed_session_options){.threads = 1}, &err);
    p->probe = heed_probe_new(p->model, p->tape, &err);
    if (!p->session || !p->probe) fail_msg("%s", err.text);
    heed_model_looks(p->model, &layers, &heads);
    p->in = (heed_lens_input){.probe = p->probe, .source = p->source, .S = read(p->model->source, source, p->source), .target = p->target,
                              .T = read(p->model->target, target, p->target), .look = {.layer = layers - 1, .head = heads == 1 ? 0 : -1}};
}

void probed_close(probed *p)
{
    probed_forced(p, NULL);
    heed_probe_free(p->probe);
    heed_tape_free(p->tape);
    heed_session_free(p->session);
    heed_model_free(p->model);
}

void probed_logp(const probed *p, const heed_variant *v, float *logp)
{
    heed_variant one = *v;
    heed_error err;
    one.logp = logp;
    if (heed_probe_run(p->probe, &one, 1, &err) != HEED_OK) fail_msg("%s", err.text);
}

const heed_output *probed_forced(const probed *p, const char *source)
{
    static heed_reply *reply;
    heed_error err;
    heed_reply_free(reply);
    reply = NULL;
    if (!source) return NULL;
    const heed_item item = {.text = source, .target = p->target_text};
    reply = heed_session_run(p->session, &(heed_request){.items = &item, .count = 1, .shown = true, .weights = true}, &err);
    if (!reply) fail_msg("%s", err.text);
    return heed_reply_at(reply, 0);
}

bool probed_near(double a, double b, int terms) { return fabs(a - b) <= terms * 5e-5 * (1 + fabs(b)); }
