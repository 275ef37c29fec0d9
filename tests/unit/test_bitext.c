/* align: the aligner without a network, on whole corpora; one pair of texts stands in test_markov.c. */
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
#include "align/pass.h"
#include "base/rng.h"

typedef struct lines { const char *source, *target; } lines;

static heed_bitext *bitext_of(const heed_bitext_settings *settings, const lines *pairs, int count, int times)
{
    heed_error err = {0};
    heed_bitext *b = heed_bitext_new(settings, &err);
    if (!b) fail_msg("%s", err.text);
    for (int i = 0; i < count * times; i++) {
        const lines *l = &pairs[i % count];
        if (heed_bitext_add(b, l->source, strlen(l->source), l->target, strlen(l->target), &err)) fail_msg("%s", err.text);
    }
    return b;
}

static void links_are(const heed_links *l, const char *expected)
{
    heed_buf out = {0};
    heed_links_write(l, &out);
    assert_string_equal(out.data ? out.data : "", expected);
    heed_buf_free(&out);
}

static const lines house[] = {
    {"the house", "la maison"}, {"the book", "le livre"}, {"the flower", "la fleur"}, {"a house", "une maison"}, {"a book", "un livre"}, {"a flower", "une fleur"},
    {"the blue house", "la maison bleue"}, {"the blue book", "le livre bleu"}, {"a blue flower", "une fleur bleue"}, {"a green house", "une maison verte"},
    {"", "vide"}, {"empty", " "},
};
enum { HOUSES = sizeof house / sizeof house[0], TIMES = 4, HOUSED = HOUSES * TIMES };

static void test_bitext__learns_a_toy_corpus(void **state)
{
    (void)state;
    heed_bitext *b = bitext_of(&(heed_bitext_settings){.threads = 1}, house, HOUSES, TIMES);
    heed_links forward[HOUSED] = {{0}}, reverse[HOUSED] = {{0}};
    assert_int_equal(heed_bitext_count(b), HOUSED);
    assert_int_equal(heed_bitext_align(b, forward, reverse, NULL, NULL, NULL), HEED_OK);
    for (int i = 0; i < 10; i++) {
        links_are(&forward[i], i < 6 ? "0-0 1-1" : "0-0 1-2 2-1");   /* adjectives behind */
        links_are(&reverse[i], i < 6 ? "0-0 1-1" : "0-0 1-2 2-1");
    }
    for (int i = 10; i < HOUSES; i++) assert_int_equal(forward[i].count + reverse[i].count, 0);
    assert_int_equal(heed_bitext_align(b, NULL, reverse, NULL, NULL, NULL), HEED_OK);
    links_are(&reverse[9], "0-0 1-2 2-1");
    for (int i = 0; i < HOUSED; i++) {
        heed_links_free(&forward[i]);
        heed_links_free(&reverse[i]);
    }
    heed_bitext_free(b);
}

/* A language and its cipher: word w becomes word 7 w mod `kinds`, and words of each half of a line are exchanged. */
static heed_bitext *cipher(const heed_bitext_settings *settings, int count, int kinds, heed_links *truth)
{
    heed_bitext *b = bitext_of(settings, NULL, 0, 1);
    for (int i = 0; i < count; i++) {
        const uint64_t key = heed_key(3, (uint64_t)i);
        const int n = 2 + 2 * (int)heed_below(key, 0, 6);
        heed_buf s = {0}, t = {0};
        heed_link link[16];
        for (int k = 0; k < n; k++) {
            const int w = (int)heed_below(key, 1 + (uint64_t)k, (uint64_t)kinds), partner = (int)heed_below(key, 1 + (uint64_t)(k ^ 1), (uint64_t)kinds);
            heed_buf_printf(&s, "s%d ", w);
            heed_buf_printf(&t, "%dt ", 7 * partner % kinds);
            link[k] = (heed_link){k, k ^ 1};
        }
        assert_int_equal(heed_bitext_add(b, s.data, s.size, t.data, t.size, NULL), HEED_OK);
        assert_int_equal(heed_links_set(&truth[i], link, n, NULL), HEED_OK);
        heed_buf_free(&s);
        heed_buf_free(&t);
    }
    return b;
}

