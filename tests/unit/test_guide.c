/* Guided attention: from words to symbols, from symbols to the rows of every decoder, and settings that have no meaning. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "align/bitext.h"
#include "recipes.h"
#include "support/scratch.h"
#include "support/tiny.h"
#include "tensor/tape.h"

/* --- which symbols a symbol is linked with --------------------------------------------------------------------------------------------------- */

static heed_text *text_of(heed_unit units, const char *a, const char *b)
{
    heed_error err = {.status = HEED_OK};
    heed_text *t = heed_text_new(&(heed_text_settings){.units = units, .min_count = 1, .size = units == HEED_UNIT_pieces ? 10 : 0}, &err);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(heed_text_count(t, a, strlen(a), &err), HEED_OK);
        assert_int_equal(heed_text_count(t, b, strlen(b), &err), HEED_OK);
    }
    if (heed_text_finish(t, &err)) fail_msg("%s", err.text);
    return t;
}

/* Of the only record of sequence b "0,1 0,1 - 3", in the order of the target: what each symbol is linked with. */
static void describe(const heed_batch *b, int64_t sequence, heed_buf *out)
{
    heed_buf_reset(out);
    for (int64_t i = b->target.span.start[sequence]; i < b->target.span.start[sequence + 1]; i++) {
        const int64_t from = b->guide.start[i], end = b->guide.start[i + 1];
        heed_buf_text(out, i > b->target.span.start[sequence] ? " " : "");
        for (int64_t k = from; k < end; k++) heed_buf_printf(out, "%s%d", k > from ? "," : "", b->guide.key[k]);
        if (from == end) heed_buf_text(out, "-");
    }
}

typedef struct example { heed_unit units; bool parted; const char *expected; bool empty, ends; } example;

static void linked_as(const example *e, const heed_line_links *links, const char *source, const char *target)
{
    heed_error err = {.status = HEED_OK};
    char line[200];
    snprintf(line, sizeof line, "\n%s\t%s\n", source, target);
    const char *path = scratch_text("one.tsv", line);
    heed_text *s = text_of(e->units, source, source), *t = text_of(e->units, target, target);
    heed_loader *l = heed_loader_new(&(heed_loader_settings){.corpus = {.paths = &path, .files = 1, .fields = 2}, .source = s, .target = t, .sentences = 4,
                                                             .guide = {links, heed_bitext_words, e->parted, e->empty, e->ends}}, &err);
    const heed_batch *b;
    heed_buf found = {0};
    bool end;
    if (!l || heed_loader_next(l, &b, &end, &err)) fail_msg("%s", err.text);
    assert_int_equal(b->line[0], 2);   /* the first line is empty, and left out */
    describe(b, 0, &found);
    if (strcmp(found.data, e->expected) != 0) fail_msg("units %s: \"%s\", not \"%s\"", heed_unit_name(e->units), found.data, e->expected);
    int64_t guided = 0;
    for (int64_t i = 0; i < b->target.N; i++) guided += b->guide.start[i + 1] > b->guide.start[i];
    assert_true(b->guide.share == (guided ? (double)b->target.N / (double)guided : 0));
    heed_buf_free(&found);
    heed_loader_free(l);
    heed_text_free(s);
    heed_text_free(t);
}

static void test_guide__links_of_words_are_links_of_their_symbols(void **state)
{
    (void)state;
    static const heed_word_link link[] = {{1, 0}, {0, 2}, {2, 2}};   /* c - XY; ab, de. - Z! */
    static const int64_t first[] = {0, 0, 3};
    const heed_line_links links = {link, first, 2};
    static const example examples[] = {
        {HEED_UNIT_symbols, false, "1 - 0,2 -", false, false},
        {HEED_UNIT_words, false, "1 - 0,2,3 0,2,3 -", false, false},                  /* ab c de .  -> XY V Z ! */
        {HEED_UNIT_words, true, "1 - 0,2 - -", false, false},                        /* the full stop is a word of its own, and so is ! */
        {HEED_UNIT_characters, false, "3 3 - - - 0,1,5,6,7 0,1,5,6,7 -", false, false},
        {HEED_UNIT_characters, true, "3 3 - - - 0,1,5,6 - -", false, false},
    };
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) linked_as(&examples[i], &links, "ab c de.", "XY V Z!");
}

