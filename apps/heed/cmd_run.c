/* heed run: one answer a line, in order. The formats are those of docs/contract.md. */
#include "cli.h"
#include "lines.h"
#include "look.h"

#include <stdlib.h>
#include <string.h>

typedef struct run_values {
    const char *input, *align, *target, *prefix, *prefixes;
    bool scores, json, weights, keep_going, sample;
    cli_look look;
    int64_t beam, nbest, top_k, seed;
    double temperature, top_p;
    cli_texts sets;
} run_values;

enum { NOT_GIVEN = -1 };

static const cli_option options[] = {
    {"--input", "text|json|tsv", CLI_TEXT, offsetof(run_values, input), "lines taken as they are (default), or one JSON object a line"},
    {"--scores", NULL, CLI_FLAG, offsetof(run_values, scores), "a field before the text: ln p of all its symbols, the end included"},
    {"--align", "pharaoh|soft|symbols", CLI_TEXT, offsetof(run_values, align), "a field after the text: which words, or symbols, belong together"},
    {"--json", NULL, CLI_FLAG, offsetof(run_values, json), "one JSON object a record, with symbols, scores and links"},
    {"--weights", NULL, CLI_FLAG, offsetof(run_values, weights), "with --json: every weight too"},
    {"--target", "FILE", CLI_TEXT, offsetof(run_values, target), "not what the model writes, but these lines, scored and aligned"},
    {"--beam", "N", CLI_WHOLE, offsetof(run_values, beam), "hypotheses kept, 1 (greedy) to 64; default: the recipe's decode.beam"},
    {"--nbest", "N", CLI_WHOLE, offsetof(run_values, nbest), "the N best, a line each: record from 0, rank from 1, the fields"},
    {"--prefix", "TEXT", CLI_TEXT, offsetof(run_values, prefix), "every answer begins with this"},
    {"--prefixes", "FILE", CLI_TEXT, offsetof(run_values, prefixes), "every answer begins with its line of this file"},
    {"--sample", NULL, CLI_FLAG, offsetof(run_values, sample), "draw answers instead of searching for the best"},
    {"--temperature", "T", CLI_REAL, offsetof(run_values, temperature), "with --sample: logits are divided by T; default 1"},
    {"--top-k", "N", CLI_WHOLE, offsetof(run_values, top_k), "with --sample: only the N likeliest symbols; default all"},
    {"--top-p", "P", CLI_REAL, offsetof(run_values, top_p), "with --sample: only the fewest symbols that hold the share P; default 1"},
    {"--seed", "N", CLI_WHOLE, offsetof(run_values, seed), "with --sample: another seed, other draws; default 0"},
    {CLI_SET, CLI_TEXTS, offsetof(run_values, sets), CLI_SET_HELP},
    {"--keep-going", NULL, CLI_FLAG, offsetof(run_values, keep_going), "an empty line for a record that cannot be read; report at the end"},
    CLI_LOOK(run_values),
    {0},
};

enum { AT_ONCE = 1024, REPORTED = 5 };

/* One line of input: an item, an empty line, or why it cannot be read. */
typedef struct record {
    int64_t line;
    int64_t item;             /* its place in the request, -1: none */
    char *memory, *beside;    /* what the item's texts live in, when not in the line itself; beside: of the target or prefix from a file */
    heed_status status;
    char *error;
} record;

typedef struct running {
    const run_values *v;
    heed_session *session;
    heed_look look;
    cli_lines input, beside;            /* beside: lines of --target or --prefixes, side by side with the input */
    heed_decode decode;
    record records[AT_ONCE];
    heed_item items[AT_ONCE];
    int64_t count, item_count;
    int64_t answered;                   /* records before this chunk: the next id */
    int64_t failures;
    char reports[REPORTED][400];
    heed_status status;                 /* of what ended the run */
} running;

static bool blank(const char *text)
{
    return !text[strspn(text, " \t")];
}

static void refuse(record *r, heed_status status, const char *text)
{
    r->item = -1;
    r->status = status;
    r->error = strdup(text);
}

static void read_item(running *r, record *now, char *text, size_t size)
{
    heed_item item = {.text = text};
    heed_error err = {0};
    if (r->v->input && !strcmp(r->v->input, "json") && size && heed_item_parse(text, size, &item, &now->memory, &err))
        refuse(now, err.status, err.text);
    else if (memchr(text, 0, size))
        refuse(now, HEED_E_DATA, "holds a zero byte, which no text does");
    if (now->status)
        return;
    if (r->v->target)
        item.target = now->beside;
    if (r->v->prefix || r->v->prefixes)
        item.prefix = r->v->prefix ? r->v->prefix : now->beside;
    if (item.target && item.prefix)
        return refuse(now, HEED_E_DATA, "has a target and a prefix; give one");
    if (blank(item.text))
        return;
    now->item = r->item_count;
    r->items[r->item_count++] = item;
}

