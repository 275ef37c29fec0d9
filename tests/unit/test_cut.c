/* Batches: no record lost, none beyond its bounds, and workers that take one after the other end together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "api/cut.h"
#include "base/rng.h"

enum { MOST = 400, WORKERS = 16 };

typedef struct cutting { heed_load records[MOST]; int64_t count, start[MOST + 1], busy[WORKERS], batches; heed_cut_options how; } cutting;

static int longest_first(const void *a, const void *b)
{
    const heed_load *x = a, *y = b;
    return (x->length < y->length) - (x->length > y->length);
}

/* Lengths as of sentences: the longest four times the shortest; of one length when even. */
static void lay(cutting *c, int64_t count, int64_t width, bool even, uint64_t seed)
{
    c->count = count;
    for (int64_t i = 0; i < count; i++) c->records[i] = (heed_load){even ? 60 : 30 + (int64_t)(90 * heed_uniform(seed, (uint64_t)i)), width, i};
    qsort(c->records, (size_t)count, sizeof *c->records, longest_first);
}

static void cut(cutting *c, int64_t rows, int64_t bytes, int workers)
{
    c->how = (heed_cut_options){rows, bytes, workers};
    c->batches = heed_cut(&c->how, c->records, c->count, c->start, c->busy);
}

static int64_t size_of(const cutting *c, int64_t batch) { return c->start[batch + 1] - c->start[batch]; }

/* Hypotheses, or bytes of them, that the worker who has most of them gets when each takes the next batch as soon as it is done. */
static int64_t most_work(const cutting *c, bool bytes)
{
    int64_t busy[WORKERS] = {0}, most = 0;
    for (int64_t b = 0; b < c->batches; b++) {
        int first = 0;
        for (int i = 1; i < c->how.workers; i++)
            if (busy[i] < busy[first]) first = i;
        for (int64_t i = c->start[b]; i < c->start[b + 1]; i++) busy[first] += c->records[i].width * (bytes ? c->records[i].length : 1);
    }
    for (int i = 0; i < c->how.workers; i++)
        if (busy[i] > most) most = busy[i];
    return most;
}

static void expect_within_bounds(const cutting *c)
{
    assert_int_equal(c->start[0], 0);
    assert_int_equal(c->start[c->batches], c->count);
    for (int64_t b = 0; b < c->batches; b++) {
        int64_t widest = 0, bytes = 0;
        assert_true(size_of(c, b) > 0);
        for (int64_t i = c->start[b]; i < c->start[b + 1]; i++) {
            if (c->records[i].width > widest) widest = c->records[i].width;
            bytes += c->records[i].length;
        }
        if (size_of(c, b) == 1) continue;   /* fits always */
        assert_true(size_of(c, b) * widest <= c->how.rows);
        assert_true(bytes * widest <= c->how.bytes);
    }
}

static void test_cut__has_every_record_once_and_no_batch_beyond_its_bounds(void **state)
{
    (void)state;
    static cutting c;
    for (uint64_t seed = 0; seed < 500; seed++) {
        lay(&c, (int64_t)(MOST * heed_uniform(seed, 1000)), 5, false, seed);
        for (int64_t i = 0; i < c.count; i++) {
            if (seed % 2) c.records[i].width = 1 + (int64_t)(70 * heed_uniform(seed, 2000 + (uint64_t)i));
            if (seed % 3 == 0 && i < 9) c.records[i].length *= 40;
        }
        cut(&c, 64, 16384, 1 + (int)(seed % WORKERS));
        expect_within_bounds(&c);
    }
}

static void test_cut__of_nothing_is_nothing_and_of_one_record_one_batch(void **state)
{
    (void)state;
    static cutting c;
    for (int workers = 1; workers <= 3; workers++) {
        lay(&c, 0, 5, true, 0);
        cut(&c, 64, 16384, workers);
        assert_int_equal(c.batches, 0);
        assert_int_equal(c.start[0], 0);
        c.count = 1;
        c.records[0] = (heed_load){1 << 24, 200, 0};
        cut(&c, 64, 16384, workers);
        assert_int_equal(c.batches, 1);
        expect_within_bounds(&c);
    }
}

static void test_cut__for_one_worker_fills_its_batches(void **state)
{
    (void)state;
    static cutting c;
    lay(&c, 64, 5, false, 1);
    cut(&c, 64, 1 << 20, 1);
    assert_int_equal(c.batches, 6);
    for (int64_t b = 0; b < 5; b++) assert_int_equal(size_of(&c, b), 12);
}

static void test_cut__of_more_workers_than_records_gives_each_its_own(void **state)
{
    (void)state;
    static cutting c;
    lay(&c, 7, 1, false, 2);
    cut(&c, 64, 16384, WORKERS);
    assert_int_equal(c.batches, 7);
}

/* Equal records, so that even in number is even in work: nobody has more than a batch's least part above its share. */
static void test_workers__end_together_with_equal_records(void **state)
{
    (void)state;
    static cutting c;
    const int64_t counts[] = {13, 24, 25, 32, 64, 96, 100, 320};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        for (int64_t width = 1; width <= 5; width += 4) {
            lay(&c, counts[i], width, true, 0);
            cut(&c, 64, 16384, 2);
            assert_true(most_work(&c, false) <= (counts[i] + 1) / 2 * width);
        }
    }
    lay(&c, 64, 5, true, 0);
    cut(&c, 64, 16384, 2);
    assert_int_equal(c.batches, 6);   /* no more than it takes: 12 and 12 and 8 lines each would be as even */
    lay(&c, 320, 5, true, 0);
    cut(&c, 64, 16384, 2);
    assert_int_equal(c.batches, 28);  /* 27 would do, and leave one worker 12 lines more */
}

/* Sentences, eight a worker and more: nobody has a record of eight above its share, whatever their number. */
static void test_workers__end_together_with_sentences(void **state)
{
    (void)state;
    static cutting c;
    for (uint64_t seed = 0; seed < 50; seed++) {
        for (int workers = 2; workers <= 4; workers++) {
            for (int64_t count = 8 * workers; count < MOST; count += 29) {
                int64_t all = 0;
                lay(&c, count, seed % 2 ? 5 : 1, false, seed);
                cut(&c, 64, 16384, workers);
                for (int64_t i = 0; i < count; i++) all += c.records[i].width * c.records[i].length;
                const int64_t most = most_work(&c, true);
                if (most * workers > all + all / 8)
                    fail_msg("%d workers, %d records: the last has %.3f of its share", workers, (int)count, (double)(most * workers) / (double)all);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut__has_every_record_once_and_no_batch_beyond_its_bounds),
        cmocka_unit_test(test_cut__of_nothing_is_nothing_and_of_one_record_one_batch),
        cmocka_unit_test(test_cut__for_one_worker_fills_its_batches),
        cmocka_unit_test(test_cut__of_more_workers_than_records_gives_each_its_own),
        cmocka_unit_test(test_workers__end_together_with_equal_records),
        cmocka_unit_test(test_workers__end_together_with_sentences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
