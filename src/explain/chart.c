/* A line chart as SVG: learning curves, error by length. */
#include "explain/explain.h"

#include "explain/label.h"

#include <math.h>

enum { WIDTH = 720, HEIGHT = 440, LEFT = 74, RIGHT = 34, BOTTOM = 62, LEGEND = 22, LEGEND_ROOM = WIDTH - LEFT - RIGHT, MARKED = 32 };

/* Okabe and Ito's colours, told apart by every eye; dashes tell them apart in print. */
static const char *const colours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00"};
static const char *const dashes[] = {"none", "8 4", "2 4", "10 3 2 3", "5 3", "1 3"};
enum { STYLES = sizeof colours / sizeof *colours };

typedef struct scale { double low, high, step; int from, to, decimals; } scale;     /* values low..high lie at pixels from..to */

static double pixel(const scale *s, double value)
{
    return s->from + (value - s->low) / (s->high - s->low) * (s->to - s->from);
}

/* Steps of 1, 2 or 5 times a power of ten, about `wanted` of them. */
static scale make_scale(double low, double high, bool snap, int wanted, int from, int to)
{
    if (!(high > low)) {
        double around = isfinite(low) ? low : 0, half = fmax(fabs(around) * 0.1, 0.5);
        low = around - half;
        high = around + half;
    }
    double raw = (high - low) / wanted, power = pow(10, floor(log10(raw))), f = raw / power;
    scale s = {.low = low, .high = high, .step = (f <= 1.0001 ? 1 : f <= 2.0001 ? 2 : f <= 5.0001 ? 5 : 10) * power, .from = from, .to = to};
    if (snap) {
        s.low = floor(low / s.step + 1e-9) * s.step;
        s.high = ceil(high / s.step - 1e-9) * s.step;
    }
    int decimals = (int)ceil(-log10(s.step) - 1e-9);
    s.decimals = decimals < 0 ? 0 : decimals > 12 ? 12 : decimals;
    return s;
}

static void range_of(const heed_chart *c, bool y, double *low, double *high)
{
    *low = INFINITY;
    *high = -INFINITY;
    for (int i = 0; i < c->count; i++)
        for (int64_t j = 0; j < c->lines[i].points; j++) {
            double value = y ? c->lines[i].y[j] : c->lines[i].x[j];
            if (!isfinite(c->lines[i].x[j]) || !isfinite(c->lines[i].y[j]))
                continue;
            *low = fmin(*low, value);
            *high = fmax(*high, value);
        }
    if (*low > *high)
        *low = *high = 0;
}

/* 12,000: large counts are read by their groups. */
static void add_tick(heed_buf *out, double value, const scale *s)
{
    if (fabs(value) < s->step * 1e-6)
        value = 0;
    heed_buf number = {0};
    heed_number_fixed(&number, value, s->decimals);
    size_t digits = 0, start = value < 0;
    while (number.data && number.data[start + digits] >= '0' && number.data[start + digits] <= '9')
        digits++;
    for (size_t i = 0; i < number.size; i++) {
        heed_buf_char(out, number.data[i]);
        size_t left = start + digits - 1 - i;
        if (i >= start && i + 1 < start + digits && left % 3 == 0 && digits > 3)
            heed_buf_char(out, ',');
    }
    out->failed |= number.failed;
    heed_buf_free(&number);
}

static int64_t first_tick(const scale *s) { return (int64_t)ceil(s->low / s->step - 1e-6); }
static int64_t last_tick(const scale *s) { return (int64_t)floor(s->high / s->step + 1e-6); }

static void add_axes(heed_buf *out, const heed_chart *c, const scale *x, const scale *y)
{
    for (int64_t i = first_tick(y); i <= last_tick(y); i++) {
        int at = (int)lround(pixel(y, (double)i * y->step));
        heed_buf_printf(out, "<path d=\"M%d %dH%d\" stroke=\"#ddd\"/>\n<text x=\"%d\" y=\"%d\" text-anchor=\"end\">", x->from, at, x->to, x->from - 8, at + 4);
        add_tick(out, (double)i * y->step, y);
        heed_buf_text(out, "</text>\n");
    }
    for (int64_t i = first_tick(x); i <= last_tick(x); i++) {
        int at = (int)lround(pixel(x, (double)i * x->step));
        heed_buf_printf(out, "<path d=\"M%d %dv5\" stroke=\"#555\"/>\n<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">", at, y->from, at, y->from + 20);
        add_tick(out, (double)i * x->step, x);
        heed_buf_text(out, "</text>\n");
    }
    heed_buf_printf(out, "<path d=\"M%d %dV%dH%d\" fill=\"none\" stroke=\"#555\"/>\n", x->from, y->to, y->from, x->to);
    heed_buf_printf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\" font-size=\"13\">", (x->from + x->to) / 2, HEIGHT - 18);
    heed_label_xml(out, c->x_label, false, 80);
    heed_buf_printf(out, "</text>\n<text transform=\"translate(20 %d) rotate(-90)\" text-anchor=\"middle\" font-size=\"13\">", (y->from + y->to) / 2);
    heed_label_xml(out, c->y_label, false, 40);
    heed_buf_text(out, "</text>\n");
}

