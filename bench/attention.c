/* One side of bench/attention.sh: heed's attention over raw pointers; it also makes the inputs of all sides and judges their results.
 *
 *   attention THREADS FOLDER [plain]
 *
 * says "ready ABOUT-ITSELF" and answers each line with a line, "no REASON" when it cannot:
 *
 *   cell TYPE PASS KIND B H HK TQ TK D   takes a cell (attention_cell.h): operations of a call in 1e9, or of a decoding step the bytes that it reads, the kernel's name
 *   give              writes the cell's inputs to FOLDER/inputs, floats side by side: queries, keys, values, what comes to the result
 *   write             one call: results as floats to FOLDER/heed: out, and after a pass backward the gradients of queries, keys and values
 *   check NAME        FOLDER/NAME against float64: greatest error, the naive form's
 *   run N             seconds of N calls
 *   memory            one call with results that were never touched: seconds, growth of the memory held, the most ever held, in MB (1e6 bytes)
 *   peak              GF/s in float32, width of its vectors in bits, GF/s in bfloat16
 *   reads BYTES       GB/s of blocks of so many bytes a thread
 *
 * `plain` is what a cell is compared with where there is no other peer: for additive scores a straightforward form in vectors, a query after the other; for weights that
 * are asked for afterwards the forward pass. It leaves at the end of its input. */
#include <omp.h>
#include <time.h>
#include <unistd.h>

#include "attention_check.h"
#include "attention_plain.h"
#include "kernels/kernels.h"
#include "kernels/peak.h"

typedef struct side {
    cell c;
    int threads;
    bool plain;
    const char *folder;
    heed_attention a;
    heed_attention_data data;
    heed_attention_gradients to;
    heed_attention_plan plan;
    void *q, *k, *v, *g;                                  /* in the cell's type: its own arrays where that is float */
    void *out, *dq, *dk, *dv, *scratch;
    float *weights;
    heed_attention_cache cache;
    heed_attention_step step;
    void *kept;                                           /* the cache's block */
    int64_t *query_start, *key_start;
    size_t bytes;                                         /* of scratch */
    bool prepared;                                        /* a forward pass of the cell has left what backward and weights need */
    bool expected;                                        /* what the cell's results should be is known */
    heed_error err;
} side;

/* --- setting up ----------------------------------------------------------------------------------------------------------------------- */

static void side_clear(side *s)
{
    void *const own[] = {s->q, s->k, s->v, s->g}, *const cells[] = {s->c.q, s->c.k, s->c.v, s->c.g};
    for (int i = 0; i < 4; i++)
        if (own[i] != cells[i]) free(own[i]);
    free(s->to.additive), free(s->out), free(s->dq), free(s->dk), free(s->dv), free(s->scratch), free(s->weights), free(s->kept), free(s->data.saved), free(s->query_start), free(s->key_start);
    cell_free(&s->c);
    *s = (side){.threads = s->threads, .plain = s->plain, .folder = s->folder};
}

static void *in_type(const cell *c, float *x, int64_t n)
{
    if (!c->bf16 || !n) return x;
    uint16_t *y = cell_room((size_t)n * sizeof *y);
    for (int64_t i = 0; y && i < n; i++) y[i] = bf16_of(x[i]);
    return y;
}