/* The target or prefix of the same line. False: said. */
static bool read_beside(running *r, record *now)
{
    char *text;
    size_t size;
    heed_error err = {0};
    if (cli_lines_read(&r->beside, &text, &size, &err)) {
        now->beside = strdup(text);
        if (memchr(text, 0, size))
            refuse(now, HEED_E_DATA, r->v->target ? "its target holds a zero byte, which no text does" : "its prefix holds a zero byte, which no text does");
        return true;
    }
    if (!err.status)
        heed_fail(&err, HEED_E_DATA, "%s ends after line %lld, but %s goes on with line %lld; both need one line a record", r->beside.name,
                  (long long)r->beside.number, r->input.name, (long long)r->input.number);
    r->status = err.status;
    cli_fail(&err);
    return false;
}

static void take_lines(running *r)
{
    char *text;
    size_t size;
    while (r->count < AT_ONCE && !r->status && cli_lines_ready(&r->input, &text, &size)) {
        record *now = &r->records[r->count];
        *now = (record){.line = r->input.number, .item = -1};
        if (r->beside.fd >= 0 && !read_beside(r, now))
            return;
        r->count++;
        read_item(r, now, text, size);
    }
}

static void forget(running *r)
{
    for (int64_t i = 0; i < r->count; i++) {
        heed_free(r->records[i].memory);
        free(r->records[i].beside);
        free(r->records[i].error);
    }
    r->decode.first += (uint64_t)r->item_count;
    r->answered += r->count;
    r->count = r->item_count = 0;
}

/* A line of output stays one line, whatever a JSON text or a model's symbols hold. */
static void print_one_line(const char *text)
{
    for (; *text; text++)
        putchar(*text == '\n' || *text == '\r' ? ' ' : *text);
}

static void print_links(const heed_output *o)
{
    for (int64_t i = 0; i < o->link_count; i++)
        printf("%s%lld-%lld", i ? " " : "", (long long)o->links[i].source, (long long)o->links[i].target);
}

/* Letters and sounds, say: for each symbol written the heaviest symbol read; the ends of both sides stay out. */
static void print_symbol_links(const heed_output *o)
{
    for (int64_t i = 0; o->shown && i < o->count && o->tokens[i].start < o->tokens[i].end; i++) {
        const float *row = o->shown + i * o->source_count;
        int64_t best = 0;
        for (int64_t j = 1; j + 1 < o->source_count; j++)
            best = row[j] > row[best] ? j : best;
        printf("%s%lld-%lld", i ? " " : "", (long long)best, (long long)i);
    }
}

static void print_soft(const heed_output *o)
{
    for (int64_t i = 0; o->word_weights && i < o->target_words; i++)
        for (int64_t j = 0; j < o->source_words; j++)
            printf("%s%.4f", j ? "," : i ? " " : "", o->word_weights[i * o->source_words + j]);
}

static void print_fields(const heed_output *o, const run_values *v)
{
    if (v->scores)
        printf("%.4f\t", o->score);
    print_one_line(o->text);
    if (v->align) {
        putchar('\t');
        if (!strcmp(v->align, "soft"))
            print_soft(o);
        else if (!strcmp(v->align, "symbols"))
            print_symbol_links(o);
        else
            print_links(o);
    }
    putchar('\n');
}

static void print_best(const heed_output *o, const run_values *v, int64_t id)
{
    for (int64_t i = 0; i <= o->alternative_count; i++) {
        printf("%lld\t%lld\t", (long long)id, (long long)i + 1);
        print_fields(i ? &o->alternatives[i - 1] : o, v);
    }
}

static heed_status print_json(const heed_reply *reply, int64_t item, int64_t id, bool weights)
{
    heed_error err = {0};
    char *text = heed_reply_json(reply, item, id, weights, &err);
    if (!text) {
        cli_fail(&err);
        return err.status;
    }
    size_t length = strlen(text);
    fputs(text, stdout);
    if (!length || text[length - 1] != '\n')
        putchar('\n');
    heed_free(text);
    return HEED_OK;
}

