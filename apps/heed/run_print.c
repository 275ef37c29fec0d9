/* Outputs to lines: run.h. The formats are those of docs/contract.md. */
#include "run.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

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

static void print_fields(const heed_output *o, const cli_run_values *v)
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

/* For each symbol a line: a tab, the symbol, and what might have been there, each with its probability. */
static void print_choices(const heed_output *o)
{
    for (int64_t i = 0; i < o->count; i++) {
        putchar('\t');
        print_one_line(o->tokens[i].text);
        for (int64_t k = 0; k < o->choice_count; k++) {
            const heed_choice *c = &o->choices[i * o->choice_count + k];
            putchar('\t');
            print_one_line(c->text);
            printf(" %.4f", exp(c->logp));
        }
        putchar('\n');
    }
}

static void print_output(const heed_output *o, const cli_run_values *v)
{
    print_fields(o, v);
    if (o->choices && v->at == CLI_NOT_GIVEN)
        print_choices(o);
}

heed_status cli_run_print(const cli_running *r, const heed_reply *reply, int64_t item, int64_t id)
{
    const cli_run_values *v = r->v;
    const heed_output *o = heed_reply_at(reply, item);
    const bool listed = v->nbest != CLI_NOT_GIVEN || v->at != CLI_NOT_GIVEN;
    if (v->json)
        return print_json(reply, item, id, v->weights);
    for (int64_t i = 0; i <= o->alternative_count; i++) {
        if (listed)
            printf("%lld\t%lld\t", (long long)id, (long long)i + 1);
        print_output(i ? &o->alternatives[i - 1] : o, v);
    }
    return HEED_OK;
}
