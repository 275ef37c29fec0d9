/* The door of the backward of heed/attention.h: cuts sequences into ranges of keys, gives units to threads, and adds up what several units say of one query.
 * The cut, and every order of addition, depends on a sequence's own shape and on the settings alone. */
#include <omp.h>
#include <string.h>

#include "kernels/attention_backward.h"

enum { ALIGNED = HEED_ATTENTION_ALIGNED, MARGIN = HEED_ATTENTION_MARGIN };
enum {
    UNITS = 8,               /* of a sequence, all its key heads together, where it is long enough: more cost scratch, a row beside each */
    SHORTEST = 576,          /* keys of a range */
    PIECE = HEED_ATTENTION_PIECE
};

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t greater(int64_t a, int64_t b) { return a > b ? a : b; }

/* --- the cut --------------------------------------------------------------------------------------------------------------------------------- */

int64_t heed_attention_blocks(const heed_attention_back *x, int64_t b) { return (heed_attention_queries(x->job, b) + x->rows - 1) / x->rows; }

static int64_t ranges_of(const heed_attention_back *x, int64_t b)
{
    if (x->job->rows || x->job->weighing != HEED_WEIGHING_softmax) return 1;
    return greater(1, least(UNITS / x->job->Hk, heed_attention_keys(x->job, b) / SHORTEST));
}

static int64_t range_start(const heed_attention_back *x, int64_t b, int64_t number, int64_t ranges)
{
    const int64_t keys = heed_attention_keys(x->job, b);
    return number == ranges ? keys : keys * number / ranges / PIECE * PIECE;
}

/* A query at i sees keys from i - back to i + ahead, and no others. */
static bool sight_is_a_band(const heed_attention_job *j) { return !heed_align_has_centre(j->a->align) && heed_align_sees_one_run(j->a->align); }

heed_attention_role heed_attention_role_of(const heed_attention_back *x, const heed_attention_range *u, int64_t block)
{
    const heed_attention_job *j = x->job;
    if (u->ranges == 1) return HEED_ROLE_OWNER;
    if (!sight_is_a_band(j)) return u->number ? HEED_ROLE_BESIDE : HEED_ROLE_OWNER;
    const int64_t b = u->sequence, first = heed_attention_position(j, b) + block * x->rows, last = first + x->rows - 1, keys = heed_attention_keys(j, b);
    const int64_t low = least(keys - 1, greater(0, first - j->back)), high = last + j->ahead;
    if (low >= u->key && low < u->key + u->keys) return HEED_ROLE_OWNER;
    return low < u->key && high >= u->key ? HEED_ROLE_BESIDE : HEED_ROLE_NONE;
}

static heed_attention_range range_of(const heed_attention_back *x, int64_t b, int64_t number)
{
    heed_attention_range u = {.sequence = b, .number = number, .ranges = ranges_of(x, b)};
    u.key = range_start(x, b, number, u.ranges);
    u.keys = range_start(x, b, number + 1, u.ranges) - u.key;
    if (!number) return u;
    const int64_t blocks = heed_attention_blocks(x, b);
    while (u.first < blocks && heed_attention_role_of(x, &u, u.first) != HEED_ROLE_BESIDE) u.first++;
    for (u.end = u.first; u.end < blocks && heed_attention_role_of(x, &u, u.end) == HEED_ROLE_BESIDE;) u.end++;
    return u;
}

static int64_t beside_of(const heed_attention_back *x, const heed_attention_range *u) { return (u->end - u->first) * x->rows * x->pitch; }     /* of a head */

static bool wants_queries(const heed_attention_gradients *to) { return to->q.x || to->centre; }

/* first_unit and first_beside, when there is room for them; returns the floats beside of all sequences. */
static int64_t lay_out(heed_attention_back *x, int64_t *units)
{
    const heed_attention_job *j = x->job;
    int64_t beside = 0;
    *units = 0;
    for (int64_t b = 0; b <= j->a->sequences; b++) {
        if (x->first_unit) x->first_unit[b] = *units, x->first_beside[b] = beside;
        if (b == j->a->sequences) break;
        const int64_t ranges = ranges_of(x, b);
        *units += ranges * j->Hk;
        for (int64_t n = 1; n < ranges; n++) {
            const heed_attention_range u = range_of(x, b, n);
            beside += wants_queries(x->to) ? j->H * beside_of(x, &u) : 0;
        }
    }
    return beside;
}

