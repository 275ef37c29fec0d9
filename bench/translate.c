/* One side of bench/translate.sh: how long heed takes to answer. The other side, translate_ct2.py, speaks the same words.
 *
 *   translate MODEL INPUT NUMBERS OUT [SYMBOLS]    MODEL, whose products multiply NUMBERS (f32, bf16 or int8), answers the lines of INPUT.
 *                                                  SYMBOLS: every answer has as many, whatever the model would do
 *
 * First it writes, for the other side, the symbols that it reads to OUT.source, numbers, a line a line, and the texts of all symbols, a line each, with U+2581
 * for spaces, to OUT.symbols. Its last answers are in OUT.NUMBERS, each with its symbols behind it, after tabs. It says "ready WEIGHTS NUMBERS ABOUT-ITSELF",
 * where NUMBERS are what this processor has instructions for, and then answers each line "run BEAM BATCH LINES WORKERS THREADS" (of the first LINES; 0: all;
 * BATCH: lines at once, at most) with one line: seconds, symbols of the answers (ends not counted), the most memory that it ever held above what it
 * held before it opened the model, in MB (1e6 bytes), and the 1e9 multiplications and additions of weights that such answers take. Several threads of one
 * worker get a batch after the other. "peak THREADS" gives bits, GF/s of f32 and of bf16. It leaves at the end of its input. */
#include <inttypes.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heed.h"
#include "kernels/peak.h"
#include "memory.h"
#include "model/model.h"

/* ROWS: hypotheses that stand side by side, at most, as in a session that is not told otherwise. */
enum { MOST_LINES = 100000, LINE_SIZE = 1 << 16, MOST_SESSIONS = 16, ROWS = 64 };

typedef struct run { int64_t beam, batch, lines; int workers, threads; } run;
typedef struct work { double encoder, step; } work;   /* weights that a symbol of a source, and a hypothesis at a step, are multiplied with */
typedef struct session { heed_session *session; int64_t batch; int threads; } session;

static int complain(const char *text)
{
    fprintf(stderr, "bench/translate: %s\n", text);
    return 1;
}

typedef struct bench {
    heed_model *model;
    session sessions[MOST_SESSIONS];   /* of every shape that was asked for: kept, so that their memory is warm */
    heed_item *items;
    int64_t *length;                   /* [count] symbols of the sources, ends counted */
    int64_t count;
    const char *out, *numbers;
    double idle;                       /* MB before the model was opened */
    work work;
} bench;

/* An end is out of the question, so that the limit of length cuts every answer. */
static void force(heed_model *m, int64_t symbols)
{
    m->head.bias->tensor.x[HEED_EOS] = -1e4f;
    m->recipe.decode.max_ratio = 0;
    m->recipe.decode.max_extra = symbols;
}

static bool read_lines(bench *b, const char *path)
{
    static char line[LINE_SIZE];
    FILE *in = fopen(path, "r");
    b->items = calloc(MOST_LINES, sizeof *b->items);
    b->length = calloc(MOST_LINES, sizeof *b->length);
    while (in && b->items && b->length && b->count < MOST_LINES && fgets(line, sizeof line, in)) {
        line[strcspn(line, "\n")] = 0;
        if (!(b->items[b->count++].text = strdup(line))) break;
    }
    if (in) fclose(in);
    return in && b->count;
}

static FILE *open_beside(const bench *b, const char *ending)
{
    char path[4096];
    snprintf(path, sizeof path, "%s.%s", b->out, ending);
    return fopen(path, "w");
}

static bool write_source(const bench *b, heed_error *err)
{
    heed_tokens symbols = {0};
    FILE *out = open_beside(b, "source");
    bool good = out != NULL;
    for (int64_t i = 0; good && i < b->count; i++) {
        good = heed_text_encode(b->model->source, b->items[i].text, strlen(b->items[i].text), &symbols, err) == HEED_OK;
        for (int64_t j = 0; good && j < symbols.count; j++) fprintf(out, "%d ", symbols.item[j].id);
        b->length[i] = symbols.count + 1;
        if (good) fputs("\n", out);
    }
    heed_tokens_free(&symbols);
    return out && fclose(out) == 0 && good;
}

static bool write_symbols(const bench *b)
{
    FILE *out = open_beside(b, "symbols");
    for (int32_t i = 0; out && i < heed_text_size(b->model->target); i++) fprintf(out, "%s\n", heed_text_printed(b->model->target, i));
    return out && fclose(out) == 0;
}

static bool printed(const heed_output *x, int64_t i) { return i + 1 < x->count || x->tokens[i].end > x->tokens[i].start; }   /* no end */

/* Lines from `first` on; returns their symbols, -1 on error. */
static int64_t write_answers(const bench *b, const heed_reply *reply, int64_t first)
{
    char path[4096];
    snprintf(path, sizeof path, "%s.%s", b->out, b->numbers);
    FILE *out = fopen(path, first ? "a" : "w");
    int64_t symbols = 0;
    for (int64_t i = 0; out && i < heed_reply_count(reply); i++) {
        const heed_output *x = heed_reply_at(reply, i);
        fputs(x->text, out);
        for (int64_t j = 0; j < x->count; j++) {
            if (!printed(x, j)) continue;
            fprintf(out, "\t%s", x->tokens[j].text);
            symbols++;
        }
        fputs("\n", out);
    }
    return out && fclose(out) == 0 ? symbols : -1;
}

