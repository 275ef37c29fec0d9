/* The same bits: for a record alone and in any batch; for any number of threads; and no memory asked for once the shapes are known.
 *
 * A small network of all ops whose rows could meet their neighbours: embedding, recurrent layers of both cells and directions, every score of
 * attention, heads with shared keys and every kind of positions, norms, residuals, activations, convolutions, products, dropout, and the loss, over random
 * ragged batches. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "attn/score.h"
#include "base/rng.h"
#include "tensor/tape.h"

enum { MOST_LOOKS = 32, MOST_RECORDS = 80, MOST_LENGTH = 40, MOST_ROWS = MOST_RECORDS * MOST_LENGTH, STAGES = 64 };

typedef struct net {
    int64_t V, E, H, J;            /* vocabulary, embedding, state, joined features */
    heed_params *params;
    heed_weight *table, *gru_in[2], *gru_hidden[2], *lstm_in, *lstm_hidden, *bias, *join, *out, *out_bias, *gain, *shift, *inner, *outer, *near;
    heed_attn attn[MOST_LOOKS];
    int looks;
} net;

typedef struct batch {
    int64_t start[MOST_RECORDS + 1], B;
    int32_t ids[MOST_ROWS], targets[MOST_ROWS];
    uint64_t keys[MOST_ROWS];      /* of each row, for dropout */
    int64_t record[MOST_ROWS];     /* of each row */
} batch;

/* What a forward pass left, stage by stage, each [N, width]. */
typedef struct trail { heed_tensor *stage[STAGES]; int count; heed_tensor *loss; } trail;

/* --- the network -------------------------------------------------------------------------------------------------------------------------- */

static heed_weight *add_weight(net *n, const char *name, int64_t rows, int64_t cols, bool product)
{
    heed_weight *w = heed_params_add(n->params, name, 2, rows, cols, HEED_FILL_NORMAL, 0.3);
    if (product) heed_weight_product(w);
    return w;
}

static void add_look(net *n, heed_attn_settings s, heed_error *err)
{
    char scope[32];
    snprintf(scope, sizeof scope, "attention.%d", n->looks);
    s.window = 3;
    s.longest = MOST_LENGTH;
    s.filters = 3;
    s.filter_width = 5;
    s.query_width = s.memory_width = n->H;
    heed_attn_init(&n->attn[n->looks++], n->params, scope, &s, err);
}

/* Every score, bare; every kind of positions, with heads that share keys, with a score that it has a meaning with. */
static void add_looks(net *n, heed_error *err)
{
    int scores = 0;
    for (; heed_score_at(scores); scores++)
        add_look(n, (heed_attn_settings){.score = heed_score_at(scores), .align = (heed_align)(scores % HEED_ALIGN_COUNT), .width = 17}, err);
    for (int p = 0; p < HEED_POSITIONS_COUNT; p++) {
        heed_attn_settings s = {.align = (heed_align)((p + scores) % HEED_ALIGN_COUNT), .width = 24, .heads = 4, .key_heads = 2, .projected = true,
                                .positions = (heed_positions)p, .coverage = p % 2, .both = true};
        int i = p % scores;
        do s.score = heed_score_at(i++ % scores);
        while (heed_attn_refusal(&s) || !s.score->keys);
        add_look(n, s, err);
    }
}

