/* What the tallies of a check come to: findings, and what stands in the lines they name. data/check.h. */
#include <math.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/unicode.h"
#include "data/check_state.h"

enum { FEWEST_RATIOS = 20, FIRST_KNOWN = HEED_FAULT_known_pairs, NEAR_KINDS = HEED_KNOWN_KINDS / 2, SHOWN = 60, BEFORE = 20 };
static const double normal_mad = 1.4826;      /* a normal deviation over a median of absolute deviations */
static const double deviations = 5, least_octaves = 1;   /* a length is far out of proportion this far from the usual one */

/* --- the table ------------------------------------------------------------------------------------------------------------------------------------ */

static const struct { const char *name, *what, *advice; double share; } faults[HEED_FAULT_COUNT] = {
#define HEED_FAULT(name, share, what, advice) {#name, what, advice, share},
#include "data/faults.def"
#undef HEED_FAULT
};

const char *heed_fault_name(heed_fault f) { return faults[f].name; }
double heed_fault_share(heed_fault f) { return faults[f].share; }
const char *heed_fault_what(heed_fault f) { return faults[f].what; }
const char *heed_fault_advice(heed_fault f) { return faults[f].advice; }

/* --- findings -------------------------------------------------------------------------------------------------------------------------------------- */

static heed_check_finding *add_finding(heed_check *c, heed_fault fault, int set, int side, const heed_tops *tops)
{
    heed_check_finding *grown = realloc(c->finding, (size_t)(c->count + 1) * sizeof *grown);
    if (!grown) return NULL;
    c->finding = grown;
    heed_check_finding *f = &grown[c->count++];
    *f = (heed_check_finding){.fault = fault, .set = set, .side = side, .count = tops->count, .places = tops->places};
    for (int i = 0; i < tops->places; i++) f->place[i] = (heed_check_place){.line = tops->at[i].line, .other = tops->at[i].other};
    return f;
}

/* The bin with half of all in it or below; distance: of so many bins around `around` in either direction. */
static int median_bin(const heed_tally *t, int64_t all)
{
    int64_t below = 0;
    int i = 0;
    while (i < HEED_RATIO_BINS - 1 && 2 * (below += t->ratio[i].count) < all) i++;
    return i;
}

static int median_distance(const heed_tally *t, int64_t all, int around)
{
    int64_t within = t->ratio[around].count;
    int d = 0;
    while (d < HEED_RATIO_BINS && 2 * within < all) {
        d++;
        if (around - d >= 0) within += t->ratio[around - d].count;
        if (around + d < HEED_RATIO_BINS) within += t->ratio[around + d].count;
    }
    return d;
}

static double octaves(int bin) { return ((double)(bin - HEED_RATIO_BINS / 2) + 0.5) / HEED_RATIO_FINE; }

/* Median and median absolute deviation, since the lines that are looked for would shift a mean. */
static bool conclude_ratio(heed_check *c, heed_tally *t, int set)
{
    heed_tops *odd = &t->fault[HEED_FAULT_ratio][HEED_CHECK_BOTH];
    int64_t all = 0;
    for (int i = 0; i < HEED_RATIO_BINS; i++) all += t->ratio[i].count;
    if (all < FEWEST_RATIOS) return true;
    const int middle = median_bin(t, all);
    const double spread = fmax(normal_mad * deviations * median_distance(t, all, middle) / HEED_RATIO_FINE, least_octaves), usual = octaves(middle);
    for (int i = 0; i < HEED_RATIO_BINS; i++)
        if (fabs(octaves(i) - usual) > spread) heed_tops_join(odd, &t->ratio[i]);
    if (!odd->count) return true;
    heed_check_finding *f = add_finding(c, HEED_FAULT_ratio, set, HEED_CHECK_BOTH, odd);
    if (f)
        snprintf(f->note, sizeof f->note, "the target is usually %.2f times as long as the source, these less than %.2f or more than %.2f times (characters, %d added to both)",
                 exp2(usual), exp2(usual - spread), exp2(usual + spread), HEED_RATIO_ADDED);
    return f != NULL;
}