/* What is a word and has no link is linked with the source's </s>; spaces are no words. */
static void test_guide__words_without_links_look_at_the_end_of_the_source(void **state)
{
    (void)state;
    static const heed_word_link link[] = {{1, 0}, {0, 2}, {2, 2}};   /* c - XY; ab, de. - Z! */
    static const int64_t first[] = {0, 0, 3};
    const heed_line_links links = {link, first, 2};
    static const example examples[] = {
        {HEED_UNIT_symbols, false, "1 3 0,2 -", true, false},
        {HEED_UNIT_symbols, false, "1 3 0,2 3", true, true},
        {HEED_UNIT_words, false, "1 4 0,2,3 0,2,3 4", true, true},      /* ab c de . </s>  -> XY V Z ! </s> */
        {HEED_UNIT_words, true, "1 4 0,2 4 -", true, false},
        {HEED_UNIT_characters, false, "3 3 - 8 - 0,1,5,6,7 0,1,5,6,7 8", true, true},
        {HEED_UNIT_characters, true, "3 3 - 8 - 0,1,5,6 8 -", true, false},
    };
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) linked_as(&examples[i], &links, "ab c de.", "XY V Z!");
}

/* Its links are not known. */
static void test_guide__nothing_of_a_line_without_links_is_linked(void **state)
{
    (void)state;
    static const heed_word_link link[] = {{0, 0}};
    static const int64_t first[] = {0, 1, 1}, fewer[] = {0, 1};
    const heed_line_links none = {link, first, 2}, beyond = {link, fewer, 1};
    const example e = {HEED_UNIT_symbols, false, "- - - -", true, true};
    linked_as(&e, &none, "ab c de.", "XY V Z!");
    linked_as(&e, &beyond, "ab c de.", "XY V Z!");
}

/* A symbol is of the first word that it covers; the links of the second are lost, but it is not without. */
static void test_guide__a_link_that_no_symbol_stands_for_is_not_the_empty_words(void **state)
{
    (void)state;
    static const heed_word_link link[] = {{3, 0}};   /* the full stop, which the symbol `de.` hides */
    static const int64_t first[] = {0, 0, 1};
    const heed_line_links links = {link, first, 2};
    const example e = {HEED_UNIT_symbols, true, "- 3 3 -", true, false};
    linked_as(&e, &links, "ab c de.", "XY V Z!");
}

/* Each piece has the links of its word, so no two pieces of a word differ. */
static void test_guide__pieces_have_the_links_of_their_word(void **state)
{
    (void)state;
    static const heed_word_link link[] = {{1, 0}, {0, 1}};
    static const int64_t first[] = {0, 0, 2};
    const heed_line_links links = {link, first, 2};
    const char *source = "banana cabana", *target = "canaba nabaca";
    heed_error err = {.status = HEED_OK};
    heed_text *s = text_of(HEED_UNIT_pieces, source, target);
    heed_tokens from = {0}, to = {0};
    assert_int_equal(heed_text_encode(s, source, strlen(source), &from, &err), HEED_OK);
    assert_int_equal(heed_text_encode(s, target, strlen(target), &to, &err), HEED_OK);
    char lines[200];
    snprintf(lines, sizeof lines, "\n%s\t%s\n", source, target);
    const char *path = scratch_text("pieces.tsv", lines);
    heed_loader *l = heed_loader_new(&(heed_loader_settings){.corpus = {.paths = &path, .files = 1, .fields = 2}, .source = s, .target = s, .sentences = 4,
                                                             .guide = {.links = &links, .split = heed_bitext_words}}, &err);
    const heed_batch *b;
    bool end;
    if (!l || heed_loader_next(l, &b, &end, &err)) fail_msg("%s", err.text);
    assert_true(from.count > 2 && to.count > 2);   /* otherwise words, not pieces */
    for (int64_t i = 0; i < to.count; i++)
        for (int64_t j = 0; j < from.count; j++) {
            const bool blank = to.item[i].end == to.item[i].start || from.item[j].end == from.item[j].start;   /* a piece that is the space alone */
            bool found = false;
            for (int64_t k = b->guide.start[i]; k < b->guide.start[i + 1]; k++) found = found || b->guide.key[k] == j;
            assert_int_equal(found, !blank && (to.item[i].end <= 6) != (from.item[j].end <= 6));   /* the first word of six letters with the second */
        }
    assert_int_equal(b->guide.start[to.count + 1], b->guide.start[to.count]);   /* </s> */
    heed_loader_free(l);
    heed_tokens_free(&from);
    heed_tokens_free(&to);
    heed_text_free(s);
}