static int net_start(void **state, heed_number number, int64_t V, int64_t E, int64_t H, int64_t J)
{
    net *n = calloc(1, sizeof *n);
    heed_error err = {.status = HEED_OK};
    *n = (net){.V = V, .E = E, .H = H, .J = J, .params = heed_params_new(&err)};
    n->table = add_weight(n, "table", V, E, false);
    n->gru_in[0] = add_weight(n, "gru.in", 3 * H, E, true);
    n->gru_in[1] = add_weight(n, "back.in", 3 * H, E, true);
    n->gru_hidden[0] = add_weight(n, "gru.hidden", 3 * H, H, true);
    n->gru_hidden[1] = add_weight(n, "back.hidden", 3 * H, H, true);
    n->bias = add_weight(n, "gru.bias", 1, 3 * H, false);
    n->lstm_in = add_weight(n, "lstm.in", 4 * H, 2 * H, true);
    n->lstm_hidden = add_weight(n, "lstm.hidden", 4 * H, H, true);
    n->join = add_weight(n, "join", J, H, true);
    n->out = add_weight(n, "out", V, J, true);
    n->out_bias = add_weight(n, "out.bias", 1, V, false);
    n->gain = add_weight(n, "gain", 1, H, false);
    n->shift = add_weight(n, "shift", 1, H, false);
    n->inner = add_weight(n, "inner", J, H, true);
    n->outer = add_weight(n, "outer", H, J, true);
    n->near = add_weight(n, "near", 2 * H, 3 * H, true);
    add_looks(n, &err);
    if (err.status != HEED_OK || heed_params_multiply(n->params, number, &err) != HEED_OK) return -1;
    if (heed_params_finish(n->params, &err) != HEED_OK) return -1;
    heed_params_fill(n->params, 5);
    *state = n;
    return heed_params_pack(n->params, true, 1, &err) == HEED_OK ? 0 : -1;
}

/* Odd widths, one lane and less; widths as models have them. */
static int narrow_start(void **state) { return net_start(state, HEED_F32, 53, 21, 19, 33); }
static int single_start(void **state) { return net_start(state, HEED_F32, 2, 1, 1, 1); }
static int wide_start(void **state) { return net_start(state, HEED_F32, 300, 64, 128, 256); }
static int narrow_bf16_start(void **state) { return net_start(state, HEED_BF16, 53, 21, 19, 33); }
static int wide_bf16_start(void **state) { return net_start(state, HEED_BF16, 300, 64, 128, 256); }

static int net_end(void **state)
{
    net *n = *state;
    heed_params_free(n->params);
    free(n);
    return 0;
}

static heed_tensor *keep(trail *r, heed_tensor *x) { return r->stage[r->count++] = x; }

static heed_tensor *encode(heed_tape *t, const net *n, const batch *b, heed_span span, trail *r)
{
    heed_tensor *rows = keep(r, heed_embed(t, &n->table->tensor, b->ids, b->start[b->B])), *x = keep(r, heed_dropout(t, rows, b->keys, 1, 0.3)), *both[2];
    heed_tape_spend(t, rows);
    for (int d = 0; d < 2; d++) {
        heed_tensor *gates = keep(r, heed_linear(t, x, &n->gru_in[d]->tensor, &n->bias->tensor));
        both[d] = keep(r, heed_rnn(t, HEED_GRU, gates, &n->gru_hidden[d]->tensor, &n->bias->tensor, span, d == 1).h);
        heed_tape_spend(t, gates);
    }
    heed_tensor *gates = keep(r, heed_linear(t, heed_concat(t, both, 2), &n->lstm_in->tensor, NULL));
    for (int d = 0; d < 2; d++) heed_tape_spend(t, both[d]);
    const heed_lstm_state s = heed_rnn(t, HEED_LSTM, gates, &n->lstm_hidden->tensor, NULL, span, false);
    heed_tape_spend(t, gates);
    keep(r, s.c);
    return keep(r, s.h);
}

/* What starts from earlier weights looks twice. */
static heed_tensor *attend(heed_tape *t, const heed_attn *a, heed_tensor *x, heed_span span)
{
    const heed_memory m = heed_attn_memory(t, a, x, NULL, span, 0);
    heed_gaze g = {.queries = span, .weights = a->filter || a->coverage};
    const heed_attended first = heed_attn_forward(t, a, x, &m, &g);
    if (!g.weights) return first.out;
    g.before = g.total = first.weights;
    return heed_attn_forward(t, a, x, &m, &g).out;
}

