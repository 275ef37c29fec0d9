/* data: subword pieces, learnt, used, written and read; and models that heed did not train, which are refused before the library sees them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "data/pieces_check.h"
#include "data/text.h"
#include "support/scratch.h"

static const char *const corpus[] = {
    "The cup is red, the hat is green.", "Where is the stone?", "Look: a white bird!", "She said \"good morning\" and left.", "The birds are singing in the trees.",
    "A man with a red hat walks by.", "Two children are walking to the green tree.", "The white cup stands on the stone.", "It was red, then green, then white.",
    "Walking and singing, they left.", "The trees are green in the morning.", "A bird sings; the child walks.", "The stone is on the hat.",
    "Der Hund bellt, die Katze schl\xC3\xA4" "ft.", "Die Kinder schlafen noch.", "Katzen und Hunde spielen.", "Das Kind spielt mit dem Hund.",
};
enum { LINES = sizeof corpus / sizeof corpus[0], SIZE = 90 };

static heed_text *learn(heed_text_settings settings)
{
    heed_error err = {0};
    settings.units = HEED_UNIT_pieces;
    settings.min_count = 1;
    settings.size = settings.size ? settings.size : SIZE;
    heed_text *t = heed_text_new(&settings, &err);
    assert_non_null(t);
    for (int i = 0; i < LINES; i++) assert_int_equal(heed_text_count(t, corpus[i], strlen(corpus[i]), &err), HEED_OK);
    if (heed_text_finish(t, &err)) fail_msg("%s", err.text);
    return t;
}

static void encode(const heed_text *t, const char *text, heed_tokens *out)
{
    heed_error err = {0};
    if (heed_text_encode(t, text, strlen(text), out, &err)) fail_msg("%s", err.text);
}

/* Encodes and decodes; the places of the printed pieces are those of the text when it comes back as it was. */
static void comes_back(const heed_text *t, const char *text, const char *expected)
{
    heed_tokens in = {0};
    heed_buf out = {0};
    heed_buf_text(&out, "");
    encode(t, text, &in);
    int32_t *ids = malloc((size_t)(in.count + 1) * sizeof *ids);
    heed_token *at = malloc((size_t)(in.count + 1) * sizeof *at);
    for (int64_t i = 0; i < in.count; i++) ids[i] = in.item[i].id;
    assert_int_equal(heed_text_decode(t, ids, in.count, NULL, &out, at, NULL), HEED_OK);
    assert_string_equal(out.data, expected);
    for (int64_t i = 0; strcmp(text, expected) == 0 && i < in.count; i++) assert_memory_equal(&at[i], &in.item[i], sizeof at[i]);
    heed_buf_free(&out);
    heed_tokens_free(&in);
    free(ids);
    free(at);
}

static heed_file mapped(const char *name)
{
    heed_file f;
    heed_error err;
    if (heed_file_map(&f, scratch_path(name), HEED_E_IO, &err)) fail_msg("%s", err.text);
    return f;
}

static void test_pieces__of_both_kinds_give_texts_back(void **state)
{
    (void)state;
    for (int kind = HEED_PIECES_BPE; kind <= HEED_PIECES_UNIGRAM; kind++) {
        heed_text *t = learn((heed_text_settings){.kind = (heed_piece_kind)kind});
        assert_true(heed_text_size(t) > 40 && heed_text_size(t) <= SIZE);
        for (int i = 0; i < LINES; i++) comes_back(t, corpus[i], corpus[i]);
        comes_back(t, "singing birds walk", "singing birds walk");
        comes_back(t, "  the \t cup\xC2\xA0", "the cup");
        comes_back(t, "", "");
        heed_text_free(t);
    }
}

static void test_pieces__a_frequent_word_is_one_piece_and_points_into_the_text_as_given(void **state)
{
    (void)state;
    heed_tokens out = {0};
    heed_text *t = learn((heed_text_settings){.lower = true, .nfkc = true});
    encode(t, "\xEF\xBC\xB4" "HE  The", &out);   /* a wide T */
    assert_int_equal(out.count, 2);
    assert_string_equal(heed_text_symbol(t, out.item[0].id), "\xE2\x96\x81the");
    assert_int_equal(out.item[0].start, 0);
    assert_int_equal(out.item[0].end, 5);
    assert_int_equal(out.item[1].id, out.item[0].id);
    assert_int_equal(out.item[1].start, 7);
    assert_int_equal(out.item[1].end, 10);
    heed_tokens_free(&out);
    heed_text_free(t);
}

