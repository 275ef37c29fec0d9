/* data: records out of plain and gzip files, two sides or a TSV, and everything that may be wrong with them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/corpus.h"
#include "support/scratch.h"

static heed_corpus *open_corpus(const char *first, const char *second, heed_invalid invalid, heed_error *err)
{
    const char *paths[] = {first, second};
    return heed_corpus_open(&(heed_corpus_settings){paths, second ? 2 : 1, 2, invalid}, err);
}

/* All records as "line:first|second;". */
static heed_status read_all(heed_corpus *c, heed_buf *out, heed_error *err)
{
    heed_buf_reset(out);
    heed_buf_text(out, "");
    for (bool end = false;;) {
        heed_record r;
        heed_status status = heed_corpus_next(c, &r, &end, err);
        if (status || end)
            return status;
        assert_int_equal(strlen(r.text[0]), r.size[0]);
        assert_int_equal(strlen(r.text[1]), r.size[1]);
        heed_buf_printf(out, "%d:%s|%s;", (int)r.line, r.text[0], r.text[1]);
    }
}

static void records_are(const char *first, const char *second, heed_invalid invalid, const char *expected, heed_corpus_counts counts)
{
    heed_error err = {0};
    heed_buf out = {0};
    heed_corpus *c = open_corpus(first, second, invalid, &err);
    if (!c)
        fail_msg("%s", err.text);
    for (int round = 0; round < 2; round++) {
        if (read_all(c, &out, &err))
            fail_msg("%s", err.text);
        assert_string_equal(out.data, expected);
        assert_memory_equal(heed_corpus_get_counts(c), &counts, sizeof counts);
        assert_int_equal(heed_corpus_rewind(c, &err), HEED_OK);
        assert_int_equal(heed_corpus_get_counts(c)->read, 0);
    }
    heed_corpus_close(c);
    heed_buf_free(&out);
}

/* The text after the folder. */
static void fails(const char *first, const char *second, const char *expected)
{
    heed_error err = {0};
    heed_buf out = {0};
    heed_corpus *c = open_corpus(first, second, HEED_INVALID_ERROR, &err);
    if (c)
        assert_int_equal(read_all(c, &out, &err), HEED_E_DATA);
    assert_int_equal(err.status, HEED_E_DATA);
    size_t folder = (size_t)(strrchr(first, '/') - first) + 1;
    assert_int_equal(strncmp(err.text, first, folder), 0);
    assert_string_equal(err.text + folder, expected);
    heed_corpus_close(c);
    heed_buf_free(&out);
}

static void test_corpus__two_files_stand_side_by_side_plain_or_gzip(void **state)
{
    (void)state;
    records_are(scratch_text("a", "one\ntwo\nthree\n"), scratch_gzip("b.gz", "eins\nzwei\ndrei"), HEED_INVALID_ERROR, "1:one|eins;2:two|zwei;3:three|drei;",
                (heed_corpus_counts){.read = 3});
    records_are(scratch_gzip("looks-plain", "x\n"), scratch_text("looks-packed.gz", "y\n"), HEED_INVALID_ERROR, "1:x|y;", (heed_corpus_counts){.read = 1});
}

static void test_corpus__records_with_an_empty_side_are_skipped_and_counted(void **state)
{
    (void)state;
    records_are(scratch_text("a", "one\n\nthree\n\n"), scratch_text("b", "eins\nzwei\n\r\n\n"), HEED_INVALID_ERROR, "1:one|eins;",
                (heed_corpus_counts){.read = 4, .empty = 3});
    records_are(scratch_text("c.tsv", "\na\tb\n\t\n"), NULL, HEED_INVALID_ERROR, "2:a|b;", (heed_corpus_counts){.read = 3, .empty = 2});
    records_are(scratch_text("d", ""), scratch_text("e", ""), HEED_INVALID_ERROR, "", (heed_corpus_counts){0});
}