/* Ranges before key heads: under a causal sight the first one meets most queries. */
static heed_attention_range unit_of(const heed_attention_back *x, int64_t unit)
{
    const heed_attention_job *j = x->job;
    const int64_t low = heed_attention_owner(x->first_unit, j->a->sequences, unit);
    const int64_t within = unit - x->first_unit[low], number = within / j->Hk;
    heed_attention_range u = range_of(x, low, number);
    u.key_head = within % j->Hk;
    u.extra = x->extra + unit * j->shared * x->extras;
    u.beside = x->beside + x->first_beside[low];
    for (int64_t n = 1; n < number; n++) {
        const heed_attention_range before = range_of(x, low, n);
        u.beside += j->H * beside_of(x, &before);
    }
    return u;
}

void *heed_attention_gradient_row(const heed_attention_back *x, const heed_attention_range *u, heed_attention_role role, int64_t head, int64_t i, float **centre)
{
    const heed_attention_job *j = x->job;
    const heed_attention_out q = x->to->q;
    if (role == HEED_ROLE_BESIDE) {
        float *row = u->beside + head * beside_of(x, u) + (i - u->first * x->rows) * x->pitch;
        *centre = x->to->centre ? row + j->d : NULL;
        return q.x ? row : NULL;
    }
    *centre = x->to->centre ? x->to->centre + (j->a->query_start[u->sequence] + i) * j->H + head : NULL;
    if (x->queries) return x->queries + ((j->a->query_start[u->sequence] + i) * j->H + head) * x->pitch;
    return q.x ? (void *)heed_attention_value(j, q.x, HEED_ATTENTION_AT(q, j->a->query_start, u->sequence, head) + i * q.row) : NULL;
}

/* --- what a call takes --------------------------------------------------------------------------------------------------------------------- */

size_t heed_attention_back_room(const heed_attention_back *x)
{
    const heed_attention_job *j = x->job;
    const int64_t dp = heed_attention_up(j->d, MARGIN), dvp = heed_attention_up(j->dv, MARGIN), lanes = j->kernels->attention_lanes;
    const int64_t additive = j->a->score == HEED_ATTENTION_ADDITIVE ? (lanes + MARGIN) * dp : 0;
    const int64_t tiles = 2 * x->chunk * (dp + dvp) + lanes * (3 * dp + 3 * dvp) + lanes * (3 * PIECE + 7 + heed_attention_back_deltas(x)) + additive;
    const int64_t values = heed_attention_up(j->most_keys * j->d, MARGIN) + (j->half ? j->most_keys * j->dv : 0);
    const int64_t pairs = j->pairs ? lanes * (2 * PIECE + MARGIN) + MARGIN * (dp + dvp) : 0, widened = j->half ? MARGIN * greater(dp, dvp) : 0;
    const int64_t sparse = 3 * heed_attention_up(j->most_keys, MARGIN) + 3 * dp + dvp + values;
    if (!j->rows && j->weighing != HEED_WEIGHING_softmax) return heed_attention_room(j) + (size_t)heed_attention_up(sparse, MARGIN) * sizeof(float);
    return (size_t)heed_attention_up(j->rows ? heed_attention_rows_back_room(x) : tiles + widened + pairs, MARGIN) * sizeof(float);
}

typedef struct layout { size_t portions, first_unit, first_beside, shared, extra, queries, beside, rooms, end; } layout;

static size_t take(size_t *end, size_t bytes)
{
    const size_t at = *end;
    *end += (bytes + ALIGNED - 1) / ALIGNED * ALIGNED;
    return at;
}

/* bf16 would be rounded with every chunk of keys that adds to it. */
static bool sums_queries(const heed_attention_back *x)
{
    const heed_attention_job *j = x->job;
    return j->half && !j->rows && x->to->q.x && (j->most_keys > x->chunk || j->most_keys >= 2 * SHORTEST);
}

static layout layout_of(heed_attention_back *x)
{
    const heed_attention_job *j = x->job;
    int64_t units;
    const int64_t beside = lay_out(x, &units);
    layout l = {.end = ALIGNED};
    l.portions = take(&l.end, (size_t)j->threads * sizeof(heed_attention_portion));
    l.first_unit = take(&l.end, (size_t)(j->a->sequences + 1) * sizeof(int64_t));
    l.first_beside = take(&l.end, (size_t)(j->a->sequences + 1) * sizeof(int64_t));
    l.shared = take(&l.end, heed_attention_shared_bytes(j));
    l.extra = take(&l.end, (size_t)(units * j->shared * x->extras) * sizeof(float));
    l.queries = take(&l.end, sums_queries(x) ? (size_t)(j->queries * j->H * x->pitch) * sizeof(float) : 0);
    l.beside = take(&l.end, (size_t)beside * sizeof(float));
    l.rooms = take(&l.end, (size_t)j->threads * heed_attention_back_room(x));
    return l;
}

/* A score of one's own sums the gradients of its weights up, whoever wants them. */
static int64_t own_extras(const heed_attention_job *j) { return j->own && j->a->extra ? j->a->extras : 0; }

