/* Words that must and must not appear, through a session: what is printed holds them or not, and says so; whoever else is in the batch. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "heed.h"
#include "task/same.h"
#include "task/variants.h"

enum { ITEMS = 8, MOST = 3 };

static heed_session *open_session(const heed_model *m, int threads, int64_t batch)
{
    heed_session *s = heed_session_new(m, &(heed_session_options){.threads = threads, .batch = batch}, NULL);
    assert_non_null(s);
    return s;
}

static heed_reply *run(heed_session *s, const heed_item *item, int64_t count, const heed_decode *decode)
{
    heed_error err;
    heed_reply *r = heed_session_run(s, &(heed_request){.items = item, .count = count, .decode = decode}, &err);
    if (!r) fail_msg("%s", err.text);
    return r;
}

/* Whether the phrase stands in the text as words do; spaces of any length are one. */
static bool holds(const char *printed, const char *phrase)
{
    char text[400];
    size_t n = 0;
    const size_t size = strlen(phrase);
    for (; *printed && n + 1 < sizeof text; printed++)
        if (*printed != ' ' || (n && text[n - 1] != ' ')) text[n++] = *printed;
    text[n] = 0;
    for (const char *at = text; (at = strstr(at, phrase)) != NULL; at++) {
        if (at > text && isalnum((unsigned char)at[-1]) && isalnum((unsigned char)at[0])) continue;
        if (isalnum((unsigned char)at[size - 1]) && isalnum((unsigned char)at[size])) continue;
        return true;
    }
    return false;
}

/* Models that write symbols, words, characters and pieces; of several kinds. */
typedef struct writer_kind { const char *units; const char *phrases[8]; } writer_kind;
static const writer_kind kinds[] = {
    {"symbols", {"A", "B", "C", "D", "E", "A B", "C C", "B A C"}},
    {"words", {"A", "B", "C", "D", "E", "A B", "C C", "B A C"}},
    {"characters", {"A", "B", "C", "D", "AB", "A B", "CC", "B A"}},
    {"pieces, size: 10", {"A", "B", "C", "D", "E", "A B", "C C", "B A C"}},
};

static heed_model *build(uint64_t key)
{
    static const tiny some[] = {{.cell = "lstm"}, {.order = "order: luong, input_feeding: true"}, {.encoder = "type: transformer, heads: 2", .decoder = "type: transformer, heads: 3"},
                                {.attention = "{score: additive, coverage: true, copy: true}"}, {.encoder = "type: conv, embed: 6", .decoder = "type: conv, embed: 6", .attention = "{score: dot}"}};
    char train[40];
    tiny t = some[key / 4 % 5];
    snprintf(train, sizeof train, "train: {seed: %d}", (int)key);
    t.train = train;
    t.target_units = kinds[key % 4].units;
    t.max_length = "[1, 9]";
    return tiny_build(&t);
}

typedef struct demands { const char *must[ITEMS][MOST], *never[ITEMS][MOST]; heed_item item[ITEMS]; char source[ITEMS][9]; } demands;

static void draw_demands(demands *d, uint64_t key, int most_must, int most_never)
{
    const writer_kind *k = &kinds[key % 4];
    *d = (demands){.item = {{0}}};
    for (uint64_t i = 0; i < ITEMS; i++) {
        const uint64_t one = heed_key(key, i);
        for (uint64_t c = 0; c < 1 + one % 8; c++) d->source[i][c] = "abcde abcz"[heed_below(one, c, 10)];
        for (int m = 0; m < MOST; m++) {
            d->must[i][m] = k->phrases[heed_below(one, 20 + (uint64_t)m, 8)];
            d->never[i][m] = k->phrases[heed_below(one, 30 + (uint64_t)m, 8)];
        }
        d->item[i] = (heed_item){.text = d->source[i], .must = {d->must[i], (int64_t)heed_below(one, 40, (uint64_t)most_must + 1)},
                                 .never = {d->never[i], (int64_t)heed_below(one, 41, (uint64_t)most_never + 1)}};
    }
    d->item[5].text = "";
}

