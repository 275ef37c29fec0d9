/* data: what is wrong with a corpus; every fault of faults.def in the smallest corpus that has it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/check.h"
#include "data/seen.h"
#include "heed.h"
#include "support/scratch.h"

static heed_check *run(const char *train, const char *test, heed_text_settings text, int64_t max_length)
{
    const char *paths[2] = {scratch_text("check-train.tsv", train), test ? scratch_text("check-test.tsv", test) : NULL};
    const heed_check_set sets[2] = {{"train", &paths[0], 1}, {"test", &paths[1], 1}};
    heed_error err = {0};
    heed_check *c = heed_check_run(&(heed_check_settings){.sets = sets, .count = test ? 2 : 1, .text = {text, text}, .max_length = max_length}, &err);
    if (!c) fail_msg("%s", err.text);
    return c;
}

static const heed_check_finding *find(const heed_check *c, heed_fault fault)
{
    for (int i = 0; i < c->count; i++)
        if (c->finding[i].fault == fault) return &c->finding[i];
    return NULL;
}

#define FINE "ein Hund\ta dog\nzwei Katzen\ttwo cats\ndrei M\xC3\xA4use\tthree mice\n"

/* In each the fault stands in the last line of the set that is looked at, and there alone. */
static const struct { const char *train, *test; int64_t line; int side; const char *text; } cases[HEED_FAULT_COUNT] = {
    [HEED_FAULT_columns] = {FINE "vier\tfour\tfive\n", NULL, 4, 2, "vier ||| four"},
    [HEED_FAULT_broken] = {FINE "vier\tf\xF6ur\n", NULL, 4, 1, "f<U+FFFD>ur"},
    [HEED_FAULT_empty] = {FINE "vier\t\n", NULL, 4, 1, ""},
    [HEED_FAULT_duplicates] = {FINE "zwei Katzen\ttwo cats\n", NULL, 4, 2, "zwei Katzen ||| two cats"},
    [HEED_FAULT_targets] = {FINE "zwei Katzen\ta pair of cats\n", NULL, 4, 2, "zwei Katzen ||| a pair of cats"},
    [HEED_FAULT_copies] = {FINE "Berlin\tBerlin\n", NULL, 4, 2, "Berlin ||| Berlin"},
    [HEED_FAULT_script] = {FINE "vier\t\xD0\xBA\xD0\xBE\xD1\x88\xD0\xBA\xD0\xB8\n", NULL, 4, 1, "\xD0\xBA\xD0\xBE\xD1\x88\xD0\xBA\xD0\xB8"},
    [HEED_FAULT_mixed] = {FINE "vier\tgood c\xD0\xB0ts\n", NULL, 4, 1, "good c\xD0\xB0ts"},
    [HEED_FAULT_control] = {FINE "vier\tfo\x01ur\n", NULL, 4, 1, "fo<U+0001>ur"},
    [HEED_FAULT_replacement] = {FINE "vier\tfo\xEF\xBF\xBDr\n", NULL, 4, 1, "fo<U+FFFD>r"},
    [HEED_FAULT_spaces] = {FINE "vier\tfour\xC2\xA0" "cats\n", NULL, 4, 1, "four<U+00A0>cats"},
    [HEED_FAULT_markup] = {FINE "vier\tAT&amp;T\n", NULL, 4, 1, "AT&amp;T"},
    [HEED_FAULT_mojibake] = {FINE "vier\tM\xC3\x83\xC2\xA4use\n", NULL, 4, 1, "M\xC3\x83\xC2\xA4use"},
    [HEED_FAULT_numbers] = {FINE "am 12. 4.\ton 13 April\n", NULL, 4, 2, "am 12. 4. ||| on 13 April"},
    [HEED_FAULT_brackets] = {FINE "vier\tfour (cats\n", NULL, 4, 1, "four (cats"},
    [HEED_FAULT_skipped] = {FINE "vier\tfour five six seven\n", NULL, 4, 2, "vier ||| four five six seven"},
    [HEED_FAULT_known_pairs] = {FINE, "vier\tfour\nein Hund\ta dog\n", 2, 2, "ein Hund ||| a dog"},
    [HEED_FAULT_known_sources] = {FINE, "vier\tfour\nein Hund\tone dog\n", 2, 2, "ein Hund ||| one dog"},
    [HEED_FAULT_known_targets] = {FINE, "vier\tfour\nder Hund\ta dog\n", 2, 2, "der Hund ||| a dog"},
    [HEED_FAULT_near_pairs] = {FINE, "vier\tfour\nEin Hund\ta  DOG\n", 2, 2, "Ein Hund ||| a  DOG"},
    [HEED_FAULT_near_sources] = {FINE, "vier\tfour\nein HUND\tmy dog\n", 2, 2, "ein HUND ||| my dog"},
    [HEED_FAULT_near_targets] = {FINE, "vier\tfour\nder Hund\tadog\n", 2, 2, "der Hund ||| adog"},
    [HEED_FAULT_long] = {NULL}, [HEED_FAULT_ratio] = {NULL},   /* have tests of their own */
};

