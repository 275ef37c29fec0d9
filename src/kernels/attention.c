/* The door of heed/attention.h: a job is cut into units, and the units go to threads.
 *
 * A unit is a block of queries of one sequence with the query heads that share a key head. The cut depends on the sequence's own shape alone, and no two units
 * write the same number, so results do not depend on threads. Longest first: sequences in classes of equal magnitude, and within a sequence the last block,
 * which sees most under a causal sight. */
#include <omp.h>
#include <string.h>

#include "kernels/attention_backward.h"

enum {
    ALIGNED = HEED_ATTENTION_ALIGNED,         /* bytes */
    CLASSES = 64,                             /* magnitudes of a sequence's work */
    SHARES = 8,                               /* tasks that a thread gets at the least, before units are bundled into tasks */
    TOGETHER = 131072,                        /* floats of blocks that go together: they stay in the second cache */
    FEWEST = 4                                /* floats of a vector at the least */
};

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t greater(int64_t a, int64_t b) { return a > b ? a : b; }

/* --- the cut --------------------------------------------------------------------------------------------------------------------------------- */

typedef struct cut {
    const heed_attention_job *job;
    heed_attention_portion *portions;      /* [threads] */
    int64_t *order, *first;      /* [B] sequences, the longest first; [B+1] number of the first task of each of these */
    int64_t parts;               /* of the heads that share a key head */
    int64_t most;                /* units of a task */
} cut;

/* Queries of a block are a multiple of a granule: one full vector where that is possible. */
static int64_t granule_of(const heed_attention_job *j) { return j->rows ? 1 : greater(1, HEED_ATTENTION_MARGIN / j->together); }

static int64_t block_rows(const heed_attention_job *j)
{
    const int64_t granule = granule_of(j);
    return j->rows ? 1 : j->kernels->attention_lanes / j->together / granule * granule;
}

static int64_t blocks_of(const heed_attention_job *j, int64_t queries) { return (queries + block_rows(j) - 1) / block_rows(j); }

static int64_t tasks_of(const cut *c, int64_t queries) { return (blocks_of(c->job, queries) + c->most - 1) / c->most; }

/* Units that a task may have: blocks that go together meet keys that are copied once. */
static int64_t most_blocks(const heed_attention_job *j)
{
    if (j->rows || j->pairs || j->weighing != HEED_WEIGHING_softmax) return 1;
    const int64_t floats = j->kernels->attention_lanes * (heed_attention_power_row(j) + heed_attention_up(j->dv, HEED_ATTENTION_MARGIN));
    return greater(1, least(least(HEED_ATTENTION_BLOCKS, TOGETHER / floats), blocks_of(j, j->most_queries)));
}

/* The first query of block i of n: shares of about equal size in granules. */
static int64_t block_start(const heed_attention_job *j, int64_t queries, int64_t i, int64_t n)
{
    if (i == 0 || i == n) return i ? queries : 0;
    const int64_t granule = granule_of(j), granules = (queries + granule - 1) / granule;
    return least(queries, granules * i / n * granule);
}

static size_t cut_bytes(const heed_attention_job *j)
{
    return ((size_t)(2 * j->a->sequences + 1) * sizeof(int64_t) + (size_t)j->threads * sizeof(heed_attention_portion) + ALIGNED - 1) / ALIGNED * ALIGNED;
}

static int class_of(const heed_attention_job *j, int64_t b)
{
    const uint64_t work = (uint64_t)heed_attention_queries(j, b) * (uint64_t)heed_attention_keys(j, b);
    return work ? __builtin_clzll(work) : CLASSES - 1;
}

static cut cut_of(const heed_attention_job *j, void *room)
{
    const int64_t B = j->a->sequences;
    int64_t *const behind = (int64_t *)(void *)((heed_attention_portion *)room + j->threads);
    cut c = {.job = j, .portions = room, .order = behind, .first = behind + B, .parts = (j->shared + j->together - 1) / j->together};
    int64_t at[CLASSES + 1] = {0};
    for (int64_t b = 0; b < B; b++) at[class_of(j, b) + 1]++;
    for (int i = 0; i < CLASSES; i++) at[i + 1] += at[i];
    for (int64_t b = 0; b < B; b++) c.order[at[class_of(j, b)]++] = b;
    c.first[0] = 0;
    int64_t units = 0;
    for (int64_t b = 0; b < B; b++) units += j->Hk * c.parts * blocks_of(j, heed_attention_queries(j, b));
    c.most = greater(1, least(most_blocks(j), j->threads > 1 ? units / (j->threads * SHARES) : units));
    for (int64_t i = 0; i < B; i++) c.first[i + 1] = c.first[i] + j->Hk * c.parts * tasks_of(&c, heed_attention_queries(j, c.order[i]));
    heed_attention_portions(c.portions, j->threads, c.first[B]);
    return c;
}