/* Results are not touched before the first call, so that `memory` sees them grow. */
static bool make_room(side *s)
{
    const cell *c = &s->c;
    const size_t one = c->bf16 ? 2 : 4, queries = one * (size_t)cell_queries(c), keys = one * (size_t)cell_keys(c);
    const bool trained = cell_is_trained(c);
    s->q = in_type(c, c->q, cell_queries(c)), s->k = in_type(c, c->k, cell_keys(c)), s->v = in_type(c, c->v, cell_keys(c));
    s->g = in_type(c, c->g, trained ? cell_queries(c) : 0);
    s->out = cell_room(queries);
    s->dq = cell_room(trained ? queries : 1), s->dk = cell_room(trained ? keys : 1), s->dv = cell_room(trained ? keys : 1);
    const bool saves = trained || c->pass == WEIGHTS;
    s->data.saved = saves ? malloc((size_t)(c->B * c->Tq * c->H) * sizeof(float)) : NULL;
    s->to.additive = trained && c->additive ? calloc((size_t)(c->H * c->D), sizeof(float)) : NULL;
    s->weights = malloc(c->pass == WEIGHTS ? 16 * (size_t)c->Tk * sizeof(float) : 1);
    s->query_start = malloc((size_t)(c->B + 1) * sizeof(int64_t)), s->key_start = malloc((size_t)(c->B + 1) * sizeof(int64_t));
    for (int64_t b = 0; s->query_start && s->key_start && b <= c->B; b++) s->query_start[b] = b * c->Tq, s->key_start[b] = b * c->Tk;
    return (s->data.saved || !saves) && s->q && s->k && s->v && s->g && s->out && s->dq && s->dk && s->dv && s->weights &&
           (s->to.additive || !trained || !c->additive) && s->query_start && s->key_start;
}

/* Keeps all keys and values, in the order that is read fastest. */
static bool keep(side *s)
{
    const cell *c = &s->c;
    const int64_t rows = c->B * c->Tk;
    s->cache = (heed_attention_cache){.type = c->int8 ? HEED_INT8 : c->bf16 ? HEED_BF16 : HEED_F32, .key_heads = c->Hk, .width = c->D, .rows = rows};
    s->step = (heed_attention_step){.cache = &s->cache, .q = s->data.q, .out = s->data.out};
    s->kept = aligned_alloc(64, (heed_attention_cache_bytes(&s->cache) + 63) / 64 * 64);
    int64_t *row = malloc((size_t)rows * sizeof *row);
    for (int64_t i = 0; row && i < rows; i++) row[i] = i;
    bool good = row && s->kept;
    if (good) {
        heed_attention_cache_lay(&s->cache, s->kept);
        good = !heed_attention_cache_append(&s->cache, rows, row, s->a.type, s->data.k, s->data.v, &s->err);
    }
    free(row);
    s->bytes = heed_attention_decode_bytes(&s->a);
    return good;
}

static bool settle(side *s)
{
    const cell *c = &s->c;
    const int64_t wide = c->H * c->D, narrow = c->Hk * c->D;
    s->a = (heed_attention){.type = c->bf16 ? HEED_BF16 : HEED_F32, .score = c->additive ? HEED_ATTENTION_ADDITIVE : HEED_ATTENTION_DOT, .align = c->align,
                            .window = c->window, .heads = c->H, .key_heads = c->Hk, .width = c->D, .sequences = c->B, .query_start = s->query_start,
                            .key_start = s->key_start, .additive = c->additive ? c->additive_v : NULL, .threads = s->threads};
    s->data.q = (heed_attention_in){s->q, 0, wide, c->D}, s->data.k = (heed_attention_in){s->k, 0, narrow, c->D};
    s->data.v = (heed_attention_in){s->v, 0, narrow, c->D}, s->data.out = (heed_attention_out){s->out, 0, wide, c->D};
    s->to = (heed_attention_gradients){.out = {s->g, 0, wide, c->D}, .q = {s->dq, 0, wide, c->D}, .k = {s->dk, 0, narrow, c->D}, .v = {s->dv, 0, narrow, c->D},
                                       .additive = s->to.additive};
    if (c->pass == DECODE ? !keep(s) : heed_attention_plan_of(&s->a, &s->plan, &s->err) != HEED_OK) return false;
    if (c->pass != DECODE) s->bytes = s->plan.forward > s->plan.backward ? s->plan.forward : s->plan.backward;
    s->scratch = aligned_alloc(64, (s->bytes + 64) / 64 * 64);
    return s->scratch || !heed_fail(&s->err, HEED_E_NOMEM, "no memory");
}

/* --- calls ---------------------------------------------------------------------------------------------------------------------------- */

static bool call_plainly(side *s)
{
    const plain_data data = {s->out, s->dq, s->dk, s->dv, s->to.additive};
    if (!s->c.additive) return !heed_attention_forward(&s->a, &s->data, s->scratch, s->bytes, &s->err);
    return plain_additive(&s->c, &data, s->threads) || !heed_fail(&s->err, HEED_E_NOMEM, "no memory");
}