/* Returns how many of its words that must appear do. */
static int64_t expect_words(const heed_item *item, const heed_output *o)
{
    int64_t unmet = 0;
    for (int64_t i = 0; i < item->never.count; i++)
        if (holds(o->text, item->never.items[i])) fail_msg("\"%s\" holds \"%s\"", o->text, item->never.items[i]);
    for (int64_t i = 0; i < item->must.count; i++) {
        const bool there = holds(o->text, item->must.items[i]);
        bool said = false;
        for (int64_t k = 0; k < o->unmet_count; k++) said = said || strcmp(o->unmet[k], item->must.items[i]) == 0;
        if (there == said) fail_msg("\"%s\", \"%s\": %s", o->text, item->must.items[i], said ? "said to be missing" : "said to be there");
        unmet += said;
    }
    assert_int_equal(o->unmet_count, unmet);
    return item->must.count - unmet;
}

static void test_never__words_never_appear_and_what_is_missing_is_said(void **state)
{
    (void)state;
    static const heed_decode ways[] = {{0}, {.beam = 1}, {.beam = 5, .nbest = 5}};
    int64_t met = 0, outputs = 0;
    for (uint64_t key = 0; key < 80; key++) {
        heed_model *m = build(key);
        heed_session *s = open_session(m, 1, 64);
        demands d;
        draw_demands(&d, key, (int)(key / 20 % 3), 3);
        heed_reply *r = run(s, d.item, ITEMS, &ways[key % 3]);
        for (int i = 0; i < ITEMS; i++) {
            const heed_output *o = heed_reply_at(r, i);
            assert_int_equal(o->status, HEED_OK);
            met += expect_words(&d.item[i], o);
            for (int64_t a = 0; a < o->alternative_count; a++) expect_words(&d.item[i], &o->alternatives[a]);
            outputs += 1 + o->alternative_count;
        }
        heed_reply_free(r);
        heed_session_free(s);
        heed_model_free(m);
    }
    assert_true(met > 100 && outputs > 900);
}

/* Without words that never must, and with a place for all, everything that must appear does. */
static void test_must__words_appear(void **state)
{
    (void)state;
    for (uint64_t key = 0; key < 40; key++) {
        heed_model *m = build(key);
        heed_session *s = open_session(m, 1, 64);
        demands d;
        draw_demands(&d, 1000 + key, 2, 0);
        for (int i = 0; i < ITEMS; i++) d.item[i].text = "abcabcde abcbab";   /* 25 symbols and more: room for all */
        heed_reply *r = run(s, d.item, ITEMS, key % 2 ? &(heed_decode){.beam = 1} : NULL);
        for (int i = 0; i < ITEMS; i++) {
            const heed_output *o = heed_reply_at(r, i);
            if (expect_words(&d.item[i], o) != d.item[i].must.count) fail_msg("%s lacks %s", o->text, o->unmet[0]);
        }
        heed_reply_free(r);
        heed_session_free(s);
        heed_model_free(m);
    }
}

static void test_output__has_the_same_bits_alone_and_in_any_company(void **state)
{
    (void)state;
    for (uint64_t key = 0; key < 20; key++) {
        heed_model *m = build(key);
        heed_session *one = open_session(m, 1, 64), *few = open_session(m, 2, 9);
        demands d;
        const heed_decode how = {.nbest = 1 + (int64_t)key % 2, .never = {(const char *[]){"A B"}, 1}};
        draw_demands(&d, key, 3, 3);
        for (int i = 0; i < ITEMS; i += 3) d.item[i].must = d.item[i].never = (heed_phrases){NULL, 0};
        heed_reply *together = run(one, d.item, ITEMS, &how), *cut = run(few, d.item, ITEMS, &how);
        for (int i = 0; i < ITEMS; i++) {
            heed_reply *alone = run(few, &d.item[i], 1, &how);
            same_output(heed_reply_at(together, i), heed_reply_at(cut, i), false);
            same_output(heed_reply_at(together, i), heed_reply_at(alone, 0), false);
            heed_reply_free(alone);
        }
        heed_reply_free(together);
        heed_reply_free(cut);
        heed_session_free(one);
        heed_session_free(few);
        heed_model_free(m);
    }
}