/* --- the loss of every decoder ----------------------------------------------------------------------------------------------------------------- */

static const tiny decoders[] = {
    {.attention = "{score: additive}"},
    {.attention = "{score: additive, coverage: true}", .layers = 2},
    {.attention = "{score: general}", .order = "order: luong, input_feeding: true", .decoder_cell = "lstm"},
    {.attention = "{score: scaled, copy: true, heads: 2}"},
    {.encoder = "type: conv", .decoder = "type: conv", .layers = 2, .attention = "{score: dot}"},
    {.encoder = "type: transformer, heads: 2", .decoder = "type: transformer, heads: 2", .layers = 2, .attention = "{score: scaled}"},
    {.encoder = "type: transformer, heads: 2", .decoder = "type: transformer, heads: 2", .layers = 2, .attention = "{score: scaled, copy: true}"},
    {.encoder = "type: transformer, heads: 2", .decoder = "type: transformer, heads: 2", .layers = 2, .attention = "{score: scaled, align: sparsemax}"},
};

enum { B = 3 };
static const char *const sources[B] = {"abcab", "ed", "qab"}, *const targets[B] = {"A B C A B", "E D B", "A"};

static heed_batch *some_pairs(const heed_model *m)
{
    heed_tokens source[B] = {{0}}, target[B] = {{0}};
    const uint64_t record[B] = {1, 2, 3};
    const int64_t line[B] = {1, 2, 3};
    heed_error err;
    for (int i = 0; i < B; i++) {
        assert_int_equal(heed_text_encode(m->source, sources[i], strlen(sources[i]), &source[i], &err), HEED_OK);
        assert_int_equal(heed_text_encode(m->target, targets[i], strlen(targets[i]), &target[i], &err), HEED_OK);
    }
    heed_batch *b = heed_batch_new(source, target, B, record, line, true, &err);
    for (int i = 0; i < B; i++) {
        heed_tokens_free(&source[i]);
        heed_tokens_free(&target[i]);
    }
    return b;
}

/* Symbol i of a sequence is linked with key i and the one after, where there are; every third with none, and </s> neither. */
static void guide(heed_batch *b, int64_t start[64], int32_t key[64])
{
    int64_t at = 0, guided = 0, used = 0;
    for (int64_t s = 0; s < b->B; s++) {
        const int64_t n = b->source.span.start[s + 1] - b->source.span.start[s], T = b->target.span.start[s + 1] - b->target.span.start[s];
        for (int64_t i = 0; i < T; i++) {
            start[at++] = used;
            for (int64_t j = i; j < i + 2 && j < n && i % 3 != 2 && i + 1 < T; j++) key[used++] = (int32_t)j;
            guided += used > start[at - 1];
        }
    }
    start[at] = used;
    b->guide = (heed_guidance){start, key, (double)b->target.N / (double)guided};
}

/* Where a decoder's step of a sequence lies among what it gave. */
static float weight_at(const heed_model *m, const heed_forced *f, const heed_batch *b, int64_t s, int64_t step, int64_t head, int64_t key)
{
    const bool recurrent = m->recipe.model.decoder.type == HEED_DECODER_rnn;
    float weights[16];
    heed_attend_weights(&f->guided[recurrent ? step : 0], s, recurrent ? s : b->target.span.start[s] + step, head, weights, NULL);
    return weights[key];
}

