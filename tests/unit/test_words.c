/* data: words by the 13a rule, and the detokeniser that puts them together again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/tokenize.h"
#include "base/unicode.h"
#include "data/text.h"
#include "support/scratch.h"

/* Learnt from; what is asked of it later are other sentences. */
static const char *const corpus[] = {
    "The cup is red, the hat is green.", "Where is the stone?", "Look: a white bird!", "She said \"good morning\" and left.",
    "\"Come in,\" he said, \"and sit down.\"", "It costs $5, or 4.50 on Mondays.", "The years 1990-1995 were dry (very dry).",
    "A man - tall, old - walks by.", "Five of them; no more.", "The well-known song isn't long.", "Read chapters 3, 4 and 12.",
    "He has 100 % of it.", "Yes/no questions are easy.", "Ein Mann mit Hut steht da.", "Zwei Kinder spielen (im Garten), einer lacht.",
    "Der Hund, der bellt, ist braun.", "Was ist das?", "Er rief: \"Halt!\"", "Drei Frauen - alle jung - singen.", "Um 10:30 Uhr beginnt es.",
    "Call +49 30 1234 now.", "Use [this] one, not [that].", "Mail to me@home.org, please.", "Wait... what?", "The 3-year-old sleeps.",
    "Salt & pepper.", "She asked: \"Why not?\"", "(All of it.) Then we left.", "From 9-17 we work.", "A 5-minute walk; a 10-minute ride.",
};
enum { LEARNT = sizeof corpus / sizeof corpus[0] };

static const char *const unseen[] = {
    "The bird is white, the stone is red.", "Where is the hat?", "Look: the cup!", "He said \"why not\" and walks by.", "\"Sit down,\" she said, \"please.\"",
    "It costs $4, or 5 on Mondays.", "The years 1990-1995 were long (very long).", "A bird - old, red - sleeps.", "Four of them; no more.",
    "The well-known man isn't tall.", "Read chapters 12, 3 and 4.", "He has 12 % of the salt.", "Yes/no is easy.", "Ein Hund mit Hut steht da.",
    "Drei Kinder singen (im Garten), einer lacht.", "Der Mann, der bellt, ist jung.", "Was ist braun?", "Er rief: \"Was?\"", "Zwei Frauen - alle da - spielen.",
    "Um 9:30 Uhr beginnt das.", "Use [that] cup, not [this].", "Wait... why?", "The 5-year-old sleeps.", "Pepper & salt.", "She asked: \"Where?\"",
    "(Look at it.) Then he left.", "From 10-12 we sit.", "A 3-minute song; a 4-minute walk.", "He said: \"Look, a stone!\"", "The hat (red), the cup (white).",
};
enum { UNSEEN = sizeof unseen / sizeof unseen[0] };

static heed_text *learn(heed_text_settings settings, const char *const *lines, int count)
{
    heed_error err = {0};
    settings.units = HEED_UNIT_words;
    settings.min_count = settings.min_count ? settings.min_count : 1;
    heed_text *t = heed_text_new(&settings, &err);
    assert_non_null(t);
    for (int i = 0; i < count; i++) assert_int_equal(heed_text_count(t, lines[i], strlen(lines[i]), &err), HEED_OK);
    if (heed_text_finish(t, &err)) fail_msg("%s", err.text);
    return t;
}

static void encode(const heed_text *t, const char *text, heed_tokens *out)
{
    heed_error err = {0};
    if (heed_text_encode(t, text, strlen(text), out, &err)) fail_msg("%s", err.text);
}

/* The words as the text has them, a bar after each. */
static void words_are(const char *text, const char *expected)
{
    heed_text *t = learn((heed_text_settings){0}, &text, 1);
    heed_tokens out = {0};
    heed_buf shown = {0};
    encode(t, text, &out);
    for (int64_t i = 0; i < out.count; i++) {
        heed_buf_add(&shown, text + out.item[i].start, (size_t)(out.item[i].end - out.item[i].start));
        heed_buf_char(&shown, '|');
        assert_int_not_equal(out.item[i].id, HEED_UNK);
    }
    assert_string_equal(shown.data, expected);
    heed_buf_free(&shown);
    heed_tokens_free(&out);
    heed_text_free(t);
}

/* Encodes, decodes; is it the text again? The places of the words must be those in the text, if it is. */
static bool comes_back(const heed_text *t, const char *text)
{
    heed_tokens in = {0};
    heed_buf out = {0};
    encode(t, text, &in);
    int32_t *ids = malloc((size_t)(in.count + 1) * sizeof *ids);
    heed_token *at = malloc((size_t)(in.count + 1) * sizeof *at);
    for (int64_t i = 0; i < in.count; i++) ids[i] = in.item[i].id;
    assert_int_equal(heed_text_decode(t, ids, in.count, NULL, &out, at, NULL), HEED_OK);
    const bool same = strcmp(out.data, text) == 0;
    for (int64_t i = 0; same && i < in.count; i++) assert_memory_equal(&at[i], &in.item[i], sizeof at[i]);
    if (!same) printf("    %s\n    came back as %s\n", text, out.data);
    heed_buf_free(&out);
    heed_tokens_free(&in);
    free(ids);
    free(at);
    return same;
}

