/* data: normal forms with offsets, vocabularies, text to symbols and back, JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/unicode.h"
#include "data/normal.h"
#include "data/text.h"
#include "support/scratch.h"

static heed_text *build(heed_text_settings settings, const char *const *lines, int count)
{
    heed_error err = {0};
    heed_text *t = heed_text_new(&settings, &err);
    assert_non_null(t);
    for (int i = 0; i < count; i++)
        assert_int_equal(heed_text_count(t, lines[i], strlen(lines[i]), &err), HEED_OK);
    if (heed_text_finish(t, &err))
        fail_msg("%s", err.text);
    return t;
}

static heed_text *build_one(heed_text_settings settings, const char *line)
{
    return build(settings, &line, 1);
}

static void encode(const heed_text *t, const char *text, heed_tokens *out)
{
    heed_error err = {0};
    if (heed_text_encode(t, text, strlen(text), out, &err))
        fail_msg("%s", err.text);
}

static void token_is(const heed_text *t, const heed_token *token, const char *symbol, int start, int end)
{
    assert_string_equal(heed_text_symbol(t, token->id), symbol);
    assert_int_equal(token->start, start);
    assert_int_equal(token->end, end);
}

/* --- normal forms --------------------------------------------------------------------------------------------------------------- */
static void normal_is(heed_tokens *t, const char *text, bool lower, bool nfkc, const char *expected)
{
    heed_error err = {0};
    heed_buf out = {0};
    char bytes[4];
    if (heed_normalize(text, strlen(text), lower, nfkc, t, &err))
        fail_msg("%s", err.text);
    heed_buf_text(&out, "");
    for (int64_t i = 0; i < t->count; i++)
        heed_buf_add(&out, bytes, (size_t)heed_utf8_put(t->item[i].id, bytes));
    assert_string_equal(out.data, expected);
    heed_buf_free(&out);
}

static void test_normalize__agrees_with_python(void **state)
{
    (void)state;
    FILE *f = fopen("tests/golden/text/normal.tsv", "r");
    assert_non_null(f);
    char line[4096];
    int rows = 0;
    heed_tokens t = {0};
    for (; fgets(line, sizeof line, f); rows++) {
        char *field[4] = {line};
        line[strcspn(line, "\n")] = 0;
        for (int i = 1; i < 4; i++) {
            field[i] = strchr(field[i - 1], '\t');
            assert_non_null(field[i]);
            *field[i]++ = 0;
        }
        normal_is(&t, field[0], false, false, field[0]);
        normal_is(&t, field[0], true, false, field[1]);
        normal_is(&t, field[0], false, true, field[2]);
        normal_is(&t, field[0], true, true, field[3]);
    }
    fclose(f);
    heed_tokens_free(&t);
    assert_true(rows > 400);
}

static void test_normalize__a_composed_character_covers_all_its_bytes(void **state)
{
    (void)state;
    heed_tokens t = {0};
    normal_is(&t, "xe\xCC\x82\xCC\xA3y", false, true, "x\xE1\xBB\x87y");   /* e, circumflex, dot below: one letter of five bytes */
    assert_int_equal(t.item[1].start, 1);
    assert_int_equal(t.item[1].end, 6);
    assert_int_equal(t.item[2].start, 6);
    heed_tokens_free(&t);
}

static void test_normalize__the_parts_of_a_character_all_cover_its_bytes(void **state)
{
    (void)state;
    heed_tokens t = {0};
    normal_is(&t, "a\xEF\xAC\x83z", false, true, "affiz");   /* the ligature ffi */
    for (int i = 1; i < 4; i++) {
        assert_int_equal(t.item[i].start, 1);
        assert_int_equal(t.item[i].end, 4);
    }
    normal_is(&t, "\xC4\xB0z", true, false, "i\xCC\x87z");   /* I with a dot: two characters in lower case */
    assert_int_equal(t.item[1].start, 0);
    assert_int_equal(t.item[1].end, 2);
    assert_int_equal(t.item[2].start, 2);
    heed_tokens_free(&t);
}

