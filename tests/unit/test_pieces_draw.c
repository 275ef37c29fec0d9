/* data: splits into pieces that are drawn, and training batches made of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "data/batch.h"
#include "data/pieces_state.h"
#include "data/text_state.h"
#include "support/scratch.h"

static const char *const corpus[] = {
    "The cup is red, the hat is green.", "Where is the stone?", "Look: a white bird!", "She said \"good morning\" and left.", "The birds are singing in the trees.",
    "A man with a red hat walks by.", "Two children are walking to the green tree.", "The white cup stands on the stone.", "It was red, then green, then white.",
    "Walking and singing, they left.", "The trees are green in the morning.", "A bird sings; the child walks.", "The stone is on the hat.", "singing walking standing bird birds",
};
enum { LINES = sizeof corpus / sizeof corpus[0], DRAWS = 40000 };
static const double never = 1e-300, certain = 1e4;   /* noise so small that nothing is left out; a power so high that the likeliest split is certain */

static heed_text *learn(heed_piece_kind kind)
{
    heed_error err = {0};
    heed_text *t = heed_text_new(&(heed_text_settings){.units = HEED_UNIT_pieces, .kind = kind, .min_count = 1, .size = 110}, &err);
    for (int i = 0; i < LINES; i++) assert_int_equal(heed_text_count(t, corpus[i], strlen(corpus[i]), &err), HEED_OK);
    if (heed_text_finish(t, &err)) fail_msg("%s", err.text);
    return t;
}

static void draw(const heed_text *t, const char *text, heed_text_noise noise, uint64_t key, heed_tokens *out)
{
    heed_error err = {0};
    if (heed_text_draw(t, text, strlen(text), &noise, key, out, &err)) fail_msg("%s", err.text);
}

static void same(const heed_tokens *a, const heed_tokens *b, const char *text)
{
    if (a->count != b->count || (a->count && memcmp(a->item, b->item, (size_t)a->count * sizeof *a->item) != 0)) fail_msg("\"%.80s\" is split otherwise", text);
}

static heed_text_noise noise_of(heed_piece_kind kind, double dropout, double sampling)
{
    return kind == HEED_PIECES_UNIGRAM ? (heed_text_noise){.sampling = sampling} : (heed_text_noise){.dropout = dropout};
}

static void test_draw__without_noise_is_the_library_s_split(void **state)
{
    (void)state;
    static const char *const more[] = {"", "  ", " the \t cup\xC2\xA0 ", "the \xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC", "\xE2\x82\xACthe\xE2\x82\xAC", "THE Cup", "\xE2\x96\x81 a\xE2\x96\x81thestone",
                                       "thethethethethethestonestonebirdsingingwalkingtreesgreenmorning"};
    heed_tokens plain = {0}, drawn = {0};
    for (int kind = HEED_PIECES_BPE; kind <= HEED_PIECES_UNIGRAM; kind++) {
        heed_text *t = learn((heed_piece_kind)kind);
        for (int i = 0; i < LINES + 8; i++) {
            const char *text = i < LINES ? corpus[i] : more[i - LINES];
            assert_int_equal(heed_text_encode(t, text, strlen(text), &plain, NULL), HEED_OK);
            draw(t, text, noise_of((heed_piece_kind)kind, never, certain), 1, &drawn);
            same(&plain, &drawn, text);
            draw(t, text, (heed_text_noise){0}, 1, &drawn);
            same(&plain, &drawn, text);
            draw(t, text, noise_of((heed_piece_kind)!kind, 0.5, 0.5), 1, &drawn);   /* of the other kind: says nothing */
            same(&plain, &drawn, text);
        }
        heed_text_free(t);
    }
    heed_tokens_free(&plain);
    heed_tokens_free(&drawn);
}

static void test_draw__is_a_function_of_the_key_and_says_the_same_text(void **state)
{
    (void)state;
    heed_tokens one = {0}, two = {0};
    heed_buf out = {0};
    for (int kind = HEED_PIECES_BPE; kind <= HEED_PIECES_UNIGRAM; kind++) {
        heed_text *t = learn((heed_piece_kind)kind);
        const heed_text_noise noise = noise_of((heed_piece_kind)kind, 0.3, 0.3);
        int64_t differ = 0;
        for (uint64_t key = 0; key < 20; key++)
            for (int i = 0; i < LINES; i++) {
                int32_t ids[200];
                draw(t, corpus[i], noise, key, &one);
                draw(t, corpus[i], noise, key, &two);
                same(&one, &two, corpus[i]);
                for (int64_t k = 0; k < one.count; k++) ids[k] = one.item[k].id;
                heed_buf_reset(&out);
                assert_int_equal(heed_text_decode(t, ids, one.count, NULL, &out, NULL, NULL), HEED_OK);
                assert_string_equal(out.data, corpus[i]);
                draw(t, corpus[i], noise, key + 100, &two);
                differ += one.count != two.count || memcmp(one.item, two.item, (size_t)one.count * sizeof *one.item) != 0;
            }
        assert_true(differ > 20 * LINES / 2);
        heed_text_free(t);
    }
    heed_tokens_free(&one);
    heed_tokens_free(&two);
    heed_buf_free(&out);
}

