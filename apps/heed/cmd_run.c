/* heed run: one answer a line, in order. The formats are those of docs/contract.md. */
#include "run.h"

#include <stdlib.h>
#include <string.h>

static const cli_option options[] = {
    {"--input", "text|json|tsv", CLI_TEXT, offsetof(cli_run_values, input), "lines taken as they are (default), or one JSON object a line"},
    {"--scores", NULL, CLI_FLAG, offsetof(cli_run_values, scores), "a field before the text: ln p of all its symbols, the end included"},
    {"--align", "pharaoh|soft|symbols", CLI_TEXT, offsetof(cli_run_values, align), "a field after the text: which words, or symbols, belong together"},
    {"--json", NULL, CLI_FLAG, offsetof(cli_run_values, json), "one JSON object a record, with symbols, scores and links"},
    {"--weights", NULL, CLI_FLAG, offsetof(cli_run_values, weights), "with --json: every weight too"},
    {"--target", "FILE", CLI_TEXT, offsetof(cli_run_values, target), "not what the model writes, but these lines, scored and aligned"},
    {"--beam", "N", CLI_WHOLE, offsetof(cli_run_values, beam), "hypotheses kept, 1 (greedy) to 64; default: the recipe's decode.beam"},
    {"--nbest", "N", CLI_WHOLE, offsetof(cli_run_values, nbest), "the N best, a line each: record from 0, rank from 1, the fields"},
    {"--prefix", "TEXT", CLI_TEXT, offsetof(cli_run_values, prefix), "every answer begins with this"},
    {"--prefixes", "FILE", CLI_TEXT, offsetof(cli_run_values, prefixes), "every answer begins with its line of this file"},
    {"--sample", NULL, CLI_FLAG, offsetof(cli_run_values, sample), "draw answers instead of searching for the best"},
    {"--temperature", "T", CLI_REAL, offsetof(cli_run_values, temperature), "with --sample: logits are divided by T; default 1"},
    {"--top-k", "N", CLI_WHOLE, offsetof(cli_run_values, top_k), "with --sample: only the N likeliest symbols; default all"},
    {"--top-p", "P", CLI_REAL, offsetof(cli_run_values, top_p), "with --sample: only the fewest symbols that hold the share P; default 1"},
    {"--seed", "N", CLI_WHOLE, offsetof(cli_run_values, seed), "with --sample: another seed, other draws; default 0"},
    {"--must", "WORDS", CLI_TEXTS, offsetof(cli_run_values, must), "these words, one after the other, appear in every answer; may be repeated"},
    {"--never", "WORDS", CLI_TEXTS, offsetof(cli_run_values, never), "these appear in none; may be repeated"},
    {"--constraints", "FILE", CLI_TEXT, offsetof(cli_run_values, constraints), "the same for each answer: +WORDS and -WORDS of its line, parted by tabs"},
    {"--alternatives", "N", CLI_WHOLE, offsetof(cli_run_values, alternatives), "under each answer a line a symbol: the N likeliest there, and p"},
    {"--at", "POSITION", CLI_WHOLE, offsetof(cli_run_values, at), "with --alternatives: N answers with other words in the place of this, from 0"},
    CLI_ENSEMBLE(cli_run_values),
    CLI_SETTINGS(cli_run_values),
    CLI_SHORTLIST(cli_run_values),
    {"--keep-going", NULL, CLI_FLAG, offsetof(cli_run_values, keep_going), "an empty line for a record that cannot be read; report at the end"},
    CLI_LOOK(cli_run_values),
    {0},
};

static void note_failure(cli_running *r, const cli_record *now, heed_status status, const char *why)
{
    if (!r->v->keep_going) {
        cli_complain("%s: line %lld: %s", r->input.name, (long long)now->line, why);
        r->status = status;
        return;
    }
    putchar('\n');
    if (r->failures < CLI_REPORTED)
        snprintf(r->reports[r->failures], sizeof *r->reports, "%s: line %lld: %s", r->input.name, (long long)now->line, why);
    r->failures++;
}

/* Best effort is no failure, but is said. */
static void warn_unmet(const cli_running *r, const cli_record *now, const heed_output *o)
{
    for (int64_t i = 0; i < o->unmet_count; i++)
        cli_say(r->globals, "heed: %s: line %lld: \"%s\" must appear, but does not", r->input.name, (long long)now->line, o->unmet[i]);
}

