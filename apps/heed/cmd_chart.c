/* heed chart: a table as a picture of lines. */
#include "cli.h"

typedef struct chart_values {
    const char *out, *title, *x, *y;
    bool log_x;
} chart_values;

static const cli_option options[] = {
    {"-o", "FILE", CLI_TEXT, offsetof(chart_values, out), "where the SVG goes; default: standard output"},
    {"--title", "TEXT", CLI_TEXT, offsetof(chart_values, title), "above the picture"},
    {"--x", "TEXT", CLI_TEXT, offsetof(chart_values, x), "what the x axis shows; default: the column's heading"},
    {"--y", "TEXT", CLI_TEXT, offsetof(chart_values, y), "what the y axis shows; likewise"},
    {"--log-x", NULL, CLI_FLAG, offsetof(chart_values, log_x), "equal ratios of x lie equally far apart"},
    {0},
};

static int run(const cli_command *self, const cli_globals *globals, int argc, char **argv)
{
    chart_values v = {0};
    cli_globals g = *globals;
    cli_rest rest;
    int code = cli_begin(self, &g, &v, &rest, argc, argv, (const char *[]){"TABLE", NULL}, 1);
    if (code >= 0)
        return code;
    const heed_chart how = {.title = v.title, .x_label = v.x, .y_label = v.y, .log_x = v.log_x};
    heed_error err = {0};
    return cli_write_text(v.out ? v.out : "-", heed_chart_table(rest.items[0], &how, &err), &err);
}

const cli_command cli_chart = {
    .name = "chart", .arguments = "TABLE", .summary = "a table of figures as a picture: lines, with confidence bars",
    .text = "Draws a table as lines, in SVG. A row is the name of a line, x and y, and where there is an interval its two ends, low and high;\n"
            "columns are parted by tabs. A first row without numbers names the columns. `-` is standard input.\n"
            "\n"
            "  heed chart lengths.tsv -o lengths.svg --title 'BLEU by length' --x 'words of the source' --y BLEU\n",
    .options = options, .run = run,
};
