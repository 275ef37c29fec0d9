/* Weights laid out as oneDNN's fast kernels want them, where that is known: kernels/onednn.h. Its own reorder goes number by number. */
#include <string.h>

#include "kernels/kernels.h"
#include "kernels/lines.h"
#include "kernels/onednn.h"

enum { LINE = HEED_LINE, ROWS_AT_ONCE = 256 };

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

/* Columns first .. first+63 of the panel, from rows of w. */
static void lay_columns(uint32_t *to, const heed_packed *half, int64_t first, const float *w)
{
    const float *row[ROWS_AT_ONCE];
    const bool pairs = half->number == HEED_BF16;
    for (int64_t k = 0; k < half->k; k += ROWS_AT_ONCE) {
        const int64_t rows = least(ROWS_AT_ONCE, half->k - k);
        for (int64_t i = 0; i < rows; i++) row[i] = w + (k + i) * half->n;
        heed_kernels_get()->panels(to + (pairs ? k / 2 : k) * LINE, LINE, row, rows, first, least(LINE, half->n - first), pairs);
    }
}

/* The same of w stored [n,k], whose rows are turned; shorts: room for 64 of them, of an even length. */
static void turn_columns(uint32_t *to, const heed_packed *half, int64_t first, const float *w, uint16_t *shorts)
{
    const heed_kernels *k = heed_kernels_get();
    const int64_t rows = least(LINE, half->n - first);
    const float *from = w + first * half->k;
    if (half->number == HEED_F32) {
        k->transpose((float *)(void *)to, LINE, from, half->k, rows, half->k);
        return;
    }
    k->to_bf16(shorts, from, rows * half->k);
    k->transpose((float *)(void *)to, LINE, (const float *)(const void *)shorts, half->k / 2, rows, half->k / 2);
}

bool heed_packed_lays(const heed_packed *w, bool transposed) { return w->lines && w->number != HEED_INT8 && !(transposed && w->number == HEED_BF16 && w->k % 2); }

void heed_packed_lay_panel(const heed_packed *w, bool transposed, int64_t first, const float *from, void *panel, uint16_t *room)
{
    const int64_t each = heed_lines_each(w->number), used = (w->k + each - 1) / each * HEED_LINE_BYTES, all = heed_lines_panel(w->number, w->k);
    if (transposed) turn_columns(panel, w, first, from, room);
    else lay_columns(panel, w, first, from);
    memset((char *)panel + used, 0, (size_t)(all - used));
}

void heed_packed_lay(heed_packed *w, bool transposed, const float *from, uint16_t *room)
{
    char *to = w->buffer.data;
    for (int64_t first = 0; first < w->n; first += HEED_LINE, to += heed_lines_panel(w->number, w->k)) heed_packed_lay_panel(w, transposed, first, from, to, room);
}