/* The cross-entropy as it stands in the paper. */
static double expected_loss(const heed_model *m, const heed_forced *f, const heed_batch *b, int64_t *rows)
{
    const heed_guided_settings *g = &m->recipe.train.guided;
    int layers, heads;
    double sum = 0;
    heed_model_looks(m, &layers, &heads);
    *rows = 0;
    for (int64_t s = 0; s < b->B; s++)
        for (int64_t i = b->target.span.start[s]; i < b->target.span.start[s + 1]; i++) {
            const int64_t from = b->guide.start[i], n = b->guide.start[i + 1] - from, step = i - b->target.span.start[s] + g->shift;
            *rows += n > 0;
            for (int64_t k = from; k < from + n; k++) {
                double a = 0;
                for (int h = 0; h < heads; h++)
                    if (g->head < 0 || g->head == h) a += (double)weight_at(m, f, b, s, step, h, b->guide.key[k]) / (g->head < 0 ? heads : 1);
                const bool sparse = f->guided[0].args.align == HEED_ALIGN_sparsemax;
                const double least = sparse ? 0.1 / (double)(b->source.span.start[s + 1] - b->source.span.start[s]) : 1e-30;
                sum += (a < least ? 1 - log(least) - a / least : -log(a)) / (double)n;
            }
        }
    return sum;
}

static void guided_as(const tiny *like, const char *settings)
{
    char train[120];
    snprintf(train, sizeof train, "train: {guided_alignment: {links: some, weight: 0.25, %s}}", settings);
    tiny one = *like;
    one.train = train;
    heed_model *m = tiny_build(&one);
    heed_batch *b = some_pairs(m);
    int64_t start[64], rows;
    int32_t key[64];
    float loss[2];
    heed_loss_counts counts = {.guided = 7};
    heed_error err = {.status = HEED_OK};
    heed_tape *t = heed_tape_new(&(heed_tape_options){.record = true, .train = true, .seed = 5}, &err);
    loss[0] = heed_model_loss(m, t, b, 0.5, &counts)->x[0];
    assert_true(counts.guided == 0 && counts.guide == 0);
    guide(b, start, key);
    heed_tape_reset(t, true, true, 5);
    loss[1] = heed_model_loss(m, t, b, 0.5, &counts)->x[0];
    assert_int_equal(heed_tape_status(t, &err), HEED_OK);
    heed_tape_reset(t, false, true, 5);
    const heed_encoded memory = m->encoder_kind->forward(t, m->encoder, &b->source);
    const heed_forced f = m->decoder_kind->forward(t, m->decoder, &m->head, &memory, b, &(heed_lesson){1, heed_recipe_guided_layer(&m->recipe)});
    const double expected = expected_loss(m, &f, b, &rows);
    assert_int_equal(counts.guided, rows);
    if (!(fabs(counts.guide - expected) <= 1e-5 * (1 + expected))) fail_msg("%s: %.9g, not %.9g", settings, counts.guide, expected);
    const double more = 0.25 * 0.5 * (double)b->target.N / (double)rows * expected;
    if (!(fabs((double)loss[1] - (double)loss[0] - more) <= 1e-5 * (1 + fabs((double)loss[1])))) fail_msg("%s: %.9g more, not %.9g", settings, (double)(loss[1] - loss[0]), more);
    heed_tape_free(t);
    heed_batch_free(b);
    heed_model_free(m);
}

static void test_guide__the_loss_is_the_cross_entropy_of_the_steps_that_shift_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof decoders / sizeof *decoders; i++) {
        guided_as(&decoders[i], "shift: 0");
        guided_as(&decoders[i], "shift: 1");
        guided_as(&decoders[i], "head: -1");
        if (i >= 5) guided_as(&decoders[i], "layer: 0, head: 1");
    }
}