enum { CIPHERED = 600 };

static void test_bitext__has_the_same_links_for_any_number_of_threads(void **state)
{
    (void)state;
    static heed_links truth[CIPHERED], first[2][CIPHERED], again[2][CIPHERED];
    static const int threads[] = {1, 2, 3, 8};
    for (int r = 0; r < 4; r++) {
        heed_bitext *b = cipher(&(heed_bitext_settings){.threads = threads[r]}, CIPHERED, 150, truth);
        heed_link_counts c = {0};
        heed_links(*out)[CIPHERED] = r ? again : first;
        assert_int_equal(heed_bitext_align(b, out[0], out[1], NULL, NULL, NULL), HEED_OK);
        for (int i = 0; i < CIPHERED; i++)
            for (int d = 0; d < 2; d++) {
                assert_int_equal(out[d][i].count, first[d][i].count);
                if (out[d][i].count) assert_memory_equal(out[d][i].link, first[d][i].link, (size_t)out[d][i].count * sizeof(heed_link));
                heed_link_counts_add(&c, &out[d][i], &truth[i], &truth[i]);
            }
        assert_true(heed_link_counts_aer(&c) < 0.02);
        heed_bitext_free(b);
    }
    for (int i = 0; i < CIPHERED; i++) {
        heed_links_free(&truth[i]);
        for (int d = 0; d < 2; d++) {
            heed_links_free(&first[d][i]);
            heed_links_free(&again[d][i]);
        }
    }
}

/* --- expectation and maximisation ----------------------------------------------------------------------------------------------------------------- */

static void make_side(heed_side *s, int which, int texts)
{
    *s = (heed_side){.texts = texts, .word = calloc(8 * (size_t)texts, sizeof *s->word), .start = calloc((size_t)texts + 1, sizeof *s->start)};
    for (int t = 0; t < texts; t++) {
        const uint64_t key = heed_key(11, (uint64_t)t);
        const int n = 1 + (int)heed_below(key, (uint64_t)which, 8);
        for (int k = 0; k < n; k++) {
            char text[16];
            const int size = snprintf(text, sizeof text, "%c%d", "st"[which], (int)heed_below(key, 10 + (uint64_t)k, 25));
            heed_token code[16];
            for (int c = 0; c < size; c++) code[c] = (heed_token){.id = text[c]};
            const int64_t number = heed_vocabulary_add(&s->words, code, size);
            s->words.item[number].count++;
            s->word[s->start[t] + k] = (int32_t)number;
        }
        s->start[t + 1] = s->start[t] + n;
    }
}

/* Maximum likelihood, directions apart, jumps as they are: then each round makes the words more probable, or leaves them so. */
static void check_rounds(bool markov)
{
    heed_side side[2];
    for (int d = 0; d < 2; d++) make_side(&side[d], d, 300);
    static heed_pass p;
    assert_int_equal(heed_pass_begin(&p, side, 2, NULL), HEED_OK);
    p.markov = markov;
    double before[2] = {INFINITY, INFINITY}, first[2] = {0};
    for (int round = 0; round < 12; round++) {
        assert_int_equal(heed_pass_count(&p, NULL), HEED_OK);
        for (int d = 0; d < 2; d++) {
            const double now = heed_count_get(&p.surprise[d]);
            assert_true(now <= before[d] * (1 + 1e-6));   /* single precision */
            first[d] = round ? first[d] : now;
            before[d] = now;
        }
        heed_lexicon_learn(&p.lexicon, side, &(heed_prior){0}, 2);
    }
    for (int d = 0; d < 2; d++) assert_true(before[d] < 0.8 * first[d]);
    heed_pass_end(&p);
    for (int d = 0; d < 2; d++) {
        heed_vocabulary_free(&side[d].words);
        free(side[d].word);
        free(side[d].start);
    }
}

static void test_em__makes_the_words_no_less_probable(void **state)
{
    (void)state;
    check_rounds(false);
    check_rounds(true);
}

