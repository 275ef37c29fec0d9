#include "decode/constraint.h"

#include <string.h>

#include "base/unicode.h"

/* A beginning of phrases. Its children are a list; `fail` is the longest other beginning that the same text ends with and that stands where a word does. */
typedef struct node {
    int32_t code, child, sibling, fail;
    int64_t depth;
    uint64_t met;             /* phrases that end here, or at a fail */
    bool never;
} node;

/* A phrase that is searched for: the nodes on its way [count+1], and how many characters stand behind each of its symbols. */
typedef struct sought {
    int32_t *path;
    int64_t count;
    int32_t *ids;
    int64_t *ends;            /* [id_count] */
    int64_t id_count;
    int32_t first;            /* its first character */
    bool bare;                /* its first symbol prints no space before it */
} sought;

struct heed_constraints {
    const heed_spelling *spelling;
    node *nodes;              /* nodes[0]: no beginning */
    int64_t count;
    sought *sought;           /* [must_count]; id_count 0: it is not searched for */
    int64_t must_count, steps;
    uint64_t wanted;          /* a bit for each that is */
};

enum { BLOCK = 0x2581 };

/* --- the automaton ------------------------------------------------------------------------------------------------------------------------- */

static int32_t child_of(const heed_constraints *c, int32_t at, int32_t code)
{
    int32_t child = c->nodes[at].child;
    while (child && c->nodes[child].code != code) child = c->nodes[child].sibling;
    return child;
}

/* path: [count+1] the nodes passed, or NULL. */
static int32_t add_phrase(heed_constraints *c, const heed_phrase *p, int32_t *path)
{
    int32_t at = 0;
    for (int64_t i = 0; i < p->count; i++) {
        int32_t next = child_of(c, at, p->codes[i]);
        if (!next) {
            next = (int32_t)c->count++;
            c->nodes[next] = (node){.code = p->codes[i], .sibling = c->nodes[at].child, .depth = i + 1};
            c->nodes[at].child = next;
        }
        at = next;
        if (path) path[i + 1] = at;
    }
    return at;
}

/* The place after one character more; ends: a word ends before it. */
static int32_t step(const heed_constraints *c, int32_t at, int32_t code, bool ends)
{
    for (; at; at = c->nodes[at].fail) {
        const int32_t next = child_of(c, at, code);
        if (next) return next;
    }
    return ends ? child_of(c, 0, code) : 0;
}

/* Breadth first, so that a fail is finished before those who lead to it. queue: [count] */
static void link_fails(heed_constraints *c, int32_t *queue)
{
    int64_t n = 0;
    for (int32_t child = c->nodes[0].child; child; child = c->nodes[child].sibling) queue[n++] = child;
    for (int64_t i = 0; i < n; i++) {
        const node *parent = &c->nodes[queue[i]];
        for (int32_t child = parent->child; child; child = c->nodes[child].sibling) {
            node *k = &c->nodes[child];
            k->fail = step(c, parent->fail, k->code, !heed_unicode_joined(parent->code, k->code));
            k->met |= c->nodes[k->fail].met;
            k->never |= c->nodes[k->fail].never;
            queue[n++] = child;
        }
    }
}

static void complete(const heed_constraints *c, heed_standing *s)
{
    s->met |= c->nodes[s->place].met;
    s->broken |= c->nodes[s->place].never;
}

static void pass(const heed_constraints *c, heed_standing *s, int32_t code)
{
    if (heed_unicode_space(code)) code = ' ';
    if (code == ' ' && (!s->last || s->last == ' ')) return;
    const bool ends = !s->last || !heed_unicode_joined(s->last, code);
    if (ends) complete(c, s);
    s->place = step(c, s->place, code, ends);
    s->last = code;
}

/* --- texts ------------------------------------------------------------------------------------------------------------------------------------ */

static heed_standing hear(const heed_constraints *c, heed_standing s, const char *text, bool apart, bool blocks)
{
    int32_t code;
    if (apart && *text) pass(c, &s, ' ');
    for (int n; (n = heed_utf8_next(text, strlen(text), &code)) > 0; text += n) pass(c, &s, blocks && code == BLOCK ? ' ' : code);
    return s;
}

