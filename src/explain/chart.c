/* A line chart as SVG: learning curves, error by length. */
#include "explain/explain.h"

#include "explain/label.h"
#include "explain/scale.h"

#include <math.h>

enum {
    WIDTH = 720, HEIGHT = 440,       /* with up to two rows of names; further rows make the picture taller, never the plot smaller */
    LEFT = 74, RIGHT = 34, BOTTOM = 62, LEGEND = 22, LEGEND_ROOM = WIDTH - LEFT - RIGHT,
    SAMPLE = 34,                     /* pixels of a line in the legend */
    MARKED = 32,                     /* points that all have their mark and bar; of more some have marks, and intervals are a band */
    MARKS_APART = 12
};
static const double largest = 1e100;   /* beyond it differences may be infinite */

/* A line has its colour, dashes and mark; no two of thirty lines have the same dashes and mark, so that print tells them apart as well. Okabe and
 * Ito's colours, without the yellow, which white paper swallows. */
static const char *const colours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#333333"};
static const char *const dashes[] = {"none", "8 4", "2 4", "10 3 2 3", "5 3", "1 3"};
static const char *const marks[] = {
    "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z",    /* circle */
    "M-4-4h8v8h-8z",                         /* square */
    "M0-5L5 4H-5z",                          /* triangle */
    "M0-6L5 0L0 6L-5 0z",                    /* diamond */
    "M0 5L5-4H-5z",                          /* triangle upside down */
    "M-2-5h4v3h3v4h-3v3h-4v-3h-3v-4h3z",     /* plus */
    "M-5-3L-3-5L0-2L3-5L5-3L2 0L5 3L3 5L0 2L-3 5L-5 3L-2 0z",     /* cross */
    "M-2-5h4v10h-4z",                        /* upright bar */
    "M-5-2h10v4h-10z",                       /* lying bar */
    "M0-6L1.5-1.5L6 0L1.5 1.5L0 6L-1.5 1.5L-6 0L-1.5-1.5z",       /* star */
};
enum { COLOURS = sizeof colours / sizeof *colours, DASHES = sizeof dashes / sizeof *dashes, MARKS = sizeof marks / sizeof *marks };

typedef struct plot {
    const heed_chart *chart;
    heed_scale x, y;
    int height, top;
} plot;

static bool is_number(double value) { return isfinite(value) && fabs(value) <= largest; }
static bool has_point(const heed_chart *c, const heed_line *l, int64_t j)
{
    return is_number(l->x[j]) && is_number(l->y[j]) && (!c->log_x || l->x[j] > 0);
}
static bool has_interval(const heed_line *l, int64_t j) { return l->low && is_number(l->low[j]) && is_number(l->high[j]); }

static void widen(double *low, double *high, double value)
{
    *low = fmin(*low, value);
    *high = fmax(*high, value);
}

static void range_of(const heed_chart *c, bool y, double *low, double *high)
{
    *low = INFINITY;
    *high = -INFINITY;
    for (int i = 0; i < c->count; i++)
        for (int64_t j = 0; j < c->lines[i].points; j++) {
            const heed_line *l = &c->lines[i];
            if (!has_point(c, l, j))
                continue;
            widen(low, high, y ? l->y[j] : l->x[j]);
            if (!y || !has_interval(l, j))
                continue;
            widen(low, high, l->low[j]);
            widen(low, high, l->high[j]);
        }
}

/* --- around the plot ------------------------------------------------------------------------------------------------------------------------- */

static void add_axes(heed_buf *out, const plot *p)
{
    const heed_scale *x = &p->x, *y = &p->y;
    for (int i = 0; i < y->ticks; i++) {
        int at = (int)lround(heed_scale_pixel(y, y->tick[i]));
        heed_buf_printf(out, "<path d=\"M%d %dH%d\" stroke=\"#ddd\"/>\n<text x=\"%d\" y=\"%d\" text-anchor=\"end\">", x->from, at, x->to, x->from - 8, at + 4);
        heed_scale_write(out, y, y->tick[i]);
        heed_buf_text(out, "</text>\n");
    }
    for (int i = 0; i < x->ticks; i++) {
        int at = (int)lround(heed_scale_pixel(x, x->tick[i]));
        heed_buf_printf(out, "<path d=\"M%d %dv5\" stroke=\"#555\"/>\n<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">", at, y->from, at, y->from + 20);
        heed_scale_write(out, x, x->tick[i]);
        heed_buf_text(out, "</text>\n");
    }
    heed_buf_printf(out, "<path d=\"M%d %dV%dH%d\" fill=\"none\" stroke=\"#555\"/>\n", x->from, y->to, y->from, x->to);
    heed_buf_printf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\" font-size=\"13\">", (x->from + x->to) / 2, p->height - 18);
    heed_label_xml(out, p->chart->x_label, false, 80);
    heed_buf_printf(out, "</text>\n<text transform=\"translate(20 %d) rotate(-90)\" text-anchor=\"middle\" font-size=\"13\">", (y->from + y->to) / 2);
    heed_label_xml(out, p->chart->y_label, false, 40);
    heed_buf_text(out, "</text>\n");
}

