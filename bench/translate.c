/* One side of bench/translate.sh: how long heed takes to answer. The other side, translate_ct2.py, speaks the same words.
 *
 *   translate MODEL INPUT THREADS OUT [SYMBOLS]    MODEL answers the lines of INPUT. SYMBOLS: every answer has as many, whatever the model would do
 *
 * First it writes, for the other side, the symbols that it reads to OUT.source, numbers, a line a line, and the texts of all symbols, a line each, with U+2581
 * for spaces, to OUT.symbols. Its last answers are in OUT. It says "ready WEIGHTS ABOUT-ITSELF" and then answers each line "run BEAM BATCH LINES" (of the first
 * LINES; 0: all; BATCH is its own affair) with one line: seconds, symbols of the answers (ends not counted), the most memory it ever held in MB (1e6 bytes).
 * It leaves at the end of its input. */
#include <inttypes.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heed.h"
#include "memory.h"
#include "model/model.h"

enum { MOST_LINES = 100000, LINE_SIZE = 1 << 16 };

static int complain(const char *text)
{
    fprintf(stderr, "bench/translate: %s\n", text);
    return 1;
}

typedef struct bench {
    heed_model *model;
    heed_session *session;
    heed_item *items;
    int64_t count;
    const char *out;
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
    while (in && b->items && b->count < MOST_LINES && fgets(line, sizeof line, in)) {
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

static bool write_answers(const bench *b, const heed_reply *reply)
{
    FILE *out = fopen(b->out, "w");
    for (int64_t i = 0; out && i < heed_reply_count(reply); i++) fprintf(out, "%s\n", heed_reply_at(reply, i)->text);
    return out && fclose(out) == 0;
}

static bool answer(bench *b, int64_t beam, int64_t lines, heed_error *err)
{
    const heed_decode decode = {.beam = beam};
    const heed_request request = {.items = b->items, .count = lines > 0 && lines < b->count ? lines : b->count, .decode = &decode};
    const double began = omp_get_wtime();
    heed_reply *reply = heed_session_run(b->session, &request, err);
    const double seconds = omp_get_wtime() - began;
    int64_t symbols = 0;
    for (int64_t i = 0; reply && i < request.count; i++) {
        const heed_output *x = heed_reply_at(reply, i);
        for (int64_t j = 0; j < x->count; j++) symbols += j + 1 < x->count || x->tokens[j].end > x->tokens[j].start;
    }
    const bool good = reply && write_answers(b, reply);
    heed_reply_free(reply);
    if (!good) return false;
    printf("%.6f %" PRId64 " %.0f\n", seconds, symbols, most_memory());
    fflush(stdout);
    return true;
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
    if (!write_source(b, &err) || !write_symbols(b)) return complain(err.status ? err.text : "cannot write the symbols");
    printf("ready %" PRId64 " %s\n", weights_of(b->model->params), heed_build());
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        long beam = 0, batch, lines;
        if (sscanf(line, "run %ld %ld %ld", &beam, &batch, &lines) != 3) return complain("the only words known are: run BEAM BATCH LINES");
        if (!answer(b, beam, lines, &err)) return complain(err.status ? err.text : "cannot write the answers");
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 5 && argc != 6) return complain("MODEL INPUT THREADS OUT [SYMBOLS]");
    heed_error err = {.status = HEED_OK};
    bench b = {.out = argv[4], .model = heed_model_open(argv[1], NULL, &err)};
    if (b.model && argc == 6) force(b.model, strtol(argv[5], NULL, 10));
    b.session = b.model ? heed_session_new(b.model, &(heed_session_options){.threads = (int)strtol(argv[3], NULL, 10)}, &err) : NULL;
    const int rc = !b.session ? complain(err.text) : !read_lines(&b, argv[2]) ? complain("no lines to answer") : serve(&b);
    for (int64_t i = 0; i < b.count; i++) free((char *)b.items[i].text);
    free(b.items);
    heed_session_free(b.session);
    heed_model_close(b.model);
    return rc;
}