/* skipped: of the query heads that share the key head. */
static heed_attention_unit unit_at(const heed_attention_job *j, int64_t b, int64_t key_head, int64_t skipped, int64_t block, int64_t blocks)
{
    const int64_t queries = heed_attention_queries(j, b);
    heed_attention_unit u = {.sequence = b, .key_head = key_head, .head = key_head * j->shared + skipped, .heads = least(j->together, j->shared - skipped)};
    u.row = block_start(j, queries, block, blocks);
    u.rows = block_start(j, queries, block + 1, blocks) - u.row;
    return u;
}

/* Fills in the units of a task, the last block first; returns how many. */
static int64_t units_of(const cut *c, int64_t task, heed_attention_unit *unit)
{
    const heed_attention_job *j = c->job;
    const int64_t low = heed_attention_owner(c->first, j->a->sequences, task);
    const int64_t b = c->order[low], queries = heed_attention_queries(j, b), blocks = blocks_of(j, queries), tasks = tasks_of(c, queries);
    const int64_t within = task - c->first[low], end = blocks - within % tasks * c->most, n = least(c->most, end);
    const int64_t part = within / tasks, skipped = part % c->parts * j->together;
    for (int64_t i = 0; i < n; i++) unit[i] = unit_at(j, b, part / c->parts, skipped, end - i - 1, blocks);
    return n;
}

/* --- what a call takes --------------------------------------------------------------------------------------------------------------------- */

size_t heed_attention_room(const heed_attention_job *j)
{
    const int64_t lanes = j->kernels->attention_lanes, margin = HEED_ATTENTION_MARGIN;
    const int64_t even = heed_attention_even(j->d), dvp = heed_attention_up(j->dv, margin), keys = j->kernels->attention_pairs;
    const int64_t pairs = lanes * even / 2 + keys * (lanes + lanes / 2 + dvp / 2) + lanes * dvp + margin * even / 2;
    const int64_t copies = j->weighing == HEED_WEIGHING_softmax ? heed_attention_chunk(j, HEED_ATTENTION_COPIED) * (heed_attention_apart(j->d) + heed_attention_apart(j->dv)) : 0;
    const int64_t tiles = most_blocks(j) * lanes * (heed_attention_power_row(j) + dvp) + greater(lanes * j->kernels->attention_keys, margin * j->d) + copies;
    const int64_t list = j->weighing == HEED_WEIGHING_softmax ? 0 : (lanes + lanes / FEWEST) * heed_attention_up(j->most_keys, margin);
    return (size_t)heed_attention_up(j->rows ? heed_attention_rows_room(j) : j->pairs ? pairs : tiles + list, margin) * sizeof(float);
}

/* Room for weights that are asked for afterwards is in it. */
size_t heed_attention_forward_bytes(const heed_attention_job *j)
{
    heed_attention_job weights = *j;
    weights.pairs = false, weights.only = 0;
    const size_t least = heed_attention_shared_bytes(&weights), all = cut_bytes(j) + heed_attention_shared_bytes(j) + (size_t)j->threads * heed_attention_room(j);
    return ALIGNED + (all > least ? all : least);
}

/* Pairs that are seen, of all heads. */
static double pairs_of(const heed_attention_job *j)
{
    const heed_attention *a = j->a;
    double pairs = 0;
    for (int64_t b = 0; b < a->sequences; b++) {
        const int64_t n = heed_attention_queries(j, b), keys = heed_attention_keys(j, b), position = heed_attention_position(j, b);
        if (j->back >= HEED_ATTENTION_FAR && j->ahead >= HEED_ATTENTION_FAR && !heed_align_has_centre(a->align) && heed_align_sees_one_run(a->align)) {
            pairs += (double)n * (double)keys * (double)j->H;
            continue;
        }
        for (int64_t i = 0; i < n; i++) {
            if (!heed_align_has_centre(a->align)) pairs += (double)(heed_looking_of(a->align, a->window, position + i, keys, 0).seen * j->H);
            for (int64_t h = 0; heed_align_has_centre(a->align) && h < j->H; h++)
                pairs += (double)heed_looking_of(a->align, a->window, position + i, keys, a->centre[(a->query_start[b] + i) * j->H + h]).seen;
        }
    }
    return pairs;
}

static const char *slow_because(const heed_attention_job *j)
{
    if (!j->rows) return NULL;
    return j->own ? "a score of one's own meets one query at a time" : "this machine has no vectors that are known here, or HEED_ISA forbids them";
}

static const char *kernel_of(const heed_attention_job *j)
{
    static const struct { const char *isa, *rows, *f32, *widened, *bf16; } kernels[] = {
        {"neon", "neon rows", "neon f32 tiles", "neon f32 tiles of what was bf16", NULL},
        {"avx2", "avx2 rows", "avx2 f32 tiles", "avx2 f32 tiles of what was bf16", NULL},
        {"avx512", "avx512 rows", "avx512 f32 tiles", "avx512 f32 tiles of what was bf16", NULL},
        {"avx512bf16", "avx512 rows", "avx512 f32 tiles", "avx512 f32 tiles of what was bf16", "avx512 bf16 tiles"},
    };
    for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++)
        if (!strcmp(j->kernels->isa, kernels[i].isa)) return j->rows ? kernels[i].rows : !j->half ? kernels[i].f32 : j->pairs ? kernels[i].bf16 : kernels[i].widened;
    return "scalar rows";
}

