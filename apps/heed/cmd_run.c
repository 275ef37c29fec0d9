/* heed run: one answer a line, in order. The formats are those of docs/contract.md. */
#include "cli.h"
#include "lines.h"

#include <stdlib.h>
#include <string.h>

typedef struct run_values {
    const char *input, *align, *target;
    bool scores, json, weights, keep_going;
    int64_t layer, head;
} run_values;

static const cli_option options[] = {
    {"--input", "text|json|tsv", CLI_TEXT, offsetof(run_values, input), "lines taken as they are (default), or one JSON object a line"},
    {"--scores", NULL, CLI_FLAG, offsetof(run_values, scores), "a field before the text: ln p of all its symbols, the end included"},
    {"--align", "pharaoh|soft|symbols", CLI_TEXT, offsetof(run_values, align), "a field after the text: which words, or symbols, belong together"},
    {"--json", NULL, CLI_FLAG, offsetof(run_values, json), "one JSON object a record, with symbols, scores and links"},
    {"--weights", NULL, CLI_FLAG, offsetof(run_values, weights), "with --json: every weight too"},
    {"--target", "FILE", CLI_TEXT, offsetof(run_values, target), "not what the model writes, but these lines, scored and aligned"},
    {"--keep-going", NULL, CLI_FLAG, offsetof(run_values, keep_going), "an empty line for a record that cannot be read; report at the end"},
    {"--layer", "N", CLI_WHOLE, offsetof(run_values, layer), "align by this layer, from 0; a recurrent model has one"},
    {"--head", "N", CLI_WHOLE, offsetof(run_values, head), "align by this head, from 0; a recurrent model has one"},
    {0},
};

enum { AT_ONCE = 1024, REPORTED = 5 };

/* One line of input: an item, an empty line, or why it cannot be read. */
typedef struct record {
    int64_t line;
    int64_t item;             /* its place in the request, -1: none */
    char *memory, *target;    /* what the item's texts live in, when not in the line itself */
    heed_status status;
    char *error;
} record;

typedef struct running {
    const run_values *v;
    heed_session *session;
    cli_lines input, target;
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
    if (now->target)
        item.target = now->target;
    if (blank(item.text))
        return;
    now->item = r->item_count;
    r->items[r->item_count++] = item;
}

/* The forced text of the same line. False: said. */
static bool read_target(running *r, record *now)
{
    char *text;
    size_t size;
    heed_error err = {0};
    if (cli_lines_read(&r->target, &text, &size, &err)) {
        now->target = strdup(text);
        if (memchr(text, 0, size))
            refuse(now, HEED_E_DATA, "its target holds a zero byte, which no text does");
        return true;
    }
    if (!err.status)
        heed_fail(&err, HEED_E_DATA, "%s ends after line %lld, but %s goes on with line %lld; both need one line a record", r->target.name,
                  (long long)r->target.number, r->input.name, (long long)r->input.number);
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
        if (r->v->target && !read_target(r, now))
            return;
        r->count++;
        read_item(r, now, text, size);
    }
}

static void forget(running *r)
{
    for (int64_t i = 0; i < r->count; i++) {
        heed_free(r->records[i].memory);
        free(r->records[i].target);
        free(r->records[i].error);
    }
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
    for (int64_t i = 0; o->weights && i < o->count && o->tokens[i].start < o->tokens[i].end; i++) {
        const float *row = o->weights + i * o->source_count;
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
    else
        print_fields(o, r->v);
}

static void answer(running *r)
{
    heed_error err = {0};
    heed_reply *reply = NULL;
    if (r->item_count) {
        bool matrix = r->v->weights || (r->v->align && strcmp(r->v->align, "pharaoh"));
        heed_request request = {.items = r->items, .count = r->item_count, .weights = matrix};
        reply = heed_session_run(r->session, &request, &err);
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

/* Targets that nothing asked for mean that the two files do not belong together. */
static void check_targets(running *r)
{
    char *text;
    size_t size;
    heed_error err = {0};
    if (cli_lines_read(&r->target, &text, &size, &err))
        heed_fail(&err, HEED_E_DATA, "%s goes on with line %lld, but the input ended; both need one line a record", r->target.name,
                  (long long)r->target.number);
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

static int run_all(const run_values *v, heed_session *session, char **files, int count)
{
    running *r = calloc(1, sizeof *r);
    heed_error err = {0};
    if (!r) {
        cli_complain("out of memory");
        return EXIT_OUTSIDE;
    }
    r->v = v;
    r->session = session;
    r->target.fd = -1;
    if (v->target && !cli_lines_open(&r->target, v->target, &err)) {
        free(r);
        return cli_fail(&err);
    }
    if (count == 0)
        run_file(r, NULL);
    for (int i = 0; i < count && !r->status; i++)
        run_file(r, files[i]);
    if (v->target && !r->status)
        check_targets(r);
    int code = report(r);
    cli_lines_close(&r->target);
    free(r);
    return code;
}

static int check(const run_values *v)
{
    if (v->input && !strcmp(v->input, "tsv"))
        return cli_usage_error("run: --input tsv is for tasks with several fields; this task reads one text a line, tabs and all");
    if (v->weights && !v->json)
        return cli_usage_error("run: --weights needs --json; for word by word weights there is --align soft");
    if (v->json && v->align && !strcmp(v->align, "soft"))
        return cli_usage_error("run: --json has no soft alignment; --weights gives every weight");
    if (v->layer || v->head)
        return cli_usage_error("run: this model has layer 0 and head 0 only");
    return -1;
}

static int run(const cli_command *self, const cli_globals *globals, int argc, char **argv)
{
    run_values v = {0};
    cli_globals g = *globals;
    cli_rest rest;
    int code = cli_begin(self, &g, &v, &rest, argc, argv, (const char *[]){"MODEL", NULL}, -1);
    if (code < 0)
        code = check(&v);
    if (code >= 0)
        return code;
    cli_open open;
    if (!cli_model_open(&open, &g, rest.items[0], &code))
        return code;
    code = run_all(&v, open.session, rest.items + 1, rest.count - 1);
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
            "--input json     {\"source\": \"...\", \"target\": \"...\"}; target is optional and forces the output\n"
            "\n"
            "  echo phonetics | heed run models/g2p-en --scores --align pharaoh\n",
    .options = options, .run = run,
};
