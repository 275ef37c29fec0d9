/* Counting and deciding walk a text by the same function, so they cannot differ: data/joints.h. */
#include "data/joints.h"

#include "base/tokenize.h"

enum { LEFT = 0, RIGHT = 6, COLUMN = 3, DIGIT = 0, OTHER = 1, MARK = 2, NEIGHBOURS = 3, HALF = 50 };

/* The cells that know something of the joint before the next word: -1 where there is no mark. */
typedef struct joint { int32_t left_mark, right_mark; int left_cell, right_cell; } joint;

static int neighbour(int32_t mark, int32_t code)
{
    return mark ? MARK : code >= '0' && code <= '9' ? DIGIT : OTHER;
}

static joint look(const heed_joining *at, int32_t mark, int32_t first)
{
    joint k = {.left_mark = at->mark, .right_mark = mark, .left_cell = -1, .right_cell = -1};
    if (at->mark) k.left_cell = RIGHT + COLUMN * (at->mark == '"' ? at->quoted : at->joined) + neighbour(mark, first);
    if (mark) k.right_cell = LEFT + COLUMN * (mark == '"' && at->quoted) + at->last;
    return k;
}

static void advance(heed_joining *at, int32_t mark, int32_t last, bool joined)
{
    *at = (heed_joining){.mark = mark, .last = neighbour(mark, last), .begun = true, .joined = joined, .quoted = at->quoted != (mark == '"')};
}

static int32_t mark_of(int32_t first, int64_t size)
{
    return size == 1 && heed_tokenize_mark(first) ? first : 0;
}

void heed_joints_count(heed_joints *j, heed_joining *at, int32_t first, int32_t last, int64_t size, bool joined)
{
    const int32_t mark = mark_of(first, size);
    const joint k = look(at, mark, first);
    if (at->begun && k.left_cell >= 0) j->seen[k.left_mark][k.left_cell][joined]++;
    if (at->begun && k.right_cell >= 0) j->seen[k.right_mark][k.right_cell][joined]++;
    advance(at, mark, last, joined);
}

static int percent(int64_t apart, int64_t joined)
{
    return apart + joined ? (int)((100 * joined + (apart + joined) / 2) / (apart + joined)) : -1;
}

/* Of some cells of a mark, from `first` on. */
static int share_of(const int64_t seen[HEED_JOINT_CELLS][2], int first, int count)
{
    int64_t apart = 0, joined = 0;
    for (int i = first; i < first + count; i++) {
        apart += seen[i][0];
        joined += seen[i][1];
    }
    return percent(apart, joined);
}

void heed_joints_finish(heed_joints *j)
{
    for (int32_t mark = 0; mark < HEED_JOINT_MARKS; mark++)
        for (int i = 0; i < HEED_JOINT_CELLS; i++) {
            const int column = i - i % NEIGHBOURS, side = i - i % RIGHT;
            int share = share_of(j->seen[mark], i, 1);
            if (share < 0) share = share_of(j->seen[mark], column, NEIGHBOURS);
            if (share < 0) share = share_of(j->seen[mark], side, RIGHT);
            j->share[mark][i] = (int8_t)(share < 0 ? 0 : share);
        }
}

bool heed_joints_decide(const heed_joints *j, heed_joining *at, int32_t first, int32_t last, int64_t size)
{
    const int32_t mark = mark_of(first, size);
    const joint k = look(at, mark, first);
    int sum = 0, votes = 0;
    if (k.left_cell >= 0) sum += j->share[k.left_mark][k.left_cell], votes++;
    if (k.right_cell >= 0) sum += j->share[k.right_mark][k.right_cell], votes++;
    const bool joined = at->begun && sum > HALF * votes;
    advance(at, mark, last, joined);
    return joined;
}

bool heed_joints_known(const heed_joints *j, int32_t mark)
{
    bool known = false;
    for (int i = 0; i < HEED_JOINT_CELLS; i++) known |= j->share[mark][i] != 0;
    return known;
}
