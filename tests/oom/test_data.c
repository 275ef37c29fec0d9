/* data and metric with every allocation refused in turn, and no allocation once the largest batch was seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "data/batch.h"
#include "data/check.h"
#include "data/phrases.h"
#include "metric/metric.h"
#include "oom/refuse.h"
#include "support/scratch.h"

/* A word with so many marks that normalising asks for room to sort them. */
#define MARKS "a\xCC\x82\xCC\xA3\xCC\x82\xCC\xA3\xCC\x82\xCC\xA3\xCC\x82\xCC\xA3\xCC\x82\xCC\xA3\xCC\x82\xCC\xA3\xCC\x82\xCC\xA3\xCC\x82\xCC\xA3\xCC\x82\xCC\xA3" \
              "\xCC\x82\xCC\xA3\xCC\x82\xCC\xA3\xCC\x82\xCC\xA3\xCC\x82\xCC\xA3\xCC\x82\xCC\xA3\xCC\x82\xCC\xA3\xCC\x82\xCC\xA3\xCC\x82\xCC\xA3\xCC\x82\xCC\xA3"

static heed_text *build(heed_unit units, heed_piece_kind kind, heed_error *err)
{
    heed_text *t = heed_text_new(&(heed_text_settings){.units = units, .min_count = 1, .kind = kind, .size = units == HEED_UNIT_pieces ? 200 : 0, .lower = true, .nfkc = true}, err);
    bool ok = t != NULL;
    char word[] = "a b";
    for (int i = 0; i < 90 && ok; i++) {
        word[2] = (char)('!' + i);
        ok = !heed_text_count(t, word, 3, err) && !heed_text_count(t, MARKS, strlen(MARKS), err);
    }
    if (ok && !heed_text_finish(t, err))
        return t;
    heed_text_free(t);
    return NULL;
}

static bool there_and_back(heed_unit units, heed_piece_kind kind, const char *path)
{
    heed_error err = {0};
    heed_tokens tokens = {0};
    heed_buf out = {0};
    heed_text *t = build(units, kind, &err), *again = NULL;
    bool ok = t && !heed_text_write(t, path, &err) && (again = heed_text_open(path, &err)) != NULL &&
              !heed_text_encode(again, "a b c " MARKS, strlen("a b c " MARKS), &tokens, &err) &&
              !heed_text_draw(again, "a b c " MARKS, strlen("a b c " MARKS), &(heed_text_noise){0.2, 0.2}, 1, &tokens, &err) &&
              !heed_text_decode(again, &tokens.item[0].id, 1, NULL, &out, NULL, &err);
    assert_true(ok || err.status == HEED_E_NOMEM || err.status == HEED_E_IO || err.status == HEED_E_MODEL);
    heed_buf_free(&out);
    heed_tokens_free(&tokens);
    heed_text_free(t);
    heed_text_free(again);
    return ok;
}

static bool symbols_there_and_back(void *path) { return there_and_back(HEED_UNIT_symbols, HEED_PIECES_BPE, path); }
static bool words_there_and_back(void *path) { return there_and_back(HEED_UNIT_words, HEED_PIECES_BPE, path); }
static bool pieces_there_and_back(void *path) { return there_and_back(HEED_UNIT_pieces, HEED_PIECES_BPE, path); }
static bool unigram_there_and_back(void *path) { return there_and_back(HEED_UNIT_pieces, HEED_PIECES_UNIGRAM, path); }

typedef struct reading { const char *path; const heed_text *text; int epochs; } reading;

static bool load_epochs(void *data)
{
    const reading *r = data;
    heed_error err = {0};
    heed_loader *l = heed_loader_new(&(heed_loader_settings){.corpus = {.paths = &r->path, .files = 1, .fields = 2}, .source = r->text,
                                                             .target = r->text, .sentences = 1000, .buffer = 1000, .shuffle = true}, &err);
    bool ok = l != NULL;
    for (int ends = 0; ok && ends < r->epochs;) {
        const heed_batch *b;
        bool end = false;
        ok = !heed_loader_next(l, &b, &end, &err);
        ends += end;
    }
    assert_true(ok || err.status == HEED_E_NOMEM);
    heed_loader_free(l);
    return ok;
}

static bool make_batch(void *data)
{
    (void)data;
    heed_token item = {5, 0, 1};
    const heed_tokens one = {&item, 1, 1};
    heed_batch *b = heed_batch_new(&one, &one, 1, NULL, NULL, true, NULL);
    heed_batch_free(b);
    return b != NULL;
}

static bool phrases(void *data)
{
    heed_error err = {0};
    heed_phrases *p = heed_phrases_open(data, &err);
    bool ok = p && !heed_phrases_write_training(p, scratch_path("train.tsv"), 20, 3, 1, &err) &&
              !heed_phrases_write_words(p, scratch_path("words.tsv"), scratch_path("references.tsv"), HEED_SPLIT_TRAIN, true, &err);
    assert_true(ok || err.status == HEED_E_NOMEM || err.status == HEED_E_IO);
    heed_phrases_close(p);
    return ok;
}

