/* A heat map of attention as SVG: real text, numbered axes, a <title> a cell, the weights as numbers where there is something to read. */
#include "explain/explain.h"

#include "explain/label.h"
#include "explain/shade.h"

#include <math.h>
#include <string.h>

enum {
    CELL_X = 30, CELL_Y = 24,        /* pixels of one weight */
    LETTER = 8,                      /* of a label's letter, on the safe side */
    TOP = 66,                        /* title, axis title */
    INDEX = 24,                      /* for the numbers along an axis */
    SCALE = 92,                      /* the colour scale at the right */
    LONGEST_LABEL = 24,              /* cells */
    ALL_TITLES = 4096                /* from so many cells on, those that round to nothing are left to the ground */
};

typedef struct frame {
    int left, top, width, height, grid_width, grid_height, label_x, label_y;
    const float *values;             /* [T,S] that are drawn */
    const heed_lens *lens;           /* NULL: attention as it was */
    double most;                     /* the largest |value|; 1 for attention */
    const char *note;
} frame;

/* Colour of a value, as a share of the largest. */
static void shade(const frame *f, double share, int rgb[3])
{
    if (f->lens && f->lens->is_signed) heed_shade_signed(share, rgb);
    else heed_shade_paper(share, rgb);
}

static int widest(const heed_piece_of_text *symbols, int64_t count)
{
    int most = 1;
    for (int64_t i = 0; i < count; i++) {
        int width = heed_label_width(heed_label_symbol(symbols, i));
        most = width > most ? width : most;
    }
    return most < LONGEST_LABEL ? most : LONGEST_LABEL;
}

static frame arrange(const heed_output *o)
{
    frame f = {0};
    f.label_x = widest(o->source_tokens, o->source_count);
    f.label_y = widest(o->tokens, o->count);
    int upright = f.label_x <= 3;
    f.left = 34 + INDEX + f.label_y * LETTER + 8;
    f.top = TOP + INDEX + (upright ? 18 : f.label_x * LETTER + 8);
    f.grid_width = (int)o->source_count * CELL_X;
    f.grid_height = (int)o->count * CELL_Y;
    int tall = f.grid_height > 150 ? f.grid_height : 150;
    f.width = f.left + (f.grid_width > 330 ? f.grid_width : 330) + SCALE;
    f.height = f.top + tall + 44;
    return f;
}

static void add_head(heed_buf *out, const heed_output *o, const frame *f)
{
    heed_buf_printf(out,
                    "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" "
                    "font-family=\"Helvetica, Arial, 'DejaVu Sans', sans-serif\" font-size=\"13\" fill=\"#111\" role=\"img\">\n<title>",
                    f->width, f->height, f->width, f->height);
    heed_label_xml(out, o->source, false, 0);
    heed_buf_text(out, " → ");
    heed_label_xml(out, o->text, false, 0);
    heed_buf_text(out, "</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n<text x=\"16\" y=\"24\" font-size=\"15\" font-weight=\"bold\">");
    heed_label_xml(out, o->source, false, (f->width - 32) / 9);
    heed_buf_text(out, "</text>\n<text x=\"16\" y=\"43\">→ ");
    heed_label_xml(out, o->text, false, (f->width - 56) / LETTER);
    heed_buf_printf(out, "</text>\n<text x=\"%d\" y=\"%d\" fill=\"#444\">read, symbol by symbol</text>\n", f->left, TOP);
    heed_buf_printf(out, "<text transform=\"translate(18 %d) rotate(-90)\" text-anchor=\"end\" fill=\"#444\">written</text>\n", f->top);
}

static void add_columns(heed_buf *out, const heed_output *o, const frame *f)
{
    bool upright = f->label_x <= 3;
    for (int64_t j = 0; j < o->source_count; j++) {
        int x = f->left + (int)j * CELL_X + CELL_X / 2;
        heed_buf_printf(out, "<text x=\"%d\" y=\"%d\" font-size=\"9\" fill=\"#777\" text-anchor=\"middle\">%lld</text>\n", x, f->top - 5, (long long)j);
        if (upright)
            heed_buf_printf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">", x, f->top - INDEX + 3);
        else
            heed_buf_printf(out, "<text transform=\"translate(%d %d) rotate(-90)\">", x + 4, f->top - INDEX + 4);
        heed_label_xml(out, heed_label_symbol(o->source_tokens, j), true, LONGEST_LABEL);
        heed_buf_text(out, "</text>\n");
    }
}

static void add_rows(heed_buf *out, const heed_output *o, const frame *f)
{
    for (int64_t i = 0; i < o->count; i++) {
        int y = f->top + (int)i * CELL_Y + CELL_Y / 2;
        heed_buf_printf(out, "<text x=\"%d\" y=\"%d\" font-size=\"9\" fill=\"#777\" text-anchor=\"end\">%lld</text>\n", f->left - 5, y + 3, (long long)i);
        heed_buf_printf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">", f->left - INDEX, y + 4);
        heed_label_xml(out, heed_label_symbol(o->tokens, i), true, LONGEST_LABEL);
        heed_buf_text(out, "</text>\n");
    }
}

