/* A film on a terminal: heat maps of one sentence side by side, and how they settle. */
#include "explain/film.h"

#include "explain/label.h"
#include "explain/shade.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_LABEL = 8, LONGEST_HEADING = 8, NARROWEST = 16, GAP = 2, SPARKS = 60 };

typedef struct layout {
    const heed_strip *film;
    int sentence;
    bool colour;
    int label, cell, heading, block, per_band;    /* cells of a terminal: of a row's label, a weight, a frame; lines above; frames side by side */
} layout;

static const heed_shot *shot_of(const layout *l, int64_t frame) { return &l->film->frame[frame].shot[l->sentence]; }
static const char *symbol_of(const char *const *symbols, int64_t i, int64_t count) { return i == count - 1 ? "∎" : symbols[i]; }

static int widest(const char *const *symbols, int64_t count, int most)
{
    int width = 1;
    for (int64_t i = 0; i < count - 1; i++) width = heed_label_width(symbols[i]) > width ? heed_label_width(symbols[i]) : width;
    return width < most ? width : most;
}

static layout arrange(const heed_strip *f, int sentence, bool colour, int columns)
{
    const heed_shot *s = &f->frame[f->count - 1].shot[sentence];
    layout l = {.film = f, .sentence = sentence, .colour = colour, .label = widest(s->written, s->Tq, LONGEST_LABEL), .heading = widest(s->read, s->Tk, LONGEST_HEADING)};
    const int room = (columns > 0 ? columns : 80) - l.label - 1;
    l.cell = s->Tk * 2 <= room ? 2 : 1;
    l.block = (int)s->Tk * l.cell > NARROWEST ? (int)s->Tk * l.cell : NARROWEST;
    l.per_band = (room + GAP) / (l.block + GAP) > 1 ? (room + GAP) / (l.block + GAP) : 1;
    return l;
}

static void add_blanks(heed_buf *out, int count)
{
    for (int i = 0; i < count; i++) heed_buf_char(out, ' ');
}

/* --- maps --------------------------------------------------------------------------------------------------------------------------------------- */

static void add_weight(heed_buf *out, const layout *l, double weight)
{
    if (!l->colour) {
        for (int i = 0; i < l->cell; i++) heed_buf_text(out, i && weight < 0.05 ? " " : heed_shade_block(weight));
        return;
    }
    int rgb[3];
    heed_shade_dark(weight, rgb);
    heed_buf_printf(out, "\033[48;2;%d;%d;%dm", rgb[0], rgb[1], rgb[2]);
    add_blanks(out, l->cell);
}

static void add_heading(heed_buf *out, const layout *l, const heed_shot *s, int line)
{
    for (int64_t j = 0; j < s->Tk; j++) {
        heed_label_letter(out, symbol_of(s->read, j, s->Tk), line);
        add_blanks(out, j + 1 < s->Tk ? l->cell - 1 : 0);
    }
}

static void add_row(heed_buf *out, const layout *l, const heed_shot *s, int64_t i)
{
    for (int64_t j = 0; j < s->Tk; j++) add_weight(out, l, s->weights[i * s->Tk + j]);
    if (l->colour) heed_buf_text(out, "\033[0m");
}

/* Two lines, each in `width` cells, or where it is the last in as many as it needs up to -width. */
static void add_title(heed_buf *out, const heed_frame *f, int line, int width)
{
    heed_buf title = {0};
    if (line == 0) heed_buf_printf(&title, "update %lld", (long long)f->update);
    else if (f->judged) {
        heed_buf_printf(&title, "%s ", f->metric_name);
        heed_number_short(&title, f->metric, 4);
    }
    for (char *c = title.data; c && *c; c++) *c = (unsigned char)*c < ' ' ? '.' : *c;
    heed_buf_printf(out, "%-*.*s", width > 0 ? width : 0, abs(width), title.data ? title.data : "");
    out->failed |= title.failed;
    heed_buf_free(&title);
}

/* One line of the frames shown[from] to shown[to - 1]; each as wide as a block but the last. */
typedef void (*add_part)(heed_buf *out, const layout *l, const heed_shot *s, int64_t line);

static void add_heading_line(heed_buf *out, const layout *l, const heed_shot *s, int64_t line) { add_heading(out, l, s, (int)line); }

static void add_line(heed_buf *out, const layout *l, const char *label, int from, int to, add_part add, int64_t line)
{
    heed_label_fit(out, label, l->label);
    heed_buf_char(out, ' ');
    for (int k = from; k < to; k++) {
        const heed_shot *s = shot_of(l, l->film->shown[k]);
        add(out, l, s, line);
        if (k + 1 < to) add_blanks(out, l->block + GAP - (int)s->Tk * l->cell + (add == add_heading_line) * (l->cell - 1));
    }
    heed_buf_char(out, '\n');
}