static void test_normalize__a_million_marks_on_one_letter_take_no_squared_time(void **state)
{
    (void)state;
    const size_t marks = 1000000;
    char *text = malloc(1 + 2 * marks);
    text[0] = 'a';
    for (size_t i = 0; i < marks; i++)
        memcpy(text + 1 + 2 * i, i % 2 ? "\xCC\xA3" : "\xCC\x82", 2);
    heed_tokens t = {0};
    assert_int_equal(heed_normalize(text, 1 + 2 * marks, true, true, &t, NULL), HEED_OK);
    assert_int_equal(t.item[0].id, 0x1EAD);   /* a with dot below and circumflex */
    assert_int_equal(t.count, marks - 1);
    assert_int_equal(t.item[1].id, 0x323);
    assert_int_equal(t.item[t.count - 1].id, 0x302);
    heed_tokens_free(&t);
    free(text);
}

/* --- vocabularies --------------------------------------------------------------------------------------------------------------- */
static void test_vocabulary__the_frequent_come_first_and_ties_in_byte_order(void **state)
{
    (void)state;
    const char *lines[] = {"b a c", "c  \tb c", "\xC3\xA9 a"};
    heed_text *t = build((heed_text_settings){.units = HEED_UNIT_symbols, .min_count = 1}, lines, 3);
    const char *expected[] = {"<unk>", "<s>", "</s>", "c", "a", "b", "\xC3\xA9"};
    assert_int_equal(heed_text_size(t), 7);
    for (int i = 0; i < 7; i++)
        assert_string_equal(heed_text_symbol(t, i), expected[i]);
    assert_string_equal(heed_text_symbol(t, 7), "<unk>");
    assert_string_equal(heed_text_symbol(t, -1), "<unk>");
    heed_text_free(t);
}

static void test_vocabulary__rare_symbols_and_those_beyond_its_size_are_unknown(void **state)
{
    (void)state;
    heed_tokens out = {0};
    heed_text *t = build_one((heed_text_settings){.units = HEED_UNIT_symbols, .min_count = 2}, "a b a c b a");
    assert_int_equal(heed_text_size(t), 5);
    encode(t, "c b", &out);
    assert_int_equal(out.item[0].id, HEED_UNK);
    assert_int_equal(out.item[1].id, 4);
    heed_text_free(t);
    t = build_one((heed_text_settings){.units = HEED_UNIT_symbols, .min_count = 1, .size = 4}, "a b a c b a");
    assert_int_equal(heed_text_size(t), 4);
    assert_string_equal(heed_text_symbol(t, 3), "a");
    heed_text_free(t);
    heed_tokens_free(&out);
}

static void test_vocabulary__a_word_spelt_like_a_special_symbol_is_an_ordinary_word(void **state)
{
    (void)state;
    heed_tokens out = {0};
    heed_text *t = build_one((heed_text_settings){.units = HEED_UNIT_symbols, .min_count = 1}, "</s> a </s>");
    encode(t, "</s>", &out);
    assert_int_equal(out.item[0].id, HEED_SPECIALS);
    heed_text_free(t);
    heed_tokens_free(&out);
}

static void test_vocabulary__many_symbols_keep_their_numbers(void **state)
{
    (void)state;
    heed_buf line = {0};
    for (int i = 0; i < 20000; i++)
        heed_buf_printf(&line, "w%05d ", i);
    heed_text *t = build_one((heed_text_settings){.units = HEED_UNIT_symbols, .min_count = 1}, line.data);
    heed_tokens out = {0};
    encode(t, line.data, &out);
    assert_int_equal(out.count, 20000);
    for (int i = 0; i < 20000; i++)
        assert_int_equal(out.item[i].id, HEED_SPECIALS + i);
    heed_tokens_free(&out);
    heed_text_free(t);
    heed_buf_free(&line);
}

static void test_vocabulary__without_a_symbol_or_room_is_refused(void **state)
{
    (void)state;
    heed_error err = {0};
    heed_text *t = heed_text_new(&(heed_text_settings){.units = HEED_UNIT_symbols, .min_count = 3}, &err);
    assert_int_equal(heed_text_finish(t, &err), HEED_E_DATA);
    assert_int_equal(heed_text_count(t, "a a", 3, &err), HEED_OK);
    assert_int_equal(heed_text_finish(t, &err), HEED_E_DATA);
    assert_string_equal(err.text, "no symbol occurs at least 3 times; give a smaller min_count");
    heed_text_free(t);
    assert_null(heed_text_new(&(heed_text_settings){.size = 3}, &err));
    assert_int_equal(err.status, HEED_E_USAGE);
}

