/* A film as a strip in SVG: a row for each sentence, a column for each frame shown, and below each row how its weights settle over all frames. */
#include "explain/film.h"

#include "explain/label.h"
#include "explain/shade.h"

#include <math.h>

enum {
    FRAME = 156,                     /* pixels of a map at most, where a cell need not be smaller than SMALLEST */
    SMALLEST = 3, LARGEST = 18,      /* of a cell */
    NARROWEST = 104,                 /* of a column: what is written above it */
    GAP = 16, RIGHT = 52, TOP = 96, HEADER = 15, FEWEST = 720, CURVE = 44, LONGEST_LABEL = 12, LETTER = 7, LEVELS = 16
};

typedef struct strip {
    const heed_strip *film;
    int left, pitch, width;          /* of row labels; from column to column; of all */
} strip;

/* One sentence's row of the strip. */
typedef struct row {
    int sentence, cell, top, names;  /* names: pixels for the symbols above the maps */
    const heed_shot *last;
} row;

static const heed_shot *last_shot(const heed_strip *f, int sentence) { return &f->frame[f->count - 1].shot[sentence]; }
static const char *symbol_of(const char *const *symbols, int64_t i, int64_t count) { return i == count - 1 ? "∎" : symbols[i]; }

static int widest(const char *const *symbols, int64_t count)
{
    int width = 1;
    for (int64_t i = 0; i < count - 1; i++) width = heed_label_width(symbols[i]) > width ? heed_label_width(symbols[i]) : width;
    return width < LONGEST_LABEL ? width : LONGEST_LABEL;
}

static int cell_of(const heed_shot *s)
{
    const int cell = FRAME / (int)s->Tk;
    return cell < SMALLEST ? SMALLEST : cell > LARGEST ? LARGEST : cell;
}

static int font_of(int cell) { return cell > 11 ? 11 : cell < 6 ? 6 : cell; }

static strip arrange(const heed_strip *f, int from, int to)
{
    strip p = {.film = f, .left = 72, .pitch = NARROWEST};
    for (int i = from; i < to; i++) {
        const heed_shot *s = last_shot(f, i);
        const int map = (int)s->Tk * cell_of(s), label = widest(s->written, s->Tq) * LETTER + 24;
        p.pitch = map > p.pitch ? map : p.pitch;
        p.left = label > p.left ? label : p.left;
    }
    p.pitch += GAP;
    p.width = p.left + f->shown_count * p.pitch + RIGHT;
    p.width = p.width < FEWEST ? FEWEST : p.width;       /* room for the words below */
    return p;
}

static row row_of(const strip *p, int sentence, int top)
{
    row r = {.sentence = sentence, .top = top, .last = last_shot(p->film, sentence)};
    r.cell = cell_of(r.last);
    const int label = widest(r.last->read, r.last->Tk);
    r.names = label == 1 ? font_of(r.cell) + 4 : label * font_of(r.cell) * 2 / 3 + 8;
    return r;
}

static int map_top(const row *r) { return r->top + 24 + r->names; }
static int map_height(const row *r) { return (int)r->last->Tq * r->cell; }
static int row_height(const row *r) { return map_top(r) - r->top + map_height(r) + 22 + CURVE + 34; }
static int column(const strip *p, int k) { return p->left + k * p->pitch; }

static void open_text(heed_buf *out, int x, int y, int size, const char *more)
{
    heed_buf_printf(out, "<text x=\"%d\" y=\"%d\" font-size=\"%d\"%s%s>", x, y, size, *more ? " " : "", more);
}

/* --- above ------------------------------------------------------------------------------------------------------------------------------------ */

static void add_head(heed_buf *out, const strip *p, int height)
{
    heed_buf_printf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" "
                         "font-family=\"Helvetica, Arial, 'DejaVu Sans', sans-serif\" font-size=\"12\" fill=\"#222\" role=\"img\">\n"
                         "<title>An alignment as it was learnt: ", p->width, height, p->width, height);
    heed_label_xml(out, p->film->path, false, 0);
    heed_buf_text(out, "</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n");
    open_text(out, 16, 26, 16, "font-weight=\"bold\"");
    heed_buf_text(out, "The alignment as it was learnt</text>\n");
}

