/* base: errors, arena, buffer, files, randomness, UTF-8, digest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/machine.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/rng.h"
#include "base/utf8.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- errors --------------------------------------------------------------------------------------------------------------------- */
static void test_fail__keeps_status_and_text(void **state)
{
    (void)state;
    heed_error e = {0};
    assert_int_equal(heed_fail(&e, HEED_E_DATA, "line %d", 7), HEED_E_DATA);
    assert_int_equal(e.status, HEED_E_DATA);
    assert_string_equal(e.text, "line 7");
    assert_int_equal(heed_fail(NULL, HEED_E_IO, "unheard"), HEED_E_IO);
}

static void test_fail__may_quote_the_error_it_overwrites(void **state)
{
    (void)state;
    heed_error e = {0};
    heed_fail(&e, HEED_E_DATA, "not a number");
    heed_fail(&e, HEED_E_USAGE, "recipe:3: %s", e.text);
    assert_string_equal(e.text, "recipe:3: not a number");
}

static void test_fail__a_long_text_ends_with_a_whole_character(void **state)
{
    (void)state;
    char word[1200];
    heed_error e;
    for (int shift = 0; shift < 3; shift++) {
        memset(word, 'a', sizeof word);
        for (size_t i = (size_t)shift; i + 4 < sizeof word; i += 3) memcpy(word + i, "\xE2\x82\xAC", 3);
        word[sizeof word - 1] = 0;
        heed_fail(&e, HEED_E_DATA, "%s", word);
        assert_true(strlen(e.text) > sizeof e.text - 4);
        assert_int_equal(heed_utf8_check(e.text, strlen(e.text)), strlen(e.text));
    }
}

static void test_status_name__every_status_has_its_own(void **state)
{
    (void)state;
    for (int i = HEED_OK; i <= HEED_E_STOPPED; i++) {
        assert_string_not_equal(heed_status_name((heed_status)i), "unknown");
        for (int j = HEED_OK; j < i; j++) assert_string_not_equal(heed_status_name((heed_status)i), heed_status_name((heed_status)j));
    }
    assert_string_equal(heed_status_name((heed_status)99), "unknown");
}

/* --- arena ---------------------------------------------------------------------------------------------------------------------- */
static void test_arena__blocks_are_aligned_and_apart(void **state)
{
    (void)state;
    heed_arena *a = heed_arena_new(0);
    unsigned char *last = NULL;
    for (size_t bytes = 0; bytes < 3000; bytes += 7) {
        unsigned char *p = heed_arena_alloc(a, bytes);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 64, 0);
        assert_ptr_not_equal(p, last);
        memset(p, 0xAB, bytes);
        last = p;
    }
    unsigned char *zeros = heed_arena_zero(a, 500);
    for (int i = 0; i < 500; i++) assert_int_equal(zeros[i], 0);
    assert_string_equal(heed_arena_text(a, "heed"), "heed");
    heed_arena_free(a);
    heed_arena_free(NULL);
}

static void test_machine__pages_that_are_cleared_are_zeros_and_their_neighbours_stay(void **state)
{
    enum { BYTES = 5 * 4096 + 300, FIRST = 77, LAST = 4 * 4096 + 55 };
    unsigned char *p = aligned_alloc(4096, 6 * 4096);
    (void)state;
    for (int from = FIRST; from < LAST; from += 4096)
        for (int end = from; end <= LAST; end += 1365) {
            memset(p, 9, BYTES);
            heed_pages_clear(p + from, (size_t)(end - from));
            for (int i = 0; i < BYTES; i++) assert_int_equal(p[i], i >= from && i < end ? 0 : 9);
        }
    free(p);
}

/* Random rounds, none larger than the first: the promise of base/arena.h. */
static void test_arena__does_not_grow_after_its_largest_round(void **state)
{
    (void)state;
    heed_arena *a = heed_arena_new(0);
    for (int i = 0; i < 100; i++) assert_non_null(heed_arena_alloc(a, 64 * 1000));
    heed_arena_reset(a);
    int64_t grown = heed_arena_grown(a);
    size_t bytes = heed_arena_bytes(a);
    for (uint64_t round = 0; round < 200; round++) {
        for (int64_t left = 100000; left > 0;) {
            int64_t units = 1 + (int64_t)heed_below(round, (uint64_t)left, 40000);
            if (units > left) units = left;
            assert_non_null(heed_arena_alloc(a, (size_t)units * 64));
            left -= units;
        }
        heed_arena_reset(a);
    }
    assert_int_equal(heed_arena_grown(a), grown);
    assert_int_equal(heed_arena_bytes(a), bytes);
    heed_arena_free(a);
}

