/* Reading the sets of a check: data/check.h. One pass each, the first set last, since the others must be known when it is read. */
#include "data/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/unicode.h"
#include "data/check_state.h"
#include "data/normal.h"
#include "data/seen.h"

enum { FIELDS = 2, PROGRESS_RECORDS = 4096, REPLACEMENT = 0xFFFD };
enum { PAIR = 11 };   /* tells the number of a pair from those of its sides */

/* One side of the record at hand. */
typedef struct side {
    const heed_text_settings *settings;
    heed_text *text;              /* without symbols: it only counts */
    heed_codes raw, shown;        /* as it stands; as the model sees it */
    heed_tokens scratch;
    heed_buf repaired;
    heed_faults faults;
    uint64_t hash, near;          /* of what the model sees; the same without case and spaces */
} side;

typedef struct scan {
    const heed_check_settings *s;
    int set;
    heed_tally *tally;            /* of this set */
    heed_tally **known;           /* of the sets before it whose texts are looked for here; NULL: of none */
    heed_seen pairs, sources;
    side side[FIELDS];
} scan;

heed_corpus *heed_check_open(const heed_check_set *set, heed_error *err)
{
    return heed_corpus_open(&(heed_corpus_settings){.paths = set->paths, .files = set->files, .fields = FIELDS, .invalid = HEED_INVALID_REPLACE}, err);
}

void heed_tops_add(heed_tops *t, int64_t line, int64_t other)
{
    int at = t->places;
    t->count++;
    while (at > 0 && t->at[at - 1].line > line) at--;
    if (at == HEED_CHECK_PLACES) return;
    if (t->places < HEED_CHECK_PLACES) t->places++;
    for (int i = t->places - 1; i > at; i--) t->at[i] = t->at[i - 1];
    t->at[at] = (heed_spot){line, other};
}

void heed_tops_join(heed_tops *t, const heed_tops *more)
{
    const int64_t count = t->count + more->count;
    for (int i = 0; i < more->places; i++) heed_tops_add(t, more->at[i].line, more->at[i].other);
    t->count = count;
}

/* --- one side ----------------------------------------------------------------------------------------------------------------------------------- */

bool heed_check_read(const char *text, size_t size, heed_codes *out, int64_t *broken)
{
    *broken = -1;
    out->n = 0;
    if (!heed_codes_reserve(out, (int64_t)size)) return false;
    for (size_t at = 0; at < size;) {
        int32_t code = (unsigned char)text[at];
        int bytes = code && code < 0x80 ? 1 : heed_utf8_next(text + at, size - at, &code);
        if (bytes == 0) {
            if (*broken < 0) *broken = out->n;
            code = REPLACEMENT;
            bytes = 1;
        }
        out->x[out->n++] = code;
        at += (size_t)bytes;
    }
    return true;
}

static void spell(const heed_codes *from, heed_buf *out)
{
    char bytes[4];
    heed_buf_reset(out);
    for (int64_t i = 0; i < from->n; i++) heed_buf_add(out, bytes, (size_t)heed_utf8_put(from->x[i], bytes));
}

/* What the model sees of it; the text is repaired first when it has bytes that are none. */
static heed_status normalize(side *d, const char *text, size_t size, bool broken, heed_error *err)
{
    const heed_text_settings *s = d->settings;
    if (broken) {
        spell(&d->raw, &d->repaired);
        text = d->repaired.data;
        size = d->repaired.size;
    }
    heed_status status = d->repaired.failed ? heed_fail(err, HEED_E_NOMEM, "out of memory for a line") : heed_normalize(text, size, s->lower, s->nfkc, &d->scratch, err);
    if (status) return status;
    if (!heed_codes_reserve(&d->shown, d->scratch.count)) return heed_fail(err, HEED_E_NOMEM, "out of memory for a line");
    d->shown.n = d->scratch.count;
    for (int64_t i = 0; i < d->shown.n; i++) d->shown.x[i] = d->scratch.item[i].id;
    return HEED_OK;
}

/* Forgets case and spaces of what was shown. */
static uint64_t near_of(side *d, heed_codes *c)
{
    int64_t n = 0;
    for (int64_t i = 0; i < c->n; i++)
        if (!heed_unicode_space(c->x[i])) c->x[n++] = c->x[i];
    if (!d->settings->lower && n) heed_unicode_lower(c->x, n, 1);
    return heed_seen_hash(c->x, n);
}

static heed_status read_side(side *d, const char *text, size_t size, bool near, heed_error *err)
{
    int64_t broken;
    if (!heed_check_read(text, size, &d->raw, &broken)) return heed_fail(err, HEED_E_NOMEM, "out of memory for a line of %zu bytes", size);
    heed_faults_find(&d->faults, d->raw.x, d->raw.n);
    if (broken >= 0) {
        d->faults.bits |= 1u << HEED_FAULT_broken;
        d->faults.bits &= ~(1u << HEED_FAULT_replacement);
    }
    const bool plain = !d->settings->lower && !d->settings->nfkc;
    heed_status status = plain ? HEED_OK : normalize(d, text, size, broken >= 0, err);
    heed_codes *shown = plain ? &d->raw : &d->shown;
    d->hash = heed_seen_hash(shown->x, shown->n);
    if (!status && near) d->near = near_of(d, shown);
    return status;
}