/* Two shards of a batch have between them the loss of the whole. */
static void test_guide__parts_of_a_batch_add_up(void **state)
{
    (void)state;
    tiny one = decoders[5];
    one.train = "train: {guided_alignment: {links: some}}";
    heed_model *m = tiny_build(&one);
    heed_batch *b = some_pairs(m), part;
    int64_t start[64], source_start[B + 1], target_start[B + 1];
    int32_t key[64];
    double sum = 0, guide_sum = 0;
    heed_loss_counts counts;
    guide(b, start, key);
    heed_tape *t = heed_tape_new(&(heed_tape_options){.record = true, .train = true}, NULL);
    const double whole = (double)heed_model_loss(m, t, b, 1, &counts)->x[0];
    for (int64_t first = 0; first < B; first += first ? B : 1) {
        heed_loss_counts piece;
        heed_batch_part(b, first, first ? B - first : 1, source_start, target_start, &part);
        heed_tape_reset(t, true, true, 0);
        sum += (double)heed_model_loss(m, t, &part, 1, &piece)->x[0];
        guide_sum += piece.guide;
    }
    assert_true(fabs(sum - whole) <= 1e-5 * whole && fabs(guide_sum - counts.guide) <= 1e-5 * counts.guide);
    heed_tape_free(t);
    heed_batch_free(b);
    heed_model_free(m);
}

/* --- weights of 0 ------------------------------------------------------------------------------------------------------------------------------- */

static void test_guide__a_weight_of_0_gives_no_infinity(void **state)
{
    (void)state;
    static const int64_t query[] = {0, 1}, keys[] = {0, 3};
    static const float weights[] = {1, 0, 0};
    static const int32_t key[] = {1, 2};
    const heed_align aligns[] = {HEED_ALIGN_everything, HEED_ALIGN_sparsemax, HEED_ALIGN_entmax};
    const double least[] = {1e-30, 0.1 / 3, 0.1 / 3};
    for (int i = 0; i < 3; i++) {
        heed_tape *t = heed_tape_new(&(heed_tape_options){.record = true}, NULL);
        const heed_attended a = {.weights = heed_input(t, 3, 1, weights, true), .args = {.queries = {query, 1}, .keys = {keys, 1}, .align = aligns[i]}};
        const heed_keys_of_row row = {0, 2};
        heed_tensor *loss = heed_guide_loss(t, &(heed_guide){&a, 1, &row, key, 0}, 1, NULL);
        assert_true(fabs((double)loss->x[0] - (1 - log(least[i]))) <= 1e-5 * (1 - log(least[i])));
        assert_int_equal(heed_backward(t, loss, NULL), HEED_OK);
        assert_true(a.weights->g[0] == 0 && isfinite(a.weights->g[1]));
        assert_true(fabs((double)a.weights->g[2] * least[i] + 0.5) <= 1e-6);
        heed_tape_free(t);
    }
}

static void test_guide__a_key_beyond_its_sequence_or_a_head_too_many_is_refused(void **state)
{
    (void)state;
    static const int64_t query[] = {0, 1}, keys[] = {0, 3};
    static const int32_t key[] = {3};
    const heed_keys_of_row row = {0, 1};
    for (int i = 0; i < 3; i++) {
        heed_tape *t = heed_tape_new(&(heed_tape_options){.record = true}, NULL);
        heed_error err = {.status = HEED_OK};
        const heed_attended a = {.weights = i == 2 ? NULL : heed_input(t, 3, 1, NULL, true), .args = {.queries = {query, 1}, .keys = {keys, 1}}};
        heed_guide_loss(t, &(heed_guide){&a, 1, &row, key, i}, 1, NULL);
        assert_int_equal(heed_tape_status(t, &err), HEED_E_SHAPE);
        assert_non_null(strstr(err.text, i == 0 ? "key 3 of a sequence of 3" : i == 1 ? "head 1 of 1" : "were not asked for"));
        heed_tape_free(t);
    }
}

/* --- settings --------------------------------------------------------------------------------------------------------------------------------- */

static void refuses(const char *yaml, const char *expected)
{
    heed_recipe r = {0};
    heed_error err = {0};
    assert_int_equal(heed_recipe_parse(&r, yaml, strlen(yaml), "r.yaml", &err), HEED_E_USAGE);
    if (!strstr(err.text, expected)) fail_msg("\"%s\" does not say \"%s\"", err.text, expected);
    heed_recipe_free(&r);
}