/* Feed-forward in a Transformer's way, then a gated convolution, then the record's mean. */
static heed_tensor *transform(heed_tape *t, const net *n, const batch *b, heed_tensor *x, heed_span span, trail *r)
{
    if (n->H % 2 == 0) x = keep(r, heed_sinusoid(t, x, 0.5F, span, 0));
    heed_tensor *y = keep(r, heed_norm(t, x, &n->gain->tensor, &n->shift->tensor));
    y = keep(r, heed_activate(t, heed_linear(t, y, &n->inner->tensor, NULL), HEED_GELU));
    x = keep(r, heed_residual(t, x, heed_linear(t, y, &n->outer->tensor, NULL), b->keys, 2, 0.3));
    y = keep(r, heed_glu(t, heed_linear(t, heed_unfold(t, x, span, 3, 1), &n->near->tensor, NULL)));
    x = keep(r, heed_scale(t, heed_residual(t, x, y, b->keys, 3, 0.3), 0.7F));
    return keep(r, heed_add(t, x, heed_gather(t, heed_mean(t, x, span), b->record, b->start[b->B])));
}

static trail run(heed_tape *t, const net *n, const batch *b)
{
    trail r = {.count = 0};
    const heed_span span = {b->start, b->B};
    heed_tensor *x = transform(t, n, b, encode(t, n, b, span, &r), span, &r), *y = heed_linear(t, x, &n->join->tensor, NULL);
    for (int i = 0; i < n->looks; i++) y = heed_linear_add(t, y, keep(&r, attend(t, &n->attn[i], x, span)), &n->join->tensor);
    y = keep(&r, heed_unit_rows(t, heed_tanh(t, y), 1));
    r.loss = heed_output_loss(t, y, &n->out->tensor, &n->out_bias->tensor, b->targets, 0.1, 1, NULL);
    return r;
}

static void run_back(heed_tape *t, const trail *r)
{
    heed_error err = {.status = HEED_OK};
    if (heed_backward(t, r->loss, &err) != HEED_OK) fail_msg("%s", err.text);
}

/* --- batches ------------------------------------------------------------------------------------------------------------------------------ */

static void number_rows(batch *b)
{
    for (int64_t i = 0; i < b->B; i++)
        for (int64_t r = b->start[i]; r < b->start[i + 1]; r++) b->record[r] = i;
}

static void draw_batch(batch *b, uint64_t key, int64_t records, int64_t longest, int64_t V)
{
    b->B = records;
    b->start[0] = 0;
    for (int64_t i = 0; i < records; i++)
        b->start[i + 1] = b->start[i] + (i == 1 ? 0 : 1 + (int64_t)heed_below(key, (uint64_t)i, (uint64_t)longest));   /* record 1 is empty */
    for (uint64_t i = 0; i < (uint64_t)b->start[records]; i++) {
        b->ids[i] = (int32_t)heed_below(key, 1000 + 2 * i, (uint64_t)V);
        b->targets[i] = (int32_t)heed_below(key, 1001 + 2 * i, (uint64_t)V);
        b->keys[i] = heed_key(key, i);
    }
    number_rows(b);
}

/* Records first .. first+count-1 of b. */
static void cut_batch(batch *part, const batch *b, int64_t first, int64_t count)
{
    const int64_t from = b->start[first], rows = b->start[first + count] - from;
    part->B = count;
    for (int64_t i = 0; i <= count; i++) part->start[i] = b->start[first + i] - from;
    memcpy(part->ids, b->ids + from, (size_t)rows * sizeof *b->ids);
    memcpy(part->targets, b->targets + from, (size_t)rows * sizeof *b->targets);
    memcpy(part->keys, b->keys + from, (size_t)rows * sizeof *b->keys);
    number_rows(part);
}

static heed_tape *new_tape(void)
{
    heed_tape *t = heed_tape_new(&(heed_tape_options){.record = true, .train = true, .seed = 3}, NULL);
    assert_non_null(t);
    return t;
}

/* --- a record alone and in a batch ---------------------------------------------------------------------------------------------------------- */

static void same_rows(const char *what, int stage, int64_t record, const heed_tensor *alone, const float *x, const heed_tensor *batch, const float *y, int64_t first)
{
    assert_int_equal(alone->cols, batch->cols);
    assert_true((x == NULL) == (y == NULL));
    const int64_t n = alone->rows * alone->cols;
    for (int64_t i = 0; x && i < n; i++)
        if (memcmp(x + i, y + first * batch->cols + i, sizeof *x) != 0)
            fail_msg("%s of stage %d differ for record %lld at (%lld,%lld): alone %.9g, in the batch %.9g", what, stage, (long long)record,
                     (long long)(i / alone->cols), (long long)(i % alone->cols), (double)x[i], (double)y[first * batch->cols + i]);
}

