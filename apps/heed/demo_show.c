/* What the demo measures and shows: demo.h. */
#include "demo.h"
#include "lines.h"
#include "term.h"

#include <stdlib.h>
#include <string.h>

enum { SHOWN_WORDS = 8 };

static int test_path(char *out, const demo *d, int length)
{
    char name[40];
    snprintf(name, sizeof name, "test-%d.tsv", demo_words[length]);
    return demo_path(out, d, name);
}

/* --- the table ------------------------------------------------------------------------------------------------------------------------------ */

static int count_letters(demo *d, int length, const char *path)
{
    cli_lines lines;
    heed_error err = {0};
    char *text;
    size_t size;
    int64_t letters = 0;
    if (!cli_lines_open(&lines, path, &err))
        return cli_fail(&err);
    for (; cli_lines_read(&lines, &text, &size, &err); d->phrases[length]++)
        for (size_t i = 0; i < size && text[i] != '\t'; i++)
            letters += text[i] != ' ' && (text[i] & 0xC0) != 0x80;
    cli_lines_close(&lines);
    d->letters[length] = d->phrases[length] ? (double)letters / (double)d->phrases[length] : 0;
    return err.status ? cli_fail(&err) : EXIT_OK;
}

static int measure_model(demo *d, int model, int length, const char *path)
{
    heed_eval_options o = {.source = path, .metrics = "wer"};      /* of symbols: the phone error rate */
    heed_figure *figures = NULL;
    heed_error err = {0};
    int count = 0;
    if (heed_eval(d->open[model].session, &o, &figures, &count, &err))
        return cli_fail(&err);
    d->rate[model][length] = count ? figures[0].value : 0;
    heed_free(figures);
    return EXIT_OK;
}

int demo_measure(demo *d)
{
    char path[DEMO_PATH];
    int code = EXIT_OK;
    for (int i = 0; i < DEMO_LENGTHS && !code; i++) {
        code = test_path(path, d, i);
        if (!code)
            code = count_letters(d, i, path);
        for (int m = 0; m < DEMO_MODELS && !code; m++)
            code = measure_model(d, m, i, path);
    }
    return code;
}

static void print_row(const char *name, const double *values, int decimals)
{
    printf("%-20s", name);
    for (int i = 0; i < DEMO_LENGTHS; i++)
        printf("%7.*f", decimals, values[i]);
    putchar('\n');
}

void demo_print_rates(const demo *d)
{
    printf("phone error rate in percent on phrases of unseen words, %lld of each length; learnt from phrases of one to three words\n\n%-20s",
           (long long)d->phrases[0], "words");
    for (int i = 0; i < DEMO_LENGTHS; i++)
        printf("%7d", demo_words[i]);
    putchar('\n');
    print_row("letters, mean", d->letters, 0);
    for (int m = 0; m < DEMO_MODELS; m++)
        print_row(demo_titles[m], d->rate[m], 1);
    putchar('\n');
}

/* --- unseen words ------------------------------------------------------------------------------------------------------------------------------ */

typedef struct word_list { char *text[SHOWN_WORDS], *sounds[SHOWN_WORDS]; int count; } word_list;

static int read_words(const demo *d, word_list *w)
{
    char path[DEMO_PATH], *text;
    size_t size;
    cli_lines lines;
    heed_error err = {0};
    int code = test_path(path, d, 0);
    if (code)
        return code;
    if (!cli_lines_open(&lines, path, &err))
        return cli_fail(&err);
    while (!err.status && w->count < SHOWN_WORDS && cli_lines_read(&lines, &text, &size, &err)) {
        char *tab = strchr(text, '\t');
        if (!tab)
            continue;
        *tab = 0;
        w->text[w->count] = strdup(text);
        w->sounds[w->count] = strdup(tab + 1);
        if (!w->text[w->count] || !w->sounds[w->count])
            heed_fail(&err, HEED_E_NOMEM, "out of memory");
        else
            w->count++;
    }
    cli_lines_close(&lines);
    return err.status ? cli_fail(&err) : EXIT_OK;
}

static heed_reply *say_words(const demo *d, int model, const word_list *w)
{
    heed_item items[SHOWN_WORDS] = {0};
    heed_error err = {0};
    for (int i = 0; i < w->count; i++)
        items[i].text = w->text[i];
    heed_request request = {.items = items, .count = w->count};
    heed_reply *reply = heed_session_run(d->open[model].session, &request, &err);
    if (!reply)
        cli_fail(&err);
    return reply;
}