/* Sixteen queries from the middle of the first sequence, under every head. */
static bool weigh(side *s)
{
    heed_status status = HEED_OK;
    for (int64_t h = 0; !status && h < s->c.H; h++)
        status = heed_attention_weights(&s->a, &s->data, 0, h, s->c.Tq / 2, 16, s->weights, NULL, s->scratch, s->bytes, &s->err);
    return !status;
}

static bool call(side *s, pass pass)
{
    if (s->plain) return call_plainly(s);
    if (pass == WEIGHTS) return weigh(s);
    if (pass == DECODE) return !heed_attention_decode(&s->a, &s->step, s->scratch, s->bytes, &s->err);
    if (pass != BACKWARD && heed_attention_forward(&s->a, &s->data, s->scratch, s->bytes, &s->err)) return false;
    return pass == FORWARD || !heed_attention_backward(&s->a, &s->data, &s->to, s->scratch, s->bytes, &s->err);
}

/* What a pass needs to have gone before it. */
static bool prepare(side *s)
{
    const pass pass = s->c.pass;
    if (s->plain || s->prepared || (pass != BACKWARD && pass != WEIGHTS)) return true;
    s->prepared = !heed_attention_forward(&s->a, &s->data, s->scratch, s->bytes, &s->err);
    return s->prepared;
}

/* --- answers -------------------------------------------------------------------------------------------------------------------------- */

static void refuse(const side *s) { printf("no %s\n", s->err.status ? s->err.text : "memory, or no such cell"); }

static void answer_cell(side *s, const char *words)
{
    side_clear(s);
    const bool good = cell_read(&s->c, words) && make_room(s) && settle(s);
    if (good && s->c.pass == DECODE) printf("%.9f decode\n", cell_bytes(&s->c) / 1e9);
    else if (good) printf("%.6f %s%s\n", cell_flop(&s->c) / 1e9, s->plan.kernel, s->plan.slow ? ", row by row" : "");
    else refuse(s);
}

static bool write_result(const side *s, const void *x, int64_t n, FILE *out)
{
    if (!s->c.bf16) return fwrite(x, sizeof(float), (size_t)n, out) == (size_t)n;
    bool good = true;
    for (int64_t i = 0; good && i < n; i++) {
        const float y = float_of(((const uint16_t *)x)[i]);
        good = fwrite(&y, sizeof y, 1, out) == 1;
    }
    return good;
}

/* Whether weights that are asked for leave the result and a forward pass after them as they were, bit by bit. */
static bool weights_change_nothing(side *s)
{
    const size_t bytes = (size_t)cell_queries(&s->c) * (s->c.bf16 ? 2 : 4);
    void *before = malloc(bytes);
    bool good = before && prepare(s);
    if (good) memcpy(before, s->out, bytes);
    good = good && weigh(s) && !memcmp(before, s->out, bytes) && !heed_attention_forward(&s->a, &s->data, s->scratch, s->bytes, &s->err) && !memcmp(before, s->out, bytes);
    free(before);
    return good || !heed_fail(&s->err, HEED_E_DATA, "weights that were asked for changed the result");
}

static void answer_write(side *s)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/heed", s->folder);
    const cell *c = &s->c;
    FILE *out = fopen(path, "wb");
    bool good = out && (s->plain || c->pass != WEIGHTS || weights_change_nothing(s)) && prepare(s) && call(s, c->pass) && write_result(s, s->out, cell_queries(c), out);
    if (good && cell_is_trained(c))
        good = write_result(s, s->dq, cell_queries(c), out) && write_result(s, s->dk, cell_keys(c), out) && write_result(s, s->dv, cell_keys(c), out);
    if (out) good = !fclose(out) && good;
    if (good) puts("done");
    else refuse(s);
}