static void add_columns(heed_buf *out, const strip *p)
{
    for (int k = 0; k < p->film->shown_count; k++) {
        const heed_frame *f = &p->film->frame[p->film->shown[k]];
        open_text(out, column(p, k), TOP - 38, 12, "font-weight=\"bold\"");
        heed_buf_printf(out, "update %lld</text>\n", (long long)f->update);
        open_text(out, column(p, k), TOP - 38 + HEADER, 11, "fill=\"#444\"");
        heed_buf_printf(out, f->update ? "epoch %lld</text>\n" : "before the first</text>\n", (long long)f->epoch);
        if (!f->judged) continue;
        open_text(out, column(p, k), TOP - 38 + 2 * HEADER, 11, "fill=\"#444\"");
        heed_label_xml(out, f->metric_name, false, 16);
        heed_buf_char(out, ' ');
        heed_number_short(out, f->metric, 4);
        heed_buf_text(out, "</text>\n");
    }
}

/* --- maps --------------------------------------------------------------------------------------------------------------------------------------- */

static void add_names(heed_buf *out, const row *r, int x)
{
    const heed_shot *s = r->last;
    const bool upright = widest(s->read, s->Tk) == 1;
    for (int64_t j = 0; j < s->Tk; j++) {
        const int at = x + (int)j * r->cell + r->cell / 2, y = map_top(r) - 4;
        if (upright) heed_buf_printf(out, "<text x=\"%d\" y=\"%d\" font-size=\"%d\" text-anchor=\"middle\">", at, y, font_of(r->cell));
        else heed_buf_printf(out, "<text transform=\"translate(%d %d) rotate(-90)\" font-size=\"%d\">", at + font_of(r->cell) / 3, y, font_of(r->cell));
        heed_label_xml(out, symbol_of(s->read, j, s->Tk), true, LONGEST_LABEL);
        heed_buf_text(out, "</text>\n");
    }
}

static void add_row_names(heed_buf *out, const row *r, int x)
{
    for (int64_t i = 0; i < r->last->Tq; i++) {
        open_text(out, x - 5, map_top(r) + (int)i * r->cell + r->cell / 2 + font_of(r->cell) / 3, font_of(r->cell), "text-anchor=\"end\"");
        heed_label_xml(out, symbol_of(r->last->written, i, r->last->Tq), true, LONGEST_LABEL);
        heed_buf_text(out, "</text>\n");
    }
}

static int level_of(float weight) { return (int)lroundf(fminf(fmaxf(weight, 0), 1) * LEVELS); }

/* One path a shade: a film of hundreds of cells a map stays small. */
static void add_cells(heed_buf *out, const row *r, const heed_shot *s, int x, int y)
{
    for (int level = 1; level <= LEVELS; level++) {
        int rgb[3];
        bool open = false;
        heed_shade_paper((double)level / LEVELS, rgb);
        for (int64_t i = 0; i < s->Tq * s->Tk; i++) {
            if (level_of(s->weights[i]) != level) continue;
            if (!open) heed_buf_printf(out, "<path fill=\"#%02x%02x%02x\" d=\"", (unsigned)rgb[0], (unsigned)rgb[1], (unsigned)rgb[2]);
            open = true;
            heed_buf_printf(out, "M%d %dh%dv%dh-%dz", x + (int)(i % s->Tk) * r->cell, y + (int)(i / s->Tk) * r->cell, r->cell, r->cell, r->cell);
        }
        if (open) heed_buf_text(out, "\"/>\n");
    }
}

static void add_map(heed_buf *out, const strip *p, const row *r, int k)
{
    const heed_frame *f = &p->film->frame[p->film->shown[k]];
    const heed_shot *s = &f->shot[r->sentence];
    const heed_spread *spread = &f->spread[r->sentence];
    const int x = column(p, k), y = map_top(r), width = (int)s->Tk * r->cell;
    add_names(out, r, x);
    heed_buf_printf(out, "<g class=\"map\" shape-rendering=\"crispEdges\"><title>update %lld: entropy ", (long long)f->update);
    heed_number_fixed(out, spread->entropy, 2);
    heed_buf_text(out, ", settled ");
    heed_number_fixed(out, spread->share, 2);
    heed_buf_text(out, "; wrote ");
    heed_label_xml(out, s->output, false, 0);
    heed_buf_text(out, "</title>\n");
    add_cells(out, r, s, x, y);
    heed_buf_printf(out, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"none\" stroke=\"#888\"/></g>\n", x, y, width, map_height(r));
    open_text(out, x, y + map_height(r) + 14, 10, "fill=\"#444\"");
    heed_label_xml(out, s->output, false, (p->pitch - GAP) / 7);
    heed_buf_text(out, "</text>\n");
}

/* --- how they settle ------------------------------------------------------------------------------------------------------------------------------ */