/* A share of n draws with the chance p lies within five deviations. */
static void share_is(int64_t hits, int64_t n, double p)
{
    const double share = (double)hits / (double)n, far = 5 * sqrt(p * (1 - p) / (double)n) + 1e-9;
    if (fabs(share - p) > far) fail_msg("a share of %.4f instead of %.4f", share, p);
}

static void test_draw__of_one_possible_merge_the_share_left_out_is_the_dropout(void **state)
{
    (void)state;
    heed_error err;
    heed_text *t = heed_text_new(&(heed_text_settings){.units = HEED_UNIT_pieces, .min_count = 1, .size = 7}, &err);   /* specials, the sign, x, y and xy */
    for (int i = 0; i < 50; i++) assert_int_equal(heed_text_count(t, i % 5 ? "y xyxy x yxy" : "x y", i % 5 ? 12 : 3, &err), HEED_OK);
    assert_int_equal(heed_text_finish(t, &err), HEED_OK);
    assert_string_equal(heed_text_symbol(t, HEED_SPECIALS), "xy");
    heed_tokens out = {0};
    int64_t apart = 0;
    for (uint64_t key = 0; key < DRAWS; key++) {
        draw(t, "xy", (heed_text_noise){.dropout = 0.2}, key, &out);
        apart += out.count == 3;
    }
    share_is(apart, DRAWS, 0.2);
    heed_tokens_free(&out);
    heed_text_free(t);
}

/* The weight of a split of `word`, a bit for every place between two letters; 0: it has a part that is no piece. */
static double weight_of(const heed_text *t, const char *const *letters, int n, unsigned cuts, double power)
{
    heed_token code[8];
    double score = 0;
    int first = 0;
    for (int i = 0; i < n; i++) {
        code[i].id = letters[i][1] ? 0x2581 : letters[i][0];
        if (i + 1 < n && !(cuts >> i & 1)) continue;
        const int64_t number = heed_vocabulary_find(&t->vocabulary, code + first, i + 1 - first);
        if (number < 0) return 0;
        score += t->pieces->score[number];
        first = i + 1;
    }
    return exp(power * score);
}

static unsigned cuts_of(const heed_tokens *out)
{
    unsigned cuts = 0;   /* ends in the text are one less than in the word, which has the sign before it */
    for (int64_t i = 0; i + 1 < out->count; i++) cuts |= 1u << out->item[i].end;
    return cuts;
}

static void test_draw__of_unigram_every_split_has_its_probability(void **state)
{
    (void)state;
    static const char *const letters[] = {"__", "t", "h", "e", "n"};
    enum { N = 5, SPLITS = 1 << (N - 1) };
    heed_text *t = learn(HEED_PIECES_UNIGRAM);
    for (int round = 0; round < 2; round++) {
        const double power = round ? 0.2 : 1;
        double weight[SPLITS], all = 0;
        int64_t hits[SPLITS] = {0};
        heed_tokens out = {0};
        int possible = 0;
        for (unsigned cuts = 0; cuts < SPLITS; cuts++) {
            weight[cuts] = weight_of(t, letters, N, cuts, power);
            all += weight[cuts];
            possible += weight[cuts] > 0;
        }
        assert_true(possible > 2);
        for (uint64_t key = 0; key < DRAWS; key++) {
            draw(t, "then", (heed_text_noise){.sampling = power}, key, &out);
            hits[cuts_of(&out)]++;
        }
        for (unsigned cuts = 0; cuts < SPLITS; cuts++) share_is(hits[cuts], DRAWS, weight[cuts] / all);
        heed_tokens_free(&out);
    }
    heed_text_free(t);
}

/* --- batches -------------------------------------------------------------------------------------------------------------------------------------- */

typedef struct world { const char *path; heed_text *text; heed_loader_settings settings; } world;

