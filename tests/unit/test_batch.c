/* data: ragged batches and the loader, whose place is three numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "data/batch.h"
#include "data/rank.h"
#include "support/scratch.h"

/* A corpus of `lines` records of 1 to 12 symbols a side; some lines empty on one side, some too long. */
typedef struct world {
    const char *path;
    heed_text *text;
    int64_t usable;
} world;

enum { LINES = 700, LONGEST = 12 };

static void add_symbols(heed_buf *out, uint64_t key, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        heed_buf_printf(out, "%s%c", i ? " " : "", (int)('a' + heed_below(key, (uint64_t)i, 20)));
}

static int make_world(void **state)
{
    static world w;
    heed_buf out = {0};
    for (int line = 1; line <= LINES; line++) {
        uint64_t key = heed_key(7, (uint64_t)line);
        int64_t source = 1 + (int64_t)heed_below(key, 100, LONGEST), target = 1 + (int64_t)heed_below(key, 101, LONGEST);
        if (line % 50 == 0)
            target = 0;
        else if (line % 70 == 0)
            source = LONGEST + 1;
        else
            w.usable++;
        add_symbols(&out, heed_key(key, 1), source);
        heed_buf_char(&out, '\t');
        add_symbols(&out, heed_key(key, 2), target);
        heed_buf_char(&out, '\n');
    }
    w.path = scratch_text("corpus.tsv", out.data);
    w.text = heed_text_new(&(heed_text_settings){.units = HEED_UNIT_symbols, .min_count = 1}, NULL);
    heed_text_count(w.text, "a b c d e f g h i j k l m n o p q r s", 37, NULL);   /* t stays unknown */
    heed_text_finish(w.text, NULL);
    heed_buf_free(&out);
    *state = &w;
    return 0;
}

static int end_world(void **state)
{
    heed_text_free(((world *)*state)->text);
    return 0;
}

static heed_loader_settings settings_of(const world *w)
{
    return (heed_loader_settings){.corpus = {.paths = &w->path, .files = 1, .fields = 2}, .source = w->text, .target = w->text, .sentences = 16,
                                  .max_length = LONGEST, .buffer = 128, .seed = 3, .shuffle = true};
}

static heed_loader *open_loader(const heed_loader_settings *s)
{
    heed_error err = {0};
    heed_loader *l = heed_loader_new(s, &err);
    if (!l)
        fail_msg("%s", err.text);
    return l;
}

static const heed_batch *next(heed_loader *l)
{
    heed_error err = {0};
    const heed_batch *b = NULL;
    bool end = false;
    if (heed_loader_next(l, &b, &end, &err))
        fail_msg("%s", err.text);
    assert_int_equal(b == NULL, end);
    return b;
}

/* A number that tells batches apart: all they hold. 0 for the end of an epoch. */
static uint64_t print_of(const heed_batch *b)
{
    if (!b)
        return 0;
    uint64_t h = (uint64_t)b->B;
    for (int64_t i = 0; i < b->B; i++)
        h = heed_key(heed_key(heed_key(h, b->record[i]), (uint64_t)b->line[i]), (uint64_t)b->target.span.start[i + 1]);
    for (int64_t i = 0; i < b->source.N; i++)
        h = heed_key(heed_key(h, (uint64_t)b->source.ids[i]), b->source.keys[i]);
    for (int64_t i = 0; i < b->target.N; i++)
        h = heed_key(heed_key(h, (uint64_t)b->target.ids[i]), b->target.keys[i]);
    return h;
}

static void side_is_sound(const heed_side *s, const heed_batch *b)
{
    assert_int_equal(s->span.B, b->B);
    assert_int_equal(s->span.start[0], 0);
    assert_int_equal(s->span.start[b->B], s->N);
    for (int64_t i = 0; i < b->B; i++) {
        int64_t first = s->span.start[i], end = s->span.start[i + 1];
        assert_true(end - first >= 2);
        assert_int_equal(s->ids[end - 1], HEED_EOS);
        for (int64_t k = first; k < end; k++) {
            assert_true(k == end - 1 || s->ids[k] == HEED_UNK || s->ids[k] >= HEED_SPECIALS);
            assert_true(s->keys[k] == heed_key(b->record[i], (uint64_t)(k - first)));
        }
    }
}