heed_attention_back heed_attention_back_of(const heed_attention_job *j, const heed_attention_gradients *to)
{
    heed_attention_back x = {.job = j, .to = to, .rows = j->rows ? 1 : j->kernels->attention_lanes / j->together};
    x.chunk = heed_attention_chunk(j, HEED_ATTENTION_BESIDE_GRADIENTS);
    x.pitch = heed_attention_up(j->d + (to->centre ? 1 : 0), MARGIN);
    x.extras = (to->factor ? 1 : 0) + (to->additive ? j->d : 0) + own_extras(j) + (to->relative ? 2 * j->a->reach + 1 : 0);
    return x;
}

size_t heed_attention_backward_bytes(const heed_attention_job *j)
{
    float some;
    const heed_attention *a = j->a;
    const heed_attention_gradients all = {.q = {.x = &some}, .k = {.x = &some}, .v = {.x = &some}, .factor = a->factor ? &some : NULL,
                                          .additive = a->additive ? &some : NULL, .extra = a->extra ? &some : NULL, .relative = a->relative ? &some : NULL, .centre = a->centre ? &some : NULL};
    heed_attention_back x = heed_attention_back_of(j, &all);
    return layout_of(&x).end;
}

/* --- joining --------------------------------------------------------------------------------------------------------------------------------- */

static void narrow_queries(const heed_attention_back *x)
{
    const heed_attention_job *j = x->job;
    const heed_attention_out q = x->to->q;
    for (int64_t b = 0; b < j->a->sequences; b++) {
        const int64_t n = heed_attention_queries(j, b);
#pragma omp parallel for schedule(static) num_threads(j->threads) if (n * j->H > 64 && j->threads > 1)
        for (int64_t i = 0; i < n; i++)
            for (int64_t h = 0; h < j->H; h++) {
                const float *row = x->queries + ((j->a->query_start[b] + i) * j->H + h) * x->pitch;
                heed_attention_leave(j, q.x, HEED_ATTENTION_AT(q, j->a->query_start, b, h) + i * q.row, row, x->to->add, j->d);
            }
    }
}

/* Rows beside, of later ranges than the owner, in order; later [ranges - 1]: those after the first. */
static void join_block(const heed_attention_back *x, int64_t b, int64_t block, const heed_attention_range *later, int64_t ranges)
{
    const heed_attention_job *j = x->job;
    const int64_t rows = least(x->rows, heed_attention_queries(j, b) - block * x->rows);
    for (const heed_attention_range *u = later; u < later + ranges - 1; u++) {
        if (heed_attention_role_of(x, u, block) != HEED_ROLE_BESIDE) continue;
        for (int64_t i = block * x->rows; i < block * x->rows + rows; i++)
            for (int64_t h = 0; h < j->H; h++) {
                float *more_centre, *centre, *more = heed_attention_gradient_row(x, u, HEED_ROLE_BESIDE, h, i, &more_centre);
                float *row = heed_attention_gradient_row(x, u, HEED_ROLE_OWNER, h, i, &centre);
                if (row) j->kernels->axpy(row, 1, more, j->d);
                if (centre) *centre += *more_centre;
            }
    }
}

static void join_queries(const heed_attention_back *x)
{
    const heed_attention_job *j = x->job;
    for (int64_t b = 0; b < j->a->sequences && wants_queries(x->to); b++) {
        const int64_t blocks = heed_attention_blocks(x, b), ranges = ranges_of(x, b);
        if (ranges == 1) continue;
        heed_attention_range later[UNITS];
        for (int64_t n = 1; n < ranges; n++) later[n - 1] = unit_of(x, x->first_unit[b] + n * j->Hk);
#pragma omp parallel for schedule(static) num_threads(j->threads) if (blocks > 1)
        for (int64_t block = 0; block < blocks; block++) join_block(x, b, block, later, ranges);
    }
}

void heed_attention_join_extra(const heed_attention_back *x, int64_t key_head, const float *extra)
{
    const heed_attention_job *j = x->job;
    const heed_attention_gradients *to = x->to;
    const int64_t wide = 2 * j->a->reach + 1, own = own_extras(j);
    for (int64_t h = 0; h < j->shared && x->extras; h++) {
        const int64_t head = key_head * j->shared + h;
        const float *at = extra + h * x->extras;
        if (to->factor) to->factor[head] += *at++;
        if (to->additive) j->kernels->axpy(to->additive + head * j->d, 1, at, j->d), at += j->d;
        if (own && to->extra) j->kernels->axpy(to->extra + head * own, 1, at, own);
        if (to->relative) j->kernels->axpy(to->relative + head * wide, 1, at + own, wide);
    }
}