static void test_guide__settings_without_meaning_are_refused(void **state)
{
    (void)state;
    refuses(DATA "model: {attention: none}\ntrain: {guided_alignment: statistical}", "with score none there is none; choose a score, or links: none");
    refuses(DATA "train: {guided_alignment: {links: statistical, layer: 1}}", "train.guided_alignment.layer: 1, but the layers that look at the source are 0 to 0");
    refuses(DATA "model: {decoder: {type: transformer, layers: 3}}\ntrain: {guided_alignment: {links: a.links, layer: -4}}", "layer: -4, but the layers that look at the source are 0 to 2");
    refuses(DATA "train: {guided_alignment: {links: statistical, head: 1}}", "train.guided_alignment.head: 1, but the heads are 0 to 0 (-1: their mean)");
    refuses(DATA "model: {attention: {align: window, window: 2}}\ntrain: {guided_alignment: {links: a.links, empty: true}}",
            "train.guided_alignment.empty: words without links are to look at the </s> of the source, which align window does not always see; choose an align that sees");
    refuses(DATA "train: {guided_alignment: {empty: true}}", "train.guided_alignment.empty says nothing of links none; it belongs to links statistical, or those of a file");
    refuses(DATA "train: {guided_alignment: {weight: 1}}", "train.guided_alignment.weight says nothing of links none; it belongs to links statistical, or those of a file");
    refuses(DATA "train: {guided_alignment: {links: a.links, symmetry: union}}", "symmetry says nothing of links of a file; it belongs to links statistical");
    refuses(DATA "train: {guided_alignment: {links: a.links, shift: 2}}", "train.guided_alignment.shift: expected a whole number from 0 to 1, found \"2\"");
}

static void test_guide__the_short_form_names_the_links(void **state)
{
    (void)state;
    heed_recipe r = parsed(DATA "train: {guided_alignment: statistical}\nmodel: {decoder: {type: transformer, layers: 3}}");
    assert_true(heed_recipe_is_guided(&r) && heed_recipe_guided_layer(&r) == 2);
    set(&r, "train.guided_alignment.layer=-2");
    assert_int_equal(heed_recipe_guided_layer(&r), 1);
    parses_to_itself(&r);
    set(&r, "train.guided_alignment=none");
    assert_true(!heed_recipe_is_guided(&r) && heed_recipe_guided_layer(&r) == -1);
    heed_recipe_free(&r);
}

static void test_guide__symmetries_have_the_names_of_links(void **state)
{
    (void)state;
    for (int i = 0; i < HEED_SYMMETRY_COUNT; i++) {
        char yaml[200];
        snprintf(yaml, sizeof yaml, DATA "train: {guided_alignment: {links: statistical, symmetry: %s}}", heed_symmetry_name((heed_symmetry)i));
        heed_recipe r = parsed(yaml);
        assert_int_equal(r.train.guided.symmetry, i);
        heed_recipe_free(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_guide__links_of_words_are_links_of_their_symbols),
        cmocka_unit_test(test_guide__words_without_links_look_at_the_end_of_the_source),
        cmocka_unit_test(test_guide__nothing_of_a_line_without_links_is_linked),
        cmocka_unit_test(test_guide__a_link_that_no_symbol_stands_for_is_not_the_empty_words),
        cmocka_unit_test(test_guide__pieces_have_the_links_of_their_word),
        cmocka_unit_test(test_guide__the_loss_is_the_cross_entropy_of_the_steps_that_shift_says),
        cmocka_unit_test(test_guide__parts_of_a_batch_add_up),
        cmocka_unit_test(test_guide__a_weight_of_0_gives_no_infinity),
        cmocka_unit_test(test_guide__a_key_beyond_its_sequence_or_a_head_too_many_is_refused),
        cmocka_unit_test(test_guide__settings_without_meaning_are_refused),
        cmocka_unit_test(test_guide__the_short_form_names_the_links),
        cmocka_unit_test(test_guide__symmetries_have_the_names_of_links),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
