/* Which cases there are: every score with every alignment, then the least that brings every pair of levels of all factors together. */
#include <stdio.h>
#include <string.h>

#include "attention.h"

/* --- levels ------------------------------------------------------------------------------------------------------------------------------------------ */

static const char *const score_names[] = {
#define HEED_SCORE(name, formula, paper) #name,
#include "attn/scores.def"
#undef HEED_SCORE
};
static const char *const align_names[] = {
#define HEED_ALIGN(name, ...) #name,
#include "heed/aligns.def"
#undef HEED_ALIGN
};
static const char *const position_names[] = {
#define HEED_POSITION(name, help) #name,
#include "attn/positions.def"
#undef HEED_POSITION
};
static const char *const heads_names[] = {"one head", "several heads", "shared keys"};
static const char *const values_names[] = {"bare", "projected"};
static const char *const coverage_names[] = {"no coverage", "coverage"};

enum { SCORES = sizeof score_names / sizeof *score_names, MOST_LEVELS = 32, MOST_CASES = 512 };

typedef struct factor { const char *const *names; int levels; } factor;

#define FACTOR(names) {names, sizeof names / sizeof *names}
static const factor factors[FACTOR_COUNT] = {FACTOR(score_names), FACTOR(align_names), FACTOR(heads_names), FACTOR(position_names), FACTOR(values_names),
                                             FACTOR(coverage_names)};
#undef FACTOR

int attention_levels(attention_factor f) { return factors[f].levels; }
const char *attention_level_name(attention_factor f, int level) { return factors[f].names[level]; }

static heed_attn_settings settings_of(const int *level)
{
    return (heed_attn_settings){.score = heed_score_at(level[FACTOR_SCORE]), .align = (heed_align)level[FACTOR_ALIGN],
                                .heads = level[FACTOR_HEADS] == HEADS_ONE ? 1 : 2, .key_heads = level[FACTOR_HEADS] == HEADS_SHARED,
                                .positions = (heed_positions)level[FACTOR_POSITIONS], .projected = level[FACTOR_VALUES], .coverage = level[FACTOR_COVERAGE]};
}

static const char *refusal_of(const int *level)
{
    const heed_attn_settings s = settings_of(level);
    return heed_attn_refusal(&s);
}

/* Goes to the next choice of levels but for those that are fixed; false after the last. */
static bool advance(int *level, const bool *fixed)
{
    for (int f = 0; f < FACTOR_COUNT; f++) {
        if (fixed[f]) continue;
        if (++level[f] < factors[f].levels) return true;
        level[f] = 0;
    }
    return false;
}

const char *attention_pair_refusal(attention_factor f, int mine, attention_factor g, int other)
{
    const char *why = NULL;
    int level[FACTOR_COUNT] = {0};
    bool fixed[FACTOR_COUNT] = {false};
    level[f] = mine, level[g] = other, fixed[f] = fixed[g] = true;
    do {
        const char *refused = refusal_of(level);
        if (!refused) return NULL;
        if (!why) why = refused;
    } while (advance(level, fixed));
    return why;
}

/* --- the cases --------------------------------------------------------------------------------------------------------------------------------------- */

static const ref_score *score_reference(int i)
{
#define HEED_SCORE(name, formula, paper) extern const ref_score ref_score_##name;
#include "attn/scores.def"
#undef HEED_SCORE
    static const ref_score *const table[] = {
#define HEED_SCORE(name, formula, paper) &ref_score_##name,
#include "attn/scores.def"
#undef HEED_SCORE
    };
    return table[i];
}

static attention_case cases[MOST_CASES];
static int count;

static void add_case(const int *level)
{
    attention_case *c = &cases[count++];
    memcpy(c->level, level, sizeof c->level);
    c->score = score_reference(level[FACTOR_SCORE]);
    c->is = settings_of(level);
    int used = snprintf(c->name, sizeof c->name, "%s x %s", score_names[level[FACTOR_SCORE]], align_names[level[FACTOR_ALIGN]]);
    for (int f = FACTOR_HEADS; f < FACTOR_COUNT; f++)
        if (level[f]) used += snprintf(c->name + used, sizeof c->name - (size_t)used, ", %s", factors[f].names[level[f]]);
    c->c = attention_functions;
    c->c.name = c->name;
    c->c.family = score_names[level[FACTOR_SCORE]];
    c->c.subject = c;
}

/* --- pairs of levels ---------------------------------------------------------------------------------------------------------------------------------- */

static bool covered[FACTOR_COUNT][MOST_LEVELS][FACTOR_COUNT][MOST_LEVELS];   /* or refused */

/* How many pairs of these levels are not covered yet; set: covers them. */
static int uncovered(const int *level, bool set)
{
    int n = 0;
    for (int f = 0; f < FACTOR_COUNT; f++)
        for (int g = f + 1; g < FACTOR_COUNT; g++) {
            n += !covered[f][level[f]][g][level[g]];
            if (set) covered[f][level[f]][g][level[g]] = true;
        }
    return n;
}

/* The choice with these two levels that covers most at once. */
static void add_best(attention_factor f, int mine, attention_factor g, int other)
{
    int level[FACTOR_COUNT] = {0}, best[FACTOR_COUNT] = {0}, most = -1;
    bool fixed[FACTOR_COUNT] = {false};
    level[f] = mine, level[g] = other, fixed[f] = fixed[g] = true;
    do {
        const int n = refusal_of(level) ? -1 : uncovered(level, false);
        if (n > most) most = n, memcpy(best, level, sizeof best);
    } while (advance(level, fixed));
    uncovered(best, true);
    add_case(best);
}

static void add_cases(void)
{
    for (int i = 0; i < SCORES * HEED_ALIGN_COUNT; i++) {
        const int level[FACTOR_COUNT] = {[FACTOR_SCORE] = i / HEED_ALIGN_COUNT, [FACTOR_ALIGN] = i % HEED_ALIGN_COUNT};
        if (!refusal_of(level)) add_case(level), uncovered(level, true);
    }
    for (int f = 0; f < FACTOR_COUNT; f++)
        for (int g = f + 1; g < FACTOR_COUNT; g++)
            for (int k = 0; k < factors[f].levels * factors[g].levels; k++) {
                const int mine = k / factors[g].levels, other = k % factors[g].levels;
                if (!covered[f][mine][g][other] && !attention_pair_refusal((attention_factor)f, mine, (attention_factor)g, other))
                    add_best((attention_factor)f, mine, (attention_factor)g, other);
            }
}

const attention_case *attention_case_at(int i)
{
    if (!count) add_cases();
    return i < count ? &cases[i] : NULL;
}