/* Words that change nothing change nothing: absent ones never, those of the output must. */
static void test_words__that_the_output_obeys_anyway_change_nothing(void **state)
{
    (void)state;
    heed_model *m = tiny_build(&(tiny){0});
    heed_session *s = open_session(m, 1, 0);
    const heed_decode how = {.beam = 4, .nbest = 4};
    heed_reply *r = run(s, &(heed_item){.text = "abcd"}, 1, &how);
    heed_reply *never = run(s, &(heed_item){.text = "abcd", .never = {(const char *[]){"Q", "A Z", "a"}, 3}}, 1, &how);
    same_output(heed_reply_at(r, 0), heed_reply_at(never, 0), false);
    heed_reply *must = run(s, &(heed_item){.text = "abcd", .must = {(const char *[]){"Q Z"}, 1}}, 1, &how);
    assert_string_equal(heed_reply_at(must, 0)->text, heed_reply_at(r, 0)->text);
    assert_int_equal(heed_reply_at(must, 0)->unmet_count, 1);
    assert_string_equal(heed_reply_at(must, 0)->unmet[0], "Q Z");
    heed_reply_free(r);
    heed_reply_free(never);
    heed_reply_free(must);
    heed_session_free(s);
    heed_model_free(m);
}

static void test_words__are_taken_as_the_model_writes(void **state)
{
    (void)state;
    heed_model *m = tiny_build(&(tiny){.target_units = "symbols, lower: true"});
    heed_session *s = open_session(m, 1, 0);
    heed_reply *r = run(s, &(heed_item){.text = "abcde", .must = {(const char *[]){" B \t A "}, 1}, .never = {(const char *[]){"C", "D", "E"}, 3}}, 1, NULL);
    const heed_output *o = heed_reply_at(r, 0);
    assert_true(holds(o->text, "b a"));
    assert_int_equal(o->unmet_count, 0);
    assert_null(strpbrk(o->text, "cde"));
    heed_reply_free(r);
    heed_session_free(s);
    heed_model_free(m);
}

static void expect_failure(heed_session *s, heed_item item, heed_status status, const char *text)
{
    heed_reply *r = run(s, &item, 1, NULL);
    assert_int_equal(heed_reply_at(r, 0)->status, status);
    if (!strstr(heed_reply_at(r, 0)->error, text)) fail_msg("\"%s\" is not in: %s", text, heed_reply_at(r, 0)->error);
    heed_reply_free(r);
}

static void test_words__that_make_no_sense_fail_their_item(void **state)
{
    (void)state;
    heed_model *m = tiny_build(&(tiny){0});
    heed_session *s = open_session(m, 1, 0);
    static const char *many[65], *const blank[] = {" \t"}, *const bytes[] = {"A\xFF"}, *const a[] = {"A"};
    static char texts[65][8];
    for (int i = 0; i < 65; i++) {
        snprintf(texts[i], sizeof texts[i], "A %c", "ABCDE"[i % 5]);
        many[i] = texts[i];
    }
    expect_failure(s, (heed_item){.text = "a", .must = {blank, 1}}, HEED_E_DATA, "must: a phrase without a character");
    expect_failure(s, (heed_item){.text = "a", .never = {bytes, 1}}, HEED_E_DATA, "never: byte 0xFF at column 2");
    expect_failure(s, (heed_item){.text = "a", .must = {many, 65}}, HEED_E_LIMIT, "must: 65 phrases; at most 64");
    expect_failure(s, (heed_item){.text = "a", .must = {(const char *[]){"A B C D E A B C D E A B C D E A B C D E A B C D E A B C D E A B C D E A B C D E A B C D E A B C D E A B C D E A B C D E A B C D"}, 1}},
                   HEED_E_LIMIT, "must: its words take 64 symbols, spaces included; at most 63");
    expect_failure(s, (heed_item){.text = "a", .prefix = "B A", .never = {a, 1}}, HEED_E_DATA, "its prefix holds a word that must not appear");
    heed_error err;
    const heed_item target = {.text = "a", .target = "A", .must = {a, 1}}, plain = {.text = "a"};
    assert_null(heed_session_run(s, &(heed_request){.items = &target, .count = 1}, &err));
    assert_int_equal(err.status, HEED_E_USAGE);
    assert_null(heed_session_run(s, &(heed_request){.items = &plain, .count = 1, .decode = &(heed_decode){.sample = true, .never = {a, 1}}}, &err));
    assert_int_equal(err.status, HEED_E_USAGE);
    heed_session_free(s);
    heed_model_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_never__words_never_appear_and_what_is_missing_is_said),
        cmocka_unit_test(test_must__words_appear),
        cmocka_unit_test(test_output__has_the_same_bits_alone_and_in_any_company),
        cmocka_unit_test(test_words__that_the_output_obeys_anyway_change_nothing),
        cmocka_unit_test(test_words__are_taken_as_the_model_writes),
        cmocka_unit_test(test_words__that_make_no_sense_fail_their_item),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
