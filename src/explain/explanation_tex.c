/* An explanation as a TeX document that compiles by itself: coloured tables, one a page. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "explain/explanation.h"
#include "explain/label.h"
#include "explain/shade.h"

enum { MOST = 300 };   /* symbols on a side: lengths of TeX end at 5.75 m */

/* What TeX would read as a command is spelt out; pdflatex knows no letters beyond Latin and says so, lualatex takes all that the font has. */
static void add_text(heed_buf *out, const char *text)
{
    static const struct { char c; const char *tex; } special[] = {
        {'\\', "\\textbackslash{}"}, {'{', "\\{"}, {'}', "\\}"}, {'$', "\\$"}, {'&', "\\&"}, {'#', "\\#"}, {'%', "\\%"}, {'_', "\\_"},
            {'^', "\\textasciicircum{}"},
        {'~', "\\textasciitilde{}"}, {'<', "\\textless{}"}, {'>', "\\textgreater{}"}, {'|', "\\textbar{}"}, {'"', "\\textquotedbl{}"},
            {' ', "\\textvisiblespace{}"}};
    heed_buf shown = {0};
    heed_label_plain(&shown, text);
    for (const char *at = shown.failed || !shown.data ? "" : shown.data; *at; at++) {
        size_t i = 0;
        while (i < sizeof special / sizeof *special && special[i].c != *at) i++;
        if (i < sizeof special / sizeof *special) heed_buf_text(out, special[i].tex);
        else heed_buf_char(out, *at);
    }
    out->failed |= shown.failed;
    heed_buf_free(&shown);
}

static void add_preamble(heed_buf *out)
{
    heed_buf_text(out, "% Made by heed explain --tex. pdflatex compiles it where symbols are Latin; lualatex or xelatex where they are not.\n"
                       "\\documentclass{article}\n\\usepackage{iftex}\n\\ifPDFTeX\\usepackage[T1]{fontenc}\\usepackage[utf8]{inputenc}\\else\\usepackage{fontspec}\\fi\n"
                       "\\usepackage[table]{xcolor}\n\\usepackage{graphicx}\n\\pagestyle{empty}\n\\setlength{\\parindent}{0pt}\n\\setlength{\\tabcolsep}{2pt}\n"
                       "\\newcommand{\\cell}[3]{\\cellcolor[RGB]{#1}\\textcolor{#2}{\\scriptsize #3}}\n");
}

static size_t longest_of(const heed_piece_of_text *symbols, int64_t n)
{
    size_t longest = 1;
    for (int64_t i = 0; i < n; i++) longest = strlen(symbols[i].text) > longest ? strlen(symbols[i].text) : longest;
    return longest < 40 ? longest : 40;
}

/* Paper as large as the largest table needs. */
static void add_size(const heed_explanation *x, heed_buf *out)
{
    const size_t read = longest_of(x->output->source_tokens, x->in.S), written = longest_of(x->output->tokens, x->in.T), longest = read > written ? read
        : written;
    const long long width = 40 + 3 * (long long)longest + 9 * x->in.S, height = 60 + 3 * (long long)longest + 5 * x->in.T;
    heed_buf_printf(out, "\\usepackage[paperwidth=%lldmm,paperheight=%lldmm,margin=8mm]{geometry}\n\\begin{document}\n", width > 170 ? width : 170, height);
}

static void add_cell(heed_buf *out, const heed_lens *is, double score, double most)
{
    int rgb[3];
    if (is->is_signed) heed_shade_signed(score / most, rgb);
    else heed_shade_paper(score / most, rgb);
    heed_buf_printf(out, " & \\cell{%d,%d,%d}{%s}{", rgb[0], rgb[1], rgb[2], fabs(score) > 0.55 * most ? "white" : "black");
    if (fabs(score) >= 0.005) heed_number_fixed(out, score, 2);
    heed_buf_char(out, '}');
}

static void add_table(const heed_explanation *x, const heed_lens *is, const heed_lens_note *note, const float *scores, heed_sink *s)
{
    heed_buf *out = &s->text;
    double most = 0;
    for (int64_t i = 0; i < x->in.T * x->in.S; i++) most = fmax(most, fabs((double)scores[i]));
    heed_buf_text(out, "\\textbf{");
    add_text(out, is->name);
    heed_buf_text(out, "}\\quad{\\small ");
    for (const char *at = is->sentence; *at; at++) heed_buf_char(out, *at);
    if (*note->text) {
        heed_buf_text(out, " (");
        add_text(out, note->text);
        heed_buf_char(out, ')');
    }
    heed_buf_printf(out, "}\\\\[2mm]\n\\begin{tabular}{r|*{%lld}{c}}\n", (long long)x->in.S);
    for (int64_t i = 0; i < x->in.S; i++) {
        heed_buf_text(out, " & \\rotatebox{90}{");
        add_text(out, x->output->source_tokens[i].text);
        heed_buf_char(out, '}');
    }
    heed_buf_text(out, " \\\\\\hline\n");
    for (int64_t t = 0; t < x->in.T; t++) {
        add_text(out, x->output->tokens[t].text);
        for (int64_t i = 0; i < x->in.S; i++) add_cell(out, is, (double)scores[t * x->in.S + i], most > 0 ? most : 1);
        heed_buf_text(out, " \\\\\n");
        heed_sink_pass(s);
    }
    heed_buf_text(out, "\\end{tabular}\n\\clearpage\n");
}

heed_status heed_explanation_tex(const heed_explanation *x, heed_sink *s, heed_error *err)
{
    heed_lens_note note;
    if (x->in.S > MOST || x->in.T > MOST)
        return heed_fail(err, HEED_E_LIMIT, "%lld x %lld symbols; a page of TeX holds %d a side: --csv and --npy hold any number", (long long)x->in.T,
                         (long long)x->in.S, MOST);
    float *scores = heed_explanation_room(x, 1, err);
    heed_status status = scores ? HEED_OK : HEED_E_NOMEM;
    add_preamble(&s->text);
    add_size(x, &s->text);
    for (int i = 0; i < x->lenses && status == HEED_OK; i++) {
        status = heed_lens_run(x->lens[i], &x->in, scores, &note, err);
        if (!status) add_table(x, &x->lens[i]->is, &note, scores, s);
    }
    heed_buf_text(&s->text, "\\end{document}\n");
    free(scores);
    return status;
}