static void compare_record(const net *n, const batch *b, const trail *whole, batch *part, heed_tape *t, int64_t record)
{
    cut_batch(part, b, record, 1);
    heed_tape_reset(t, true, true, 3);
    const trail alone = run(t, n, part);
    run_back(t, &alone);
    for (int i = 0; i < alone.count; i++) {
        same_rows("values", i, record, alone.stage[i], alone.stage[i]->x, whole->stage[i], whole->stage[i]->x, b->start[record]);
        same_rows("gradients", i, record, alone.stage[i], alone.stage[i]->g, whole->stage[i], whole->stage[i]->g, b->start[record]);
    }
}

static void a_record_alone_and_in_a_batch(void **state)
{
    const net *n = *state;
    batch *b = malloc(sizeof *b), *part = malloc(sizeof *part);
    heed_tape *together = new_tape(), *t = new_tape();
    static const int64_t records[] = {2, 3, 7, 12, 33, 64, 80};
    for (uint64_t i = 0; i < sizeof records / sizeof records[0]; i++) {
        draw_batch(b, 100 + i, records[i], i % 2 ? MOST_LENGTH : 9, n->V);
        heed_tape_reset(together, true, true, 3);
        const trail whole = run(together, n, b);
        run_back(together, &whole);
        for (int64_t r = 0; r < b->B; r += 1 + b->B / 12) compare_record(n, b, &whole, part, t, r);
    }
    heed_tape_free(t);
    heed_tape_free(together);
    free(part);
    free(b);
}

/* --- threads ---------------------------------------------------------------------------------------------------------------------------------- */

enum { SHARDS = 5 };

/* Sums what the tapes list, one tape after the other, as a training does whose tapes do not all run at once. */
static void collect_one_by_one(heed_params *p, heed_tape *const *tapes, heed_error *err)
{
    assert_int_equal(heed_params_prepare(p, 1, err), HEED_OK);
    for (int i = 0; i < SHARDS; i++)
        for (int64_t job = heed_params_jobs(p) - 1; job >= 0; job--) heed_params_work(p, 0, job, tapes + i, 1, i == 0);
    assert_int_equal(heed_params_crew_status(p, 1, err), HEED_OK);
}

/* The gradients of all weights of a batch cut into shards, by so many threads; 0: tape by tape. A copy. */
static float *gradients(const net *n, const batch *b, int workers)
{
    heed_tape *tapes[SHARDS];
    const int threads = workers ? workers : 1;
    heed_error err = {.status = HEED_OK};
    batch *parts = calloc(SHARDS, sizeof *parts);
    for (int i = 0; i < SHARDS; i++) {
        tapes[i] = new_tape();
        if (workers != 1) heed_tape_thrift(tapes[i]);   /* memory used again on the way back changes nothing either */
        cut_batch(&parts[i], b, b->B * i / SHARDS, b->B * (i + 1) / SHARDS - b->B * i / SHARDS);
    }
    heed_params_touch(n->params);
    assert_int_equal(heed_params_pack(n->params, true, threads, &err), HEED_OK);
#pragma omp parallel for schedule(dynamic) num_threads(threads)
    for (int i = 0; i < SHARDS; i++) {
        const trail r = run(tapes[i], n, &parts[i]);
        heed_backward(tapes[i], r.loss, NULL);
    }
    for (int i = 0; i < SHARDS; i++) assert_int_equal(heed_tape_status(tapes[i], &err), HEED_OK);
    if (workers) assert_int_equal(heed_params_collect(n->params, tapes, SHARDS, threads, &err), HEED_OK);
    else collect_one_by_one(n->params, tapes, &err);
    const size_t bytes = (size_t)heed_params_size(n->params) * sizeof(float);
    float *copy = malloc(bytes);
    memcpy(copy, heed_params_grads(n->params), bytes);
    for (int i = 0; i < SHARDS; i++) heed_tape_free(tapes[i]);
    free(parts);
    return copy;
}