static void note_failure(running *r, const record *now, heed_status status, const char *why)
{
    if (!r->v->keep_going) {
        cli_complain("%s: line %lld: %s", r->input.name, (long long)now->line, why);
        r->status = status;
        return;
    }
    putchar('\n');
    if (r->failures < REPORTED)
        snprintf(r->reports[r->failures], sizeof *r->reports, "%s: line %lld: %s", r->input.name, (long long)now->line, why);
    r->failures++;
}

static void print_record(running *r, const heed_reply *reply, int64_t i)
{
    const record *now = &r->records[i];
    const heed_output *o = now->item >= 0 ? heed_reply_at(reply, now->item) : NULL;
    if (now->status)
        note_failure(r, now, now->status, now->error ? now->error : "out of memory");
    else if (!o)
        putchar('\n');
    else if (o->status)
        note_failure(r, now, o->status, o->error);
    else if (r->v->json)
        r->status = print_json(reply, now->item, r->answered + i, r->v->weights);
    else if (r->v->nbest == NOT_GIVEN)
        print_fields(o, r->v);
    else
        print_best(o, r->v, r->answered + i);
}

static heed_reply *ask(running *r, heed_error *err)
{
    const run_values *v = r->v;
    const heed_request request = {.items = r->items, .count = r->item_count, .shown = v->align && !strcmp(v->align, "symbols"), .weights = v->weights,
                                  .look = &r->look, .decode = &r->decode};
    return heed_session_run(r->session, &request, err);
}

static void answer(running *r)
{
    heed_error err = {0};
    heed_reply *reply = NULL;
    if (r->item_count) {
        reply = ask(r, &err);
        if (!reply) {
            r->status = err.status;
            cli_fail(&err);
        }
    }
    for (int64_t i = 0; i < r->count && (reply || !r->item_count) && !err.status; i++) {
        print_record(r, reply, i);
        if (r->status)
            break;
    }
    heed_reply_free(reply);
    forget(r);
    if (fflush(stdout) && !r->status)
        r->status = HEED_E_IO;            /* main() says why */
}

static void run_file(running *r, const char *path)
{
    heed_error err = {0};
    if (!cli_lines_open(&r->input, path, &err)) {
        r->status = err.status;
        cli_fail(&err);
        return;
    }
    do {
        for (take_lines(r); r->count; take_lines(r)) {
            heed_status before = r->status;
            r->status = HEED_OK;
            answer(r);
            if (before)
                r->status = before;
            if (r->status)
                break;
        }
    } while (!r->status && cli_lines_fill(&r->input, &err));
    if (!r->status && err.status) {
        r->status = err.status;
        cli_fail(&err);
    }
    cli_lines_close(&r->input);
}

/* Lines that nothing asked for mean that the two files do not belong together. */
static void check_beside(running *r)
{
    char *text;
    size_t size;
    heed_error err = {0};
    if (cli_lines_read(&r->beside, &text, &size, &err))
        heed_fail(&err, HEED_E_DATA, "%s goes on with line %lld, but the input ended; both need one line a record", r->beside.name,
                  (long long)r->beside.number);
    if (err.status) {
        r->status = err.status;
        cli_fail(&err);
    }
}

static int report(const running *r)
{
    for (int64_t i = 0; i < r->failures && i < REPORTED; i++)
        cli_complain("%s", r->reports[i]);
    if (r->failures)
        cli_complain("%lld of %lld records could not be read%s", (long long)r->failures, (long long)r->answered,
                     r->failures > REPORTED ? "; the first ones are named above" : "");
    return r->status ? cli_exit(r->status) : r->failures ? EXIT_DATA : EXIT_OK;
}

static int64_t or_zero(int64_t given) { return given == NOT_GIVEN ? 0 : given; }

static heed_decode decode_of(const run_values *v)
{
    return (heed_decode){.beam = or_zero(v->beam), .nbest = or_zero(v->nbest), .sample = v->sample, .top_k = or_zero(v->top_k),
                         .temperature = v->temperature == NOT_GIVEN ? 0 : v->temperature, .top_p = v->top_p == NOT_GIVEN ? 0 : v->top_p,
                         .seed = (uint64_t)or_zero(v->seed)};
}

/* Settings that the model refuses are told before any input is waited for. */
static bool check_settings(running *r, heed_error *err)
{
    heed_reply *nothing = ask(r, err);
    heed_reply_free(nothing);
    return nothing != NULL;
}