static void test_arena__rewind_gives_back_what_came_after_the_mark(void **state)
{
    (void)state;
    heed_arena *a = heed_arena_new(0);
    char *kept = heed_arena_text(a, "kept");
    heed_mark m = heed_arena_mark(a);
    void *first = heed_arena_alloc(a, 1000);
    for (int i = 0; i < 50; i++) heed_arena_alloc(a, 10000);
    heed_arena_rewind(a, m);
    int64_t grown = heed_arena_grown(a);
    assert_ptr_equal(heed_arena_alloc(a, 1000), first);
    for (int i = 0; i < 50; i++) heed_arena_alloc(a, 10000);
    assert_int_equal(heed_arena_grown(a), grown);
    assert_string_equal(kept, "kept");
    heed_arena_free(a);
}

static void test_arena__refuses_beyond_its_limit(void **state)
{
    (void)state;
    heed_arena *a = heed_arena_new(100000);
    assert_null(heed_arena_alloc(a, 100001));
    assert_non_null(heed_arena_alloc(a, 60000));
    assert_null(heed_arena_alloc(a, 60000));
    assert_true(heed_arena_bytes(a) <= 100000);
    assert_null(heed_arena_alloc(a, SIZE_MAX));
    assert_null(heed_arena_alloc(a, SIZE_MAX - 63));
    heed_arena_reset(a);
    assert_non_null(heed_arena_alloc(a, 60000));
    heed_arena_free(a);
}

/* --- buffer --------------------------------------------------------------------------------------------------------------------- */
static void test_buf__holds_what_was_added_and_a_zero(void **state)
{
    (void)state;
    heed_buf b = {0};
    for (int i = 0; i < 1000; i++) {
        heed_buf_printf(&b, "%d", i);
        heed_buf_char(&b, ',');
        heed_buf_text(&b, " ");
    }
    assert_memory_equal(b.data, "0, 1, 2, ", 9);
    assert_int_equal(b.size, 10 + 180 + 2700 + 2000);
    assert_int_equal(strlen(b.data), b.size);
    heed_buf_reset(&b);
    assert_string_equal(b.data, "");
    heed_buf_add(&b, "a\0b", 3);
    assert_int_equal(b.size, 3);
    assert_memory_equal(b.data, "a\0b", 4);
    heed_buf_free(&b);
    assert_null(b.data);
}

static void test_buf__take_hands_over_even_an_empty_text(void **state)
{
    (void)state;
    heed_buf b = {0};
    char *text = heed_buf_take(&b);
    assert_string_equal(text, "");
    free(text);
    heed_buf_text(&b, "now yours");
    text = heed_buf_take(&b);
    assert_string_equal(text, "now yours");
    assert_null(b.data);
    free(text);
}

static void test_buf__failure_is_sticky(void **state)
{
    (void)state;
    heed_buf b = {0};
    heed_buf_text(&b, "a");
    volatile size_t absurd = SIZE_MAX / 2;
    heed_buf_add(&b, "b", absurd);
    assert_true(b.failed);
    heed_buf_text(&b, "c");
    assert_string_equal(b.data, "a");
    assert_null(heed_buf_take(&b));
    assert_false(b.failed);
}

/* --- files ---------------------------------------------------------------------------------------------------------------------- */
typedef struct place { char dir[200], file[300]; } place;

static int make_place(void **state)
{
    place *p = calloc(1, sizeof *p);
    const char *tmp = getenv("TMPDIR");
    snprintf(p->dir, sizeof p->dir, "%s/heed-base-XXXXXX", tmp && strlen(tmp) < 150 ? tmp : "/tmp");
    if (!mkdtemp(p->dir)) return -1;
    snprintf(p->file, sizeof p->file, "%s/file", p->dir);
    *state = p;
    return 0;
}