static void join_extras(const heed_attention_back *x, int64_t units)
{
    for (int64_t unit = 0; x->extras && unit < units; unit++) {
        const heed_attention_range u = unit_of(x, unit);
        heed_attention_join_extra(x, u.key_head, u.extra);
    }
}

/* --- one sequence ------------------------------------------------------------------------------------------------------------------------------ */

void heed_attention_sequence_back(const heed_attention_back *x, int64_t b, void *room)
{
    const heed_attention_job *j = x->job;
    for (int64_t h = 0; h < j->Hk; h++) {
        const heed_attention_range u = {.sequence = b, .key_head = h, .ranges = 1, .keys = heed_attention_keys(j, b), .extra = x->extra + h * j->shared * x->extras};
        j->kernels->attention_backward(x, &u, room);
    }
}

/* --- backward -------------------------------------------------------------------------------------------------------------------------------- */

static heed_status gradients_fit(const heed_attention_job *j, const heed_attention_gradients *to, heed_error *err)
{
    const heed_attention *a = j->a;
    if (!j->data->saved && j->queries) return heed_fail(err, HEED_E_SHAPE, "attention: backward without what forward saved");
    if ((to->factor && !a->factor) || (to->additive && !a->additive) || (to->extra && !a->extra) || (to->relative && !a->relative) || (to->centre && !heed_align_has_centre(a->align)))
        return heed_fail(err, HEED_E_SHAPE, "attention: a gradient is wanted of a setting that is not there");
    heed_status status = heed_attention_in_fits(j, "the gradient of out", to->out, j->queries, err);
    if (!status && to->q.x) status = heed_attention_out_fits(j, "the gradient of q", to->q, a->query_start, j->most_queries, j->H, j->d, err);
    if (!status && to->k.x) status = heed_attention_out_fits(j, "the gradient of k", to->k, a->key_start, j->most_keys, j->Hk, j->d, err);
    if (!status && to->v.x) status = heed_attention_out_fits(j, "the gradient of v", to->v, a->key_start, j->most_keys, j->Hk, j->dv, err);
    return status;
}

/* What one thread does; next: the unit that it is likely to take then. */
static void run(const heed_attention_back *x, int64_t units, heed_attention_portion *portions, int thread, char *room)
{
    const heed_attention_job *j = x->job;
    for (int64_t i; (i = heed_attention_take(portions, j->threads, thread)) >= 0;) {
        heed_attention_range u = unit_of(x, i), next;
        if (i + 1 < units) next = unit_of(x, i + 1), u.next = &next;
        if (x->extras) memset(u.extra, 0, (size_t)(j->shared * x->extras) * sizeof *u.extra);
        j->kernels->attention_backward(x, &u, room);
    }
}

static void run_all(const heed_attention_back *x, int64_t units, heed_attention_portion *portions, char *rooms)
{
    const int threads = x->job->threads;
    const size_t room = heed_attention_back_room(x);
    heed_attention_portions(portions, threads, units);
#pragma omp parallel num_threads(threads) if (units > 1 && threads > 1)
    {
        const int thread = omp_get_thread_num();
        run(x, units, portions, thread, rooms + (size_t)thread * room);
    }
}

heed_status heed_attention_backward_by(const heed_kernels *kernels, const heed_attention *a, const heed_attention_data *data, const heed_attention_gradients *to,
                                       void *scratch, size_t bytes, heed_error *err)
{
    heed_attention_job j;
    heed_status status = heed_attention_job_of(&j, kernels, a, data, err);
    if (!status) status = gradients_fit(&j, to, err);
    if (status) return status;
    heed_attention_back x = heed_attention_back_of(&j, to);
    const layout l = layout_of(&x);
    if (bytes < l.end || !scratch) return heed_fail(err, HEED_E_SHAPE, "attention: %zu bytes of scratch, backward needs %zu", scratch ? bytes : 0, l.end);
    char *at = heed_attention_aligned(scratch) - ALIGNED;
    x.first_unit = (int64_t *)(at + l.first_unit);
    x.first_beside = (int64_t *)(at + l.first_beside);
    x.extra = (float *)(at + l.extra);
    x.beside = (float *)(at + l.beside);
    if (sums_queries(&x)) x.queries = (float *)(at + l.queries);
    heed_attention_share(&j, at + l.shared);
    int64_t units;
    lay_out(&x, &units);
    run_all(&x, units, (heed_attention_portion *)(void *)(at + l.portions), at + l.rooms);
    join_queries(&x);
    if (x.queries) narrow_queries(&x);
    join_extras(&x, units);
    return HEED_OK;
}

heed_status heed_attention_backward(const heed_attention *a, const heed_attention_data *data, const heed_attention_gradients *to, void *scratch, size_t bytes,
                                    heed_error *err)
{
    return heed_attention_backward_by(heed_kernels_get(), a, data, to, scratch, bytes, err);
}