/* --- there and back ------------------------------------------------------------------------------------------------------------- */
static void test_encode__characters_point_into_the_text_as_given(void **state)
{
    (void)state;
    heed_tokens out = {0};
    heed_text *t = build_one((heed_text_settings){.units = HEED_UNIT_characters, .min_count = 1, .lower = true, .nfkc = true}, "caf\xC3\xA9 ol");
    encode(t, "Cafe\xCC\x81!", &out);
    assert_int_equal(out.count, 5);
    token_is(t, &out.item[0], "c", 0, 1);
    token_is(t, &out.item[3], "\xC3\xA9", 3, 6);
    token_is(t, &out.item[4], "<unk>", 6, 7);
    heed_text_free(t);
    heed_tokens_free(&out);
}

static void test_encode__symbols_point_into_the_text_as_given(void **state)
{
    (void)state;
    heed_tokens out = {0};
    heed_text *t = build_one((heed_text_settings){.units = HEED_UNIT_symbols, .min_count = 1, .lower = true}, "aa b");
    encode(t, "  AA\tb  x ", &out);
    assert_int_equal(out.count, 3);
    token_is(t, &out.item[0], "aa", 2, 4);
    token_is(t, &out.item[1], "b", 5, 6);
    token_is(t, &out.item[2], "<unk>", 8, 9);
    encode(t, " \t ", &out);
    assert_int_equal(out.count, 0);
    heed_text_free(t);
    heed_tokens_free(&out);
}

static void test_decode__gives_the_text_back_and_where_each_symbol_stands(void **state)
{
    (void)state;
    heed_buf out = {0};
    heed_tokens ids = {0};
    heed_token at[3];
    heed_text *t = build_one((heed_text_settings){.units = HEED_UNIT_symbols, .min_count = 1}, "HH AH L");
    int32_t list[3];
    encode(t, "HH AH L", &ids);
    for (int i = 0; i < 3; i++)
        list[i] = ids.item[i].id;
    heed_buf_text(&out, "> ");
    assert_int_equal(heed_text_decode(t, list, 3, NULL, &out, at, NULL), HEED_OK);
    assert_string_equal(out.data, "> HH AH L");
    for (int i = 0; i < 3; i++)
        assert_memory_equal(&at[i], &ids.item[i], sizeof at[i]);
    heed_text_free(t);
    heed_buf_free(&out);
    heed_tokens_free(&ids);
}

static void test_decode__unknown_is_one_symbol_and_the_ends_are_none(void **state)
{
    (void)state;
    heed_buf out = {0};
    heed_error err = {0};
    const int32_t ids[] = {HEED_BOS, HEED_SPECIALS, HEED_UNK, HEED_SPECIALS, HEED_EOS};
    heed_text *t = build_one((heed_text_settings){.units = HEED_UNIT_symbols, .min_count = 1}, "a");
    assert_int_equal(heed_text_decode(t, ids, 5, NULL, &out, NULL, &err), HEED_OK);
    assert_string_equal(out.data, "a <unk> a");
    heed_text_free(t);
    heed_buf_reset(&out);
    t = build_one((heed_text_settings){.units = HEED_UNIT_characters, .min_count = 1}, "a");
    assert_int_equal(heed_text_decode(t, ids, 5, NULL, &out, NULL, &err), HEED_OK);
    assert_string_equal(out.data, "a\xEF\xBF\xBD" "a");
    const int32_t beyond = 4;
    assert_int_equal(heed_text_decode(t, &beyond, 1, NULL, &out, NULL, &err), HEED_E_USAGE);
    assert_string_equal(err.text, "symbol number 4 is not in a vocabulary of 4");
    heed_text_free(t);
    heed_buf_free(&out);
}

static void test_encode__a_line_of_a_million_symbols_comes_back_whole(void **state)
{
    (void)state;
    const int64_t n = 1000000;
    char *line = malloc((size_t)n * 2 + 1);
    for (int64_t i = 0; i < n; i++) {
        line[2 * i] = (char)('a' + i * i % 26);
        line[2 * i + 1] = ' ';
    }
    line[2 * n] = 0;
    heed_tokens out = {0};
    heed_text *t = build_one((heed_text_settings){.units = HEED_UNIT_symbols, .min_count = 1}, line);
    encode(t, line, &out);
    assert_int_equal(out.count, n);
    assert_int_equal(out.item[n - 1].end, 2 * n - 1);
    heed_text_free(t);
    heed_tokens_free(&out);
    free(line);
}