/* Two sets with findings of every sort of memory: examples, repetitions, texts that are known, lines that must be repaired and normalised. */
static bool check(void *data)
{
    const char *const *paths = data;
    const heed_check_set sets[2] = {{"train", &paths[0], 1}, {"test", &paths[1], 1}};
    const heed_text_settings text = {.units = HEED_UNIT_words, .min_count = 1, .lower = true, .nfkc = true};
    heed_error err = {0};
    heed_check *c = heed_check_run(&(heed_check_settings){.sets = sets, .count = 2, .text = {text, text}, .max_length = 3}, &err);
    assert_true(c || err.status == HEED_E_NOMEM);
    const bool whole = c && c->count >= 7;
    heed_check_free(c);
    return whole;
}

static bool score(void *data)
{
    heed_error err = {0};
    heed_metric *m = heed_metric_new(data, NULL, &err);
    bool ok = m != NULL;
    for (int i = 0; i < 3 && ok; i++) {
        const char *references[] = {"one two, three four (five) six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen", "x y z"};
        ok = !heed_metric_add(m, i ? "one two three & four five sixteen fourteen seventeen eighteen nineteen twenty" : "", references, 1 + i % 2, &err);
    }
    assert_true(ok || err.status == HEED_E_NOMEM);
    heed_metric_free(m);
    return ok;
}

static void refuse_both_ways(bool (*run)(void *), const void *data)
{
    assert_true(refuse_each(run, (void *)data, true, 3000) > 0);
    assert_true(refuse_each(run, (void *)data, false, 3000) > 0);
}

static void test_text__survives_every_refusal(void **state)
{
    (void)state;
    refuse_both_ways(symbols_there_and_back, scratch_path("text.json"));
    refuse_both_ways(words_there_and_back, scratch_path("words.json"));
    refuse_both_ways(pieces_there_and_back, scratch_path("pieces.json"));
    refuse_both_ways(unigram_there_and_back, scratch_path("unigram.json"));
}

static const char *corpus_of(int lines)
{
    heed_buf out = {0};
    for (int i = 0; i < lines; i++)
        heed_buf_printf(&out, "a b c %*s\tb %*s c\n", i % 40, "a", i * 7 % 40, "b");
    const char *path = scratch_text("corpus.tsv", out.data);
    heed_buf_free(&out);
    return path;
}

static void test_loader__survives_every_refusal_and_allocates_in_its_first_epoch_alone(void **state)
{
    (void)state;
    heed_text *text = build(HEED_UNIT_characters, HEED_PIECES_BPE, NULL);
    reading r = {corpus_of(700), text, 1};
    refuse_both_ways(load_epochs, &r);
    int64_t first = refuse_each(load_epochs, &r, true, 3000);
    r.epochs = 5;
    assert_int_equal(refuse_each(load_epochs, &r, true, 3000), first);
    refuse_both_ways(make_batch, NULL);
    heed_text_free(text);
}

static void test_phrases__survive_every_refusal(void **state)
{
    (void)state;
    heed_buf out = {0};
    for (int i = 0; i < 200; i++)
        heed_buf_printf(&out, "%c%c\tA B %d\n", 'a' + i / 26, 'a' + i % 26, i);
    refuse_both_ways(phrases, scratch_text("words.tsv.in", out.data));
    heed_buf_free(&out);
}

static void test_check__survives_every_refusal(void **state)
{
    (void)state;
    char train[600], test[600];
    snprintf(train, sizeof train, "%s", scratch_text("check.tsv", "one\teins\none\teins\none two three four\tEins\nfi\xFF" "ve\tf\xC3\xBCnf &amp; <b>\n" MARKS "\t5\n"));
    snprintf(test, sizeof test, "%s", scratch_text("check-test.tsv", "one\teins\nONE\tzwei\n"));
    const char *paths[] = {train, test};
    refuse_both_ways(check, paths);
}

static void test_metrics__survive_every_refusal(void **state)
{
    (void)state;
#define HEED_METRIC(id, name, help) refuse_both_ways(score, name);
#include "metric/metrics.def"
#undef HEED_METRIC
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text__survives_every_refusal),
        cmocka_unit_test(test_loader__survives_every_refusal_and_allocates_in_its_first_epoch_alone),
        cmocka_unit_test(test_phrases__survive_every_refusal),
        cmocka_unit_test(test_check__survives_every_refusal),
        cmocka_unit_test(test_metrics__survive_every_refusal),
    };
    return cmocka_run_group_tests_name("data", tests, NULL, NULL);
}