static void answer_check(side *s, const char *name)
{
    static expectations e;           /* of the cell that was taken last */
    const cell *c = &s->c;
    const int64_t queries = cell_queries(c), keys = cell_keys(c), n = queries + (cell_is_trained(c) ? queries + 2 * keys : 0);
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", s->folder, name);
    float *got = malloc((size_t)n * sizeof *got);
    FILE *in = fopen(path, "rb");
    fault worst = {0};
    const bool good = got && in && fread(got, sizeof *got, (size_t)n, in) == (size_t)n && (s->expected || expect(c, &e));
    s->expected |= good;
    if (good) {
        judge(c, &e.out, got, &worst);
        judge(c, &e.dq, got + queries, &worst);
        judge(c, &e.dk, got + 2 * queries, &worst);
        judge(c, &e.dv, got + 2 * queries + keys, &worst);
        printf("%.3g %.3g\n", worst.error, worst.naive);
    } else {
        printf("no results in %s\n", path);
    }
    if (in) fclose(in);
    free(got);
}

/* Threads that wait for work burn a processor for some milliseconds; the other side's turn begins when they have gone to sleep. */
static void rest(void) { nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL); }

static void answer_run(side *s, long calls)
{
    bool good = prepare(s);
    const double began = omp_get_wtime();
    for (long i = 0; good && i < calls; i++) good = call(s, s->c.pass);
    const double seconds = omp_get_wtime() - began;
    rest();
    if (good) printf("%.9f\n", seconds);
    else refuse(s);
}

static double held(const char *field)   /* a line of /proc/self/status, in MB */
{
    char line[256];
    long kb = 0;
    FILE *in = fopen("/proc/self/status", "r");
    while (in && fgets(line, sizeof line, in))
        if (!strncmp(line, field, strlen(field))) kb = strtol(line + strlen(field), NULL, 10);
    if (in) fclose(in);
    return (double)kb * 1024 / 1e6;
}

static void answer_memory(side *s)
{
    FILE *reset = fopen("/proc/self/clear_refs", "w");
    if (reset) fputs("5", reset), fclose(reset);
    const double before = held("VmRSS:"), began = omp_get_wtime();
    const bool good = prepare(s) && call(s, s->c.pass);
    const double seconds = omp_get_wtime() - began, most = held("VmHWM:");
    if (good) printf("%.6f %.1f %.1f\n", seconds, most - before, most);
    else refuse(s);
}

static void answer_peak(const side *s)
{
    const char *isa = heed_kernels_get()->isa;
    int bits = !strcmp(isa, "avx2") ? 256 : 512;
    const double f32 = heed_peak_f32(s->threads, &bits);
    printf("%.1f %d %.1f\n", f32, bits, heed_peak_bf16(s->threads));
}

static void answer(side *s, char *line)
{
    line[strcspn(line, "\n")] = 0;
    char *rest_of_line = strchr(line, ' ');
    const char *words = rest_of_line ? rest_of_line + 1 : "";
    if (rest_of_line) *rest_of_line = 0;
    char path[4096];
    snprintf(path, sizeof path, "%s/inputs", s->folder);
    if (!strcmp(line, "cell")) answer_cell(s, words);
    else if (!strcmp(line, "peak")) answer_peak(s);
    else if (!strcmp(line, "reads")) printf("%.1f\n", heed_peak_reads(strtol(words, NULL, 10), s->threads));
    else if (!s->scratch) puts("no cell was taken");
    else if (!strcmp(line, "give")) puts(cell_write(&s->c, path) ? "done" : "no room on the disk");
    else if (!strcmp(line, "write")) answer_write(s);
    else if (!strcmp(line, "check")) answer_check(s, words);
    else if (!strcmp(line, "run")) answer_run(s, strtol(words, NULL, 10));
    else if (!strcmp(line, "memory")) answer_memory(s);
    else puts("no such word");
    fflush(stdout);
}

int main(int argc, char **argv)
{
    static char line[4096];
    if (argc < 3) return fputs("usage: attention THREADS FOLDER [plain]\n", stderr), 2;
    side s = {.threads = (int)strtol(argv[1], NULL, 10), .folder = argv[2], .plain = argc > 3};
    printf("ready heed 0.1.0, %s\n", heed_kernels_get()->isa);
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) answer(&s, line);
    side_clear(&s);
    return 0;
}