static void add_mark(heed_buf *out, int i, double x, double y)
{
    heed_buf_text(out, "<path class=\"mark\" transform=\"translate(");
    heed_number_fixed(out, x, 1);
    heed_buf_char(out, ' ');
    heed_number_fixed(out, y, 1);
    heed_buf_printf(out, ")\" d=\"%s\" fill=\"%s\" stroke=\"#fff\"", marks[i % MARKS], colours[i % COLOURS]);
}

static int legend_width(const heed_line *l)
{
    int name = heed_label_width(l->name) * 8 + SAMPLE + 30;
    return name < LEGEND_ROOM ? name : LEGEND_ROOM;
}

/* Names under the title, in as many rows as they need; returns the rows. out NULL: only counts. */
static int add_legend(heed_buf *out, const heed_chart *c, int top)
{
    int x = 0, row = 0;
    for (int i = 0; i < c->count; i++) {
        int width = legend_width(&c->lines[i]);
        if (x > 0 && x + width > LEGEND_ROOM) {
            x = 0;
            row++;
        }
        if (out) {
            int y = top + row * LEGEND;
            heed_buf_printf(out, "<path d=\"M%d %dh%d\" stroke=\"%s\" stroke-width=\"2.2\" stroke-dasharray=\"%s\"/>\n", LEFT + x, y - 4, SAMPLE,
                            colours[i % COLOURS], dashes[i % DASHES]);
            add_mark(out, i, LEFT + x + SAMPLE / 2, y - 4);
            heed_buf_printf(out, "/>\n<text x=\"%d\" y=\"%d\" font-size=\"13\">", LEFT + x + SAMPLE + 8, y);
            heed_label_xml(out, c->lines[i].name, false, (LEGEND_ROOM - SAMPLE - 10) / 8);
            heed_buf_text(out, "</text>\n");
        }
        x += width;
    }
    return c->count ? row + 1 : 0;
}

/* --- lines ------------------------------------------------------------------------------------------------------------------------------------ */

static void add_point(heed_buf *out, double x, double y, char before)
{
    heed_buf_char(out, before);
    heed_number_fixed(out, x, 1);
    heed_buf_char(out, ' ');
    heed_number_fixed(out, y, 1);
}

static void add_stroke(heed_buf *out, const plot *p, const heed_line *l, int i)
{
    bool open = false;
    heed_buf_printf(out, "<path fill=\"none\" stroke=\"%s\" stroke-width=\"2.2\" stroke-dasharray=\"%s\" stroke-linejoin=\"round\" d=\"", colours[i % COLOURS],
                    dashes[i % DASHES]);
    for (int64_t j = 0; j < l->points; j++) {
        bool there = has_point(p->chart, l, j);
        if (there)
            add_point(out, heed_scale_pixel(&p->x, l->x[j]), heed_scale_pixel(&p->y, l->y[j]), open ? 'L' : 'M');
        open = there;
    }
    heed_buf_text(out, "\"/>\n");
}

static void add_bars(heed_buf *out, const plot *p, const heed_line *l, int i)
{
    heed_buf_printf(out, "<path class=\"interval\" fill=\"none\" stroke=\"%s\" stroke-width=\"1.4\" d=\"", colours[i % COLOURS]);
    for (int64_t j = 0; j < l->points; j++) {
        if (!has_point(p->chart, l, j) || !has_interval(l, j))
            continue;
        const double x = heed_scale_pixel(&p->x, l->x[j]), low = heed_scale_pixel(&p->y, l->low[j]), high = heed_scale_pixel(&p->y, l->high[j]);
        add_point(out, x - 5, low, 'M');
        add_point(out, x + 5, low, 'L');
        add_point(out, x, low, 'M');
        add_point(out, x, high, 'L');
        add_point(out, x - 5, high, 'M');
        add_point(out, x + 5, high, 'L');
    }
    heed_buf_text(out, "\"/>\n");
}