static void not_text(const char *bytes, size_t size, const char *expected)
{
    heed_error err = {0};
    heed_tokens out = {0};
    heed_text *t = build_one((heed_text_settings){.units = HEED_UNIT_characters, .min_count = 1}, "a");
    assert_int_equal(heed_text_encode(t, bytes, size, &out, &err), HEED_E_DATA);
    assert_string_equal(err.text, expected);
    heed_text_free(t);
    heed_tokens_free(&out);
}

static void test_encode__what_is_not_utf8_is_named_by_byte_and_column(void **state)
{
    (void)state;
    not_text("\xC3\xA9\xC3", 3, "byte 0xC3 at column 2 is not UTF-8");
    not_text("ab\xFF", 3, "byte 0xFF at column 3 is not UTF-8");
    not_text("\xC0\x80", 2, "byte 0xC0 at column 1 is not UTF-8");
    not_text("\xED\xA0\x80", 3, "byte 0xED at column 1 is not UTF-8");
    not_text("\xF4\x90\x80\x80", 4, "byte 0xF4 at column 1 is not UTF-8");
    not_text("a\0b", 3, "byte 0x00 at column 2 is not text");
}

/* --- JSON ----------------------------------------------------------------------------------------------------------------------- */
static void test_json__a_vocabulary_comes_back_as_it_was(void **state)
{
    (void)state;
    heed_error err = {0};
    const char *path = scratch_path("text.json");
    heed_text *t = build_one((heed_text_settings){.units = HEED_UNIT_characters, .min_count = 1, .nfkc = true}, "\"\\\x01 \xC3\xA9\xF0\x9F\x91\x8D" "aab");
    assert_int_equal(heed_text_write(t, path, &err), HEED_OK);
    heed_text *again = heed_text_open(path, &err);
    assert_non_null(again);
    assert_int_equal(heed_text_size(again), heed_text_size(t));
    for (int32_t i = 0; i < heed_text_size(t); i++)
        assert_string_equal(heed_text_symbol(again, i), heed_text_symbol(t, i));
    assert_int_equal(heed_text_get_settings(again)->units, HEED_UNIT_characters);
    assert_true(heed_text_get_settings(again)->nfkc);
    assert_false(heed_text_get_settings(again)->lower);
    heed_text_free(t);
    heed_text_free(again);
}

