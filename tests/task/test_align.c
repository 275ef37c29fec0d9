/* Files of pairs aligned: the links are those of each pair alone, gold is counted as it stands, and a calibration finds the look that gold was made of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "align/links.h"
#include "base/rng.h"
#include "heed.h"
#include "support/scratch.h"
#include "support/tiny.h"
#include "task/told.h"

enum { PAIRS = 600 };   /* more than a round takes */

static const tiny transformer = {.layers = 2, .attention = "{score: scaled}", .encoder = "type: transformer, heads: 2", .decoder = "type: transformer, heads: 3"};
static const tiny recurrent = {.cell = "gru"};
static const tiny backwards = {.source_units = "symbols", .target_units = "symbols", .attention = "{score: scaled, heads: 2, width: 8}"};

/* Words of one or two letters. */
static void add_words(heed_buf *out, uint64_t key, const char *letters, int most)
{
    const int n = (int)heed_below(key, 0, (uint64_t)most + 1);
    for (int i = 0; i < n; i++) {
        if (i) heed_buf_char(out, ' ');
        for (int k = (int)heed_below(key, 10 + (uint64_t)i, 2); k >= 0; k--) heed_buf_char(out, letters[heed_below(key, 20 + (uint64_t)(2 * i + k), 5)]);
    }
    heed_buf_char(out, '\n');
}

/* Files "s" and "t" of so many pairs. */
static heed_align_options write_pairs(int64_t count)
{
    heed_buf source = {0}, target = {0};
    for (int64_t i = 0; i < count; i++) {
        add_words(&source, heed_key(3, (uint64_t)i), "abcde", 5);
        const int n = (int)heed_below(heed_key(4, (uint64_t)i), 0, 6);
        for (int k = 0; k < n; k++) heed_buf_printf(&target, "%s%c", k ? " " : "", 'A' + (int)heed_below(heed_key(5, (uint64_t)i), (uint64_t)k, 5));
        heed_buf_char(&target, '\n');
    }
    heed_align_options o = {.source = scratch_write("s", source.data, source.size), .target = scratch_write("t", target.data, target.size)};
    heed_buf_free(&source);
    heed_buf_free(&target);
    return o;
}

/* --- links ------------------------------------------------------------------------------------------------------------------------------------- */

/* By one request a pair. */
static void align_alone(seer *s, const heed_look *look, heed_buf *out)
{
    char *source = scratch_read("s", NULL), *target = scratch_read("t", NULL), *from = source, *to = target;
    while (*from) {
        char *from_end = strchr(from, '\n'), *to_end = strchr(to, '\n');
        *from_end = *to_end = 0;
        const heed_item item = {.text = from, .target = to};
        heed_reply *r = heed_session_run(s->session, &(heed_request){.items = &item, .count = 1, .look = look}, NULL);
        heed_links links = {0};
        const heed_output *one = heed_reply_at(r, 0);
        assert_int_equal(heed_links_set(&links, one->links, one->link_count, NULL), HEED_OK);
        for (int64_t k = 0; k < links.count; k++)
            heed_buf_printf(out, "%s%lld-%lld", k ? " " : "", (long long)links.link[k].source + 1, (long long)links.link[k].target + 1);
        heed_buf_char(out, '\n');
        heed_links_free(&links);
        heed_reply_free(r);
        from = from_end + 1;
        to = to_end + 1;
    }
    free(source);
    free(target);
}

static void test_links__of_files_are_those_of_each_pair_alone(void **state)
{
    (void)state;
    static const heed_look looks[] = {{.layer = -1, .head = -1}, {.layer = 0, .head = 2, .shift = 1}, {.layer = 1, .head = 0, .threshold = 0.3}};
    seer s = open_seer(&transformer);
    heed_align_options o = write_pairs(PAIRS);
    for (int i = 0; i < 3; i++) {
        told x = {.pairs = 0};
        heed_buf alone = {0};
        o.look = &looks[i];
        align(s.session, o, &x);
        align_alone(&s, &looks[i], &alone);
        assert_int_equal(x.pairs, PAIRS);
        assert_string_equal(x.text.data, alone.data);
        heed_buf_free(&x.text);
        heed_buf_free(&alone);
    }
    close_seer(&s);
}

static void test_links__end_where_the_caller_has_enough(void **state)
{
    (void)state;
    seer s = open_seer(&recurrent);
    heed_align_options o = write_pairs(PAIRS);
    told x = {.stop_at = 1};
    heed_error err;
    o.answer = tell;
    o.user = &x;
    assert_int_equal(heed_files_align(s.session, &o, NULL, &err), HEED_E_STOPPED);
    assert_true(x.pairs < PAIRS);
    heed_buf_free(&x.text);
    close_seer(&s);
}