static int run_all(const run_values *v, const cli_open *open, char **files, int count)
{
    running *r = calloc(1, sizeof *r);
    heed_error err = {0};
    if (!r) {
        cli_complain("out of memory");
        return EXIT_OUTSIDE;
    }
    r->v = v;
    r->session = open->session;
    r->look = cli_look_of(&v->look, open->model);
    r->decode = decode_of(v);
    r->beside.fd = -1;
    const char *beside = v->target ? v->target : v->prefixes;
    if (!check_settings(r, &err) || (beside && !cli_lines_open(&r->beside, beside, &err))) {
        free(r);
        return cli_fail(&err);
    }
    if (count == 0)
        run_file(r, NULL);
    for (int i = 0; i < count && !r->status; i++)
        run_file(r, files[i]);
    if (beside && !r->status)
        check_beside(r);
    int code = report(r);
    cli_lines_close(&r->beside);
    free(r);
    return code;
}

static int check_decode(const run_values *v)
{
    if (v->beam == 0 || v->nbest == 0)
        return cli_usage_error("run: %s takes 1 to 64, not 0", v->beam == 0 ? "--beam" : "--nbest");
    if (v->sample && v->beam != NOT_GIVEN)
        return cli_usage_error("run: --sample draws answers and --beam searches for the best; give one of them");
    if (v->sample && v->target)
        return cli_usage_error("run: --sample draws answers and --target gives them; give one of them");
    if (!v->sample && (v->temperature != NOT_GIVEN || v->top_k != NOT_GIVEN || v->top_p != NOT_GIVEN || v->seed != NOT_GIVEN))
        return cli_usage_error("run: --temperature, --top-k, --top-p and --seed need --sample");
    if (v->temperature == 0 || v->top_k == 0 || v->top_p == 0 || v->top_p > 1)
        return cli_usage_error("run: --temperature and --top-p are above 0, --top-p is 1 at most, --top-k from 1");
    if ((v->target != NULL) + (v->prefix != NULL) + (v->prefixes != NULL) > 1)
        return cli_usage_error("run: --target, --prefix and --prefixes exclude each other");
    return -1;
}

static int check(const run_values *v)
{
    if (v->input && !strcmp(v->input, "tsv"))
        return cli_usage_error("run: --input tsv is for tasks with several fields; this task reads one text a line, tabs and all");
    if (v->weights && !v->json)
        return cli_usage_error("run: --weights needs --json; for word by word weights there is --align soft");
    if (v->json && v->align && !strcmp(v->align, "soft"))
        return cli_usage_error("run: --json has no soft alignment; --weights gives every weight");
    return check_decode(v);
}

static int run(const cli_command *self, const cli_globals *globals, int argc, char **argv)
{
    run_values v = {.look = CLI_LOOK_NOT_GIVEN, .beam = NOT_GIVEN, .nbest = NOT_GIVEN, .top_k = NOT_GIVEN, .seed = NOT_GIVEN, .temperature = NOT_GIVEN, .top_p = NOT_GIVEN};
    cli_globals g = *globals;
    cli_rest rest;
    int code = cli_begin(self, &g, &v, &rest, argc, argv, (const char *[]){"MODEL", NULL}, -1);
    if (code < 0)
        code = check(&v);
    if (code >= 0)
        return code;
    cli_open open;
    if (!cli_model_open(&open, &g, rest.items[0], &v.sets, &code))
        return code;
    code = run_all(&v, &open, rest.items + 1, rest.count - 1);
    cli_model_close(&open);
    return code;
}

const cli_command cli_run = {
    .name = "run", .arguments = "MODEL [FILE...]", .summary = "answer line by line",
    .text = "Reads one record a line from the files (`-` or none: standard input) and writes one line for each, in order; an empty line\n"
            "gives an empty line. Fields, when asked, are parted by tabs: score, text, links. A record that cannot be read ends the run\n"
            "(exit 4) unless --keep-going.\n"
            "\n"
            "--align pharaoh  source word - target word from 0, as 0-0 1-0 2-1\n"
            "--align symbols  source symbol - target symbol from 0: which letter made which sound\n"
            "--align soft     for each target word its weights over the source words, with commas\n"
            "--input json     {\"source\": \"...\", \"target\": \"...\"}; target is optional and forces the output, prefix its beginning\n"
            "\n"
            "  echo phonetics | heed run models/g2p-en --scores --align pharaoh\n"
            "  echo phonetics | heed run models/g2p-en --scores --beam 5 --nbest 3\n",
    .options = options, .run = run,
};