static void batch_is_sound(const heed_batch *b)
{
    side_is_sound(&b->source, b);
    side_is_sound(&b->target, b);
    const int64_t *start = b->target.span.start;
    for (int64_t i = 1; i < b->B; i++) {
        int64_t before = start[i] - start[i - 1], here = start[i + 1] - start[i];
        assert_true(before > here || (before == here && b->line[i - 1] < b->line[i]));
    }
}

static void test_loader__an_epoch_holds_every_usable_record_once(void **state)
{
    const world *w = *state;
    heed_loader_settings s = settings_of(w);
    heed_loader *l = open_loader(&s);
    for (int64_t epoch = 0; epoch < 3; epoch++) {
        int seen[LINES + 1] = {0};
        int64_t records = 0;
        for (const heed_batch *b; (b = next(l)) != NULL; records += b->B) {
            batch_is_sound(b);
            assert_true(b->B <= 16);
            for (int64_t i = 0; i < b->B; i++) {
                assert_int_equal(++seen[b->line[i]], 1);
                assert_true(b->record[i] == heed_key((uint64_t)epoch, (uint64_t)b->line[i]));
            }
        }
        const heed_loader_counts *c = heed_loader_get_counts(l);
        assert_int_equal(records, w->usable);
        assert_int_equal(c->records, w->usable);
        assert_int_equal(c->empty, LINES / 50);
        assert_int_equal(c->too_long, LINES / 70 - LINES / 350);
        assert_int_equal(c->invalid, 0);
        assert_true(c->unknown > 0);
    }
    heed_loader_free(l);
}

static void test_loader__batches_of_tokens_hold_at_most_so_many_target_symbols(void **state)
{
    heed_loader_settings s = settings_of(*state);
    s.sentences = 0;
    s.tokens = 10;   /* nine and </s>: longer targets cannot be had */
    heed_loader *l = open_loader(&s);
    int64_t full = 0, batches = 0;
    for (const heed_batch *b; (b = next(l)) != NULL; batches++) {
        batch_is_sound(b);
        assert_true(b->target.N <= 10);
        full += b->target.N > 5;
    }
    assert_true(full > batches * 9 / 10);
    assert_true(heed_loader_get_counts(l)->too_long > LINES / 70);
    heed_loader_free(l);
}

static void test_loader__the_seed_decides_the_order_and_epochs_differ(void **state)
{
    heed_loader_settings s = settings_of(*state);
    uint64_t first[3];
    for (int i = 0; i < 3; i++) {
        s.seed = i == 2 ? 4 : 3;
        heed_loader *l = open_loader(&s);
        first[i] = print_of(next(l));
        while (next(l))
            continue;
        assert_true(print_of(next(l)) != first[i]);
        heed_loader_free(l);
    }
    assert_true(first[0] == first[1]);
    assert_true(first[0] != first[2]);
}

static void test_loader__validation_runs_by_length_alone_the_same_each_time(void **state)
{
    heed_loader_settings s = settings_of(*state);
    s.shuffle = false;
    s.buffer = LINES;
    heed_loader *l = open_loader(&s);
    int64_t longest = 0;
    uint64_t lines[2] = {0};
    for (int epoch = 0; epoch < 2; epoch++) {
        longest = 0;
        for (const heed_batch *b; (b = next(l)) != NULL;) {
            int64_t here = b->target.span.start[1];
            assert_true(here >= longest);
            longest = here;
            for (int64_t i = 0; i < b->B; i++)
                lines[epoch] = heed_key(lines[epoch], (uint64_t)b->line[i]);
        }
    }
    assert_true(lines[0] == lines[1]);
    heed_loader_free(l);
}