static void test_check__finds_every_fault_at_its_line_and_shows_it(void **state)
{
    (void)state;
    for (int fault = 0; fault < HEED_FAULT_COUNT; fault++) {
        if (!cases[fault].train) {
            assert_true(fault == HEED_FAULT_long || fault == HEED_FAULT_ratio);
            continue;
        }
        heed_check *c = run(cases[fault].train, cases[fault].test, (heed_text_settings){.units = HEED_UNIT_words, .min_count = 1}, 3);
        const heed_check_finding *f = find(c, (heed_fault)fault);
        if (!f) fail_msg("%s was not found", heed_fault_name((heed_fault)fault));
        if (f->count != 1 || f->places != 1 || f->place[0].line != cases[fault].line || f->side != cases[fault].side || strcmp(f->place[0].text, cases[fault].text) != 0)
            fail_msg("%s: %d, first at line %d, side %d: \"%s\"", heed_fault_name((heed_fault)fault), (int)f->count, (int)f->place[0].line, f->side, f->place[0].text);
        assert_int_equal(f->set, cases[fault].test != NULL);
        assert_true(strlen(heed_fault_what(f->fault)) > 0 && strlen(heed_fault_advice(f->fault)) > 0);
        heed_check_free(c);
    }
}

static void test_faults__have_names_that_scripts_may_rely_on(void **state)
{
    (void)state;
#define HEED_FAULT(name, share, what, advice) assert_string_equal(heed_fault_name(HEED_FAULT_##name), #name);
#include "data/faults.def"
#undef HEED_FAULT
}

static void test_check__finds_nothing_in_what_is_fine(void **state)
{
    (void)state;
    heed_check *c = run(FINE "\"Nein\" (sagte er) \xE2\x80\x9Eja\xE2\x80\x9C\t\xC2\xABnon\xC2\xBB [sic] a < b & c; \xE2\x82\xAC 5\n"
                        "vier\t5 k\xE2\x84\xA6, caf\xC3\xA9 \xE2\x80\x98x\xE2\x80\x99\n", "sechs\tsix\n", (heed_text_settings){.min_count = 1}, 250);
    assert_int_equal(c->records[0], 5);
    assert_int_equal(c->records[1], 1);
    for (int i = 0; i < c->count; i++) fail_msg("%s: \"%s\"", heed_fault_name(c->finding[i].fault), c->finding[i].place[0].text);
    heed_check_free(c);
}

static void test_check__names_the_earlier_line_and_the_line_in_training(void **state)
{
    (void)state;
    heed_check *c = run(FINE "x\ty\nein Hund\ta dog\nein Hund\ta dog\n", "zwei Katzen\ttwo cats\n", (heed_text_settings){.min_count = 1}, 0);
    const heed_check_finding *twice = find(c, HEED_FAULT_duplicates), *known = find(c, HEED_FAULT_known_pairs);
    assert_int_equal(twice->count, 2);
    assert_int_equal(twice->place[0].line, 5);
    assert_int_equal(twice->place[1].line, 6);
    assert_int_equal(twice->place[1].other, 1);
    assert_int_equal(known->place[0].line, 1);
    assert_int_equal(known->place[0].other, 2);
    heed_check_free(c);
}

static void test_check__looks_at_what_the_model_will_see(void **state)
{
    (void)state;
    static const char train[] = "Ein Hund\tA dog\nein hund\ta dog\n\xEF\xBC\xA1\tb\nA\tb\n";
    heed_check *c = run(train, "EIN HUND\tA DOG\n", (heed_text_settings){.min_count = 1}, 0);
    assert_null(find(c, HEED_FAULT_duplicates));
    assert_null(find(c, HEED_FAULT_known_pairs));
    assert_int_equal(find(c, HEED_FAULT_near_pairs)->count, 1);
    heed_check_free(c);
    c = run(train, "EIN HUND\tA DOG\n", (heed_text_settings){.min_count = 1, .lower = true, .nfkc = true}, 0);
    assert_int_equal(find(c, HEED_FAULT_duplicates)->count, 2);
    assert_int_equal(find(c, HEED_FAULT_known_pairs)->count, 1);
    assert_null(find(c, HEED_FAULT_near_pairs));
    heed_check_free(c);
}