static void add_band(heed_buf *out, const plot *p, const heed_line *l, int i)
{
    heed_buf_printf(out, "<path class=\"interval\" fill=\"%s\" fill-opacity=\"0.16\" d=\"", colours[i % COLOURS]);
    for (int64_t from = 0, to; from < l->points; from = to + 1) {
        for (to = from; to < l->points && has_point(p->chart, l, to) && has_interval(l, to); to++)
            add_point(out, heed_scale_pixel(&p->x, l->x[to]), heed_scale_pixel(&p->y, l->high[to]), to == from ? 'M' : 'L');
        for (int64_t j = to - 1; j >= from; j--)
            add_point(out, heed_scale_pixel(&p->x, l->x[j]), heed_scale_pixel(&p->y, l->low[j]), 'L');
        if (to > from)
            heed_buf_char(out, 'z');
    }
    heed_buf_text(out, "\"/>\n");
}

static void add_title(heed_buf *out, const heed_line *l, int64_t j)
{
    heed_buf_text(out, "><title>");
    heed_label_xml(out, l->name, false, 0);
    heed_buf_text(out, ": ");
    heed_number_short(out, l->x[j], 6);
    heed_buf_text(out, ", ");
    heed_number_short(out, l->y[j], 4);
    if (has_interval(l, j)) {
        heed_buf_text(out, " (");
        heed_number_short(out, l->low[j], 4);
        heed_buf_text(out, " to ");
        heed_number_short(out, l->high[j], 4);
        heed_buf_char(out, ')');
    }
    heed_buf_text(out, "</title></path>\n");
}

/* Of many points, a few of each line at places of its own, so that lines that lie together do not hide each other's. */
static void add_marks(heed_buf *out, const plot *p, const heed_line *l, int i)
{
    const int64_t apart = l->points <= MARKED ? 1 : (l->points + MARKS_APART - 1) / MARKS_APART;
    for (int64_t j = (int64_t)i * apart / MARKS % apart; j < l->points; j += apart) {
        if (!has_point(p->chart, l, j) || l->y[j] < p->y.low || l->y[j] > p->y.high)
            continue;
        add_mark(out, i, heed_scale_pixel(&p->x, l->x[j]), heed_scale_pixel(&p->y, l->y[j]));
        add_title(out, l, j);
    }
}

static void add_lines(heed_buf *out, const plot *p)
{
    const heed_chart *c = p->chart;
    heed_buf_text(out, "<g clip-path=\"url(#plot)\">\n");
    for (int i = 0; i < c->count; i++)
        if (c->lines[i].low)
            (c->lines[i].points <= MARKED ? add_bars : add_band)(out, p, &c->lines[i], i);
    for (int i = 0; i < c->count; i++)
        add_stroke(out, p, &c->lines[i], i);
    heed_buf_text(out, "</g>\n");
    for (int i = 0; i < c->count; i++)
        add_marks(out, p, &c->lines[i], i);
}

/* --- all of it -------------------------------------------------------------------------------------------------------------------------------- */

static plot arrange(const heed_chart *c)
{
    const int rows = add_legend(NULL, c, 0);
    plot p = {.chart = c, .top = 48 + LEGEND * rows + 6, .height = HEIGHT + (rows > 2 ? (rows - 2) * LEGEND : 0)};
    double low, high;
    range_of(c, false, &low, &high);
    if (!c->log_x && low > 0 && low < high * 0.3)
        low = 0;                                        /* lengths and counts begin at nothing */
    p.x = heed_scale_make(low, high, c->log_x, false, 8, LEFT, WIDTH - RIGHT);
    range_of(c, true, &low, &high);
    const bool given = c->y_max > c->y_min;
    p.y = heed_scale_make(given ? c->y_min : low, given ? c->y_max : high, false, !given, 6, p.height - BOTTOM, p.top);
    return p;
}

heed_status heed_explain_chart(const heed_chart *c, heed_buf *out)
{
    const plot p = arrange(c);
    heed_buf_printf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" "
                         "font-family=\"Helvetica, Arial, 'DejaVu Sans', sans-serif\" font-size=\"12\" fill=\"#222\" role=\"img\">\n<title>",
                    WIDTH, p.height, WIDTH, p.height);
    heed_label_xml(out, c->title, false, 0);
    heed_buf_printf(out, "</title>\n<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n<clipPath id=\"plot\"><rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/></clipPath>\n",
                    LEFT - 6, p.top - 2, WIDTH - LEFT - RIGHT + 12, p.height - BOTTOM - p.top + 4);
    heed_buf_printf(out, "<text x=\"%d\" y=\"28\" font-size=\"16\" font-weight=\"bold\">", LEFT);
    heed_label_xml(out, c->title, false, (WIDTH - LEFT) / 9);
    heed_buf_text(out, "</text>\n");
    add_legend(out, c, 52);
    add_axes(out, &p);
    add_lines(out, &p);
    heed_buf_text(out, "</svg>\n");
    return out->failed ? HEED_E_NOMEM : HEED_OK;
}