static void test_pieces__cover_the_text_from_left_to_right(void **state)
{
    (void)state;
    heed_tokens out = {0};
    const char *line = " Das  Kind: schl\xC3\xA4" "ft\xE2\x82\xAC und\tspielt. \xE2\x96\x81x ";
    for (int kind = HEED_PIECES_BPE; kind <= HEED_PIECES_UNIGRAM; kind++) {
        heed_text *t = learn((heed_text_settings){.kind = (heed_piece_kind)kind, .nfkc = true});
        encode(t, line, &out);
        int32_t before = 0;
        int64_t letters = 0, given = 0;
        for (int64_t i = 0; i < out.count; i++) {
            assert_true(out.item[i].start >= before && out.item[i].end >= out.item[i].start && out.item[i].end <= (int32_t)strlen(line));
            letters += out.item[i].end - out.item[i].start;
            before = out.item[i].end;
        }
        for (const char *c = line; *c; c++) given += !strchr(" \t", *c);
        assert_true(letters >= given - 3 && letters <= given);   /* the sign of a space is taken for one */
        heed_text_free(t);
    }
    heed_tokens_free(&out);
}

static void test_pieces__an_unknown_letter_is_one_symbol(void **state)
{
    (void)state;
    heed_tokens out = {0};
    heed_text *t = learn((heed_text_settings){0});
    encode(t, "the \xE2\x82\xAC\xE2\x82\xAC", &out);
    assert_int_equal(out.item[out.count - 1].id, HEED_UNK);
    assert_int_equal(out.item[out.count - 1].end, 10);
    comes_back(t, "the \xE2\x82\xAC", "the \xEF\xBF\xBD");
    heed_tokens_free(&out);
    heed_text_free(t);
}

static void test_pieces__the_same_texts_give_the_same_model(void **state)
{
    (void)state;
    heed_error err;
    for (int kind = HEED_PIECES_BPE; kind <= HEED_PIECES_UNIGRAM; kind++) {
        for (int i = 0; i < 2; i++) {
            heed_text *t = learn((heed_text_settings){.kind = (heed_piece_kind)kind});
            assert_int_equal(heed_text_write(t, scratch_path(i ? "b.vocab.json" : "a.vocab.json"), &err), HEED_OK);
            heed_text_free(t);
        }
        heed_file a = mapped("a.spm.model"), b = mapped("b.spm.model");
        assert_int_equal(a.size, b.size);
        assert_memory_equal(a.data, b.data, a.size);
        heed_file_unmap(&a);
        heed_file_unmap(&b);
    }
}

static void test_pieces__come_back_from_their_files(void **state)
{
    (void)state;
    heed_error err;
    heed_tokens one = {0}, two = {0};
    for (int kind = HEED_PIECES_BPE; kind <= HEED_PIECES_UNIGRAM; kind++) {
        heed_text *t = learn((heed_text_settings){.kind = (heed_piece_kind)kind, .lower = true});
        assert_int_equal(heed_text_write(t, scratch_path("c.vocab.json"), &err), HEED_OK);
        heed_text *again = heed_text_open(scratch_path("c.vocab.json"), &err);
        if (!again) fail_msg("%s", err.text);
        assert_int_equal(heed_text_get_settings(again)->kind, kind);
        assert_true(heed_text_get_settings(again)->lower);
        assert_int_equal(heed_text_size(again), heed_text_size(t));
        for (int32_t id = 0; id < heed_text_size(t); id++) assert_string_equal(heed_text_symbol(t, id), heed_text_symbol(again, id));
        encode(t, "Walking birds, singing children.", &one);
        encode(again, "Walking birds, singing children.", &two);
        assert_int_equal(one.count, two.count);
        assert_memory_equal(one.item, two.item, (size_t)one.count * sizeof *one.item);
        heed_text_free(t);
        heed_text_free(again);
    }
    heed_tokens_free(&one);
    heed_tokens_free(&two);
}