static void test_loader__resumes_with_the_same_batches_from_every_place(void **state)
{
    heed_loader_settings s = settings_of(*state);
    enum { MOST = 200 };
    heed_loader_state place[MOST];
    uint64_t print[MOST];
    heed_loader *l = open_loader(&s);
    int n = 0;
    for (int ends = 0; ends < 3; n++) {
        assert_true(n < MOST);
        place[n] = heed_loader_get_state(l);
        print[n] = print_of(next(l));
        ends += print[n] == 0;
    }
    heed_loader *other = open_loader(&s);
    for (int i = 0; i < n; i++) {   /* to and fro, so that the place before leaves no trace */
        int at = i % 2 ? n - 1 - i / 2 : i / 2;
        assert_int_equal(heed_loader_set_state(other, place[at], NULL), HEED_OK);
        heed_loader_state back = heed_loader_get_state(other);
        assert_memory_equal(&back, &place[at], sizeof back);
        for (int k = at; k < n && k < at + 3; k++)
            assert_true(print_of(next(other)) == print[k]);
    }
    heed_loader_free(l);
    heed_loader_free(other);
}

static void test_loader__counts_are_the_same_after_resuming(void **state)
{
    heed_loader_settings s = settings_of(*state);
    heed_loader *l = open_loader(&s), *other = open_loader(&s);
    for (int i = 0; i < 30; i++)
        next(l);
    assert_int_equal(heed_loader_set_state(other, heed_loader_get_state(l), NULL), HEED_OK);
    assert_memory_equal(heed_loader_get_counts(l), heed_loader_get_counts(other), sizeof(heed_loader_counts));
    heed_loader_free(l);
    heed_loader_free(other);
}

static void test_loader__a_place_beyond_the_data_says_that_they_have_changed(void **state)
{
    heed_loader_settings s = settings_of(*state);
    heed_loader *l = open_loader(&s);
    const heed_loader_state beyond[] = {{0, 50, 0}, {0, 0, 9}, {0, 6, 1}};
    for (int i = 0; i < 3; i++) {
        heed_error err = {0};
        assert_int_equal(heed_loader_set_state(l, beyond[i], &err), HEED_E_DATA);
        assert_string_equal(err.text, "the training data have changed: they end before the place where training stopped");
    }
    assert_int_equal(heed_loader_set_state(l, (heed_loader_state){-1, 0, 0}, NULL), HEED_E_MODEL);
    heed_loader_free(l);
}

static void test_loader__data_without_a_usable_record_are_refused(void **state)
{
    heed_loader_settings s = settings_of(*state);
    const char *paths[] = {scratch_text("nothing.tsv", "a\t\n \ta\na b c d e f g h i j k l m n\ta\n")};
    s.corpus.paths = paths;
    heed_loader *l = open_loader(&s);
    heed_error err = {0};
    const heed_batch *b;
    bool end;
    assert_int_equal(heed_loader_next(l, &b, &end, &err), HEED_E_DATA);
    assert_non_null(strstr(err.text, "nothing.tsv: no record of use (empty: 2, not UTF-8: 0, too long for data.max_length, the model or a batch: 1)"));
    heed_loader_free(l);
}

static void test_loader__wants_one_measure_of_a_batch(void **state)
{
    heed_loader_settings s = settings_of(*state);
    heed_error err = {0};
    s.tokens = 100;
    assert_null(heed_loader_new(&s, &err));
    assert_int_equal(err.status, HEED_E_USAGE);
    s.tokens = s.sentences = 0;
    assert_null(heed_loader_new(&s, &err));
    s.sentences = 1;
    const char *missing = scratch_path("missing.tsv");
    s.corpus.paths = &missing;
    assert_null(heed_loader_new(&s, &err));
    assert_int_equal(err.status, HEED_E_DATA);
}

/* --- batches of the caller's own ------------------------------------------------------------------------------------------------ */
static void make_tokens(heed_tokens *t, heed_token *room, int64_t n, int32_t first)
{
    for (int64_t i = 0; i < n; i++)
        room[i] = (heed_token){first + (int32_t)i, 0, 0};
    *t = (heed_tokens){room, n, n};
}