static void add_cell(heed_buf *out, const heed_output *o, const frame *f, int64_t i, int64_t j)
{
    const double value = f->values[i * o->source_count + j], share = value / f->most, size = fabs(share);
    if (size < 0.0005 && o->count * o->source_count > ALL_TITLES)
        return;
    int rgb[3], x = f->left + (int)j * CELL_X, y = f->top + (int)i * CELL_Y;
    shade(f, share, rgb);
    heed_buf_printf(out, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"#%02x%02x%02x\"><title>", x, y, CELL_X, CELL_Y, (unsigned)rgb[0],
                    (unsigned)rgb[1], (unsigned)rgb[2]);
    heed_label_xml(out, heed_label_symbol(o->source_tokens, j), true, 0);
    heed_buf_text(out, " → ");
    heed_label_xml(out, heed_label_symbol(o->tokens, i), true, 0);
    heed_buf_text(out, ": ");
    heed_number_fixed(out, value, 3);
    heed_buf_text(out, "</title></rect>\n");
    if (size < 0.095)
        return;
    heed_buf_printf(out, "<text x=\"%d\" y=\"%d\" font-size=\"10\" text-anchor=\"middle\"%s pointer-events=\"none\">", x + CELL_X / 2, y + CELL_Y / 2 + 4,
                    size > 0.55 ? " fill=\"#fff\"" : "");
    heed_number_fixed(out, value, 2);
    heed_buf_text(out, "</text>\n");
}

static void add_grid(heed_buf *out, const heed_output *o, const frame *f)
{
    heed_buf_text(out, "<g shape-rendering=\"crispEdges\">\n");
    for (int64_t i = 0; i < o->count; i++)
        for (int64_t j = 0; j < o->source_count; j++)
            add_cell(out, o, f, i, j);
    heed_buf_text(out, "<path fill=\"none\" stroke=\"#e3e3e3\" d=\"");
    for (int64_t j = 1; j < o->source_count; j++)
        heed_buf_printf(out, "M%d %dv%d", f->left + (int)j * CELL_X, f->top, f->grid_height);
    for (int64_t i = 1; i < o->count; i++)
        heed_buf_printf(out, "M%d %dh%d", f->left, f->top + (int)i * CELL_Y, f->grid_width);
    heed_buf_printf(out, "\"/>\n<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"none\" stroke=\"#888\"/>\n</g>\n", f->left, f->top, f->grid_width,
                    f->grid_height);
}

static void add_scale(heed_buf *out, const frame *f)
{
    int x = f->left + f->grid_width + 22, tall = f->grid_height > 150 ? 150 : f->grid_height < 100 ? 100 : f->grid_height;
    const double low = f->lens && f->lens->is_signed ? -1 : 0;
    heed_buf_printf(out, "<text x=\"%d\" y=\"%d\" font-size=\"11\" fill=\"#444\">%s</text>\n", x, f->top - 8, f->lens ? "score" : "weight");
    for (int i = 0; i < 50; i++) {
        int rgb[3], from = tall * i / 50, to = tall * (i + 1) / 50;
        shade(f, 1 - (1 - low) * i / 49.0, rgb);
        heed_buf_printf(out, "<rect x=\"%d\" y=\"%d\" width=\"14\" height=\"%d\" fill=\"#%02x%02x%02x\"/>\n", x, f->top + from, to - from, (unsigned)rgb[0],
                        (unsigned)rgb[1], (unsigned)rgb[2]);
    }
    heed_buf_printf(out, "<rect x=\"%d\" y=\"%d\" width=\"14\" height=\"%d\" fill=\"none\" stroke=\"#888\"/>\n", x, f->top, tall);
    for (int i = 0; i <= 4; i++) {
        heed_buf_printf(out, "<text x=\"%d\" y=\"%d\" font-size=\"11\">", x + 20, f->top + tall * (4 - i) / 4 + 4);
        heed_number_fixed(out, f->most * (low + (1 - low) * i / 4.0), 2);
        heed_buf_text(out, "</text>\n");
    }
}

static void add_foot(heed_buf *out, const heed_output *o, const frame *f)
{
    heed_buf_printf(out, "<text x=\"16\" y=\"%d\" font-size=\"11\" fill=\"#444\">", f->height - 16);
    if (f->lens) {
        heed_label_xml(out, f->lens->title, false, 0);
        heed_buf_text(out, f->note && *f->note ? ", " : "");
        heed_label_xml(out, f->note, false, 0);
    } else if (o->shown)
        heed_label_look(out, o, "; ");
    heed_buf_text(out, f->lens ? "; of ln p of each symbol written; ∎ the end; ln p = " : o->shown ? "each row sums to 1; ∎ the end; ln p = "
                     : o->count ? "no attention: the source is read into one fixed vector; ln p = " : "nothing was read and nothing written; ln p = ");
    heed_number_fixed(out, o->score, 2);
    heed_buf_text(out, "</text>\n</svg>\n");
}

static heed_status draw(const heed_output *o, frame f, heed_buf *out)
{
    if (!f.values)
        f.height = TOP + 40;
    add_head(out, o, &f);
    if (f.values) {
        add_columns(out, o, &f);
        add_rows(out, o, &f);
        add_grid(out, o, &f);
        add_scale(out, &f);
    }
    add_foot(out, o, &f);
    return out->failed ? HEED_E_NOMEM : HEED_OK;
}

heed_status heed_explain_svg(const heed_output *o, heed_buf *out)
{
    if (o->source_count > 100000 || o->count > 100000)
        return HEED_E_LIMIT;
    frame f = arrange(o);
    f.values = o->shown;
    f.most = 1;
    return draw(o, f, out);
}

heed_status heed_explain_svg_lens(const heed_output *o, const heed_lens *lens, const float *scores, const char *note, heed_buf *out)
{
    if (o->source_count > 100000 || o->count > 100000)
        return HEED_E_LIMIT;
    frame f = arrange(o);
    f.values = scores;
    f.lens = lens;
    f.note = note;
    for (int64_t i = 0; i < o->count * o->source_count; i++) f.most = fmax(f.most, fabs((double)scores[i]));
    if (f.most == 0)
        f.most = 1;
    return draw(o, f, out);
}