heed_status heed_attention_plan_of(const heed_attention *a, heed_attention_plan *plan, heed_error *err)
{
    heed_attention_job j;
    const heed_status status = heed_attention_job_of(&j, heed_kernels_get(), a, NULL, err);
    if (status) return status;
    const double pairs = pairs_of(&j), flop = 2 * pairs * (double)(j.d + j.dv);
    *plan = (heed_attention_plan){.kernel = kernel_of(&j), .slow = slow_because(&j), .queries = block_rows(&j), .keys = j.pairs ? j.kernels->attention_pairs : j.kernels->attention_keys,
                                  .forward = heed_attention_forward_bytes(&j), .backward = heed_attention_backward_bytes(&j), .forward_flop = flop,
                                  .backward_flop = flop + pairs * (double)(4 * j.d + 2 * j.dv)};
    return HEED_OK;
}

/* --- one sequence ------------------------------------------------------------------------------------------------------------------------------ */

static void sequence_of_head(const heed_attention_job *j, int64_t b, int64_t key_head, int64_t blocks, int64_t most, void *room)
{
    heed_attention_unit unit[HEED_ATTENTION_BLOCKS];
    for (int64_t skipped = 0; skipped < j->shared; skipped += j->together)
        for (int64_t end = blocks, n; end > 0; end -= n) {
            n = least(most, end);
            for (int64_t i = 0; i < n; i++) unit[i] = unit_at(j, b, key_head, skipped, end - i - 1, blocks);
            j->kernels->attention_forward(j, unit, n, NULL, room);
        }
}

void heed_attention_sequence(const heed_attention_job *j, int64_t b, void *room)
{
    const int64_t queries = heed_attention_queries(j, b), blocks = j->rows ? 0 : blocks_of(j, queries), most = blocks > 1 ? most_blocks(j) : 1;
    if (j->rows) heed_attention_rows(j, &(heed_attention_unit){.sequence = b, .heads = j->H, .rows = queries}, room);
    for (int64_t h = 0; !j->rows && h < j->Hk; h++) sequence_of_head(j, b, h, blocks, most, room);
}

/* --- forward --------------------------------------------------------------------------------------------------------------------------------- */

typedef struct task { int64_t number, units; heed_attention_unit unit[HEED_ATTENTION_BLOCKS]; } task;

static void task_take(const cut *c, task *t, int64_t number)
{
    t->number = number;
    t->units = units_of(c, number, t->unit);
}

/* What one thread does. Each task asks for the first rows of the one that the thread is likely to take next. */
static void run(const cut *c, int thread, char *room)
{
    const heed_attention_job *j = c->job;
    const bool far = heed_attention_is_far(j);
    task pair[2] = {{.number = -1}, {.number = -1}}, *now = &pair[0], *then = &pair[1];
    for (int64_t i, end = c->first[j->a->sequences]; (i = heed_attention_take(c->portions, j->threads, thread)) >= 0;) {
        task *const other = now;
        const bool expected = then->number == i;
        now = then, then = other;
        if (!expected) task_take(c, now, i);
        now->unit->asked = expected;
        then->number = -1;
        if (far && i + 1 < end) task_take(c, then, i + 1);
        if (now->units) j->kernels->attention_forward(j, now->unit, now->units, then->number < 0 ? NULL : then->unit, room);
    }
}

heed_status heed_attention_forward_by(const heed_kernels *kernels, const heed_attention *a, const heed_attention_data *data, void *scratch, size_t bytes,
                                      heed_error *err)
{
    heed_attention_job j;
    const heed_status status = heed_attention_job_of(&j, kernels, a, data, err);
    if (status) return status;
    if (bytes < heed_attention_forward_bytes(&j) || !scratch)
        return heed_fail(err, HEED_E_SHAPE, "attention: %zu bytes of scratch, forward needs %zu", scratch ? bytes : 0, heed_attention_forward_bytes(&j));
    char *at = heed_attention_aligned(scratch);
    const cut c = cut_of(&j, at);
    heed_attention_share(&j, at + cut_bytes(&j));
    char *rooms = at + cut_bytes(&j) + heed_attention_shared_bytes(&j);
    const size_t room = heed_attention_room(&j);
    const bool alone = j.threads == 1 || c.first[a->sequences] <= 1;
#pragma omp parallel num_threads(j.threads) if (!alone)
    {
        const int thread = omp_get_thread_num();
        run(&c, thread, rooms + (size_t)thread * room);
    }
    return HEED_OK;
}

heed_status heed_attention_forward(const heed_attention *a, const heed_attention_data *data, void *scratch, size_t bytes, heed_error *err)
{
    return heed_attention_forward_by(heed_kernels_get(), a, data, scratch, bytes, err);
}