static void test_batch__keeps_the_order_given_unless_it_is_to_sort(void **state)
{
    (void)state;
    heed_token room[6][4];
    heed_tokens source[3], target[3];
    for (int i = 0; i < 3; i++) {
        make_tokens(&source[i], room[i], 3 - i, 10 * i + 3);
        make_tokens(&target[i], room[3 + i], i, 10 * i + 5);
    }
    const uint64_t record[] = {100, 200, 300};
    const int64_t line[] = {7, 8, 9};
    heed_batch *b = heed_batch_new(source, target, 3, record, line, false, NULL);
    const int32_t ids[] = {3, 4, 5, HEED_EOS, 13, 14, HEED_EOS, 23, HEED_EOS};
    assert_int_equal(b->source.N, 9);
    assert_memory_equal(b->source.ids, ids, sizeof ids);
    assert_int_equal(b->target.N, 6);
    assert_true(b->target.keys[5] == heed_key(300, 2));
    heed_batch_free(b);
    b = heed_batch_new(source, target, 3, record, line, true, NULL);
    const int32_t sorted[] = {25, 26, HEED_EOS, 15, HEED_EOS, HEED_EOS};
    assert_memory_equal(b->target.ids, sorted, sizeof sorted);
    assert_int_equal(b->line[0], 9);
    assert_int_equal(b->record[2], 100);
    heed_batch_free(b);
}

static void test_batch__without_targets_has_none_and_sorts_by_source(void **state)
{
    (void)state;
    heed_token room[2][4];
    heed_tokens source[2];
    make_tokens(&source[0], room[0], 1, 3);
    make_tokens(&source[1], room[1], 4, 5);
    heed_batch *b = heed_batch_new(source, NULL, 2, NULL, NULL, true, NULL);
    assert_null(b->target.ids);
    assert_int_equal(b->line[0], 1);
    assert_int_equal(b->record[0], 1);
    assert_int_equal(b->source.span.start[1], 5);
    heed_batch_free(b);
}

static void test_batch__a_part_is_a_batch_of_its_own(void **state)
{
    heed_loader_settings s = settings_of(*state);
    heed_loader *l = open_loader(&s);
    const heed_batch *b = next(l);
    int64_t source_start[5], target_start[5];
    heed_batch part;
    heed_batch_part(b, 3, 4, source_start, target_start, &part);
    batch_is_sound(&part);
    assert_int_equal(part.B, 4);
    assert_ptr_equal(part.target.ids, b->target.ids + b->target.span.start[3]);
    assert_int_equal(part.line[3], b->line[6]);
    heed_loader_free(l);
}

static void test_rank__sorts_by_all_three_keys(void **state)
{
    (void)state;
    enum { N = 1000 };
    heed_rank r[N];
    for (int64_t n = 0; n < N; n += n < 20 ? 1 : 97) {
        for (int64_t i = 0; i < n; i++)
            r[i] = (heed_rank){{(int64_t)heed_below(1, (uint64_t)i, 5), (int64_t)heed_below(2, (uint64_t)i, 5) - 2, i}, i};
        heed_rank_sort(r, n);
        for (int64_t i = 1; i < n; i++) {
            const int64_t *a = r[i - 1].key, *b = r[i].key;
            assert_true(a[0] < b[0] || (a[0] == b[0] && (a[1] < b[1] || (a[1] == b[1] && a[2] < b[2]))));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loader__an_epoch_holds_every_usable_record_once),
        cmocka_unit_test(test_loader__batches_of_tokens_hold_at_most_so_many_target_symbols),
        cmocka_unit_test(test_loader__the_seed_decides_the_order_and_epochs_differ),
        cmocka_unit_test(test_loader__validation_runs_by_length_alone_the_same_each_time),
        cmocka_unit_test(test_loader__resumes_with_the_same_batches_from_every_place),
        cmocka_unit_test(test_loader__counts_are_the_same_after_resuming),
        cmocka_unit_test(test_loader__a_place_beyond_the_data_says_that_they_have_changed),
        cmocka_unit_test(test_loader__data_without_a_usable_record_are_refused),
        cmocka_unit_test(test_loader__wants_one_measure_of_a_batch),
        cmocka_unit_test(test_batch__keeps_the_order_given_unless_it_is_to_sort),
        cmocka_unit_test(test_batch__without_targets_has_none_and_sorts_by_source),
        cmocka_unit_test(test_batch__a_part_is_a_batch_of_its_own),
        cmocka_unit_test(test_rank__sorts_by_all_three_keys),
    };
    return cmocka_run_group_tests_name("batch", tests, make_world, end_world);
}