/* What both directions agree on is the product of what each finds, so no more than either. */
static void test_em__counts_what_both_directions_agree_on(void **state)
{
    (void)state;
    heed_side side[2];
    for (int d = 0; d < 2; d++) make_side(&side[d], d, 100);
    static heed_pass p;
    assert_int_equal(heed_pass_begin(&p, side, 1, NULL), HEED_OK);
    p.markov = true;
    const int64_t pairs = p.lexicon.row[side[0].words.count];
    double *least = calloc((size_t)pairs, sizeof *least), sum = 0, apart = 0;
    assert_int_equal(heed_pass_count(&p, NULL), HEED_OK);
    for (int64_t k = 0; k < pairs; k++) {
        const double one = heed_count_get(&p.lexicon.count[0][k]), other = heed_count_get(&p.lexicon.count[1][k]);
        least[k] = one < other ? one : other;
        apart += least[k];
    }
    p.agree = true;
    assert_int_equal(heed_pass_count(&p, NULL), HEED_OK);
    for (int64_t k = 0; k < pairs; k++) {
        assert_true(heed_count_get(&p.lexicon.count[0][k]) <= least[k] + 1e-3);   /* what is hardly probable is not counted */
        sum += heed_count_get(&p.lexicon.count[0][k]);
    }
    assert_true(p.lexicon.agreed && sum > 0 && sum < 0.9 * apart);
    free(least);
    heed_pass_end(&p);
    for (int d = 0; d < 2; d++) {
        heed_vocabulary_free(&side[d].words);
        free(side[d].word);
        free(side[d].start);
    }
}

/* Of each source word the probabilities of what stands with it sum to 1, or to less where a prior takes its share; those of the other direction likewise. */
static void test_lexicon__gives_probabilities(void **state)
{
    (void)state;
    heed_side side[2];
    for (int d = 0; d < 2; d++) make_side(&side[d], d, 100);
    static heed_pass p;
    assert_int_equal(heed_pass_begin(&p, side, 1, NULL), HEED_OK);
    for (int plain = 0; plain < 2; plain++) {
        assert_int_equal(heed_pass_count(&p, NULL), HEED_OK);
        heed_pass_learn(&p, &(heed_prior){.each = plain ? 0 : 0.02, .spelling = 1, .stem = plain ? 0 : 1, .empty = 1});
        double *sums = calloc((size_t)side[1].words.count, sizeof *sums);
        for (int64_t s = 0; s < side[0].words.count; s++) {
            double sum = 0;
            for (int64_t k = p.lexicon.row[s]; k < p.lexicon.row[s + 1]; k++) {
                assert_true(k == p.lexicon.row[s] || p.lexicon.target[k] > p.lexicon.target[k - 1]);
                assert_true(heed_lexicon_find(&p.lexicon, (int32_t)s, p.lexicon.target[k]) == k);
                sum += p.lexicon.given[0][k];
                sums[p.lexicon.target[k]] += p.lexicon.given[1][k];
            }
            assert_true(plain ? fabs(sum - 1) < 1e-4 : sum < 1.0001);
        }
        for (int64_t t = 0; t < side[1].words.count; t++) assert_true(plain ? fabs(sums[t] - 1) < 1e-4 : sums[t] < 1.0001);
        free(sums);
    }
    heed_pass_end(&p);
    for (int d = 0; d < 2; d++) {
        heed_vocabulary_free(&side[d].words);
        free(side[d].word);
        free(side[d].start);
    }
}

/* --- what it says no to ---------------------------------------------------------------------------------------------------------------------------- */

static bool stop_at_third(void *user)
{
    return ++*(int *)user == 3;
}

static void test_bitext__stops_when_asked(void **state)
{
    (void)state;
    heed_bitext *b = bitext_of(&(heed_bitext_settings){.threads = 1}, house, HOUSES, TIMES);
    heed_error err = {0};
    int asked = 0;
    heed_links forward[HOUSED] = {{0}};
    assert_int_equal(heed_bitext_align(b, forward, NULL, stop_at_third, &asked, &err), HEED_E_STOPPED);
    assert_int_equal(asked, 3);
    assert_int_equal(forward[0].count, 0);
    heed_bitext_free(b);
}