static void one_two_and_three_threads(void **state)
{
    const net *n = *state;
    const int64_t size = heed_params_size(n->params);
    batch *b = malloc(sizeof *b);
    for (uint64_t round = 0; round < 3; round++) {
        draw_batch(b, 200 + round, 60, MOST_LENGTH, n->V);
        float *one = gradients(n, b, 1);
        double sum = 0;
        for (int64_t i = 0; i < size; i++) sum += one[i] * one[i];
        assert_true(sum > 0);
        for (int threads = 0; threads <= 3; threads++) {
            float *more = gradients(n, b, threads);
            assert_memory_equal(one, more, (size_t)size * sizeof *one);
            free(more);
        }
        free(one);
    }
    free(b);
}

/* --- memory ------------------------------------------------------------------------------------------------------------------------------------ */

static int64_t grown_after_a_round(heed_tape *t, const net *n, batch *b)
{
    for (uint64_t i = 0; i < 8; i++) {
        draw_batch(b, 300 + i, 1 + (int64_t)heed_below(9, i, 60), MOST_LENGTH, n->V);
        heed_tape_reset(t, true, true, i);
        const trail r = run(t, n, b);
        run_back(t, &r);
        assert_int_equal(heed_params_collect(n->params, &t, 1, 1, NULL), HEED_OK);
    }
    return heed_tape_grown(t);
}

static void no_memory_is_asked_for_once_the_shapes_are_known(void **state)
{
    const net *n = *state;
    batch *b = malloc(sizeof *b);
    heed_tape *t = new_tape();
    grown_after_a_round(t, n, b);
    const int64_t grown = grown_after_a_round(t, n, b);
    const size_t bytes = heed_tape_bytes(t);
    for (int round = 0; round < 3; round++) {
        assert_int_equal(grown_after_a_round(t, n, b), grown);
        assert_int_equal(heed_tape_bytes(t), bytes);
    }
    heed_tape_free(t);
    free(b);
}

enum { LINKS = 50, CHAIN_ROWS = 5000 };

/* One dropout after another, each of whose results only the next one reads; the bytes that the tape then holds. */
static size_t chain(bool thrifty)
{
    heed_tape *t = new_tape();
    const int64_t start[] = {0, CHAIN_ROWS};
    static uint64_t keys[CHAIN_ROWS];
    if (thrifty) heed_tape_thrift(t);
    heed_tensor *x = heed_input(t, CHAIN_ROWS, 1, NULL, true), *first = x;
    for (uint64_t i = 0; i < LINKS; i++) {
        heed_tensor *next = heed_dropout(t, x, keys, i, 0.5);
        heed_tape_spend(t, x);
        assert_int_equal(x->x == NULL, thrifty);
        x = next;
    }
    assert_int_equal(heed_backward(t, heed_mean(t, x, (heed_span){start, 1}), NULL), HEED_OK);
    assert_non_null(first->g);
    const size_t bytes = heed_tape_bytes(t);
    heed_tape_free(t);
    return bytes;
}

static void values_that_are_spent_make_room_for_others(void **state)
{
    const size_t one = CHAIN_ROWS * sizeof(float);
    (void)state;
    assert_true(chain(false) > 2 * LINKS * one);   /* values and gradients */
    assert_true(chain(true) < 10 * one + 64 * 1024);
}

#define TEST(size, f) {"test_same_bits__" #f " (" #size " network)", f, size##_start, net_end, NULL}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(narrow, a_record_alone_and_in_a_batch),
        TEST(single, a_record_alone_and_in_a_batch),
        TEST(wide, a_record_alone_and_in_a_batch),
        TEST(narrow, one_two_and_three_threads),
        TEST(wide, one_two_and_three_threads),
        TEST(narrow, no_memory_is_asked_for_once_the_shapes_are_known),
        TEST(wide, no_memory_is_asked_for_once_the_shapes_are_known),
        TEST(narrow, values_that_are_spent_make_room_for_others),
        TEST(narrow_bf16, a_record_alone_and_in_a_batch),
        TEST(wide_bf16, a_record_alone_and_in_a_batch),
        TEST(narrow_bf16, one_two_and_three_threads),
        TEST(wide_bf16, one_two_and_three_threads),
        TEST(wide_bf16, no_memory_is_asked_for_once_the_shapes_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
