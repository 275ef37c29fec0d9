/* data: the pronouncing dictionary in the project, its splits and the phrases made of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "data/phrases.h"
#include "support/scratch.h"

static int open_dictionary(void **state)
{
    heed_error err = {0};
    *state = heed_phrases_open("data/cmudict/cmudict.tsv.gz", &err);
    return *state ? 0 : -1;
}

static int close_dictionary(void **state)
{
    heed_phrases_close(*state);
    return 0;
}

static void test_phrases__the_splits_are_as_published(void **state)
{
    const heed_phrases *p = *state;
    const int64_t expected[HEED_SPLIT_COUNT] = {[HEED_SPLIT_TRAIN] = 112542, [HEED_SPLIT_VALID] = 6208, [HEED_SPLIT_TEST] = 6176};
    int64_t pronunciations = 0;
    for (int s = 0; s < HEED_SPLIT_COUNT; s++) {
        assert_int_equal(heed_phrases_words(p, (heed_split)s), expected[s]);
        for (int64_t i = 0; i < expected[s]; i++) {
            const char *word = heed_phrases_word(p, (heed_split)s, i);
            unsigned long rest = crc32(0, (const Bytef *)word, (uInt)strlen(word)) % 20;
            assert_int_equal(rest == 0 ? HEED_SPLIT_TEST : rest == 1 ? HEED_SPLIT_VALID : HEED_SPLIT_TRAIN, s);
            assert_int_equal(strspn(word, "abcdefghijklmnopqrstuvwxyz'"), strlen(word));
            pronunciations += heed_phrases_variants(p, (heed_split)s, i);
        }
    }
    assert_int_equal(pronunciations, 133667);
}

static void test_phrases__variants_stand_as_listed_without_stress(void **state)
{
    const heed_phrases *p = *state;
    int64_t i = 0;
    while (strcmp(heed_phrases_word(p, HEED_SPLIT_TRAIN, i), "tomato") != 0)
        i++;
    assert_int_equal(heed_phrases_variants(p, HEED_SPLIT_TRAIN, i), 2);
    assert_string_equal(heed_phrases_variant(p, HEED_SPLIT_TRAIN, i, 0), "T AH M EY T OW");
    assert_string_equal(heed_phrases_variant(p, HEED_SPLIT_TRAIN, i, 1), "T AH M AA T OW");
}

static int count_of(const char *text, char c)
{
    int n = 0;
    for (; *text; text++)
        n += *text == c;
    return n;
}

static void test_phrases__a_phrase_is_a_function_of_key_and_index(void **state)
{
    const heed_phrases *p = *state;
    heed_buf letters[3] = {{0}}, phones[3] = {{0}};
    for (int i = 0; i < 3; i++)
        heed_phrases_draw(p, HEED_SPLIT_TEST, 4, 9, i == 2 ? 1 : 0, &letters[i], &phones[i]);
    assert_string_equal(letters[0].data, letters[1].data);
    assert_string_equal(phones[0].data, phones[1].data);
    assert_string_not_equal(letters[0].data, letters[2].data);
    assert_int_equal(count_of(letters[0].data, ' '), 3);
    assert_int_equal(count_of(phones[0].data, '|'), 3);
    for (int i = 0; i < 3; i++) {
        heed_buf_free(&letters[i]);
        heed_buf_free(&phones[i]);
    }
}

static void test_phrases__training_phrases_hold_the_words_asked_for(void **state)
{
    char *text = NULL;
    heed_error err = {0};
    int phrases[4] = {0}, words = 0;
    assert_int_equal(heed_phrases_write_training(*state, scratch_path("train.tsv"), 3000, 3, 1, &err), HEED_OK);
    text = scratch_read("train.tsv", NULL);
    for (char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = 0;
        char *tab = strchr(line, '\t');
        assert_non_null(tab);
        *tab = 0;
        int n = count_of(line, ' ') + 1;
        assert_in_range(n, 1, 3);
        assert_int_equal(count_of(tab + 1, '|'), n - 1);
        phrases[n]++;
        words += n;
    }
    free(text);
    assert_int_equal(words, 3000);
    for (int n = 1; n <= 3; n++)
        assert_in_range(phrases[n] * n, 800, 1200);
}

static void test_phrases__test_phrases_differ_by_length_split_and_seed(void **state)
{
    heed_error err = {0};
    char *text[4];
    for (int i = 0; i < 4; i++) {
        heed_split split = i == 1 ? HEED_SPLIT_VALID : HEED_SPLIT_TEST;
        assert_int_equal(heed_phrases_write_phrases(*state, scratch_path("test.tsv"), split, i == 2 ? 6 : 2, 50, i == 3 ? 2 : 1, &err), HEED_OK);
        text[i] = scratch_read("test.tsv", NULL);
        assert_int_equal(count_of(text[i], '\n'), 50);
        for (int k = 0; k < i; k++)
            assert_string_not_equal(text[i], text[k]);
    }
    assert_int_equal(count_of(text[2], '|'), 50 * 5);
    for (int i = 0; i < 4; i++)
        free(text[i]);
    assert_int_equal(heed_phrases_write_phrases(*state, scratch_path("none.tsv"), HEED_SPLIT_TEST, 0, 5, 1, &err), HEED_E_USAGE);
    assert_int_equal(heed_phrases_write_training(*state, scratch_path("none.tsv"), 0, 3, 1, &err), HEED_E_USAGE);
}

/* One word of two letters for each split, with two pronunciations. */
static const char *small_dictionary(void)
{
    heed_buf out = {0};
    bool have[HEED_SPLIT_COUNT] = {false};
    for (char word[3] = "aa"; word[0] <= 'z'; word[1] == 'z' ? (word[0]++, word[1] = 'a') : word[1]++) {
        unsigned long rest = crc32(0, (const Bytef *)word, 2) % 20;
        heed_split s = rest == 0 ? HEED_SPLIT_TEST : rest == 1 ? HEED_SPLIT_VALID : HEED_SPLIT_TRAIN;
        if (!have[s])
            heed_buf_printf(&out, "%s\tA %d\n%s\tB %d\n", word, s, word, s);
        have[s] = true;
    }
    const char *path = scratch_text("small.tsv", out.data);
    heed_buf_free(&out);
    return path;
}