static void vocabulary_is_refused(const char *json, const char *expected)
{
    heed_error err = {0};
    assert_null(heed_text_parse(json, strlen(json), scratch_path("d.vocab.json"), &err));
    assert_int_equal(err.status, HEED_E_MODEL);
    if (!strstr(err.text, expected)) fail_msg("\"%s\" does not say \"%s\"", err.text, expected);
}

static void test_pieces__a_vocabulary_at_odds_with_its_model_is_refused(void **state)
{
    (void)state;
    heed_error err;
    heed_text *t = learn((heed_text_settings){0});
    assert_int_equal(heed_text_write(t, scratch_path("d.vocab.json"), &err), HEED_OK);
    heed_text_free(t);
#define HEAD "{\"format\": 2, \"units\": \"pieces\", \"lower\": false, \"nfkc\": false, "
    vocabulary_is_refused(HEAD "\"kind\": \"bpe\", \"pieces\": 10}", "d.spm.model: holds 90 pieces");
    vocabulary_is_refused(HEAD "\"kind\": \"unigram\", \"pieces\": 90}", "d.spm.model: holds a bpe model, unigram was expected");
    vocabulary_is_refused(HEAD "\"kind\": \"word\", \"pieces\": 90}", "\"kind\" must be bpe or unigram");
    vocabulary_is_refused(HEAD "\"kind\": \"bpe\", \"pieces\": 3}", "\"pieces\" must be a number from 4");
    vocabulary_is_refused(HEAD "\"kind\": \"bpe\"}", "key \"pieces\" is missing");
    vocabulary_is_refused(HEAD "\"kind\": \"bpe\", \"pieces\": 90, \"symbols\": []}", "unknown key \"symbols\"");
    assert_int_equal(remove(scratch_path("d.spm.model")), 0);
    vocabulary_is_refused(HEAD "\"kind\": \"bpe\", \"pieces\": 90}", "d.spm.model: ");
}

static void test_pieces__more_than_the_texts_hold_or_fewer_than_their_letters(void **state)
{
    (void)state;
    heed_error err = {0};
    for (int kind = HEED_PIECES_BPE; kind <= HEED_PIECES_UNIGRAM; kind++) {
        heed_text *t = learn((heed_text_settings){.kind = (heed_piece_kind)kind, .size = 100000});
        assert_true(heed_text_size(t) < 1000);
        heed_text_free(t);
        t = heed_text_new(&(heed_text_settings){.units = HEED_UNIT_pieces, .kind = (heed_piece_kind)kind, .size = 6}, &err);
        assert_int_equal(heed_text_finish(t, &err), HEED_E_DATA);
        assert_int_equal(heed_text_count(t, "abcdef", 6, &err), HEED_OK);
        assert_int_equal(heed_text_finish(t, &err), HEED_E_DATA);
        assert_non_null(strstr(err.text, "pieces cannot be learnt from these texts: Vocabulary size is smaller than required_chars"));
        assert_non_null(strstr(err.text, "(vocab_size is the recipe's size, 6)"));
        heed_text_free(t);
    }
    assert_null(heed_text_new(&(heed_text_settings){.units = HEED_UNIT_pieces}, &err));
    assert_int_equal(err.status, HEED_E_USAGE);
}

static void test_pieces__of_the_smallest_texts_do_no_harm(void **state)
{
    (void)state;
    static const char *const lines[] = {"a", " ", "\t", "\xE2\x96\x81", "\xE2\x96\x85", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "\xC3\xA9 \xF0\x9F\x98\x80",
                                        "a\xEF\xBF\xBD", "\xEF\xBF\xBD", "a\xEF\xBF\xBE b", "\x01 a\x02", "\xE2\x81\x87 a", "<s> </s> <unk>", "\xF4\x8F\xBF\xBF"};
    for (size_t i = 0; i < 2 * sizeof lines / sizeof *lines; i++) {
        heed_error err = {0};
        const char *line = lines[i / 2];
        heed_text *t = heed_text_new(&(heed_text_settings){.units = HEED_UNIT_pieces, .kind = i % 2 ? HEED_PIECES_BPE : HEED_PIECES_UNIGRAM, .size = 50}, &err);
        assert_int_equal(heed_text_count(t, line, strlen(line), &err), HEED_OK);
        const heed_status status = heed_text_finish(t, &err);
        assert_true(status == HEED_OK || (status == HEED_E_DATA && strlen(err.text) > 0));
        if (i >= 2 && i < 10) assert_int_equal(status, HEED_E_DATA);   /* nothing to learn from: the library would end the process */
        heed_text_free(t);
    }
}