static heed_script largest(const heed_tops *scripts, heed_script but)
{
    heed_script most = HEED_SCRIPT_none;
    for (int s = HEED_SCRIPT_other; s < HEED_SCRIPT_COUNT; s++)
        if (s != (int)but && scripts[s].count && (most == HEED_SCRIPT_none || scripts[s].count > scripts[most].count)) most = (heed_script)s;
    return most;
}

static bool conclude_script(heed_check *c, heed_tally *t, int set, int side)
{
    const heed_tops *scripts = t->script[side];
    const heed_script own = largest(scripts, HEED_SCRIPT_none), next = largest(scripts, own);
    if (next == HEED_SCRIPT_none) return true;
    heed_tops odd = {0};
    for (int s = HEED_SCRIPT_other; s < HEED_SCRIPT_COUNT; s++)
        if (s != (int)own) heed_tops_join(&odd, &scripts[s]);
    heed_check_finding *f = add_finding(c, HEED_FAULT_script, set, side, &odd);
    if (f) snprintf(f->note, sizeof f->note, "the side is %s; most of these are %s", heed_script_name(own), heed_script_name(next));
    return f != NULL;
}

/* Texts that occur but for case and spaces count only where they do not occur as they are. */
static bool conclude_known(heed_check *c, heed_tally *t, int set)
{
    unsigned char *found = calloc((size_t)t->records + 1, 1);
    bool ok = found != NULL;
    for (int k = 0; ok && k < HEED_KNOWN_KINDS; k++) {
        const heed_known *known = &t->known[k];
        const unsigned bit = 1u << k % NEAR_KINDS;
        heed_tops tops = {0};
        for (int64_t i = 0; i < known->count; i++) {
            const heed_known_text *one = &known->text[i];
            if (!one->met || one->line > t->records || (k >= NEAR_KINDS && found[one->line] & bit)) continue;
            if (k < NEAR_KINDS) found[one->line] |= (unsigned char)bit;
            heed_tops_add(&tops, one->line, one->met);
        }
        if (tops.count) ok = add_finding(c, (heed_fault)(FIRST_KNOWN + k), set, HEED_CHECK_BOTH, &tops) != NULL;
    }
    free(found);
    return ok;
}

bool heed_check_conclude(heed_check *c, heed_tally *const *tallies, int sets)
{
    bool ok = true;
    for (int set = 0; set < sets; set++) {
        heed_tally *t = tallies[set];
        for (int fault = 0; fault < FIRST_KNOWN; fault++) {
            if (fault == HEED_FAULT_ratio) ok = ok && conclude_ratio(c, t, set);
            for (int side = 0; side <= HEED_CHECK_BOTH; side++) {
                if (fault == HEED_FAULT_script && side < HEED_CHECK_BOTH) ok = ok && conclude_script(c, t, set, side);
                else if (fault != HEED_FAULT_ratio && t->fault[fault][side].count) ok = ok && add_finding(c, (heed_fault)fault, set, side, &t->fault[fault][side]);
            }
        }
        if (set > 0) ok = ok && conclude_known(c, t, set);
    }
    return ok;
}

void heed_check_free(heed_check *c)
{
    if (!c) return;
    for (int i = 0; i < c->count; i++)
        for (int k = 0; k < c->finding[i].places; k++) free(c->finding[i].place[k].text);
    free(c->finding);
    free(c);
}

/* --- texts of examples ------------------------------------------------------------------------------------------------------------------------------- */

typedef struct wanted { int64_t line; heed_check_finding *finding; int place; } wanted;

static int by_line(const void *a, const void *b)
{
    const wanted *x = a, *y = b;
    return x->line < y->line ? -1 : x->line > y->line;
}

static bool is_visible(int32_t c)
{
    if (c < 0x80) return c >= ' ' && c != 0x7F;
    return c >= 0xA1 && c != 0xAD && c != 0xFFFD && !heed_unicode_space(c) && heed_unicode_cells(c) > 0;
}

