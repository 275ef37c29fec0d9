/* Words that an output must hold and words that it must never hold, whatever symbols they are written with: an automaton over what is printed.
 *
 * A phrase is one or more words. It stands in a text where its characters do, and where a word ends before it and behind it: a word goes on between two
 * letters, digits or marks, unless one of them is of a script that spaces do not part (heed_unicode_joined()). White space of any length is one space.
 * All phrases are one automaton (Aho and Corasick 1975), so a hypothesis carries one place in it, however many phrases there are.
 *
 * For the search (Post and Vilar 2018) it tells how far the writing of what must appear has come, which is the bank that a hypothesis competes in, and
 * the symbols that would write more of it. */
#ifndef HEED_DECODE_CONSTRAINT_H
#define HEED_DECODE_CONSTRAINT_H

#include "base/arena.h"

enum { HEED_MOST_MUST = 64 };   /* phrases that must appear, of one output */

/* What symbols print. */
typedef struct heed_spelling {
    const void *self;
    const char *(*text)(const void *self, int32_t id);      /* UTF-8; "": nothing */
    bool apart;                                              /* white space stands before every symbol that prints something */
    bool blocks;                                             /* U+2581 is printed as a space */
    int32_t space;                                           /* the symbol that prints a space and nothing else; -1: there is none */
} heed_spelling;

typedef struct heed_phrase {
    const int32_t *codes; int64_t count;       /* code points; white space is one space, and none at either end; not empty */
    const int32_t *ids; int64_t id_count;      /* of what must appear: symbols that print it behind a space or at a beginning; 0: none do */
} heed_phrase;

typedef struct heed_constraints heed_constraints;

/* Where a text stands; {0} before its beginning. */
typedef struct heed_standing {
    int32_t place, last;      /* in the automaton; the last character, 0: none yet */
    uint64_t met;             /* a bit for each phrase that must appear and has */
    bool broken;              /* a word stands in it that never must */
} heed_standing;

/* must: HEED_MOST_MUST at most. What it was given is copied but the spelling. NULL: out of memory. Phrases that no symbols print are not searched for,
 * but noticed. */
heed_constraints *heed_constraints_new(const heed_spelling *s, const heed_phrase *must, int64_t must_count, const heed_phrase *never, int64_t never_count,
                                       heed_arena *a);
/* After one symbol more; after any text more, which may begin apart; and when nothing follows. */
heed_standing heed_constraints_after(const heed_constraints *c, heed_standing s, int32_t id);
heed_standing heed_constraints_hear(const heed_constraints *c, heed_standing s, const char *text, bool apart);
heed_standing heed_constraints_end(const heed_constraints *c, heed_standing s);
/* Is a word that never must appear in it, or bound to be? */
bool heed_constraints_broken(const heed_constraints *c, heed_standing s);
/* Has all appeared that is searched for? */
bool heed_constraints_met(const heed_constraints *c, heed_standing s);
/* The steps it takes to write what is searched for: a symbol each; where spaces are symbols, also one to a word's beginning, and one behind each phrase.
 * And those of them that were taken. */
int64_t heed_constraints_steps(const heed_constraints *c);
int64_t heed_constraints_taken(const heed_constraints *c, heed_standing s);
/* Symbols that take one step more [HEED_MOST_MUST], different ones; returns how many. There is always one, but the end, unless all has appeared or what never
 * must forbids it. */
int64_t heed_constraints_next(const heed_constraints *c, heed_standing s, int32_t *ids);
/* Sets the bits (id % 64 of id / 64) of all symbols that it ever gives. */
void heed_constraints_mark(const heed_constraints *c, uint64_t *marks);

#endif