/* --- the record --------------------------------------------------------------------------------------------------------------------------------- */

static void add(scan *c, heed_fault fault, int side, int64_t line, int64_t other) { heed_tops_add(&c->tally->fault[fault][side], line, other); }

static void add_side(scan *c, int which, int64_t line)
{
    const heed_faults *f = &c->side[which].faults;
    for (int fault = 0; fault < HEED_FAULT_COUNT; fault++)
        if (f->bits >> fault & 1) add(c, (heed_fault)fault, which, line, 0);
    heed_tops_add(&c->tally->script[which][f->script], line, 0);
}

static int ratio_bin(int64_t source, int64_t target)
{
    const double at = log2((double)(target + HEED_RATIO_ADDED) / (double)(source + HEED_RATIO_ADDED)) * HEED_RATIO_FINE;
    return (int)fmin(fmax(floor(at) + HEED_RATIO_BINS / 2, 0), HEED_RATIO_BINS - 1);
}

static bool other_digits(const scan *c)
{
    const int64_t *a = c->side[0].faults.digits, *b = c->side[1].faults.digits;
    int64_t of_a = 0, of_b = 0;
    for (int i = 0; i < 10; i++) of_a += a[i], of_b += b[i];
    return of_a && of_b && memcmp(a, b, sizeof c->side[0].faults.digits) != 0;
}

/* Only a text with more characters than symbols are allowed can have too many symbols. */
static heed_status find_skipped(scan *c, const heed_record *r, bool *skipped, heed_error *err)
{
    const int64_t most = c->s->max_length;
    *skipped = false;
    for (int i = 0; i < FIELDS && most > 0 && !*skipped; i++) {
        side *d = &c->side[i];
        if ((int64_t)r->size[i] <= most || d->faults.bits >> HEED_FAULT_broken & 1) continue;
        heed_status status = heed_text_encode(d->text, r->text[i], r->size[i], &d->scratch, err);
        if (status) return status;
        *skipped = d->scratch.count > most;
    }
    return HEED_OK;
}

static heed_status find_repeated(scan *c, uint64_t pair, int64_t line, heed_error *err)
{
    int64_t first, source;
    if (!heed_seen_add(&c->pairs, pair, line, &first) || !heed_seen_add(&c->sources, c->side[0].hash, line, &source))
        return heed_fail(err, HEED_E_NOMEM, "out of memory for the numbers of %lld records", (long long)c->tally->records);
    if (first) add(c, HEED_FAULT_duplicates, HEED_CHECK_BOTH, line, first);
    else if (source) add(c, HEED_FAULT_targets, HEED_CHECK_BOTH, line, source);
    return HEED_OK;
}

static uint64_t pair_of(uint64_t source, uint64_t target) { return heed_key(source, target + PAIR); }

/* In the first set: does one of the others have it too? In those: to be known then. */
static heed_status find_known(scan *c, uint64_t pair, int64_t line, heed_error *err)
{
    const uint64_t a = c->side[0].near, b = c->side[1].near, hash[HEED_KNOWN_KINDS] = {pair, c->side[0].hash, c->side[1].hash, pair_of(a, b), a, b};
    for (int k = 0; k < HEED_KNOWN_KINDS; k++) {
        if (c->set > 0 && !heed_known_add(&c->tally->known[k], hash[k], line)) return heed_fail(err, HEED_E_NOMEM, "out of memory for the texts of a test set");
        for (int i = 1; c->set == 0 && i < c->s->count; i++) heed_known_meet(&c->known[i]->known[k], hash[k], line);
    }
    return HEED_OK;
}

static heed_status read_record(scan *c, const heed_record *r, int columns, heed_error *err)
{
    const int64_t line = r->line;
    const bool blank = r->size[0] == 0 && r->size[1] == 0, wrong = c->set == 0 ? columns != FIELDS : columns < FIELDS;
    heed_status status = HEED_OK;
    bool skipped;
    c->tally->records++;
    if (wrong && !blank) add(c, HEED_FAULT_columns, HEED_CHECK_BOTH, line, 0);
    for (int i = 0; i < FIELDS && !status; i++) {
        status = read_side(&c->side[i], r->text[i], r->size[i], c->s->count > 1, err);
        if (!status) add_side(c, i, line);
    }
    if (status || (c->side[0].faults.bits | c->side[1].faults.bits) >> HEED_FAULT_empty & 1) return status;
    const uint64_t pair = pair_of(c->side[0].hash, c->side[1].hash);
    if (c->side[0].hash == c->side[1].hash) add(c, HEED_FAULT_copies, HEED_CHECK_BOTH, line, 0);
    if (other_digits(c)) add(c, HEED_FAULT_numbers, HEED_CHECK_BOTH, line, 0);
    heed_tops_add(&c->tally->ratio[ratio_bin((int64_t)c->side[0].raw.n, (int64_t)c->side[1].raw.n)], line, 0);
    status = find_skipped(c, r, &skipped, err);
    if (!status && skipped) add(c, HEED_FAULT_skipped, HEED_CHECK_BOTH, line, 0);
    if (!status) status = find_repeated(c, pair, line, err);
    return status || c->s->count == 1 ? status : find_known(c, pair, line, err);
}

