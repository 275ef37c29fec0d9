/* Progress of a training: progress.h. */
#include "progress.h"

#include <math.h>
#include <string.h>

enum { LINE = 400 };
static const double plain_pause = 15, valid_pause = 5, living_pause = 0.1;      /* seconds between two lines */

void cli_count(char *out, size_t size, int64_t value)
{
    char digits[24];
    int n = snprintf(digits, sizeof digits, "%lld", (long long)value);
    size_t at = 0;
    for (int i = 0; i < n && at + 2 < size; i++) {
        out[at++] = digits[i];
        if (digits[i] != '-' && i + 1 < n && (n - 1 - i) % 3 == 0)
            out[at++] = ',';
    }
    out[at] = 0;
}

void cli_duration(char *out, size_t size, double seconds)
{
    if (seconds < 99.5)
        snprintf(out, size, "%.0f s", seconds);
    else if (seconds < 99.5 * 60)
        snprintf(out, size, "%.0f min", seconds / 60);
    else
        snprintf(out, size, "%.0f h %.0f min", floor(seconds / 3600), floor(fmod(seconds, 3600) / 60));
}

void cli_rate(char *out, size_t size, double value)
{
    if (value < 1000)
        snprintf(out, size, "%.0f", value);
    else if (value < 1e6)
        snprintf(out, size, "%.1fk", value / 1e3);
    else
        snprintf(out, size, "%.1fM", value / 1e6);
}

void cli_progress_init(cli_progress *p, const cli_globals *g, const char *name)
{
    *p = (cli_progress){.name = name, .quiet = g->quiet, .term = cli_term_of(stderr), .valid_loss = -1, .shown = -1e9};
}

static void add(char *line, const char *text)
{
    size_t at = strlen(line);
    snprintf(line + at, LINE - at, "%s", text);
}

static void add_place(char *line, const heed_event *e)
{
    char now[40], all[40], text[100];
    if (e->epochs > 0 && !e->updates) {
        snprintf(text, sizeof text, "epoch %lld/%lld", (long long)e->epoch, (long long)e->epochs);
    } else {
        cli_count(now, sizeof now, e->update);
        cli_count(all, sizeof all, e->updates);
        snprintf(text, sizeof text, "update %s%s%s", now, e->updates ? "/" : "", e->updates ? all : "");
    }
    add(line, text);
}

enum { LEAST, WITH_VALID, WITH_SPEED, WITH_METRIC };     /* what a line holds, each with those before it */

static void add_figures(char *line, const cli_progress *p, const heed_event *e, int detail)
{
    char text[100], number[40];
    snprintf(text, sizeof text, "%3.0f %%  loss %.3f", fmin(fmax(e->progress, 0), 1) * 100, e->loss);
    add(line, text);
    if (!isnan(e->guided_loss) && detail >= WITH_VALID) {
        snprintf(text, sizeof text, "  guided %.3f", e->guided_loss);
        add(line, text);
    }
    if (p->valid_loss >= 0 && detail >= WITH_VALID) {
        snprintf(text, sizeof text, "  valid %.3f", p->valid_loss);
        add(line, text);
    }
    if (detail >= WITH_METRIC && p->metric_name && strcmp(p->metric_name, "loss")) {
        snprintf(text, sizeof text, "  %s %.2f", p->metric_name, p->metric);
        add(line, text);
    }
    if (detail >= WITH_SPEED) {
        cli_rate(number, sizeof number, e->tokens_per_second);
        snprintf(text, sizeof text, "  %s tokens/s", number);
        add(line, text);
    }
    if (e->seconds_left >= 0) {
        cli_duration(number, sizeof number, e->seconds_left);
        snprintf(text, sizeof text, "  %s left", number);
        add(line, text);
    }
}

/* The part done in colour, the rest faint; without Unicode or colour the two differ by shape. */
static void print_bar(const cli_term *t, double done, int width)
{
    static const char *const plain[] = {"=", ">", "-"}, *const fine[] = {"━", "╸", "━"}, *const grey[] = {"━", "╸", "┄"};
    const char *const *part = !t->unicode ? plain : t->colour ? fine : grey;
    int halves = (int)lround(fmin(fmax(done, 0), 1) * width * 2), i = 0;
    fputs(t->colour ? "\033[36m" : "", stderr);
    for (; i < halves / 2; i++)
        fputs(part[0], stderr);
    if (halves % 2 && i++ < width)
        fputs(part[1], stderr);
    fputs(t->colour ? "\033[0;2m" : "", stderr);
    for (; i < width; i++)
        fputs(part[2], stderr);
    fputs(t->colour ? "\033[0m" : "", stderr);
}

/* Figures give way to the bar on a narrow terminal, and both to the rule that the line never wraps. */
static void print_living(cli_progress *p, const heed_event *e)
{
    char before[LINE] = "", after[LINE];
    int bar = 0;
    if (p->name) {
        add(before, p->name);
        add(before, "  ");
    }
    add_place(before, e);
    for (int detail = WITH_METRIC; detail >= LEAST && bar < 8; detail--) {
        after[0] = 0;
        add_figures(after, p, e, detail);
        bar = p->term.columns - 1 - (int)strlen(before) - (int)strlen(after) - 3;
    }
    fputs("\r\033[K", stderr);
    if (bar >= 3) {
        fprintf(stderr, "%s ", before);
        print_bar(&p->term, e->progress, bar > 24 ? 24 : bar);
        fprintf(stderr, " %s", after);
    } else {
        add(before, " ");
        add(before, after);
        fprintf(stderr, "%.*s", p->term.columns - 1, before);
    }
    fflush(stderr);
    p->alive = true;
}

static void print_plain(const cli_progress *p, const heed_event *e)
{
    char line[LINE] = "";
    if (p->name) {
        add(line, p->name);
        add(line, "  ");
    }
    add_place(line, e);
    add(line, "  ");
    add_figures(line, p, e, WITH_METRIC);
    fprintf(stderr, "%s\n", line);
}

static void clear_living(cli_progress *p)
{
    if (p->alive)
        fputs("\r\033[K", stderr);
    p->alive = false;
}

/* Text of the run between two states of the living line. */
static void print_text(cli_progress *p, const char *before, const char *text)
{
    clear_living(p);
    if (text)
        fprintf(stderr, "%s%s\n", before, text);
}

void cli_progress_event(cli_progress *p, const heed_event *e)
{
    if (e->kind == HEED_EVENT_VALID) {
        p->valid_loss = e->valid_loss;
        p->metric = e->metric;
        p->metric_name = e->metric_name;
    }
    if (e->kind == HEED_EVENT_WARNING)
        print_text(p, "heed: warning: ", e->text);
    if (p->quiet)
        return;
    if (e->kind == HEED_EVENT_START || e->kind == HEED_EVENT_END)
        print_text(p, "", e->text);
    if (e->kind == HEED_EVENT_START)
        p->shown = e->seconds;
    if (e->kind != HEED_EVENT_UPDATE && e->kind != HEED_EVENT_VALID)
        return;
    double pause = p->term.motion ? living_pause : e->kind == HEED_EVENT_VALID ? valid_pause : plain_pause;
    if (e->seconds - p->shown < pause && !(e->kind == HEED_EVENT_VALID && e->progress >= 1))
        return;
    p->shown = e->seconds;
    if (p->term.motion)
        print_living(p, e);
    else
        print_plain(p, e);
}

void cli_progress_end(cli_progress *p)
{
    if (p->alive)
        fputc('\n', stderr);
    p->alive = false;
}