static void print_record(cli_running *r, const heed_reply *reply, int64_t i)
{
    const cli_record *now = &r->records[i];
    const heed_output *o = now->item >= 0 ? heed_reply_at(reply, now->item) : NULL;
    if (now->status)
        note_failure(r, now, now->status, now->error ? now->error : "out of memory");
    else if (!o)
        putchar('\n');
    else if (o->status)
        note_failure(r, now, o->status, o->error);
    else
        r->status = cli_run_print(r, reply, now->item, r->answered + i);
    if (o && !now->status && !o->status)
        warn_unmet(r, now, o);
}

static int64_t or_zero(int64_t given) { return given == CLI_NOT_GIVEN ? 0 : given; }

static heed_reply *ask(cli_running *r, heed_error *err)
{
    const cli_run_values *v = r->v;
    const heed_fork fork = {.word = v->at, .outputs = v->alternatives};
    const heed_request request = {.items = r->items, .count = r->item_count, .shown = v->align && !strcmp(v->align, "symbols"), .weights = v->weights,
                                  .unscored = !v->scores && !v->json,
                                  .look = &r->look, .decode = &r->decode, .choices = or_zero(v->alternatives), .fork = v->at == CLI_NOT_GIVEN ? NULL : &fork};
    return heed_session_run(r->session, &request, err);
}

static void answer(cli_running *r)
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
    if (reply && heed_reply_splits(reply))
        cli_say(r->globals, "heed: memory was short: %lld batches were cut in two; the answers are the same", (long long)heed_reply_splits(reply));
    for (int64_t i = 0; i < r->count && (reply || !r->item_count) && !err.status; i++) {
        print_record(r, reply, i);
        if (r->status)
            break;
    }
    heed_reply_free(reply);
    cli_run_forget(r);
    if (fflush(stdout) && !r->status)
        r->status = HEED_E_IO;            /* main() says why */
}