static int count_back(const heed_text *t, const char *const *lines, int count, const char *what)
{
    int back = 0;
    for (int i = 0; i < count; i++) back += comes_back(t, lines[i]);
    printf("    %s: %d of %d come back as they were\n", what, back, count);
    return back;
}

static void test_words__are_parted_by_13a(void **state)
{
    (void)state;
    words_are("Hello, world!", "Hello|,|world|!|");
    words_are("It's 3.50 (or 1,000); isn't it?", "It's|3.50|(|or|1,000|)|;|isn't|it|?|");
    words_are("1990-95 well-known", "1990|-|95|well-known|");
    words_are("  a\t/ b\xC2\xA0" "c  ", "a|/|b|c|");   /* the last space is one that does not break */
    words_are("&quot;", "&|quot|;|");                  /* of entities the metrics know, not texts */
}

/* Whatever the metrics' tokeniser makes of a line, the words are the same. */
static void test_words__agree_with_the_metric(void **state)
{
    (void)state;
    for (int i = 0; i < LEARNT; i++) {
        heed_codes text = {0}, spare = {0};
        heed_buf expected = {0};
        char bytes[4];
        assert_int_equal(heed_codes_read(&text, corpus[i], false, NULL), HEED_OK);
        assert_true(heed_tokenize("13a", &text, &spare));
        bool inside = false;
        for (int64_t k = 0; k < text.n; k++) {
            const bool space = heed_unicode_space(text.x[k]);
            if (space && inside) heed_buf_char(&expected, '|');
            if (!space) heed_buf_add(&expected, bytes, (size_t)heed_utf8_put(text.x[k], bytes));
            inside = !space;
        }
        words_are(corpus[i], expected.data);
        heed_buf_free(&expected);
        heed_codes_free(&text);
        heed_codes_free(&spare);
    }
}

static void test_words__point_into_the_text_as_given(void **state)
{
    (void)state;
    const char *line = "caf\xC3\xA9 , ol\xC3\xA9!";
    heed_text *t = learn((heed_text_settings){.lower = true, .nfkc = true}, &line, 1);
    heed_tokens out = {0};
    encode(t, "CAFE\xCC\x81,xx! \xEF\xBC\x81", &out);   /* e and an accent apart; at the end a wide exclamation mark */
    static const int32_t places[][2] = {{0, 6}, {6, 7}, {7, 9}, {9, 10}, {11, 14}};
    assert_int_equal(out.count, 5);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(out.item[i].start, places[i][0]);
        assert_int_equal(out.item[i].end, places[i][1]);
    }
    assert_string_equal(heed_text_symbol(t, out.item[0].id), "caf\xC3\xA9");
    assert_int_equal(out.item[2].id, HEED_UNK);
    assert_string_equal(heed_text_symbol(t, out.item[4].id), "!");
    heed_tokens_free(&out);
    heed_text_free(t);
}

static void test_words__sentences_come_back(void **state)
{
    (void)state;
    heed_text *t = learn((heed_text_settings){0}, corpus, LEARNT);
    assert_true(count_back(t, corpus, LEARNT, "sentences learnt from") * 100 >= LEARNT * 95);
    heed_text_free(t);
    const char *both[LEARNT + UNSEEN];   /* so that every word is known; the joints are learnt from the first alone */
    for (int i = 0; i < LEARNT; i++) both[i] = corpus[i];
    for (int i = 0; i < UNSEEN; i++) {
        heed_buf spaced = {0};           /* words of the unseen ones without a mark: they teach nothing about joints */
        for (const char *c = unseen[i]; *c; c++) heed_buf_char(&spaced, heed_tokenize_mark(*c) && *c != '-' && *c != '.' ? ' ' : *c);
        while (spaced.size && strchr(" .", spaced.data[spaced.size - 1])) spaced.data[--spaced.size] = 0;
        both[LEARNT + i] = heed_buf_take(&spaced);
    }
    t = learn((heed_text_settings){0}, both, LEARNT + UNSEEN);
    assert_true(count_back(t, unseen, UNSEEN, "unseen sentences") * 100 >= UNSEEN * 95);
    heed_text_free(t);
    for (int i = 0; i < UNSEEN; i++) free((void *)(uintptr_t)both[LEARNT + i]);
}