static void test_corpus__a_tsv_has_escapes_and_two_files_have_none(void **state)
{
    (void)state;
    records_are(scratch_text("a.tsv", "a\\tb\\\\n\tc\\nd\\x\\\r\n"), NULL, HEED_INVALID_ERROR, "1:a\tb\\n|c\nd\\x\\;", (heed_corpus_counts){.read = 1});
    records_are(scratch_text("a", "a\\tb\tc\r\n"), scratch_text("b", "{\\n}\n"), HEED_INVALID_ERROR, "1:a\\tb\tc|{\\n};", (heed_corpus_counts){.read = 1});
}

static void test_corpus__a_tsv_line_with_other_columns_is_named(void **state)
{
    (void)state;
    fails(scratch_text("a.tsv", "a\tb\nc\td\te\n"), NULL, "a.tsv: line 2: found 3 columns, expected 2 separated by tabs");
    fails(scratch_text("a.tsv", "a b\n"), NULL, "a.tsv: line 1: found 1 column, expected 2 separated by tabs");
}

static void test_corpus__sides_of_different_length_are_named(void **state)
{
    (void)state;
    heed_error err = {0};
    heed_buf out = {0};
    for (int swap = 0; swap < 2; swap++) {
        const char *longer = scratch_text("long", "1\n2\n3\n4\n"), *shorter = scratch_text("short", "1\n2\n3\n");
        heed_corpus *c = open_corpus(swap ? longer : shorter, swap ? shorter : longer, HEED_INVALID_ERROR, &err);
        assert_int_equal(read_all(c, &out, &err), HEED_E_DATA);
        char expected[600];
        snprintf(expected, sizeof expected, "%s ends after line 3, but %s goes on; both must have the same number of lines", shorter, longer);
        assert_string_equal(err.text, expected);
        heed_corpus_close(c);
    }
    heed_buf_free(&out);
}

static void test_corpus__bytes_that_are_not_text_are_named_or_replaced_or_skipped(void **state)
{
    (void)state;
    const char *tsv = scratch_text("bad.tsv", "a\tb\nc\xC3\tfine\nd\t\xFF\xFEx\n");
    fails(tsv, NULL, "bad.tsv: line 2: field 1: byte 0xC3 at column 2 is not UTF-8; fix the line or set data.invalid_utf8: replace");
    records_are(tsv, NULL, HEED_INVALID_REPLACE, "1:a|b;2:c\xEF\xBF\xBD|fine;3:d|\xEF\xBF\xBD\xEF\xBF\xBDx;", (heed_corpus_counts){.read = 3, .invalid = 2});
    records_are(tsv, NULL, HEED_INVALID_SKIP, "1:a|b;", (heed_corpus_counts){.read = 3, .invalid = 2});
    heed_buf lines = {0};
    for (int i = 1; i < 18204; i++)
        heed_buf_text(&lines, "x\n");
    heed_buf_add(&lines, "zero\0\n", 6);
    const char *plain = scratch_write("zero", lines.data, lines.size);
    heed_buf_free(&lines);
    fails(plain, plain, "zero: line 18,204: byte 0x00 at column 5 is not text; fix the line or set data.invalid_utf8: replace");
}

static void test_corpus__missing_files_and_folders_are_said(void **state)
{
    (void)state;
    const char *here = scratch_text("here", "x\n");
    fails(scratch_path("missing"), here, "missing: cannot be opened: No such file or directory");
    fails(here, scratch_path("missing"), "missing: cannot be opened: No such file or directory");
    char folder[600];
    snprintf(folder, sizeof folder, "%.*s/.", (int)(strrchr(here, '/') - here), here);
    fails(folder, here, ".: cannot be read after line 0: Is a directory");
}

static void test_corpus__damaged_gzip_is_said(void **state)
{
    (void)state;
    heed_buf text = {0};
    for (int i = 0; i < 20000; i++)
        heed_buf_printf(&text, "%d\t%d\n", i, i * 7919 % 1000);
    scratch_gzip("whole.gz", text.data);
    size_t size;
    char *bytes = scratch_read("whole.gz", &size);
    heed_error err = {0};
    heed_buf out = {0};
    heed_corpus *c = open_corpus(scratch_write("cut.gz", bytes, size / 2), NULL, HEED_INVALID_ERROR, &err);
    assert_int_equal(read_all(c, &out, &err), HEED_E_DATA);
    assert_non_null(strstr(err.text, "cut.gz: cannot be read after line "));
    assert_non_null(strstr(err.text, "the gzip file ends in the middle (truncated copy?)"));
    heed_corpus_close(c);
    bytes[size / 2] = (char)(bytes[size / 2] ^ 0x55);
    c = open_corpus(scratch_write("turned.gz", bytes, size), NULL, HEED_INVALID_ERROR, &err);
    assert_int_equal(read_all(c, &out, &err), HEED_E_DATA);
    assert_non_null(strstr(err.text, "turned.gz: "));
    heed_corpus_close(c);
    free(bytes);
    heed_buf_free(&out);
    heed_buf_free(&text);
}