static void test_json__anything_else_is_refused_with_its_reason(void **state)
{
    (void)state;
#define HEAD "{\"format\": 1, \"units\": \"symbols\", \"lower\": false, \"nfkc\": false, "
    static const char *const rows[][2] = {
        {"", "v.json:1: '[' or '{' expected near end of file"},
        {"[]", "v.json: expected one JSON object"},
        {"{}", "v.json: key \"format\" is missing"},
        {HEAD "\"symbols\": [\"a\"], \"more\": 1}", "v.json: unknown key \"more\""},
        {HEAD "\"symbols\": []}", "v.json: \"symbols\" must be a list of at least one text"},
        {HEAD "\"symbols\": {}}", "v.json: \"symbols\" must be a list of at least one text"},
        {HEAD "\"symbols\": [\"a\", 1]}", "v.json: symbol 1 is not a text"},
        {HEAD "\"symbols\": [\"a\", \"b\", \"a\"]}", "v.json: symbol 2, \"a\", stands there twice (first as 0)"},
        {HEAD "\"symbols\": [\"a b\"]}", "v.json: symbol 0, \"a b\", is not one of the units \"symbols\""},
        {HEAD "\"symbols\": [\"\"]}", "v.json: symbol 0, \"\", is not one of the units \"symbols\""},
        {"{\"format\": 3, \"units\": \"symbols\", \"lower\": false, \"nfkc\": false, \"symbols\": [\"a\"]}",
         "v.json: format 3 is newer than 2, the newest this heed reads"},
        {"{\"format\": \"1\", \"units\": \"symbols\", \"lower\": false, \"nfkc\": false, \"symbols\": [\"a\"]}", "v.json: \"format\" must be a number from 1 to 2"},
        {"{\"format\": 1, \"units\": \"symbol\", \"lower\": false, \"nfkc\": false, \"symbols\": [\"a\"]}",
         "v.json: \"units\" is \"symbol\"; expected one of: characters, symbols, words, pieces"},
        {"{\"format\": 1, \"units\": \"characters\", \"lower\": 0, \"nfkc\": false, \"symbols\": [\"a\"]}", "v.json: \"lower\" must be true or false"},
        {"{\"format\": 1, \"units\": \"characters\", \"lower\": false, \"nfkc\": false, \"symbols\": [\"ab\"]}",
         "v.json: symbol 0, \"ab\", is not one of the units \"characters\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        heed_error err = {0};
        assert_null(heed_text_parse(rows[i][0], strlen(rows[i][0]), "v.json", &err));
        assert_string_equal(err.text, rows[i][1]);
        assert_int_equal(err.status, HEED_E_MODEL);
    }
    heed_error err = {0};
    assert_null(heed_text_open(scratch_path("missing.json"), &err));
    assert_int_equal(err.status, HEED_E_MODEL);
}

static void test_units__every_one_is_found_by_its_name(void **state)
{
    (void)state;
    heed_unit u;
    for (int i = 0; i < HEED_UNIT_COUNT; i++) {
        assert_true(heed_unit_find(heed_unit_name((heed_unit)i), &u));
        assert_int_equal(u, i);
    }
    assert_false(heed_unit_find("letters", &u));
}

static heed_text *text_of(heed_unit units, bool lower, const char *corpus)
{
    heed_text *t = heed_text_new(&(heed_text_settings){.units = units, .min_count = 1, .lower = lower}, NULL);
    assert_non_null(t);
    assert_int_equal(heed_text_count(t, corpus, strlen(corpus), NULL), HEED_OK);
    assert_int_equal(heed_text_finish(t, NULL), HEED_OK);
    return t;
}

static void test_compare__names_what_differs_first(void **state)
{
    (void)state;
    static const struct { heed_unit units; bool lower; const char *corpus, *says; } rows[] = {
        {HEED_UNIT_symbols, false, "a a a b b c", NULL},
        {HEED_UNIT_symbols, false, "a a a b b d", "symbol 5: \"c\" and \"d\""},
        {HEED_UNIT_symbols, false, "a a b", "6 symbols and 5"},
        {HEED_UNIT_words, false, "a a a b b c", "units: symbols and words"},
        {HEED_UNIT_symbols, true, "a a a b b c", "lower: false and true"},
    };
    heed_text *first = text_of(HEED_UNIT_symbols, false, "a a a b b c");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        heed_error err = {0};
        heed_text *other = text_of(rows[i].units, rows[i].lower, rows[i].corpus);
        const heed_status status = heed_text_compare(first, other, &err);
        assert_int_equal(status, rows[i].says ? HEED_E_MODEL : HEED_OK);
        if (rows[i].says && !strstr(err.text, rows[i].says)) fail_msg("%s", err.text);
        heed_text_free(other);
    }
    heed_text_free(first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_normalize__agrees_with_python),
        cmocka_unit_test(test_normalize__a_composed_character_covers_all_its_bytes),
        cmocka_unit_test(test_normalize__the_parts_of_a_character_all_cover_its_bytes),
        cmocka_unit_test(test_normalize__a_million_marks_on_one_letter_take_no_squared_time),
        cmocka_unit_test(test_vocabulary__the_frequent_come_first_and_ties_in_byte_order),
        cmocka_unit_test(test_vocabulary__rare_symbols_and_those_beyond_its_size_are_unknown),
        cmocka_unit_test(test_vocabulary__a_word_spelt_like_a_special_symbol_is_an_ordinary_word),
        cmocka_unit_test(test_vocabulary__many_symbols_keep_their_numbers),
        cmocka_unit_test(test_vocabulary__without_a_symbol_or_room_is_refused),
        cmocka_unit_test(test_encode__characters_point_into_the_text_as_given),
        cmocka_unit_test(test_encode__symbols_point_into_the_text_as_given),
        cmocka_unit_test(test_decode__gives_the_text_back_and_where_each_symbol_stands),
        cmocka_unit_test(test_decode__unknown_is_one_symbol_and_the_ends_are_none),
        cmocka_unit_test(test_encode__a_line_of_a_million_symbols_comes_back_whole),
        cmocka_unit_test(test_encode__what_is_not_utf8_is_named_by_byte_and_column),
        cmocka_unit_test(test_json__a_vocabulary_comes_back_as_it_was),
        cmocka_unit_test(test_json__anything_else_is_refused_with_its_reason),
        cmocka_unit_test(test_units__every_one_is_found_by_its_name),
        cmocka_unit_test(test_compare__names_what_differs_first),
    };
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