static void add_point(heed_buf *out, double x, double y, char before)
{
    heed_buf_char(out, before);
    heed_number_fixed(out, x, 1);
    heed_buf_char(out, ' ');
    heed_number_fixed(out, y, 1);
}

static void add_line(heed_buf *out, const heed_line *l, int i, const scale *x, const scale *y)
{
    bool open = false;
    heed_buf_printf(out, "<g clip-path=\"url(#plot)\"><path fill=\"none\" stroke=\"%s\" stroke-width=\"2.2\" stroke-dasharray=\"%s\" stroke-linejoin=\"round\" d=\"",
                    colours[i % STYLES], dashes[i % STYLES]);
    for (int64_t j = 0; j < l->points; j++) {
        bool there = isfinite(l->x[j]) && isfinite(l->y[j]);
        if (there)
            add_point(out, pixel(x, l->x[j]), pixel(y, l->y[j]), open ? 'L' : 'M');
        open = there;
    }
    heed_buf_text(out, "\"/></g>\n");
    for (int64_t j = 0; j < l->points && l->points <= MARKED; j++) {
        if (!isfinite(l->x[j]) || !isfinite(l->y[j]) || l->y[j] < y->low || l->y[j] > y->high)
            continue;
        heed_buf_text(out, "<circle cx=\"");
        heed_number_fixed(out, pixel(x, l->x[j]), 1);
        heed_buf_text(out, "\" cy=\"");
        heed_number_fixed(out, pixel(y, l->y[j]), 1);
        heed_buf_printf(out, "\" r=\"4\" fill=\"%s\" stroke=\"#fff\"><title>", colours[i % STYLES]);
        heed_label_xml(out, l->name, false, 0);
        heed_buf_text(out, ": ");
        heed_number_short(out, l->x[j], 6);
        heed_buf_text(out, ", ");
        heed_number_short(out, l->y[j], 4);
        heed_buf_text(out, "</title></circle>\n");
    }
}

static int legend_width(const heed_line *l)
{
    int name = heed_label_width(l->name) * 8 + 64;
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
            heed_buf_printf(out, "<path d=\"M%d %dh30\" stroke=\"%s\" stroke-width=\"2.2\" stroke-dasharray=\"%s\"/>\n<text x=\"%d\" y=\"%d\" font-size=\"13\">",
                            LEFT + x, y - 4, colours[i % STYLES], dashes[i % STYLES], LEFT + x + 38, y);
            heed_label_xml(out, c->lines[i].name, false, (LEGEND_ROOM - 40) / 8);
            heed_buf_text(out, "</text>\n");
        }
        x += width;
    }
    return c->count ? row + 1 : 0;
}

heed_status heed_explain_chart(const heed_chart *c, heed_buf *out)
{
    int top = 48 + LEGEND * add_legend(NULL, c, 0) + 6;
    top = top < HEIGHT / 2 ? top : HEIGHT / 2;
    double low, high;
    range_of(c, false, &low, &high);
    if (low > 0 && low < high * 0.3)
        low = 0;                                        /* lengths and counts begin at nothing */
    scale x = make_scale(low, high, false, 8, LEFT, WIDTH - RIGHT);
    range_of(c, true, &low, &high);
    bool given = c->y_max > c->y_min;
    scale y = make_scale(given ? c->y_min : low, given ? c->y_max : high, !given, 6, HEIGHT - BOTTOM, top);
    heed_buf_printf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" "
                         "font-family=\"Helvetica, Arial, 'DejaVu Sans', sans-serif\" font-size=\"12\" fill=\"#222\" role=\"img\">\n<title>",
                    WIDTH, HEIGHT, WIDTH, HEIGHT);
    heed_label_xml(out, c->title, false, 0);
    heed_buf_printf(out, "</title>\n<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n<clipPath id=\"plot\"><rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/></clipPath>\n",
                    LEFT, top - 2, WIDTH - LEFT - RIGHT, HEIGHT - BOTTOM - top + 4);
    heed_buf_printf(out, "<text x=\"%d\" y=\"28\" font-size=\"16\" font-weight=\"bold\">", LEFT);
    heed_label_xml(out, c->title, false, (WIDTH - LEFT) / 9);
    heed_buf_text(out, "</text>\n");
    add_legend(out, c, 52);
    add_axes(out, c, &x, &y);
    for (int i = 0; i < c->count; i++)
        add_line(out, &c->lines[i], i, &x, &y);
    heed_buf_text(out, "</svg>\n");
    return out->failed ? HEED_E_NOMEM : HEED_OK;
}