static void test_pieces__a_line_of_a_million_letters_is_cut(void **state)
{
    (void)state;
    const size_t n = 1000000;
    char *line = malloc(n + 1);
    for (size_t i = 0; i < n; i++) line[i] = i % 7 == 6 ? ' ' : "the cup"[i % 7];
    line[n] = 0;
    heed_tokens out = {0};
    heed_text *t = learn((heed_text_settings){0});
    encode(t, line, &out);
    assert_true(out.count > 100000);
    assert_int_equal(out.item[out.count - 1].end, (int32_t)n - (line[n - 1] == ' '));
    heed_text_free(t);
    heed_tokens_free(&out);
    free(line);
}

/* --- models of strangers --------------------------------------------------------------------------------------------------------- */

static heed_status nothing(void *self, int64_t number, const char *text, size_t size, heed_error *err)
{
    (void)number, (void)text, (void)size, (void)err;
    ++*(int *)self;
    return HEED_OK;
}

#define UNK "\x0A\x0E\x0A\x05<unk>\x15\0\0\0\0\x18\x02"
#define BOS "\x0A\x0C\x0A\x03<s>\x15\0\0\0\0\x18\x03"
#define EOS "\x0A\x0D\x0A\x04</s>\x15\0\0\0\0\x18\x03"
#define ONE "\x0A\x08\x0A\x01" "a\x15\0\0\0\xBF"
#define SPEC "\x12\x02\x18\x02\x1A\x02\x12\0"
#define GOOD UNK BOS EOS ONE SPEC
#define BYTES(x) x, sizeof x - 1