heed_standing heed_constraints_after(const heed_constraints *c, heed_standing s, int32_t id)
{
    const heed_spelling *w = c->spelling;
    return hear(c, s, w->text(w->self, id), w->apart, w->blocks);
}

heed_standing heed_constraints_hear(const heed_constraints *c, heed_standing s, const char *text, bool apart) { return hear(c, s, text, apart, false); }

heed_standing heed_constraints_end(const heed_constraints *c, heed_standing s)
{
    complete(c, &s);
    return s;
}

bool heed_constraints_broken(const heed_constraints *c, heed_standing s)
{
    return s.broken || (c->spelling->apart && c->nodes[s.place].never);
}

/* --- what is searched for ---------------------------------------------------------------------------------------------------------------- */

bool heed_constraints_met(const heed_constraints *c, heed_standing s) { return (s.met & c->wanted) == c->wanted; }

int64_t heed_constraints_steps(const heed_constraints *c) { return c->steps; }

/* How many characters of a phrase the text ends with. */
static int64_t progress(const heed_constraints *c, const sought *p, int32_t place)
{
    for (; place; place = c->nodes[place].fail)
        if (c->nodes[place].depth <= p->count && p->path[c->nodes[place].depth] == place) break;
    return c->nodes[place].depth;
}

/* May a word that begins with `code` follow? */
static bool at_word(heed_standing s, int32_t code) { return !s.last || !heed_unicode_joined(s.last, code); }

int64_t heed_constraints_taken(const heed_constraints *c, heed_standing s)
{
    const bool apart = c->spelling->apart;
    bool ready = heed_constraints_met(c, s);
    int64_t taken = 0;
    if (apart) complete(c, &s);
    for (int64_t i = 0; i < c->must_count; i++) {
        const sought *p = &c->sought[i];
        const bool met = s.met >> i & 1;
        const int64_t done = met ? p->count : progress(c, p, s.place);
        for (int64_t k = 0; k < p->id_count && p->ends[k] <= done; k++) taken++;
        taken += p->id_count && met && !apart;
        ready |= p->id_count && !met && (done || at_word(s, p->first));
    }
    return taken + (c->steps && ready && !apart);
}

/* The next symbol of a phrase, from the beginning when its own symbols do not lead to where the text stands. */
static int32_t next_of(const heed_constraints *c, const sought *p, heed_standing s)
{
    const int64_t done = progress(c, p, s.place);
    for (int64_t k = 0; done && k + 1 < p->id_count; k++)
        if (p->ends[k] == done) return p->ids[k + 1];
    const bool inside = p->bare && !at_word(s, p->first);
    return inside && c->spelling->space >= 0 ? c->spelling->space : p->ids[0];
}

int64_t heed_constraints_next(const heed_constraints *c, heed_standing s, int32_t *ids)
{
    int64_t n = 0;
    for (int64_t i = 0; i < c->must_count; i++) {
        const sought *p = &c->sought[i];
        if (!p->id_count || (s.met >> i & 1)) continue;
        const bool whole = progress(c, p, s.place) == p->count;   /* but a word must end behind it */
        if (whole && (c->spelling->apart || c->spelling->space < 0)) continue;
        const int32_t id = whole ? c->spelling->space : next_of(c, p, s);
        int64_t at = 0;
        while (at < n && ids[at] != id) at++;
        if (at == n) ids[n++] = id;
    }
    return n;
}

void heed_constraints_mark(const heed_constraints *c, uint64_t *marks)
{
    for (int64_t i = 0; i < c->must_count; i++)
        for (int64_t k = 0; k < c->sought[i].id_count; k++) marks[c->sought[i].ids[k] / 64] |= (uint64_t)1 << c->sought[i].ids[k] % 64;
    if (c->wanted && c->spelling->space >= 0) marks[c->spelling->space / 64] |= (uint64_t)1 << c->spelling->space % 64;
}

/* --- making one --------------------------------------------------------------------------------------------------------------------------- */