/* About SHOWN characters around the first that is at fault. */
static bool quote_side(const char *text, size_t size, heed_fault fault, heed_buf *out)
{
    heed_codes code = {0};
    heed_faults f;
    int64_t broken;
    char bytes[4];
    if (!heed_check_read(text, size, &code, &broken)) return false;
    heed_faults_find(&f, code.x, code.n);
    const int64_t at = fault == HEED_FAULT_broken && broken >= 0 ? broken : f.bits >> fault & 1 ? f.at[fault] : 0;
    const int64_t first = at > SHOWN - BEFORE ? at - BEFORE : 0, end = first + SHOWN < code.n ? first + SHOWN : code.n;
    if (first > 0) heed_buf_text(out, "...");
    for (int64_t i = first; i < end; i++) {
        const bool mark = i > first && heed_unicode_mark(code.x[i]);   /* joins the letter before */
        if (is_visible(code.x[i]) || mark) heed_buf_add(out, bytes, (size_t)heed_utf8_put(code.x[i], bytes));
        else heed_buf_printf(out, "<U+%04X>", (unsigned)code.x[i]);
    }
    if (end < code.n) heed_buf_text(out, "...");
    heed_codes_free(&code);
    return !out->failed;
}

static heed_status quote(const wanted *w, const heed_record *r, heed_error *err)
{
    heed_buf out = {0};
    bool ok = true;
    heed_buf_text(&out, "");
    for (int side = 0; side < 2 && ok; side++) {
        if (w->finding->side != side && w->finding->side != HEED_CHECK_BOTH) continue;
        if (side == 1 && w->finding->side == HEED_CHECK_BOTH) heed_buf_text(&out, " ||| ");
        ok = quote_side(r->text[side], r->size[side], w->finding->fault, &out);
    }
    w->finding->place[w->place].text = heed_buf_take(&out);
    return ok && w->finding->place[w->place].text ? HEED_OK : heed_fail(err, HEED_E_NOMEM, "out of memory for examples");
}

static heed_status quote_lines(heed_corpus *corpus, const wanted *w, int64_t count, heed_error *err)
{
    heed_status status = HEED_OK;
    bool end = false;
    for (int64_t i = 0; i < count && !status && !end;) {
        heed_record r;
        int columns;
        if (heed_corpus_read(corpus, &r, &columns, &end, NULL) || end) break;   /* it was readable a moment ago: examples without a text */
        for (; i < count && w[i].line == r.line && !status; i++) status = quote(&w[i], &r, err);
    }
    return status;
}

static bool is_file(const heed_check_set *set)
{
    struct stat s;
    for (int i = 0; i < set->files; i++)
        if (stat(set->paths[i], &s) != 0 || !S_ISREG(s.st_mode)) return false;
    return true;
}

static heed_status quote_set(heed_check *c, const heed_check_set *sets, int set, wanted *w, heed_error *err)
{
    int64_t count = 0;
    for (int i = 0; i < c->count; i++)
        for (int k = 0; k < c->finding[i].places && c->finding[i].set == set; k++) w[count++] = (wanted){c->finding[i].place[k].line, &c->finding[i], k};
    if (!count || !is_file(&sets[set])) return HEED_OK;
    qsort(w, (size_t)count, sizeof *w, by_line);
    heed_corpus *corpus = heed_check_open(&sets[set], NULL);
    heed_status status = corpus ? quote_lines(corpus, w, count, err) : HEED_OK;
    heed_corpus_close(corpus);
    return status;
}

static heed_status fill_empty(heed_check *c, heed_error *err)
{
    for (int i = 0; i < c->count; i++)
        for (int k = 0; k < c->finding[i].places; k++) {
            heed_check_place *p = &c->finding[i].place[k];
            if (!p->text && !(p->text = strdup(""))) return heed_fail(err, HEED_E_NOMEM, "out of memory for examples");
        }
    return HEED_OK;
}

heed_status heed_check_quote(heed_check *c, const heed_check_settings *s, heed_error *err)
{
    wanted *w = malloc(((size_t)c->count * HEED_CHECK_PLACES + 1) * sizeof *w);
    if (!w) return heed_fail(err, HEED_E_NOMEM, "out of memory for examples");
    heed_status status = HEED_OK;
    for (int set = 0; set < s->count && !status; set++) status = quote_set(c, s->sets, set, w, err);
    free(w);
    return status ? status : fill_empty(c, err);
}