static void test_check__lengths_are_held_against_the_median(void **state)
{
    (void)state;
    heed_buf out = {0};
    for (int i = 0; i < 60; i++) {
        const int width = 20 + i;
        if (i == 17) heed_buf_printf(&out, "%0*d\t%s\n", 90, i, "x");
        else if (i == 41) heed_buf_printf(&out, "y\t%0*d\n", 200, i);
        else heed_buf_printf(&out, "%0*d\t%0*d\n", width, i, width + width / 5, i);
    }
    heed_check *c = run(out.data, NULL, (heed_text_settings){.min_count = 1}, 0);
    const heed_check_finding *f = find(c, HEED_FAULT_ratio);
    assert_int_equal(f->count, 2);
    assert_int_equal(f->place[0].line, 18);
    assert_int_equal(f->place[1].line, 42);
    assert_non_null(strstr(f->note, "usually 1.1"));
    heed_check_free(c);
    heed_buf_free(&out);
}

static void test_check__a_long_line_is_told_and_cut_in_the_example(void **state)
{
    (void)state;
    heed_buf out = {0};
    heed_buf_printf(&out, "%02000d\t1\n%02001d\t1\n", 1, 1);
    heed_check *c = run(out.data, NULL, (heed_text_settings){.min_count = 1}, 0);
    const heed_check_finding *f = find(c, HEED_FAULT_long);
    assert_int_equal(f->count, 1);
    assert_int_equal(f->place[0].line, 2);
    assert_true(strlen(f->place[0].text) < 100);
    heed_check_free(c);
    heed_buf_free(&out);
}

static void test_check__keeps_the_first_five_lines(void **state)
{
    (void)state;
    heed_buf out = {0};
    for (int i = 0; i < 40; i++) heed_buf_printf(&out, i % 4 == 3 ? "<b>%d</b>\tx\n" : "%d\tx\n", i);
    heed_check *c = run(out.data, NULL, (heed_text_settings){.min_count = 1}, 0);
    const heed_check_finding *f = find(c, HEED_FAULT_markup);
    assert_int_equal(f->count, 10);
    assert_int_equal(f->places, HEED_CHECK_PLACES);
    for (int i = 0; i < f->places; i++) assert_int_equal(f->place[i].line, 4 + 4 * i);
    heed_check_free(c);
    heed_buf_free(&out);
}

/* --- scripts and numbers of texts -------------------------------------------------------------------------------------------------------------- */

static void test_scripts__ranges_rise_and_hold_their_letters(void **state)
{
    (void)state;
    static const struct { int32_t first, last; heed_script script; } ranges[] = {
#define HEED_RANGE(first, last, script) {first, last, HEED_SCRIPT_##script},
#include "data/scripts.def"
#undef HEED_RANGE
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        assert_true(ranges[i].first <= ranges[i].last && (i == 0 || ranges[i - 1].last < ranges[i].first));
        assert_int_equal(heed_script_of(ranges[i].first), ranges[i].script);
    }
    assert_int_equal(heed_script_of('z'), HEED_SCRIPT_Latin);
    assert_int_equal(heed_script_of(0xDF), HEED_SCRIPT_Latin);
    assert_int_equal(heed_script_of(0x4E00), HEED_SCRIPT_Chinese);
    assert_int_equal(heed_script_of(0x3042), HEED_SCRIPT_Chinese);
    assert_int_equal(heed_script_of(0xAC00), HEED_SCRIPT_Hangul);
    assert_int_equal(heed_script_of(0x2C00), HEED_SCRIPT_other);   /* Glagolitic */
    assert_int_equal(heed_script_of('1'), HEED_SCRIPT_none);
    assert_int_equal(heed_script_of(0xD7), HEED_SCRIPT_none);
    for (int s = 0; s < HEED_SCRIPT_COUNT; s++) assert_true(strlen(heed_script_name((heed_script)s)) > 0);
}

static void test_seen__tells_the_first_line_of_a_number(void **state)
{
    (void)state;
    heed_seen seen = {0};
    int64_t first;
    for (int round = 0; round < 2; round++)
        for (int32_t i = 0; i < 20000; i++) {
            const int32_t text[] = {i % 100, i / 100};
            assert_true(heed_seen_add(&seen, heed_seen_hash(text, 2), round * 20000 + i + 1, &first));
            assert_int_equal(first, round ? i + 1 : 0);
        }
    assert_int_equal(seen.count, 20000);
    assert_true(heed_seen_add(&seen, 0, 7, &first) && first == 0);
    assert_true(heed_seen_add(&seen, 0, 8, &first) && first == 7);
    heed_seen_free(&seen);
}

/* --- as it is asked for from outside --------------------------------------------------------------------------------------------------------------- */

static bool stop_at_once(void *user, const char *set, int64_t records)
{
    (void)user, (void)set, (void)records;
    return false;
}

static void refused(const heed_check_options *o, heed_status status, const char *text)
{
    heed_error err = {0};
    assert_null(heed_check_data(o, &err));
    assert_int_equal(err.status, status);
    if (!strstr(err.text, text)) fail_msg("\"%s\" does not say \"%s\"", err.text, text);
}