static void print_words(const word_list *w, const heed_reply *const *reply)
{
    int width[4] = {6, (int)strlen(demo_titles[0]), (int)strlen(demo_titles[1]), 10};
    for (int i = 0; i < w->count; i++) {
        const char *column[4] = {w->text[i], heed_reply_at(reply[0], i)->text, heed_reply_at(reply[1], i)->text, w->sounds[i]};
        for (int c = 0; c < 4; c++)
            width[c] = (int)strlen(column[c]) + (c == 1 || c == 2) > width[c] ? (int)strlen(column[c]) + (c == 1 || c == 2) : width[c];
    }
    printf("unseen words; = as in the dictionary\n\n%-*s  %-*s  %-*s  dictionary\n", width[0], "word", width[1], demo_titles[0], width[2], demo_titles[1]);
    for (int i = 0; i < w->count; i++) {
        printf("%-*s", width[0], w->text[i]);
        for (int m = 0; m < DEMO_MODELS; m++) {
            const char *said = heed_reply_at(reply[m], i)->text;
            printf("  %s%-*s", strcmp(said, w->sounds[i]) ? " " : "=", width[m + 1] - 1, said);
        }
        printf("  %s\n", w->sounds[i]);
    }
    putchar('\n');
}

int demo_print_words(const demo *d)
{
    word_list w = {0};
    heed_reply *reply[DEMO_MODELS] = {0};
    int code = read_words(d, &w);
    for (int m = 0; m < DEMO_MODELS && !code; m++) {
        reply[m] = say_words(d, m, &w);
        code = reply[m] ? EXIT_OK : EXIT_OUTSIDE;
    }
    if (!code)
        print_words(&w, (const heed_reply *const *)reply);
    for (int m = 0; m < DEMO_MODELS; m++)
        heed_reply_free(reply[m]);
    for (int i = 0; i < SHOWN_WORDS; i++) {
        free(w.text[i]);
        free(w.sounds[i]);
    }
    return code;
}

/* --- pictures -------------------------------------------------------------------------------------------------------------------------------------- */

int demo_print_phrase(const demo *d, const char *phrase)
{
    cli_term term = cli_term_of(stdout);
    heed_item item = {.text = phrase};
    heed_request request = {.items = &item, .count = 1};
    heed_explain_options o = {.picture = HEED_PICTURE_TERMINAL, .colour = term.colour, .columns = term.columns};
    heed_error err = {0};
    heed_reply *fixed = heed_session_run(d->open[0].session, &request, &err);
    if (!fixed)
        return cli_fail(&err);
    printf("%s\n  %-18s  %s\n\n%s, and where it looked\n", phrase, demo_titles[0], heed_reply_at(fixed, 0)->text, demo_titles[1]);
    heed_reply_free(fixed);
    return cli_print_text(heed_explain(d->open[1].session, &item, &o, &err), &err);
}

static int write_chart(const demo *d, const char *name, const heed_chart *chart)
{
    char path[DEMO_PATH];
    heed_error err = {0};
    int code = demo_path(path, d, name);
    return code ? code : cli_write_text(path, heed_chart_svg(chart, &err), &err);
}

static int write_curves(const demo *d)
{
    heed_line lines[DEMO_MODELS];
    for (int m = 0; m < DEMO_MODELS; m++)
        lines[m] = (heed_line){.name = demo_titles[m], .x = d->curve[m].update, .y = d->curve[m].loss, .points = d->curve[m].count};
    heed_chart chart = {.title = "Learning curves", .x_label = "updates", .y_label = "validation loss (nats a phone)", .lines = lines, .count = DEMO_MODELS};
    return write_chart(d, "learning-curves.svg", &chart);
}

static int write_lengths(const demo *d)
{
    heed_line lines[DEMO_MODELS];
    double most = 0;
    for (int m = 0; m < DEMO_MODELS; m++) {
        lines[m] = (heed_line){.name = demo_titles[m], .x = d->letters, .y = d->rate[m], .points = DEMO_LENGTHS};
        for (int i = 0; i < DEMO_LENGTHS; i++)
            most = d->rate[m][i] > most ? d->rate[m][i] : most;
    }
    heed_chart chart = {.title = "Error by length of the input", .x_label = "letters in the phrase (mean of 1, 2, 3, 4 and 6 words; trained on 1 to 3)",
                        .y_label = "phone error rate, %", .lines = lines, .count = DEMO_MODELS, .y_max = most > 0 ? 10 * (1 + (int)(most / 10)) : 1};
    return write_chart(d, "length-curve.svg", &chart);
}

static int write_alignment(const demo *d, const char *phrase)
{
    char path[DEMO_PATH];
    heed_item item = {.text = phrase};
    heed_explain_options o = {.picture = HEED_PICTURE_SVG};
    heed_error err = {0};
    int code = demo_path(path, d, "alignment.svg");
    return code ? code : cli_write_text(path, heed_explain(d->open[1].session, &item, &o, &err), &err);
}

int demo_write_charts(const demo *d, const char *phrase)
{
    int code = write_curves(d);
    if (!code)
        code = write_lengths(d);
    return code ? code : write_alignment(d, phrase);
}