static heed_session *session_for(bench *b, const run *r, heed_error *err)
{
    const int64_t rows = r->batch * r->beam, batch = r->batch == 1 ? 1 : rows < ROWS ? rows : ROWS;
    const int threads = r->workers * r->threads;
    session *s = b->sessions;
    while (s->session && (s->batch != batch || s->threads != threads)) s++;
    if (s - b->sessions == MOST_SESSIONS - 1) return heed_fail(err, HEED_E_LIMIT, "too many shapes"), NULL;
    if (!s->session) *s = (session){heed_session_new(b->model, &(heed_session_options){.threads = threads, .batch = batch}, err), batch, threads};
    return s->session;
}

/* Keys and values of a source are the decoder's weights, but not multiplied at every step. */
static work work_of(const heed_model *m)
{
    work w = {0};
    for (int64_t i = 0; i < heed_params_count(m->params); i++) {
        const heed_weight *x = heed_params_at(m->params, i);
        const bool of_source = strncmp(x->name, "encoder.", 8) == 0 || strstr(x->name, ".cross.key") || strstr(x->name, ".cross.value");
        if (x->product) *(of_source ? &w.encoder : &w.step) += (double)(x->tensor.rows * x->tensor.cols);
    }
    return w;
}

static double gflop(const bench *b, const run *r, int64_t lines, int64_t symbols)
{
    int64_t source = 0;
    for (int64_t i = 0; i < lines; i++) source += b->length[i];
    return 2e-9 * (b->work.encoder * (double)source + b->work.step * (double)(symbols * r->beam));
}

static bool answer(bench *b, const run *r, heed_error *err)
{
    const heed_decode decode = {.beam = r->beam};
    const int64_t lines = r->lines > 0 && r->lines < b->count ? r->lines : b->count, piece = r->threads > 1 ? r->batch : lines;
    int64_t symbols = 0;
    double seconds = 0;
    heed_session *session = session_for(b, r, err);
    for (int64_t first = 0; session && first < lines; first += piece) {
        const heed_request request = {.items = b->items + first, .count = piece < lines - first ? piece : lines - first, .unscored = true,
                                      .decode = &decode};
        const double began = omp_get_wtime();
        heed_reply *reply = heed_session_run(session, &request, err);
        seconds += omp_get_wtime() - began;
        const int64_t wrote = reply ? write_answers(b, reply, first) : -1;
        heed_reply_free(reply);
        if (wrote < 0) return false;
        symbols += wrote;
    }
    if (!session) return false;
    printf("%.6f %" PRId64 " %.1f %.6f\n", seconds, symbols, most_memory() - b->idle, gflop(b, r, lines, symbols));
    fflush(stdout);
    return true;
}

static void tell_peak(int threads)
{
    int bits = 512;
    const double f32 = heed_peak_f32(threads, &bits);
    printf("%d %.1f %.1f\n", bits, f32, heed_peak_bf16(threads));
    fflush(stdout);
}

static int64_t weights_of(const heed_params *p)
{
    int64_t n = 0;
    for (int64_t i = 0; i < heed_params_count(p); i++) n += heed_params_at(p, i)->tensor.rows * heed_params_at(p, i)->tensor.cols;
    return n;
}

static int serve(bench *b)
{
    heed_error err = {.status = HEED_OK};
    char line[64];
    b->work = work_of(b->model);
    if (!write_source(b, &err) || !write_symbols(b)) return complain(err.status ? err.text : "cannot write the symbols");
    printf("ready %" PRId64 " %s %s\n", weights_of(b->model->params), heed_number_name(heed_model_number(b->model, NULL)), heed_build());
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        run r = {0};
        int threads;
        if (sscanf(line, "peak %d", &threads) == 1) tell_peak(threads);
        else if (sscanf(line, "run %" SCNd64 " %" SCNd64 " %" SCNd64 " %d %d", &r.beam, &r.batch, &r.lines, &r.workers, &r.threads) != 5)
            return complain("the only words known are: run BEAM BATCH LINES WORKERS THREADS, peak THREADS");
        else if (!answer(b, &r, &err)) return complain(err.status ? err.text : "cannot write the answers");
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 5 && argc != 6) return complain("MODEL INPUT NUMBERS OUT [SYMBOLS]");
    heed_error err = {.status = HEED_OK};
    char precision[64];
    snprintf(precision, sizeof precision, "decode.precision=%s", argv[3]);
    const char *const sets[] = {precision};
    bench b = {.out = argv[4], .numbers = argv[3], .idle = most_memory()};
    b.model = heed_model_open(argv[1], &(heed_model_options){.sets = sets, .set_count = 1}, &err);
    if (b.model && argc == 6) force(b.model, strtol(argv[5], NULL, 10));
    const int rc = !b.model ? complain(err.text) : !read_lines(&b, argv[2]) ? complain("no lines to answer") : serve(&b);
    for (int64_t i = 0; i < b.count; i++) free((char *)b.items[i].text);
    free(b.items);
    free(b.length);
    for (session *s = b.sessions; s->session; s++) heed_session_free(s->session);
    heed_model_close(b.model);
    return rc;
}