/* --- gold -------------------------------------------------------------------------------------------------------------------------------------- */

static void test_gold__is_counted_on_the_lines_asked_for(void **state)
{
    (void)state;
    seer s = open_seer(&recurrent);
    /* one word on either side: the only link there can be */
    heed_align_options o = {.source = scratch_text("s", "a\nb\n\nc\n"), .target = scratch_text("t", "A\nB\nC\nD\n"), .gold = scratch_text("g", "1-1\n\n\n1p1\n")};
    heed_align_report r = align(s.session, o, NULL);
    assert_false(r.joined);
    counts(&r.links, 100 * (1 - 3.0 / 4), 100 * 2.0 / 3, 100, 4);   /* found 3, sure 1: hit 1, possible 2 of them */
    o.first = o.last = 1;
    r = align(s.session, o, NULL);
    counts(&r.links, 0, 100, 100, 1);
    o.outside = true;
    r = align(s.session, o, NULL);
    counts(&r.links, 50, 50, 0, 3);
    o.outside = false;
    o.first = 4;
    o.last = 0;
    r = align(s.session, o, NULL);
    counts(&r.links, 0, 100, 0, 1);
    close_seer(&s);
}

static void test_gold__of_a_models_own_links_is_met_in_either_order(void **state)
{
    (void)state;
    seer s = open_seer(&transformer);
    heed_align_options o = write_pairs(PAIRS);
    for (int swapped = 0; swapped < 2; swapped++) {
        told x = {.swapped = swapped};
        o.gold = NULL;
        align(s.session, o, &x);
        o.gold = scratch_write("g", x.text.data, x.text.size);
        o.gold_swapped = swapped;
        heed_align_report r = align(s.session, o, NULL);
        counts(&r.links, 0, 100, 100, PAIRS);
        heed_buf_free(&x.text);
    }
    close_seer(&s);
}

static void test_gold__that_is_none_is_told_with_its_place(void **state)
{
    (void)state;
    seer s = open_seer(&recurrent);
    heed_align_options o = {.source = scratch_text("s", "a b\nc\n\n"), .target = scratch_text("t", "A\nB\nC\n")};
    o.gold = scratch_text("g", "1-1\n1-1 2-1\n\n");
    refused(s.session, &o, HEED_E_DATA, "/g: line 2: link 2, \"2-1\"");
    o.gold = scratch_text("g", "1-1 0-1\n\n\n");
    refused(s.session, &o, HEED_E_DATA, "/g: line 1: link 2");
    o.gold = scratch_text("g", "1-1 1:1\n\n\n");
    refused(s.session, &o, HEED_E_DATA, "/g: line 1: link 2");
    o.gold = scratch_text("g", "1-1\n\n1-1\n");
    refused(s.session, &o, HEED_E_DATA, "/g: line 3: has links, but the source has no words");
    o.gold_swapped = true;
    o.gold = scratch_text("g", "1-2\n\n\n");
    align(s.session, o, NULL);
    o.gold = scratch_text("g", "2-1\n\n\n");
    refused(s.session, &o, HEED_E_DATA, "/g: line 1: link 1");
    o.gold_swapped = false;
    o.gold = scratch_text("g", "1-1\n\n");
    refused(s.session, &o, HEED_E_DATA, "/g ends after line 2");
    o.gold = scratch_text("g", "1-1\n\n\n\n");
    refused(s.session, &o, HEED_E_DATA, "goes on");
    o.gold = scratch_path("nowhere");
    refused(s.session, &o, HEED_E_DATA, "nowhere");
    o.gold = scratch_text("g", "1-1\n\n\n");
    o.first = 2;
    o.last = 4;
    refused(s.session, &o, HEED_E_DATA, "has 3 lines");
    o.last = 1;
    refused(s.session, &o, HEED_E_USAGE, "lines 2 to 1 are no range");
    close_seer(&s);
}

/* --- two directions ------------------------------------------------------------------------------------------------------------------------------ */

static void read_links(char **at, bool swapped, heed_links *links)
{
    char *end = strchr(*at, '\n');
    assert_int_equal(heed_links_parse(*at, (size_t)(end - *at), 1, NULL, links, NULL, NULL), HEED_OK);
    if (swapped) heed_links_swap(links);
    *at = end + 1;
}

