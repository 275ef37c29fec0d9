/* Axes of pictures: where a value lies, and which round values are written beside it. */
#ifndef HEED_EXPLAIN_SCALE_H
#define HEED_EXPLAIN_SCALE_H

#include "base/buf.h"

enum { HEED_MOST_TICKS = 48 };

typedef struct heed_scale {
    double low, high;                 /* values at the two ends; with ratio above 0 */
    int from, to;                     /* pixels of the ends */
    bool ratio;                       /* logarithmic */
    double tick[HEED_MOST_TICKS];
    int ticks, decimals;              /* decimals -1: as short as can be, each by itself */
} heed_scale;

/* An axis over low..high, which may be equal or none at all (low above high). snap: widened to round values. wanted: about so many ticks, at 1, 2 or 5 times a power
 * of ten; of an axis by ratios that spans more than a decade, within each. */
heed_scale heed_scale_make(double low, double high, bool ratio, bool snap, int wanted, int from, int to);
double heed_scale_pixel(const heed_scale *s, double value);
void heed_scale_write(heed_buf *out, const heed_scale *s, double tick);      /* "12,000", "0.50" */

#endif