/* Whether the symbols print the phrase and no less; fills ends. A block before the first character is the space in front of it. */
static bool spells(const heed_spelling *w, const heed_phrase *p, int64_t *ends)
{
    int64_t at = 0;
    for (int64_t k = 0; k < p->id_count; k++) {
        const char *text = w->text(w->self, p->ids[k]);
        int32_t code;
        if (w->apart && at && at < p->count && p->codes[at] == ' ') at++;
        for (int n; (n = heed_utf8_next(text, strlen(text), &code)) > 0; text += n) {
            const bool space = (w->blocks && code == BLOCK) || heed_unicode_space(code);
            if (space && (!at || (at <= p->count && p->codes[at - 1] == ' '))) continue;
            if (at == p->count || p->codes[at] != (space ? ' ' : code)) return false;
            at++;
        }
        ends[k] = at;
    }
    return p->id_count > 0 && at == p->count;
}

static bool begins_apart(const heed_spelling *w, int32_t id)
{
    const char *text = w->text(w->self, id);
    int32_t code;
    return heed_utf8_next(text, strlen(text), &code) > 0 && ((w->blocks && code == BLOCK) || heed_unicode_space(code));
}

static bool seek(heed_constraints *c, const heed_phrase *p, int64_t i, heed_arena *a)
{
    sought *s = &c->sought[i];
    *s = (sought){.path = heed_arena_zero(a, (size_t)(p->count + 1) * sizeof *s->path), .count = p->count, .first = p->codes[0]};
    s->ids = heed_arena_alloc(a, (size_t)(p->id_count + 1) * sizeof *s->ids);
    s->ends = heed_arena_alloc(a, (size_t)(p->id_count + 1) * sizeof *s->ends);
    if (!s->path || !s->ids || !s->ends) return false;
    node *end = &c->nodes[add_phrase(c, p, s->path)];
    const bool twin = end->met != 0;
    end->met |= (uint64_t)1 << i;
    if (twin || !spells(c->spelling, p, s->ends)) return true;
    int64_t spaces = 0;
    while (!s->ends[spaces]) spaces++;   /* symbols of the space in front, which the text may have already */
    s->id_count = p->id_count - spaces;
    memcpy(s->ids, p->ids + spaces, (size_t)s->id_count * sizeof *s->ids);
    memmove(s->ends, s->ends + spaces, (size_t)s->id_count * sizeof *s->ends);
    s->bare = !c->spelling->apart && !begins_apart(c->spelling, s->ids[0]);
    c->wanted |= (uint64_t)1 << i;
    return true;
}

/* What cannot appear without a word that never must is not searched for. */
static void drop_contradictions(heed_constraints *c)
{
    for (int64_t i = 0; i < c->must_count; i++) {
        sought *s = &c->sought[i];
        heed_standing at = {0};
        for (int64_t k = 0; k < s->id_count; k++) at = heed_constraints_after(c, at, s->ids[k]);
        if (!heed_constraints_end(c, at).broken) continue;
        c->wanted &= ~((uint64_t)1 << i);
        s->id_count = 0;
    }
}

heed_constraints *heed_constraints_new(const heed_spelling *s, const heed_phrase *must, int64_t must_count, const heed_phrase *never, int64_t never_count,
                                       heed_arena *a)
{
    int64_t most = 1;
    for (int64_t i = 0; i < must_count; i++) most += must[i].count;
    for (int64_t i = 0; i < never_count; i++) most += never[i].count;
    heed_constraints *c = heed_arena_zero(a, sizeof *c);
    if (!c) return NULL;
    c->spelling = s;
    c->nodes = heed_arena_zero(a, (size_t)most * sizeof *c->nodes);
    c->sought = heed_arena_zero(a, (size_t)(must_count + 1) * sizeof *c->sought);
    int32_t *queue = heed_arena_alloc(a, (size_t)most * sizeof *queue);
    if (!c->nodes || !c->sought || !queue) return NULL;
    c->count = 1;
    c->must_count = must_count;
    for (int64_t i = 0; i < must_count; i++)
        if (!seek(c, &must[i], i, a)) return NULL;
    for (int64_t i = 0; i < never_count; i++) c->nodes[add_phrase(c, &never[i], NULL)].never = true;
    link_fails(c, queue);
    drop_contradictions(c);
    for (int64_t i = 0; i < must_count; i++) c->steps += c->sought[i].id_count + (c->sought[i].id_count && !s->apart);
    c->steps += c->steps && !s->apart;
    return c;
}