static void test_directions__are_joined_pair_by_pair(void **state)
{
    (void)state;
    seer s = open_seer(&backwards), b = open_seer(&backwards);
    const heed_look other = {.layer = -1, .head = 0};
    heed_align_options o = write_pairs(300);
    for (int how = 0; how < HEED_SYMMETRY_COUNT; how++) {
        told forward = {.pairs = 0}, reverse = {.pairs = 0}, both = {.pairs = 0};
        heed_align_options r = {.source = o.target, .target = o.source, .look = &other};
        align(s.session, o, &forward);
        align(b.session, r, &reverse);
        r = o;
        r.reverse = b.session;
        r.reverse_look = &other;
        r.symmetrise = heed_symmetry_name((heed_symmetry)how);
        align(s.session, r, &both);
        char *one = forward.text.data, *two = reverse.text.data, *three = both.text.data;
        heed_links x = {0}, y = {0}, wanted = {0}, got = {0};
        for (int i = 0; i < 300; i++) {
            read_links(&one, false, &x);
            read_links(&two, true, &y);
            read_links(&three, false, &got);
            assert_int_equal(heed_links_join(&x, &y, (heed_symmetry)how, &wanted, NULL), HEED_OK);
            assert_int_equal(wanted.count, got.count);
            for (int64_t k = 0; k < got.count; k++) assert_true(heed_links_have(&wanted, got.link[k]));
        }
        r.gold = scratch_write("g", forward.text.data, forward.text.size);
        heed_align_report report = align(s.session, r, NULL);
        assert_true(report.joined);
        counts(&report.forward, 0, 100, 100, 300);
        assert_true(report.reverse.aer > 0);
        heed_links *const all[] = {&x, &y, &wanted, &got};
        for (int i = 0; i < 4; i++) heed_links_free(all[i]);
        heed_buf_free(&forward.text);
        heed_buf_free(&reverse.text);
        heed_buf_free(&both.text);
    }
    close_seer(&s);
    close_seer(&b);
}

/* --- calibration --------------------------------------------------------------------------------------------------------------------------------- */

/* Gold made of a look is met by it, and nothing that comes before it does as well. */
static void finds(seer *s, heed_look look, const heed_align_options *given)
{
    heed_align_options o = *given;
    told x = {.pairs = 0};
    heed_candidate *found = NULL;
    heed_error err = {0};
    int count = 0, usual = 0;
    o.look = &look;
    align(s->session, o, &x);
    o.look = NULL;
    o.gold = scratch_write("g", x.text.data, x.text.size);
    if (heed_calibrate(s->session, &o, &found, &count, &err)) fail_msg("%s", err.text);
    assert_int_equal(found[0].look.layer, look.layer);
    assert_int_equal(found[0].look.head, look.head);
    assert_int_equal(found[0].look.shift, look.shift);
    assert_true(found[0].look.threshold == look.threshold && found[0].look.empty == look.empty);
    counts(&found[0].tuned, 0, 100, 100, 100);
    counts(&found[0].rest, 0, 100, 100, 50);
    for (int i = 0; i < count; i++) {
        usual += found[i].usual;
        assert_true(!found[i].usual || (found[i].look.threshold == 0 && found[i].look.shift == 0 && !found[i].look.empty));
        assert_true(i == 0 || found[i].tuned.aer >= found[i - 1].tuned.aer);
    }
    assert_int_equal(usual, 1);
    heed_free(found);
    heed_buf_free(&x.text);
}

static void test_calibration__finds_the_look_that_gold_was_made_of(void **state)
{
    (void)state;
    static const heed_look of_transformer[] = {
        {.layer = 1, .head = -1}, {.layer = 0, .head = 2, .shift = 1}, {.layer = 0, .head = -1, .shift = 1}, {.layer = 1, .head = 1, .threshold = 0.3}};
    seer t = open_seer(&transformer), r = open_seer(&recurrent);
    heed_align_options o = write_pairs(150);
    for (int i = 0; i < 4; i++) finds(&t, of_transformer[i], &o);
    finds(&r, (heed_look){.layer = 0, .head = 0, .shift = 1}, &o);
    finds(&r, (heed_look){.layer = 0, .head = 0}, &o);
    close_seer(&t);
    close_seer(&r);
}

static void test_calibration__tries_the_empty_word_of_a_model_that_knows_it(void **state)
{
    (void)state;
    seer t = open_seer(&transformer);
    const heed_align_options o = write_pairs(150);
    t.model->alignment = (heed_alignment){.chosen = true, .empty = true};
    finds(&t, (heed_look){.layer = 1, .head = 2, .empty = true}, &o);
    finds(&t, (heed_look){.layer = 0, .head = 1, .shift = 1, .threshold = 0.15, .empty = true}, &o);
    finds(&t, (heed_look){.layer = 0, .head = 2, .shift = 1}, &o);
    close_seer(&t);
}