static double level(const strip *p, const row *r, int64_t frame, bool share)
{
    const heed_spread *s = &p->film->frame[frame].spread[r->sentence];
    const double most = log((double)r->last->Tk);
    return share ? s->share : most > 0 ? s->entropy / most : 0;
}

static void add_end(heed_buf *out, const strip *p, const row *r, bool share, int x, int y, const char *colour)
{
    const heed_spread *s = &p->film->frame[p->film->count - 1].spread[r->sentence];
    heed_buf_printf(out, "<text x=\"%d\" y=\"%d\" font-size=\"10\" fill=\"%s\">", x + 5, y, colour);
    heed_number_fixed(out, share ? s->share : s->entropy, 2);
    heed_buf_text(out, "</text>\n");
}

/* Frames lie evenly between the middles of the first and the last map, so that the line passes below each map where its frame is. */
static void add_curve(heed_buf *out, const strip *p, const row *r, bool share, int top)
{
    static const char *const colours[] = {"#0072b2", "#d55e00"}, *const names[] = {"entropy", "settled"};
    const heed_strip *f = p->film;
    const double first = column(p, 0) + (int)r->last->Tk * r->cell / 2.0, step = f->count > 1 ? (double)(f->shown_count - 1) * p->pitch / (double)(f->count - 1) : 0;
    heed_buf_printf(out, "<path class=\"curve\" fill=\"none\" stroke=\"%s\" stroke-width=\"1.8\" stroke-dasharray=\"%s\" d=\"", colours[share], share ? "5 3" : "none");
    double x = first, y = top;
    for (int64_t i = 0; i < f->count; i++) {
        x = first + step * (double)i;
        y = top + CURVE * (1 - fmin(fmax(level(p, r, i, share), 0), 1));
        heed_buf_char(out, i ? 'L' : 'M');
        heed_number_fixed(out, x, 1);
        heed_buf_char(out, ' ');
        heed_number_fixed(out, y, 1);
    }
    heed_buf_printf(out, "\"><title>%s</title></path>\n", names[share]);
    add_end(out, p, r, share, (int)x, (int)y + 4, colours[share]);
    heed_buf_printf(out, "<text x=\"%d\" y=\"%d\" font-size=\"10\" text-anchor=\"end\" fill=\"%s\">%s</text>\n", column(p, 0) - 8, top + (share ? CURVE - 2 : 10), colours[share],
                    names[share]);
}

static void add_row(heed_buf *out, const strip *p, const row *r)
{
    const int curve = map_top(r) + map_height(r) + 26, right = column(p, p->film->shown_count - 1) + (int)r->last->Tk * r->cell;
    open_text(out, 16, r->top + 12, 12, "");
    heed_label_xml(out, r->last->source, false, p->width / 16);
    heed_buf_text(out, " → ");
    heed_label_xml(out, r->last->reference, false, p->width / 16);
    heed_buf_text(out, "</text>\n");
    add_row_names(out, r, column(p, 0));
    for (int k = 0; k < p->film->shown_count; k++) add_map(out, p, r, k);
    heed_buf_printf(out, "<path d=\"M%d %dH%dM%d %dH%d\" stroke=\"#ddd\"/>\n", column(p, 0), curve, right, column(p, 0), curve + CURVE, right);
    add_curve(out, p, r, false, curve);
    add_curve(out, p, r, true, curve);
}

heed_status heed_film_svg(const heed_strip *f, int sentence, heed_buf *out)
{
    const int from = sentence < 0 ? 0 : sentence, to = sentence < 0 ? f->sentences : sentence + 1;
    const strip p = arrange(f, from, to);
    int height = TOP;
    for (int i = from; i < to; i++) {
        const row r = row_of(&p, i, height);
        height += row_height(&r);
    }
    add_head(out, &p, height + 24 + HEADER);
    add_columns(out, &p);
    for (int i = from, top = TOP; i < to; i++) {
        const row r = row_of(&p, i, top);
        add_row(out, &p, &r);
        top += row_height(&r);
    }
    open_text(out, 16, height + 6, 11, "fill=\"#444\"");
    heed_buf_text(out, "Rows: symbols of the reference, read along; columns: what was read; below each map: what the model wrote of itself.</text>\n");
    open_text(out, 16, height + 6 + HEADER, 11, "fill=\"#444\"");
    heed_buf_text(out, "Entropy in nats, from 0 to that of even weights; settled: share of the weight where it is heaviest in the end.</text>\n</svg>\n");
    return out->failed ? HEED_E_NOMEM : HEED_OK;
}