static void test_corpus__a_line_may_have_a_million_symbols_but_not_more_than_16_mib(void **state)
{
    (void)state;
    heed_error err = {0};
    size_t size = (16 << 20) + 2;
    char *text = malloc(size);
    memset(text, 'a', size);
    text[2000001] = '\n';
    text[size - 1] = '\n';
    text[1000000] = '\t';
    text[3000000] = '\t';
    const char *path = scratch_write("long.tsv", text, size);
    heed_corpus *c = open_corpus(path, NULL, HEED_INVALID_ERROR, &err);
    heed_record r;
    bool end;
    assert_int_equal(heed_corpus_next(c, &r, &end, &err), HEED_OK);
    assert_int_equal(r.size[0], 1000000);
    assert_int_equal(r.size[1], 1000000);
    assert_int_equal(heed_corpus_next(c, &r, &end, &err), HEED_OK);
    heed_corpus_close(c);
    text[2000001] = 'a';
    text[3000000] = 'a';
    fails(scratch_write("long.tsv", text, size), NULL, "long.tsv: line 1 is longer than 16 MiB; is it a text file with one record a line?");
    free(text);
}

static void test_corpus__a_number_of_files_that_fits_no_fields_is_refused(void **state)
{
    (void)state;
    heed_error err = {0};
    const char *paths[] = {"a", "b", "c"};
    assert_null(heed_corpus_open(&(heed_corpus_settings){paths, 3, 2, HEED_INVALID_ERROR}, &err));
    assert_int_equal(err.status, HEED_E_USAGE);
    assert_null(heed_corpus_open(&(heed_corpus_settings){paths, 1, 5, HEED_INVALID_ERROR}, &err));
    assert_null(heed_corpus_open(&(heed_corpus_settings){paths, 0, 2, HEED_INVALID_ERROR}, &err));
}

static void test_corpus__one_field_in_one_file_is_taken_as_it_is(void **state)
{
    (void)state;
    const char *path = scratch_text("lines", "a\\tb\tc\n");
    heed_corpus *c = heed_corpus_open(&(heed_corpus_settings){&path, 1, 1, HEED_INVALID_ERROR}, NULL);
    heed_record r;
    bool end;
    assert_int_equal(heed_corpus_next(c, &r, &end, NULL), HEED_OK);
    assert_string_equal(r.text[0], "a\\tb\tc");
    heed_corpus_close(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_corpus__two_files_stand_side_by_side_plain_or_gzip),
        cmocka_unit_test(test_corpus__records_with_an_empty_side_are_skipped_and_counted),
        cmocka_unit_test(test_corpus__a_tsv_has_escapes_and_two_files_have_none),
        cmocka_unit_test(test_corpus__a_tsv_line_with_other_columns_is_named),
        cmocka_unit_test(test_corpus__sides_of_different_length_are_named),
        cmocka_unit_test(test_corpus__bytes_that_are_not_text_are_named_or_replaced_or_skipped),
        cmocka_unit_test(test_corpus__missing_files_and_folders_are_said),
        cmocka_unit_test(test_corpus__damaged_gzip_is_said),
        cmocka_unit_test(test_corpus__a_line_may_have_a_million_symbols_but_not_more_than_16_mib),
        cmocka_unit_test(test_corpus__a_number_of_files_that_fits_no_fields_is_refused),
        cmocka_unit_test(test_corpus__one_field_in_one_file_is_taken_as_it_is),
    };
    return cmocka_run_group_tests_name("corpus", tests, NULL, NULL);
}