static void test_check_data__refuses_what_cannot_be_read(void **state)
{
    (void)state;
    char empty[600], shorter[600], fine[600];
    snprintf(empty, sizeof empty, "%s", scratch_text("check-empty", ""));
    snprintf(shorter, sizeof shorter, "%s", scratch_text("check-short", "a\n"));
    snprintf(fine, sizeof fine, "%s", scratch_text("check-fine", "a\nb\n"));
    refused(&(heed_check_options){.train = {NULL}}, HEED_E_USAGE, "no recipe and no files");
    refused(&(heed_check_options){.train = {"nowhere.tsv"}}, HEED_E_DATA, "nowhere.tsv: cannot be opened");
    refused(&(heed_check_options){.train = {empty}}, HEED_E_DATA, "no record");
    refused(&(heed_check_options){.train = {fine, shorter}}, HEED_E_DATA, "check-short ends after line 1");
    refused(&(heed_check_options){.train = {fine, fine}, .progress = stop_at_once}, HEED_E_STOPPED, "stopped");
    refused(&(heed_check_options){.train = {fine, fine}, .set_count = 1}, HEED_E_USAGE, "belong to a recipe");
    refused(&(heed_check_options){.recipe = "nowhere.yaml"}, HEED_E_USAGE, "nowhere.yaml");
}

static void test_check_data__says_what_to_do_in_a_sentence(void **state)
{
    (void)state;
    const char *path = scratch_text("check-whole.tsv", FINE);
    heed_checked *c = heed_check_data(&(heed_check_options){.train = {path}, .test = {path}}, NULL);
    assert_non_null(c);
    assert_int_equal(c->set_count, 2);
    assert_string_equal(c->sets[1].name, "test");
    assert_int_equal(c->count, 3);   /* pairs, sources, targets */
    assert_int_equal(c->serious, 3);
    assert_true(c->findings[0].serious && c->findings[0].of == 3);
    assert_string_equal(c->findings[0].name, "known_pairs");
    assert_non_null(strstr(c->summary, "3 findings are serious. In test, 3 of 3 occur in the training data: take them out"));
    heed_checked_free(c);
    c = heed_check_data(&(heed_check_options){.train = {path}}, NULL);
    assert_string_equal(c->summary, "Nothing was found: go ahead.");
    heed_checked_free(c);
}

/* The data come with a warning: the English side of 77 of 500 lines for validation and of 60 of 500 test lines stands in the training data too. */
static void test_check_data__finds_the_known_trap(void **state)
{
    (void)state;
    char text[6][600];
    static const char *const names[] = {"train.en", "train.ja", "dev.en", "dev.ja", "test.en", "test.ja"};
    const char *data = getenv("HEED_DATA");
    if (!data) skip();
    for (int i = 0; i < 6; i++) snprintf(text[i], sizeof text[i], "%s/mt/small_parallel_enja/%s.gz", data, names[i]);
    heed_error err = {0};
    heed_checked *c = heed_check_data(&(heed_check_options){.train = {text[0], text[1]}, .valid = {text[2], text[3]}, .test = {text[4], text[5]}}, &err);
    if (!c && strstr(err.text, "cannot be opened")) skip();
    assert_non_null(c);
    int seen = 0;
    for (int i = 0; i < c->count; i++) {
        if (strcmp(c->findings[i].name, "known_sources") != 0) continue;
        assert_int_equal(c->findings[i].count, strcmp(c->findings[i].set, "valid") == 0 ? 77 : 60);
        assert_true(c->findings[i].serious);
        seen++;
    }
    assert_int_equal(seen, 2);
    heed_checked_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check__finds_every_fault_at_its_line_and_shows_it),
        cmocka_unit_test(test_faults__have_names_that_scripts_may_rely_on),
        cmocka_unit_test(test_check__finds_nothing_in_what_is_fine),
        cmocka_unit_test(test_check__names_the_earlier_line_and_the_line_in_training),
        cmocka_unit_test(test_check__looks_at_what_the_model_will_see),
        cmocka_unit_test(test_check__lengths_are_held_against_the_median),
        cmocka_unit_test(test_check__a_long_line_is_told_and_cut_in_the_example),
        cmocka_unit_test(test_check__keeps_the_first_five_lines),
        cmocka_unit_test(test_scripts__ranges_rise_and_hold_their_letters),
        cmocka_unit_test(test_seen__tells_the_first_line_of_a_number),
        cmocka_unit_test(test_check_data__refuses_what_cannot_be_read),
        cmocka_unit_test(test_check_data__says_what_to_do_in_a_sentence),
        cmocka_unit_test(test_check_data__finds_the_known_trap),
    };
    return cmocka_run_group_tests_name("check", tests, NULL, NULL);
}