static void test_phrases__single_words_with_every_pronunciation_or_the_first(void **state)
{
    (void)state;
    heed_error err = {0};
    heed_phrases *p = heed_phrases_open(small_dictionary(), &err);
    assert_non_null(p);
    const char *word = heed_phrases_word(p, HEED_SPLIT_TEST, 0), *pairs = scratch_path("pairs"), *references = scratch_path("references");
    heed_buf expected = {0};
    assert_int_equal(heed_phrases_write_words(p, pairs, references, HEED_SPLIT_TEST, false, &err), HEED_OK);
    char *text = scratch_read("pairs", NULL), *listing = scratch_read("references", NULL);
    heed_buf_printf(&expected, "%s\tA %d\n", word, HEED_SPLIT_TEST);
    assert_string_equal(text, expected.data);
    free(text);
    assert_int_equal(heed_phrases_write_words(p, pairs, NULL, HEED_SPLIT_TEST, true, &err), HEED_OK);
    heed_buf_printf(&expected, "%s\tB %d\n", word, HEED_SPLIT_TEST);
    text = scratch_read("pairs", NULL);
    assert_string_equal(text, expected.data);
    free(text);
    heed_buf_reset(&expected);
    heed_buf_printf(&expected, "%s\tA %d\tB %d\n", word, HEED_SPLIT_TEST, HEED_SPLIT_TEST);
    assert_string_equal(listing, expected.data);
    free(listing);
    heed_buf_free(&expected);
    heed_phrases_close(p);
}

static void test_phrases__a_dictionary_that_cannot_serve_is_refused(void **state)
{
    (void)state;
    heed_error err = {0};
    assert_null(heed_phrases_open(scratch_path("missing"), &err));
    assert_int_equal(err.status, HEED_E_DATA);
    assert_null(heed_phrases_open(scratch_text("one.tsv", "a\tAH\n"), &err));
    assert_int_equal(err.status, HEED_E_DATA);
    assert_null(heed_phrases_open(scratch_text("columns.tsv", "a AH\n"), &err));
    assert_int_equal(err.status, HEED_E_DATA);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_phrases__the_splits_are_as_published),
        cmocka_unit_test(test_phrases__variants_stand_as_listed_without_stress),
        cmocka_unit_test(test_phrases__a_phrase_is_a_function_of_key_and_index),
        cmocka_unit_test(test_phrases__training_phrases_hold_the_words_asked_for),
        cmocka_unit_test(test_phrases__test_phrases_differ_by_length_split_and_seed),
        cmocka_unit_test(test_phrases__single_words_with_every_pronunciation_or_the_first),
        cmocka_unit_test(test_phrases__a_dictionary_that_cannot_serve_is_refused),
    };
    return cmocka_run_group_tests_name("phrases", tests, open_dictionary, close_dictionary);
}