static world make_world(heed_piece_kind kind)
{
    heed_buf out = {0};
    for (int i = 0; i < 120; i++) heed_buf_printf(&out, "%s\t%s\n", corpus[i % LINES], corpus[i * 5 % LINES]);
    world w = {.path = scratch_text("drawn.tsv", out.data), .text = learn(kind)};
    heed_buf_free(&out);
    const heed_text_noise noise = noise_of(kind, 0.3, 0.3);
    w.settings = (heed_loader_settings){.corpus = {.fields = 2, .files = 1}, .source = w.text, .target = w.text, .source_noise = noise, .target_noise = noise,
                                        .sentences = 8, .max_length = 30, .buffer = 50, .seed = 5, .shuffle = true};
    return w;
}

static heed_loader *open_loader(const world *w)
{
    heed_loader_settings s = w->settings;
    s.corpus.paths = &w->path;
    heed_loader *l = heed_loader_new(&s, NULL);
    assert_non_null(l);
    return l;
}

/* A number of all that the next batch holds; 0: the end of an epoch. */
static uint64_t next(heed_loader *l, int64_t *records, int64_t *symbols)
{
    heed_error err = {0};
    const heed_batch *b = NULL;
    bool end;
    if (heed_loader_next(l, &b, &end, &err)) fail_msg("%s", err.text);
    if (!b) return 0;
    uint64_t print = (uint64_t)b->B;
    for (int64_t i = 0; i < b->B; i++) {
        const int64_t *start = b->target.span.start;
        print = heed_key(print, (uint64_t)b->line[i]);
        assert_true(i == 0 || start[i] - start[i - 1] >= start[i + 1] - start[i]);   /* longest first, by what was drawn */
        assert_true(start[i + 1] - start[i] <= 31);
    }
    for (int64_t i = 0; i < b->source.N; i++) print = heed_key(print, (uint64_t)b->source.ids[i]);
    for (int64_t i = 0; i < b->target.N; i++) print = heed_key(print, (uint64_t)b->target.ids[i]);
    *records += b->B;
    *symbols += b->source.N + b->target.N;
    return print;
}

static void test_loader__draws_anew_in_every_epoch_and_goes_on_with_the_same_draws(void **state)
{
    (void)state;
    for (int kind = HEED_PIECES_BPE; kind <= HEED_PIECES_UNIGRAM; kind++) {
        world w = make_world((heed_piece_kind)kind);
        heed_loader *l = open_loader(&w);
        uint64_t prints[200] = {0};
        heed_loader_state states[200];
        int n = 0;
        int64_t records[3] = {0}, symbols[3] = {0};
        for (int epoch = 0; epoch < 3; n++) {
            states[n] = heed_loader_get_state(l);
            prints[n] = next(l, &records[epoch], &symbols[epoch]);
            epoch += prints[n] == 0;
        }
        assert_true(records[0] == records[1] && records[1] == records[2] && records[0] > 0);
        assert_true(symbols[0] != symbols[1] || symbols[1] != symbols[2]);
        for (int i = 0; i < n; i += 7) {
            heed_loader *again = open_loader(&w);
            int64_t unused = 0;
            assert_int_equal(heed_loader_set_state(again, states[i], NULL), HEED_OK);
            assert_true(next(again, &unused, &unused) == prints[i]);
            heed_loader_free(again);
        }
        heed_loader_free(l);
        heed_text_free(w.text);
    }
}

static void test_loader__a_record_that_a_draw_makes_too_long_keeps_its_plain_pieces(void **state)
{
    (void)state;
    world w = make_world(HEED_PIECES_BPE);
    heed_loader_settings plain = w.settings;
    int64_t records[2] = {0}, symbols[2] = {0};
    w.settings.source_noise.dropout = w.settings.target_noise.dropout = 0.95;
    plain.source_noise = plain.target_noise = (heed_text_noise){0};
    for (int round = 0; round < 2; round++) {
        world one = {.path = w.path, .text = w.text, .settings = round ? plain : w.settings};
        heed_loader *l = open_loader(&one);
        while (next(l, &records[round], &symbols[round])) continue;
        heed_loader_free(l);
    }
    assert_int_equal(records[0], records[1]);
    assert_true(symbols[0] > symbols[1]);
    heed_text_free(w.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_draw__without_noise_is_the_library_s_split),
        cmocka_unit_test(test_draw__is_a_function_of_the_key_and_says_the_same_text),
        cmocka_unit_test(test_draw__of_one_possible_merge_the_share_left_out_is_the_dropout),
        cmocka_unit_test(test_draw__of_unigram_every_split_has_its_probability),
        cmocka_unit_test(test_loader__draws_anew_in_every_epoch_and_goes_on_with_the_same_draws),
        cmocka_unit_test(test_loader__a_record_that_a_draw_makes_too_long_keeps_its_plain_pieces),
    };
    return cmocka_run_group_tests_name("pieces_draw", tests, NULL, NULL);
}