static void add_band(heed_buf *out, const layout *l, int from, int to)
{
    const heed_shot *first = shot_of(l, l->film->shown[from]);
    heed_buf_char(out, '\n');
    for (int line = 0; line < 2; line++) {
        add_blanks(out, l->label + 1);
        for (int k = from; k < to; k++) {
            add_title(out, &l->film->frame[l->film->shown[k]], line, k + 1 < to ? l->block : -l->block);
            add_blanks(out, k + 1 < to ? GAP : 0);
        }
        heed_buf_char(out, '\n');
    }
    for (int line = 0; line < l->heading; line++) add_line(out, l, "", from, to, add_heading_line, line);
    for (int64_t i = 0; i < first->Tq; i++) add_line(out, l, symbol_of(first->written, i, first->Tq), from, to, add_row, i);
}

/* --- figures ------------------------------------------------------------------------------------------------------------------------------------- */

static void add_figure(heed_buf *out, double value, int width, int decimals)
{
    heed_buf number = {0};
    if (isfinite(value)) heed_number_fixed(&number, value, decimals);
    else heed_buf_char(&number, '-');
    add_blanks(out, width - (int)number.size);
    heed_buf_text(out, number.data ? number.data : "");
    out->failed |= number.failed;
    heed_buf_free(&number);
}

static void add_table(heed_buf *out, const layout *l)
{
    const heed_frame *last = &l->film->frame[l->film->count - 1];
    const bool metric = last->judged && strcmp(last->metric_name, "loss") != 0;
    heed_buf_printf(out, "\n  update  epoch    loss");
    if (metric) heed_buf_printf(out, "%10.9s", last->metric_name);
    heed_buf_text(out, "  entropy  settled  wrote\n");
    for (int k = 0; k < l->film->shown_count; k++) {
        const heed_frame *f = &l->film->frame[l->film->shown[k]];
        heed_buf_printf(out, "%8lld%7lld", (long long)f->update, (long long)f->epoch);
        add_figure(out, f->judged ? f->valid_loss : NAN, 8, 3);
        if (metric) add_figure(out, f->judged ? f->metric : NAN, 10, 2);
        add_figure(out, f->spread[l->sentence].entropy, 9, 2);
        add_figure(out, f->spread[l->sentence].share, 9, 2);
        heed_buf_text(out, "  ");
        heed_label_plain(out, f->shot[l->sentence].output);
        heed_buf_char(out, '\n');
    }
}

static double figure_of(const layout *l, int64_t frame, bool share)
{
    const heed_spread *s = &l->film->frame[frame].spread[l->sentence];
    return share ? s->share : s->entropy;
}

/* All frames, or of many some, as bars from 0 to `most`. */
static void add_sparks(heed_buf *out, const layout *l, const char *name, bool share, double most)
{
    static const char *const bars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    const int64_t n = l->film->count, shown = n < SPARKS ? n : SPARKS;
    heed_buf_text(out, name);
    for (int64_t k = 0; k < shown; k++) {
        const double value = figure_of(l, shown > 1 ? k * (n - 1) / (shown - 1) : 0, share);
        const int height = most > 0 ? (int)(value / most * 8) : 0;
        heed_buf_text(out, bars[height < 0 ? 0 : height > 7 ? 7 : height]);
    }
    heed_buf_text(out, "  ");
    heed_number_fixed(out, figure_of(l, 0, share), 2);
    heed_buf_text(out, " to ");
    heed_number_fixed(out, figure_of(l, n - 1, share), 2);
}

static void add_legend(heed_buf *out, const layout *l, const heed_shot *s)
{
    heed_buf_char(out, '\n');
    add_sparks(out, l, "entropy ", false, log((double)s->Tk));
    heed_buf_text(out, " nats, mean of the rows; weights that are all alike have ");
    heed_number_fixed(out, log((double)s->Tk), 2);
    heed_buf_char(out, '\n');
    add_sparks(out, l, "settled ", true, 1);
    heed_buf_text(out, " of the weight lies where it is heaviest in the end\n");
    if (!l->colour) heed_buf_text(out, "weight  · below .05  ░ .05  ▒ .25  ▓ .50  █ .75 and above\n");
    heed_buf_text(out, "rows    symbols of the reference, which is read along; columns: what was read; wrote: what the model wrote of itself; ∎ the end\n");
}

heed_status heed_film_terminal(const heed_strip *f, int sentence, bool colour, int columns, heed_buf *out)
{
    const layout l = arrange(f, sentence, colour, columns);
    const heed_shot *s = shot_of(&l, f->count - 1);
    heed_buf_printf(out, "sentence %d of 0-%d, line %lld of the validation data; %lld frames\nread      ", sentence, f->sentences - 1, (long long)s->line, (long long)f->count);
    heed_label_plain(out, s->source);
    heed_buf_text(out, "\nreference ");
    heed_label_plain(out, s->reference);
    heed_buf_char(out, '\n');
    for (int from = 0; from < f->shown_count; from += l.per_band)
        add_band(out, &l, from, from + l.per_band < f->shown_count ? from + l.per_band : f->shown_count);
    add_table(out, &l);
    add_legend(out, &l, s);
    return out->failed ? HEED_E_NOMEM : HEED_OK;
}