static void test_words__without_a_mark_are_parted_by_spaces_whatever_was_learnt(void **state)
{
    (void)state;
    const char *line = "a,b a,b a,b";
    heed_text *t = learn((heed_text_settings){0}, &line, 1);
    heed_buf out = {0};
    const int32_t a = 4, comma = 3, ids[] = {a, comma, a, a, HEED_UNK, comma};
    assert_string_equal(heed_text_symbol(t, comma), ",");
    assert_int_equal(heed_text_decode(t, ids, 6, NULL, &out, NULL, NULL), HEED_OK);
    assert_string_equal(out.data, "a,a a <unk>,");
    heed_buf_free(&out);
    heed_text_free(t);
}

static void test_words__rare_ones_are_unknown(void **state)
{
    (void)state;
    const char *line = "a, b, a";
    heed_text *t = learn((heed_text_settings){.min_count = 2}, &line, 1);
    assert_int_equal(heed_text_size(t), HEED_SPECIALS + 2);
    heed_text_free(t);
}

static void test_words__a_vocabulary_comes_back_with_its_detokeniser(void **state)
{
    (void)state;
    heed_error err = {0};
    const char *path = scratch_path("words.json");
    heed_text *t = learn((heed_text_settings){.lower = true}, corpus, LEARNT);
    assert_int_equal(heed_text_write(t, path, &err), HEED_OK);
    heed_text *again = heed_text_open(path, &err);
    if (!again) fail_msg("%s", err.text);
    assert_int_equal(heed_text_size(again), heed_text_size(t));
    int32_t ids[600];
    heed_buf one = {0}, two = {0};
    for (int i = 0; i < 600; i++) ids[i] = (int32_t)((uint32_t)i * 2654435761u % (uint32_t)heed_text_size(t));
    assert_int_equal(heed_text_decode(t, ids, 600, NULL, &one, NULL, NULL), HEED_OK);
    assert_int_equal(heed_text_decode(again, ids, 600, NULL, &two, NULL, NULL), HEED_OK);
    assert_string_equal(one.data, two.data);
    heed_buf_free(&one);
    heed_buf_free(&two);
    heed_text_free(t);
    heed_text_free(again);
}

static void test_words__a_damaged_detokeniser_is_refused_with_its_reason(void **state)
{
    (void)state;
#define HEAD "{\"format\": 2, \"units\": \"words\", \"lower\": false, \"nfkc\": false, \"symbols\": [\"a\"]"
#define ZEROS "0,0,0,0,0,0,0,0,0,0,0"
    static const char *const rows[][2] = {
        {HEAD "}", "v.json: key \"joints\" is missing"},
        {HEAD ", \"joints\": []}", "v.json: \"joints\" must be an object"},
        {HEAD ", \"joints\": {\"a\": []}}", "v.json: joints: \"a\" is not a punctuation mark"},
        {HEAD ", \"joints\": {\"..\": []}}", "v.json: joints: \"..\" is not a punctuation mark"},
        {HEAD ", \"joints\": {\"\xC3\xA9\": []}}", "v.json: joints: \"\xC3\xA9\" is not a punctuation mark"},
        {HEAD ", \"joints\": {\".\": [1]}}", "v.json: joints: \".\" must have a list of 12 numbers"},
        {HEAD ", \"joints\": {\".\": [101," ZEROS "]}}", "v.json: joints: number 0 of \".\" is not a whole number from 0 to 100"},
        {HEAD ", \"joints\": {\".\": [" ZEROS ",0.5]}}", "v.json: joints: number 11 of \".\" is not a whole number from 0 to 100"},
        {"{\"format\": 2, \"units\": \"words\", \"lower\": false, \"nfkc\": false, \"joints\": {}, \"symbols\": [\"a\xC2\xA0z\"]}",
         "v.json: symbol 0, \"a\xC2\xA0z\", is not one of the units \"words\""},
        {"{\"format\": 1, \"units\": \"symbols\", \"lower\": false, \"nfkc\": false, \"joints\": {}, \"symbols\": [\"a\"]}",
         "v.json: unknown key \"joints\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        heed_error err = {0};
        assert_null(heed_text_parse(rows[i][0], strlen(rows[i][0]), "v.json", &err));
        assert_string_equal(err.text, rows[i][1]);
        assert_int_equal(err.status, HEED_E_MODEL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words__are_parted_by_13a),
        cmocka_unit_test(test_words__agree_with_the_metric),
        cmocka_unit_test(test_words__point_into_the_text_as_given),
        cmocka_unit_test(test_words__sentences_come_back),
        cmocka_unit_test(test_words__without_a_mark_are_parted_by_spaces_whatever_was_learnt),
        cmocka_unit_test(test_words__rare_ones_are_unknown),
        cmocka_unit_test(test_words__a_vocabulary_comes_back_with_its_detokeniser),
        cmocka_unit_test(test_words__a_damaged_detokeniser_is_refused_with_its_reason),
    };
    return cmocka_run_group_tests_name("words", tests, NULL, NULL);
}
