/* A heat map of attention for a terminal: one row a symbol written, one column a symbol read. */
#include "explain/explain.h"

#include "explain/label.h"
#include "explain/shade.h"

#include <math.h>

enum { LONGEST_LABEL = 16, LONGEST_HEADING = 12 };

typedef struct layout {
    const heed_output *o;
    bool colour;
    int label, cell;          /* cells of a terminal: of a row's label, of one weight */
    int heading;              /* lines above the columns; 1: labels stand upright in the cell */
    int64_t per_block;        /* columns side by side */
} layout;

static void add_repeated(heed_buf *out, const char *text, int64_t times)
{
    for (int64_t i = 0; i < times; i++)
        heed_buf_text(out, text);
}

static void add_weight(heed_buf *out, const layout *l, double weight)
{
    if (l->colour) {
        int rgb[3];
        heed_shade_dark(weight, rgb);
        heed_buf_printf(out, "\033[48;2;%d;%d;%dm", rgb[0], rgb[1], rgb[2]);
        add_repeated(out, " ", l->cell);
    } else {
        const char *shade = heed_shade_block(weight);
        heed_buf_char(out, ' ');
        heed_buf_text(out, shade);
        add_repeated(out, weight < 0.05 ? " " : shade, l->cell - 2);
    }
}

static int widest(const heed_piece_of_text *symbols, int64_t count)
{
    int most = 1;
    for (int64_t i = 0; i < count; i++) {
        int width = heed_label_width(heed_label_symbol(symbols, i));
        if (width > most)
            most = width;
    }
    return most;
}

/* Labels stand upright when all columns then fit side by side; else their letters hang down and the columns fold into blocks. */
static layout arrange(const heed_output *o, bool colour, int columns)
{
    layout l = {.o = o, .colour = colour, .label = widest(o->tokens, o->count)};
    if (l.label > LONGEST_LABEL)
        l.label = LONGEST_LABEL;
    int room = (columns > 0 ? columns : 80) - l.label - 7, name = widest(o->source_tokens, o->source_count);
    if (room < 4)
        room = 4;
    l.cell = name + 1 < 3 ? 3 : name + 1;
    l.heading = 1;
    if (l.cell > LONGEST_LABEL || l.cell * o->source_count > room) {
        l.cell = 3 * o->source_count <= room ? 3 : 2;
        l.heading = name > LONGEST_HEADING ? LONGEST_HEADING : name;
    }
    int64_t blocks = (o->source_count * l.cell + room - 1) / room;
    l.per_block = blocks > 1 ? (o->source_count + blocks - 1) / blocks : o->source_count;
    if (l.per_block * l.cell > room && blocks > 1)
        l.per_block = room / l.cell;
    return l;
}

static void add_heading(heed_buf *out, const layout *l, int64_t from, int64_t to)
{
    for (int line = 0; line < l->heading; line++) {
        add_repeated(out, " ", l->label + 1);
        for (int64_t j = from; j < to; j++) {
            const char *name = heed_label_symbol(l->o->source_tokens, j);
            heed_buf_char(out, ' ');
            if (l->heading == 1 && l->cell > 2) {
                heed_label_fit(out, name, l->cell - 1);
                continue;
            }
            heed_label_letter(out, name, line);
            add_repeated(out, " ", l->cell - 2);
        }
        heed_buf_text(out, line + 1 == l->heading ? "     p\n" : "\n");
    }
}

static void add_row(heed_buf *out, const layout *l, int64_t i, int64_t from, int64_t to)
{
    const heed_output *o = l->o;
    heed_label_fit(out, heed_label_symbol(o->tokens, i), l->label);
    heed_buf_char(out, ' ');
    for (int64_t j = from; j < to; j++)
        add_weight(out, l, o->shown[i * o->source_count + j]);
    heed_buf_text(out, l->colour ? "\033[0m  " : "  ");
    heed_number_fixed(out, exp(o->tokens[i].logp), 2);
    heed_buf_char(out, '\n');
}

static void add_legend(heed_buf *out, const layout *l)
{
    heed_buf_text(out, "\nweight  ");
    if (l->colour) {
        layout strip = {.colour = true, .cell = 1};
        heed_buf_text(out, "0 ");
        for (int i = 0; i <= 20; i++)
            add_weight(out, &strip, i / 20.0);
        heed_buf_text(out, "\033[0m 1");
    } else {
        heed_buf_text(out, "· below .05  ░ .05  ▒ .25  ▓ .50  █ .75 and above");
    }
    heed_buf_char(out, '\n');
    heed_label_look(out, l->o, "\n");
    heed_buf_text(out, "rows    what was written, and with what probability p; columns: where the model looked; each row sums to 1; ∎ the end\n");
}

static void add_texts(heed_buf *out, const heed_output *o)
{
    heed_buf_text(out, "read    ");
    heed_label_plain(out, o->source);
    heed_buf_text(out, "\nwrote   ");
    heed_label_plain(out, o->text);
    heed_buf_text(out, "\nscore   ");
    heed_number_fixed(out, o->score, 4);
    heed_buf_char(out, '\n');
}

heed_status heed_explain_terminal(const heed_output *o, bool colour, int columns, heed_buf *out)
{
    add_texts(out, o);
    if (!o->shown) {
        heed_buf_text(out, o->count == 0 ? "\nnothing was read and nothing written\n"
                                         : "\nno attention: this model reads the source into one fixed vector, so it looks nowhere in particular\n");
        return out->failed ? HEED_E_NOMEM : HEED_OK;
    }
    layout l = arrange(o, colour, columns);
    for (int64_t from = 0; from < o->source_count; from += l.per_block) {
        int64_t to = from + l.per_block < o->source_count ? from + l.per_block : o->source_count;
        heed_buf_char(out, '\n');
        add_heading(out, &l, from, to);
        for (int64_t i = 0; i < o->count; i++)
            add_row(out, &l, i, from, to);
    }
    add_legend(out, &l);
    return out->failed ? HEED_E_NOMEM : HEED_OK;
}