/* --- the set ------------------------------------------------------------------------------------------------------------------------------------- */

static heed_status read_records(scan *c, heed_corpus *corpus, heed_error *err)
{
    const heed_check_set *set = &c->s->sets[c->set];
    for (;;) {
        heed_record r;
        int columns;
        bool end = false;
        heed_status status = heed_corpus_read(corpus, &r, &columns, &end, err);
        if (status) return status;
        const bool tell = c->s->progress && (end || c->tally->records % PROGRESS_RECORDS == 0);
        if (tell && !c->s->progress(c->s->user, set->name, c->tally->records)) return heed_fail(err, HEED_E_STOPPED, "stopped while the data was read");
        if (end) break;
        status = read_record(c, &r, columns, err);
        if (status) return status;
    }
    if (c->tally->records == 0) return heed_fail(err, HEED_E_DATA, "%s: no record", set->paths[0]);
    bool ok = true;
    for (int k = 0; k < HEED_KNOWN_KINDS && c->set > 0; k++) ok &= heed_known_sort(&c->tally->known[k]);
    return ok ? HEED_OK : heed_fail(err, HEED_E_NOMEM, "%s: out of memory for its texts", set->paths[0]);
}

static heed_status open_sides(scan *c, heed_error *err)
{
    for (int i = 0; i < FIELDS; i++) {
        side *d = &c->side[i];
        heed_text_settings counting = c->s->text[i];
        if (counting.units == HEED_UNIT_pieces) counting.units = HEED_UNIT_symbols;
        counting.size = 0;
        d->settings = &c->s->text[i];
        d->text = heed_text_new(&counting, err);
        if (!d->text) return err->status;
    }
    return HEED_OK;
}

static void close_scan(scan *c)
{
    for (int i = 0; i < FIELDS; i++) {
        heed_text_free(c->side[i].text);
        heed_codes_free(&c->side[i].raw);
        heed_codes_free(&c->side[i].shown);
        heed_tokens_free(&c->side[i].scratch);
        heed_buf_free(&c->side[i].repaired);
    }
    heed_seen_free(&c->pairs);
    heed_seen_free(&c->sources);
}

static heed_status read_set(const heed_check_settings *s, int set, heed_tally **tallies, heed_error *err)
{
    scan c = {.s = s, .set = set, .tally = tallies[set], .known = tallies};
    heed_corpus *corpus = heed_check_open(&s->sets[set], err);
    if (!corpus) return err->status;
    heed_status status = open_sides(&c, err);
    if (!status) status = read_records(&c, corpus, err);
    close_scan(&c);
    heed_corpus_close(corpus);
    return status;
}

static heed_status read_sets(heed_check *c, const heed_check_settings *s, heed_tally **tallies, heed_error *err)
{
    heed_status status = HEED_OK;
    for (int i = 0; i < s->count && !status; i++) {
        tallies[i] = calloc(1, sizeof **tallies);
        if (!tallies[i]) status = heed_fail(err, HEED_E_NOMEM, "out of memory for a check");
    }
    for (int i = s->count - 1; i >= 0 && !status; i--) {
        status = read_set(s, i, tallies, err);
        c->records[i] = tallies[i]->records;
    }
    if (!status && !heed_check_conclude(c, tallies, s->count)) status = heed_fail(err, HEED_E_NOMEM, "out of memory for the findings");
    return status ? status : heed_check_quote(c, s, err);
}

heed_check *heed_check_run(const heed_check_settings *settings, heed_error *err)
{
    heed_error own = {.status = HEED_OK};
    heed_tally *tallies[HEED_CHECK_SETS] = {NULL};
    heed_check *c = calloc(1, sizeof *c);
    heed_status status = !c ? heed_fail(&own, HEED_E_NOMEM, "out of memory for a check") : read_sets(c, settings, tallies, &own);
    for (int i = 0; i < settings->count; i++) {
        for (int k = 0; k < HEED_KNOWN_KINDS && tallies[i]; k++) heed_known_free(&tallies[i]->known[k]);
        free(tallies[i]);
    }
    if (!status) return c;
    heed_check_free(c);
    if (err) *err = own;
    return NULL;
}
