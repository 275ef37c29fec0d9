/* The detokeniser of words: whether a space stands between two of them, learnt from a corpus.
 *
 * 13a parts words from marks only (heed_tokenize_mark()), so two words that no space parts have a mark at their joint at least on one side.
 * For each mark, each of its sides, and what the neighbour is (ends or begins with a digit, is a mark itself, is anything else) the share
 * of joints without a space is kept, in two columns: quotation marks alternate, so theirs are "opens" and "closes"; of any other mark the
 * right side asks whether its left side was joined, which tells the dash of "1990-95" from the dash of "a - b". */
#ifndef HEED_DATA_JOINTS_H
#define HEED_DATA_JOINTS_H

#include "heed/base.h"

enum { HEED_JOINT_MARKS = 128, HEED_JOINT_CELLS = 12 };   /* cells: side (left, right) x column x neighbour (digit, other, mark) */

typedef struct heed_joints {
    int64_t seen[HEED_JOINT_MARKS][HEED_JOINT_CELLS][2];  /* while they are counted: apart, joined */
    int8_t share[HEED_JOINT_MARKS][HEED_JOINT_CELLS];     /* of joints without a space, in percent */
} heed_joints;

/* Where one stands in a text; {0} before its first word. */
typedef struct heed_joining {
    int32_t mark;                                         /* the last word, if it is a mark */
    int last;                                             /* what it is as a neighbour */
    bool begun, joined, quoted;                           /* joined: to the word before it; quoted: an odd number of quotation marks so far */
} heed_joining;

/* The next word of a text of the corpus: its first and last character, their number, and whether no space parts it from the word before. */
void heed_joints_count(heed_joints *j, heed_joining *at, int32_t first, int32_t last, int64_t size, bool joined);
void heed_joints_finish(heed_joints *j);                  /* shares from counts; what was never seen goes by what is nearest to it */
/* The next word of a text to print: does it follow without a space? False for the first. */
bool heed_joints_decide(const heed_joints *j, heed_joining *at, int32_t first, int32_t last, int64_t size);
bool heed_joints_known(const heed_joints *j, int32_t mark);   /* is there anything to keep of it? */

#endif