static void test_check__takes_what_heed_trains_and_names_what_is_wrong_elsewhere(void **state)
{
    (void)state;
    static const struct { const char *bytes; size_t size; const char *why; } rows[] = {
        {BYTES(GOOD), NULL},
        {BYTES(GOOD "\x2A\x02\x12\0"), NULL},                                          /* an empty denormaliser */
        {BYTES(""), "the file is cut off"},
        {BYTES(UNK BOS EOS ONE), "the file is cut off"},
        {BYTES(UNK BOS EOS SPEC), "holds 3 pieces"},
        {BYTES(UNK BOS EOS "\x0A\x09\x0A\x01" "a\x15\0\0\0\xBF" SPEC), "a piece is cut off"},
        {BYTES(UNK BOS EOS "\x0A\x07\x0A\0\x15\0\0\0\xBF" SPEC), "piece 3 has 0 bytes"},
        {BYTES(UNK BOS EOS "\x0A\x08\x0A\x01\xFF\x15\0\0\0\xBF" SPEC), "piece 3 is not UTF-8"},
        {BYTES(UNK BOS EOS "\x0A\x08\x0A\x01\0\x15\0\0\0\xBF" SPEC), "piece 3 is not UTF-8"},
        {BYTES(UNK BOS EOS "\x0A\x08\x0A\x01" "a\x15\0\0\xC0\x7F" SPEC), "the score of piece 3"},    /* NaN */
        {BYTES(UNK BOS EOS "\x0A\x08\x0A\x01" "a\x15\0\0\x80\xFF" SPEC), "the score of piece 3"},    /* minus infinity */
        {BYTES(UNK BOS EOS "\x0A\x0A\x0A\x01" "a\x15\0\0\0\xBF\x18\x04" SPEC), "piece 3 has type 4"},
        {BYTES(UNK BOS EOS "\x0A\x0A\x0A\x01" "a\x15\0\0\0\xBF\x18\x06" SPEC), "piece 3 has type 6"},
        {BYTES(UNK BOS EOS "\x0A\x06\x0A\x01" "a\x0A\x01" "b" SPEC), "a piece is cut off"},           /* two texts */
        {BYTES(BOS UNK EOS ONE SPEC), "piece 0 has type 3"},
        {BYTES(UNK EOS BOS ONE SPEC), "piece 1 is not <s>"},
        {BYTES(UNK BOS EOS ONE "\x12\x02\x18\x03\x1A\0"), "trainer_spec.model_type"},
        {BYTES(UNK BOS EOS ONE "\x12\x05\x18\x01\x98\x02\x01\x1A\0"), "trainer_spec.byte_fallback"},
        {BYTES(UNK BOS EOS ONE "\x12\x03\xC0\x02\x01\x1A\0"), "trainer_spec.unk_id"},
        {BYTES(UNK BOS EOS ONE "\x12\x03\xD8\x02\x03\x1A\0"), "trainer_spec.pad_id"},
        {BYTES(UNK BOS EOS ONE "\x12\0\x1A\x03\x12\x01x"), "normalizer_spec.charsmap"},
        {BYTES(UNK BOS EOS ONE "\x12\0\x1A\x02\x18\0"), "normalizer_spec.add_dummy_prefix"},
        {BYTES(GOOD "\x2A\x03\x12\x01x"), "denormalizer_spec.charsmap"},
        {BYTES(GOOD "\x22\0"), "holds a self-test"},
        {BYTES(GOOD "\x12\0"), "stands there twice"},
        {BYTES(GOOD "\x32\0"), "the file is cut off"},
        {BYTES(GOOD "\x12\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"), "the file is cut off"},
        {BYTES(GOOD "\x12\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F"), "the file is cut off"},
        {BYTES(GOOD "\x0B"), "the file is cut off"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        heed_error err = {0};
        bool unigram;
        int pieces = 0;
        char *copy = malloc(rows[i].size + 1);   /* so that a sanitizer sees what is read beyond */
        memcpy(copy, rows[i].bytes, rows[i].size);
        heed_status status = heed_pieces_check(copy, rows[i].size, "x.model", &unigram, nothing, &pieces, &err);
        free(copy);
        assert_int_equal(status, rows[i].why ? HEED_E_MODEL : HEED_OK);
        if (rows[i].why && (strncmp(err.text, "x.model: ", 9) != 0 || !strstr(err.text, rows[i].why))) fail_msg("row %zu: \"%s\"", i, err.text);
        if (!rows[i].why) assert_true(pieces == 1 && !unigram);
    }
}

static void test_check__a_model_cut_anywhere_is_refused(void **state)
{
    (void)state;
    heed_error err;
    heed_text *t = learn((heed_text_settings){.kind = HEED_PIECES_UNIGRAM});
    assert_int_equal(heed_text_write(t, scratch_path("e.vocab.json"), &err), HEED_OK);
    heed_text_free(t);
    heed_file f = mapped("e.spm.model");
    bool unigram;
    int pieces = 0;
    assert_int_equal(heed_pieces_check(f.data, f.size, "x.model", &unigram, nothing, &pieces, &err), HEED_OK);
    assert_true(unigram);
    for (size_t size = 0; size < f.size; size++) {
        char *copy = malloc(size + 1);
        memcpy(copy, f.data, size);
        assert_int_equal(heed_pieces_check(copy, size, "x.model", &unigram, nothing, &pieces, &err), HEED_E_MODEL);
        free(copy);
    }
    heed_file_unmap(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces__of_both_kinds_give_texts_back),
        cmocka_unit_test(test_pieces__a_frequent_word_is_one_piece_and_points_into_the_text_as_given),
        cmocka_unit_test(test_pieces__cover_the_text_from_left_to_right),
        cmocka_unit_test(test_pieces__an_unknown_letter_is_one_symbol),
        cmocka_unit_test(test_pieces__the_same_texts_give_the_same_model),
        cmocka_unit_test(test_pieces__come_back_from_their_files),
        cmocka_unit_test(test_pieces__a_vocabulary_at_odds_with_its_model_is_refused),
        cmocka_unit_test(test_pieces__more_than_the_texts_hold_or_fewer_than_their_letters),
        cmocka_unit_test(test_pieces__of_the_smallest_texts_do_no_harm),
        cmocka_unit_test(test_pieces__a_line_of_a_million_letters_is_cut),
        cmocka_unit_test(test_check__takes_what_heed_trains_and_names_what_is_wrong_elsewhere),
        cmocka_unit_test(test_check__a_model_cut_anywhere_is_refused),
    };
    return cmocka_run_group_tests_name("pieces", tests, NULL, NULL);
}