static int remove_place(void **state)
{
    place *p = *state;
    heed_status status = heed_dir_remove(p->dir, NULL);
    bool left = heed_path_exists(p->dir);
    free(p);
    return status || left ? -1 : 0;
}

static void assert_holds(const char *path, const char *text)
{
    heed_file f;
    assert_int_equal(heed_file_map(&f, path, HEED_E_DATA, NULL), HEED_OK);
    assert_int_equal(f.size, strlen(text));
    if (f.size) assert_memory_equal(f.data, text, f.size);
    heed_file_unmap(&f);
}

static void test_file__replace_append_and_map(void **state)
{
    place *p = *state;
    heed_error e = {0};
    assert_int_equal(heed_file_replace(p->file, "", 0, &e), HEED_OK);
    assert_holds(p->file, "");
    heed_piece pieces[] = {{"one ", 4}, {NULL, 0}, {"two", 3}};
    assert_int_equal(heed_file_replace_pieces(p->file, pieces, 3, &e), HEED_OK);
    assert_holds(p->file, "one two");
    assert_int_equal(heed_file_append(p->file, " three", 6, &e), HEED_OK);
    assert_holds(p->file, "one two three");
    assert_int_equal(heed_file_replace("/dev/null", "x", 1, &e), HEED_OK);
    struct stat st;
    assert_true(!stat("/dev/null", &st) && S_ISCHR(st.st_mode));
}

static void test_file__a_missing_file_fails_with_the_callers_status_and_its_name(void **state)
{
    place *p = *state;
    heed_file f;
    heed_error e = {0};
    assert_int_equal(heed_file_map(&f, p->file, HEED_E_MODEL, &e), HEED_E_MODEL);
    assert_non_null(strstr(e.text, p->file));
    assert_non_null(strstr(e.text, "No such file"));
    assert_int_equal(heed_file_map(&f, p->dir, HEED_E_DATA, &e), HEED_E_DATA);
    assert_non_null(strstr(e.text, "directory"));
    heed_file_unmap(&f);
}

static int replace_under_a_limit(const char *path)
{
    struct rlimit limit = {4096, 4096};
    static char large[100000];
    heed_error e = {0};
    if (setrlimit(RLIMIT_FSIZE, &limit)) return 10;
    if (heed_file_replace(path, large, sizeof large, &e) != HEED_E_IO) return 11;
    if (!strstr(e.text, path)) return 12;
    if (heed_file_append(path, large, sizeof large, &e) != HEED_E_IO) return 13;
    return 0;
}