static bool count_calls(void *user)
{
    ++*(int *)user;
    return false;
}

static void test_bitext__asks_every_16384_pairs_whether_to_stop(void **state)
{
    (void)state;
    heed_bitext *b = bitext_of(&(heed_bitext_settings){.threads = 1, .model1 = 1, .markov = 1}, house + 10, 1, 16385);
    int asked = 0;
    assert_int_equal(heed_bitext_align(b, NULL, NULL, count_calls, &asked, NULL), HEED_OK);
    assert_int_equal(asked, 2 * (1 + 1 + 1));   /* of either model a round, then the links */
    heed_bitext_free(b);
}

static void test_bitext__refuses_bad_text_and_stays_as_it_was(void **state)
{
    (void)state;
    heed_bitext *b = bitext_of(&(heed_bitext_settings){.threads = 1}, house, 1, 1);
    heed_error err = {0};
    assert_int_equal(heed_bitext_add(b, "good", 4, "b\xFF" "ad", 4, &err), HEED_E_DATA);
    char longest[2 * HEED_LONGEST_SIDE + 2];
    for (int i = 0; i < 2 * HEED_LONGEST_SIDE + 2; i++) longest[i] = i % 2 ? ' ' : 'a';
    assert_int_equal(heed_bitext_add(b, "good", 4, longest, 2 * HEED_LONGEST_SIDE + 1, &err), HEED_E_LIMIT);
    assert_string_equal(err.text, "the target has more than 1000 words; cut it into sentences");
    assert_int_equal(heed_bitext_count(b), 1);
    assert_int_equal(heed_bitext_add(b, "good", 4, longest, 2 * HEED_LONGEST_SIDE, &err), HEED_OK);
    assert_int_equal(heed_bitext_count(b), 2);
    heed_links forward[2] = {{0}};
    assert_int_equal(heed_bitext_align(b, forward, NULL, NULL, NULL, &err), HEED_OK);
    for (int i = 0; i < 2; i++) heed_links_free(&forward[i]);
    heed_bitext_free(b);
    assert_null(heed_bitext_new(&(heed_bitext_settings){.threads = -1}, &err));
    assert_int_equal(err.status, HEED_E_USAGE);
    b = bitext_of(&(heed_bitext_settings){0}, NULL, 0, 1);
    assert_int_equal(heed_bitext_align(b, NULL, NULL, NULL, NULL, &err), HEED_OK);   /* of nothing: nothing */
    heed_bitext_free(b);
}

static void test_bitext__words_are_lowered_and_parted_when_asked(void **state)
{
    (void)state;
    static const lines shouted[] = {{"The house.", "La maison."}, {"the HOUSE", "la MAISON"}, {"a house", "une maison"}, {"the book", "la livre"}};
    heed_bitext *b = bitext_of(&(heed_bitext_settings){.threads = 1, .lower = true, .parted = true}, shouted, 4, 1);
    heed_links forward[4] = {{0}};
    assert_int_equal(heed_bitext_align(b, forward, NULL, NULL, NULL, NULL), HEED_OK);
    links_are(&forward[0], "0-0 1-1 2-2");
    for (int i = 0; i < 4; i++) heed_links_free(&forward[i]);
    heed_bitext_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bitext__learns_a_toy_corpus),
        cmocka_unit_test(test_bitext__has_the_same_links_for_any_number_of_threads),
        cmocka_unit_test(test_em__makes_the_words_no_less_probable),
        cmocka_unit_test(test_em__counts_what_both_directions_agree_on),
        cmocka_unit_test(test_lexicon__gives_probabilities),
        cmocka_unit_test(test_bitext__stops_when_asked),
        cmocka_unit_test(test_bitext__asks_every_16384_pairs_whether_to_stop),
        cmocka_unit_test(test_bitext__refuses_bad_text_and_stays_as_it_was),
        cmocka_unit_test(test_bitext__words_are_lowered_and_parted_when_asked),
    };
    return cmocka_run_group_tests_name("bitext", tests, NULL, NULL);
}