static void run_file(cli_running *r, const char *path)
{
    heed_error err = {0};
    if (!cli_lines_open(&r->input, path, &err)) {
        r->status = err.status;
        cli_fail(&err);
        return;
    }
    do {
        for (cli_run_read(r); r->count; cli_run_read(r)) {
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

static int report(const cli_running *r)
{
    for (int64_t i = 0; i < r->failures && i < CLI_REPORTED; i++)
        cli_complain("%s", r->reports[i]);
    if (r->failures)
        cli_complain("%lld of %lld records could not be read%s", (long long)r->failures, (long long)r->answered,
                     r->failures > CLI_REPORTED ? "; the first ones are named above" : "");
    return r->status ? cli_exit(r->status) : r->failures ? EXIT_DATA : EXIT_OK;
}

static heed_decode decode_of(const cli_run_values *v)
{
    return (heed_decode){.beam = or_zero(v->beam), .nbest = or_zero(v->nbest), .sample = v->sample, .top_k = or_zero(v->top_k),
                         .temperature = v->temperature == CLI_NOT_GIVEN ? 0 : v->temperature, .top_p = v->top_p == CLI_NOT_GIVEN ? 0 : v->top_p,
                         .seed = (uint64_t)or_zero(v->seed), .must = {v->must.items, v->must.count}, .never = {v->never.items, v->never.count}};
}

/* Settings that the model refuses are told before any input is waited for. */
static bool check_settings(cli_running *r, heed_error *err)
{
    heed_reply *nothing = ask(r, err);
    heed_reply_free(nothing);
    return nothing != NULL;
}

static int run_all(const cli_run_values *v, const cli_globals *g, const cli_open *open, char **files, int count)
{
    cli_running *r = calloc(1, sizeof *r);
    heed_error err = {0};
    if (!r) {
        cli_complain("out of memory");
        return EXIT_OUTSIDE;
    }
    r->v = v;
    r->globals = g;
    r->session = open->session;
    r->look = cli_look_of(&v->look, open->model);
    r->decode = decode_of(v);
    r->beside.fd = r->wording.fd = -1;
    const char *beside = v->target ? v->target : v->prefixes;
    if (!check_settings(r, &err) || (beside && !cli_lines_open(&r->beside, beside, &err)) ||
        (v->constraints && !cli_lines_open(&r->wording, v->constraints, &err))) {
        cli_lines_close(&r->beside);
        free(r);
        return cli_fail(&err);
    }
    if (count == 0)
        run_file(r, NULL);
    for (int i = 0; i < count && !r->status; i++)
        run_file(r, files[i]);
    if (!r->status)
        cli_run_check_beside(r);
    int code = report(r);
    cli_lines_close(&r->beside);
    cli_lines_close(&r->wording);
    free(r);
    return code;
}

static int check_decode(const cli_run_values *v)
{
    if (v->beam == 0 || v->nbest == 0)
        return cli_usage_error("run: %s takes 1 to 64, not 0", v->beam == 0 ? "--beam" : "--nbest");
    if (v->sample && v->beam != CLI_NOT_GIVEN)
        return cli_usage_error("run: --sample draws answers and --beam searches for the best; give one of them");
    if (v->sample && v->target)
        return cli_usage_error("run: --sample draws answers and --target gives them; give one of them");
    if (!v->sample && (v->temperature != CLI_NOT_GIVEN || v->top_k != CLI_NOT_GIVEN || v->top_p != CLI_NOT_GIVEN || v->seed != CLI_NOT_GIVEN))
        return cli_usage_error("run: --temperature, --top-k, --top-p and --seed need --sample");
    if (v->temperature == 0 || v->top_k == 0 || v->top_p == 0 || v->top_p > 1)
        return cli_usage_error("run: --temperature and --top-p are above 0, --top-p is 1 at most, --top-k from 1");
    if ((v->target != NULL) + (v->prefix != NULL) + (v->prefixes != NULL) > 1)
        return cli_usage_error("run: --target, --prefix and --prefixes exclude each other");
    return -1;
}

static bool any_blank(const cli_texts *words)
{
    for (int i = 0; i < words->count; i++)
        if (!words->items[i][strspn(words->items[i], " \t")])
            return true;
    return false;
}

/* What goes with words that must or must not appear, and with other words at a place. */
static int check_searches(const cli_run_values *v)
{
    const bool worded = v->must.count || v->never.count || v->constraints;
    if (worded && v->sample)
        return cli_usage_error("run: --sample draws what comes; words that must or must not appear need a search");
    if (worded && v->target)
        return cli_usage_error("run: --target gives the answers; words that must or must not appear go with what the model writes");
    if (any_blank(&v->must) || any_blank(&v->never))
        return cli_usage_error("run: --must and --never take words, not a blank");
    if (v->constraints && v->input && !strcmp(v->input, "json"))
        return cli_usage_error("run: with --input json a line's words stand in its object: \"must\": [\"red cup\"], \"never\": [\"hat\"]");
    if (v->alternatives == 0 || v->alternatives > 1000)
        return cli_usage_error("run: --alternatives takes 1 to 1000");
    if (v->at == CLI_NOT_GIVEN)
        return -1;
    if (v->alternatives == CLI_NOT_GIVEN || v->alternatives > 64)
        return cli_usage_error("run: --at needs --alternatives N, the number of answers, 1 to 64");
    if (v->nbest != CLI_NOT_GIVEN || v->sample || v->target)
        return cli_usage_error("run: --at tries other words in the best answer; it goes without --nbest, --sample and --target");
    return -1;
}

static int check(const cli_run_values *v)
{
    if (v->input && !strcmp(v->input, "tsv"))
        return cli_usage_error("run: --input tsv is for tasks with several fields; this task reads one text a line, tabs and all");
    if (v->weights && !v->json)
        return cli_usage_error("run: --weights needs --json; for word by word weights there is --align soft");
    if (v->json && v->align && !strcmp(v->align, "soft"))
        return cli_usage_error("run: --json has no soft alignment; --weights gives every weight");
    const int code = check_searches(v);
    return code < 0 ? check_decode(v) : code;
}

static int run(const cli_command *self, const cli_globals *globals, int argc, char **argv)
{
    cli_run_values v = {.look = CLI_LOOK_NOT_GIVEN, .beam = CLI_NOT_GIVEN, .nbest = CLI_NOT_GIVEN, .top_k = CLI_NOT_GIVEN, .seed = CLI_NOT_GIVEN,
                        .temperature = CLI_NOT_GIVEN, .top_p = CLI_NOT_GIVEN, .alternatives = CLI_NOT_GIVEN, .at = CLI_NOT_GIVEN};
    cli_globals g = *globals;
    cli_rest rest;
    int code = cli_begin(self, &g, &v, &rest, argc, argv, (const char *[]){"MODEL", NULL}, -1);
    if (code < 0)
        code = check(&v);
    if (code >= 0)
        return code;
    cli_open open;
    if (!cli_model_open(&open, &g, rest.items[0], &v.settings, &v.ensemble, &code))
        return code;
    code = run_all(&v, &g, &open, rest.items + 1, rest.count - 1);
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
            "--input json     {\"source\": \"...\", \"target\": \"...\"}; target is optional and forces the output, prefix its beginning;\n"
            "                 must and never are lists of words\n"
            "\n"
            "  echo phonetics | heed run models/g2p-en --scores --align pharaoh\n"
            "  echo phonetics | heed run models/g2p-en --scores --beam 5 --nbest 3\n"
            "  echo phonetics | heed run models/g2p-en --never AH --alternatives 3\n",
    .options = options, .run = run,
};