/* The process lives, though SIGXFSZ would have ended it; the old content is there; nothing lies beside it. */
static void test_file__a_full_disk_leaves_the_old_file_alone(void **state)
{
    place *p = *state;
    char beside[340];
    assert_int_equal(heed_file_replace(p->file, "old", 3, NULL), HEED_OK);
    pid_t child = fork();
    if (child == 0) {
        int failure = replace_under_a_limit(p->file);
        _exit(failure);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    heed_file f;
    assert_int_equal(heed_file_map(&f, p->file, HEED_E_DATA, NULL), HEED_OK);
    assert_memory_equal(f.data, "old", 3);
    heed_file_unmap(&f);
    snprintf(beside, sizeof beside, "%s.tmp-%ld", p->file, (long)child);
    assert_false(heed_path_exists(beside));
}

static void test_file__a_place_that_cannot_be_written_is_named(void **state)
{
    place *p = *state;
    heed_error e = {0};
    char inside[320];
    heed_file_replace(p->file, "x", 1, NULL);
    snprintf(inside, sizeof inside, "%s/below", p->file);
    assert_int_equal(heed_file_replace(inside, "x", 1, &e), HEED_E_IO);
    assert_non_null(strstr(e.text, inside));
    assert_int_equal(heed_file_replace(p->dir, "x", 1, &e), HEED_E_IO);
    assert_int_equal(heed_dir_make(inside, &e), HEED_E_IO);
    assert_int_equal(heed_link_replace(inside, "x", &e), HEED_E_IO);
}

static void test_file__link_replace_points_anew(void **state)
{
    place *p = *state;
    char link[320], target[100] = {0};
    snprintf(link, sizeof link, "%s/latest", p->dir);
    assert_int_equal(heed_link_replace(link, "step-1", NULL), HEED_OK);
    assert_int_equal(heed_link_replace(link, "step-2", NULL), HEED_OK);
    assert_int_equal(readlink(link, target, sizeof target - 1), 6);
    assert_string_equal(target, "step-2");
}

static void test_dir__made_with_parents_and_removed_with_children(void **state)
{
    place *p = *state;
    char deep[320], root[320], file[360];
    snprintf(root, sizeof root, "%s/a", p->dir);
    snprintf(deep, sizeof deep, "%s/a//b/c/", p->dir);
    snprintf(file, sizeof file, "%s/x", deep);
    assert_int_equal(heed_dir_make(deep, NULL), HEED_OK);
    assert_int_equal(heed_dir_make(deep, NULL), HEED_OK);
    assert_int_equal(heed_file_replace(file, "x", 1, NULL), HEED_OK);
    assert_true(heed_path_is_dir(deep));
    assert_false(heed_path_is_dir(file));
    assert_int_equal(heed_dir_remove(root, NULL), HEED_OK);
    assert_false(heed_path_exists(root));
    assert_int_equal(heed_dir_remove(root, NULL), HEED_OK);
}

static void test_dir__remove_does_not_follow_links(void **state)
{
    place *p = *state;
    char root[320], link[360];
    snprintf(root, sizeof root, "%s/a", p->dir);
    snprintf(link, sizeof link, "%s/out", root);
    heed_dir_make(root, NULL);
    heed_file_replace(p->file, "x", 1, NULL);
    assert_int_equal(symlink(p->dir, link), 0);
    assert_int_equal(heed_dir_remove(root, NULL), HEED_OK);
    assert_true(heed_path_exists(p->file));
}

static void test_path__join(void **state)
{
    (void)state;
    char out[16];
    assert_int_equal(heed_path_join(out, sizeof out, "a", "b", NULL), HEED_OK);
    assert_string_equal(out, "a/b");
    heed_path_join(out, sizeof out, "a/", "b", NULL);
    assert_string_equal(out, "a/b");
    heed_path_join(out, sizeof out, "a", "/b", NULL);
    assert_string_equal(out, "/b");
    heed_path_join(out, sizeof out, NULL, "b", NULL);
    assert_string_equal(out, "b");
    assert_int_equal(heed_path_join(out, sizeof out, "0123456789", "01234", NULL), HEED_E_USAGE);
}

/* --- randomness ----------------------------------------------------------------------------------------------------------------- */
/* n draws: the mean of a value of deviation s lies within 5 s / sqrt(n) of its expectation (one miss in 3.5 million). */
static void test_rng__moments(void **state)
{
    (void)state;
    enum { N = 100000 };
    double uniform = 0, normal = 0, square = 0, below[7] = {0};
    for (uint64_t i = 0; i < N; i++) {
        double x = heed_normal(1, i), u = heed_uniform(2, i);
        assert_true(u >= 0 && u < 1);
        uniform += u;
        normal += x;
        square += x * x;
        below[heed_below(3, i, 7)]++;
    }
    assert_true(fabs(uniform / N - 0.5) < 5 * sqrt(1.0 / 12 / N));
    assert_true(fabs(normal / N) < 5 * sqrt(1.0 / N));
    assert_true(fabs(square / N - 1) < 5 * sqrt(2.0 / N));
    for (int i = 0; i < 7; i++) assert_true(fabs(below[i] / N - 1.0 / 7) < 5 * sqrt(6.0 / 49 / N));
}

/* Splitmix64 from state 0 gives these first numbers in every implementation. */
static void test_rng__mix_is_splitmix64(void **state)
{
    (void)state;
    assert_true(heed_mix(0) == 0xE220A8397B1DCDAFu);
    assert_true(heed_mix(0x9E3779B97F4A7C15u) == 0x6E789E6AA1B965F4u);
}

static void test_rng__text_keys_differ_by_text_and_by_key(void **state)
{
    (void)state;
    assert_true(heed_key_text(1, "a") != heed_key_text(1, "b"));
    assert_true(heed_key_text(1, "a") != heed_key_text(2, "a"));
    assert_true(heed_key_text(1, "ab") != heed_key_text(1, "ba"));
    assert_true(heed_key_text(1, "ab") == heed_key_text(1, "ab"));
}

static void test_rng__shuffle_permutes_the_same_way_for_one_key(void **state)
{
    (void)state;
    enum { N = 1000 };
    int64_t a[N], b[N], seen[N] = {0}, moved = 0;
    for (int64_t i = 0; i < N; i++) a[i] = b[i] = i;
    heed_shuffle(5, a, N);
    heed_shuffle(5, b, N);
    assert_memory_equal(a, b, sizeof a);
    for (int64_t i = 0; i < N; i++) {
        seen[a[i]]++;
        moved += a[i] != i;
    }
    for (int i = 0; i < N; i++) assert_int_equal(seen[i], 1);
    assert_true(moved > N - 20);
    heed_shuffle(6, b, N);
    assert_memory_not_equal(a, b, sizeof a);
}

/* --- text ----------------------------------------------------------------------------------------------------------------------- */
static void test_utf8__names_the_first_bad_byte(void **state)
{
    (void)state;
    static const struct { const char *text; size_t size, bad; } rows[] = {
        {"", 0, 0}, {"plain ascii, long enough", 24, 24}, {"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", 9, 9}, {"a\0b", 3, 3},
        {"abcdefgh\xC3", 9, 8}, {"a\xC0\x80", 3, 1}, {"\xED\xA0\x80", 3, 0}, {"12345678\xF4\x90\x80\x80", 12, 8}, {"ab\xFF", 3, 2},
        {"\x80", 1, 0}, {"\xE2\x82", 2, 0}, {"ok\xE2\x28\xA1", 5, 2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) assert_int_equal(heed_utf8_check(rows[i].text, rows[i].size), rows[i].bad);
}

/* FIPS 180-2, appendix B.1; the empty text as given by NIST's test vectors. */
static void test_digest__known_answers(void **state)
{
    (void)state;
    char hex[65];
    heed_sha256(hex, "abc", 3);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    heed_sha256(hex, NULL, 0);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fail__keeps_status_and_text),
        cmocka_unit_test(test_fail__may_quote_the_error_it_overwrites),
        cmocka_unit_test(test_fail__a_long_text_ends_with_a_whole_character),
        cmocka_unit_test(test_status_name__every_status_has_its_own),
        cmocka_unit_test(test_arena__blocks_are_aligned_and_apart),
        cmocka_unit_test(test_machine__pages_that_are_cleared_are_zeros_and_their_neighbours_stay),
        cmocka_unit_test(test_arena__does_not_grow_after_its_largest_round),
        cmocka_unit_test(test_arena__rewind_gives_back_what_came_after_the_mark),
        cmocka_unit_test(test_arena__refuses_beyond_its_limit),
        cmocka_unit_test(test_buf__holds_what_was_added_and_a_zero),
        cmocka_unit_test(test_buf__take_hands_over_even_an_empty_text),
        cmocka_unit_test(test_buf__failure_is_sticky),
        IN_PLACE(test_file__replace_append_and_map),
        IN_PLACE(test_file__a_missing_file_fails_with_the_callers_status_and_its_name),
        IN_PLACE(test_file__a_full_disk_leaves_the_old_file_alone),
        IN_PLACE(test_file__a_place_that_cannot_be_written_is_named),
        IN_PLACE(test_file__link_replace_points_anew),
        IN_PLACE(test_dir__made_with_parents_and_removed_with_children),
        IN_PLACE(test_dir__remove_does_not_follow_links),
        cmocka_unit_test(test_path__join),
        cmocka_unit_test(test_rng__moments),
        cmocka_unit_test(test_rng__mix_is_splitmix64),
        cmocka_unit_test(test_rng__text_keys_differ_by_text_and_by_key),
        cmocka_unit_test(test_rng__shuffle_permutes_the_same_way_for_one_key),
        cmocka_unit_test(test_utf8__names_the_first_bad_byte),
        cmocka_unit_test(test_digest__known_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