/* One word on either side leaves nothing to choose. */
static void test_calibration__of_equals_takes_the_simplest(void **state)
{
    (void)state;
    seer s = open_seer(&transformer);
    const heed_align_options o = {.source = scratch_text("s", "a\n"), .target = scratch_text("t", "A\n"), .gold = scratch_text("g", "1-1\n")};
    heed_candidate *found = NULL;
    int count = 0;
    assert_int_equal(heed_calibrate(s.session, &o, &found, &count, NULL), HEED_OK);
    assert_true(count > 100 && found[0].usual && found[0].tuned.aer == 0 && found[count - 1].tuned.aer == 0);
    assert_int_equal(found[0].rest.lines, 0);
    heed_free(found);
    close_seer(&s);
}

static void not_calibrated(seer *s, const heed_align_options *o, heed_status status, const char *text)
{
    heed_candidate *found = NULL;
    heed_error err = {0};
    int count;
    assert_int_equal(heed_calibrate(s->session, o, &found, &count, &err), status);
    if (!strstr(err.text, text)) fail_msg("no \"%s\" in: %s", text, err.text);
    assert_null(found);
}

static void test_calibration__needs_gold_and_attention(void **state)
{
    (void)state;
    seer s = open_seer(&recurrent), none = open_seer(&(tiny){.attention = "none"});
    heed_align_options o = {.source = scratch_text("s", "a\nb\n"), .target = scratch_text("t", "A\nB\n")};
    not_calibrated(&s, &o, HEED_E_USAGE, "gold links");
    o.gold = scratch_text("g", "\n1-1\n");
    not_calibrated(&none, &o, HEED_E_USAGE, "no attention");
    o.first = o.last = 1;
    not_calibrated(&s, &o, HEED_E_DATA, "no sure link on lines 1 to 1");
    o.last = 3;
    not_calibrated(&s, &o, HEED_E_DATA, "has 2 lines");
    o.last = 2;
    o.gold = scratch_text("g", "\n1-2\n");
    not_calibrated(&s, &o, HEED_E_DATA, "/g: line 2");
    close_seer(&s);
    close_seer(&none);
}

/* --- what is refused ------------------------------------------------------------------------------------------------------------------------------ */

static void test_pairs__that_cannot_be_aligned_are_told(void **state)
{
    (void)state;
    seer s = open_seer(&recurrent), none = open_seer(&(tiny){.attention = "none"});
    heed_align_options o = {.source = scratch_text("s", "a\n"), .target = scratch_text("t", "A\n")}, x = o;
    refused(none.session, &o, HEED_E_USAGE, "this model has no attention");
    x.reverse = none.session;
    refused(s.session, &x, HEED_E_USAGE, "the reverse model has no attention");
    x = o;
    x.symmetrise = "grow";
    refused(s.session, &x, HEED_E_USAGE, "\"grow\" joins no directions");
    x = o;
    x.look = &(heed_look){.layer = 3};
    x.gold = scratch_text("g", "1-1\n");
    refused(s.session, &x, HEED_E_USAGE, "layer 3");
    x = o;
    x.source = NULL;
    refused(s.session, &x, HEED_E_USAGE, "two files");
    refused(s.session, NULL, HEED_E_USAGE, "two files");
    x.source = scratch_text("s", "a\nb\xC3\n");
    x.answer = tell;
    told told_before = {.pairs = 0};
    x.user = &told_before;
    x.target = scratch_text("t", "A\nB\n");
    refused(s.session, &x, HEED_E_DATA, "/s: line 2");
    x.source = scratch_text("s", "a\nb\nc\n");
    refused(s.session, &x, HEED_E_DATA, "/t ends after line 2");
    x.source = x.target = scratch_text("t", "");
    refused(s.session, &x, HEED_E_DATA, "empty file");
    heed_buf_free(&told_before.text);
    close_seer(&s);
    close_seer(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_links__of_files_are_those_of_each_pair_alone),
        cmocka_unit_test(test_links__end_where_the_caller_has_enough),
        cmocka_unit_test(test_gold__is_counted_on_the_lines_asked_for),
        cmocka_unit_test(test_gold__of_a_models_own_links_is_met_in_either_order),
        cmocka_unit_test(test_gold__that_is_none_is_told_with_its_place),
        cmocka_unit_test(test_directions__are_joined_pair_by_pair),
        cmocka_unit_test(test_calibration__finds_the_look_that_gold_was_made_of),
        cmocka_unit_test(test_calibration__tries_the_empty_word_of_a_model_that_knows_it),
        cmocka_unit_test(test_calibration__of_equals_takes_the_simplest),
        cmocka_unit_test(test_calibration__needs_gold_and_attention),
        cmocka_unit_test(test_pairs__that_cannot_be_aligned_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
