/* Axes: explain/scale.h. */
#include "explain/scale.h"

#include "explain/label.h"

#include <math.h>

static double place(const heed_scale *s, double value) { return s->ratio ? log10(value) : value; }

double heed_scale_pixel(const heed_scale *s, double value)
{
    const double low = place(s, s->low), high = place(s, s->high);
    return s->from + (place(s, value) - low) / (high - low) * (s->to - s->from);
}

/* Where values are as large as their last bit, two ticks may be one number. */
static void add_tick(heed_scale *s, double value)
{
    if (s->ticks < HEED_MOST_TICKS && (s->ticks == 0 || value > s->tick[s->ticks - 1]))
        s->tick[s->ticks++] = value;
}

/* Steps of 1, 2 or 5 times a power of ten. */
static void add_even_ticks(heed_scale *s, bool snap, int wanted)
{
    double raw = (s->high - s->low) / wanted, power = pow(10, floor(log10(raw))), f = raw / power;
    double step = (f <= 1.0001 ? 1 : f <= 2.0001 ? 2 : f <= 5.0001 ? 5 : 10) * power;
    if (snap) {
        s->low = floor(s->low / step + 1e-9) * step;
        s->high = ceil(s->high / step - 1e-9) * step;
    }
    int decimals = (int)ceil(-log10(step) - 1e-9);
    s->decimals = decimals < 0 ? 0 : decimals > 12 ? 12 : decimals;
    const double first = ceil(s->low / step - 1e-6), count = floor((s->high - first * step) / step + 1e-6);
    for (int i = 0; i <= count && i < HEED_MOST_TICKS; i++)
        add_tick(s, (first + i) * step);
}

/* 1, 2 and 5 of every decade while these are few, else powers of ten. */
static void add_ratio_ticks(heed_scale *s, int wanted)
{
    static const double within[] = {1, 2, 5};
    const double decades = log10(s->high / s->low), each = decades * 3 <= wanted + 2 ? 3 : 1, skip = fmax(1, ceil(decades / wanted));
    s->decimals = -1;
    for (double d = floor(log10(s->low)); d <= log10(s->high) + 1e-9; d += skip)
        for (int i = 0; i < each; i++) {
            const double value = within[i] * pow(10, d);
            if (value >= s->low * (1 - 1e-9) && value <= s->high * (1 + 1e-9))
                add_tick(s, value);
        }
}

heed_scale heed_scale_make(double low, double high, bool ratio, bool snap, int wanted, int from, int to)
{
    if (low > high)
        low = high = ratio ? 1 : 0;
    if (!(high - low > 1e-300) || (ratio && high / low < 1 + 1e-9)) {
        double half = fmax(fabs(low) * 0.1, 0.5);
        high = ratio ? low * 1.5 : low + half;
        low = ratio ? low / 1.5 : low - half;
    }
    heed_scale s = {.low = low, .high = high, .from = from, .to = to, .ratio = ratio};
    if (ratio && high / low > 10)
        add_ratio_ticks(&s, wanted);
    else
        add_even_ticks(&s, snap, wanted);
    return s;
}

void heed_scale_write(heed_buf *out, const heed_scale *s, double tick)
{
    heed_buf number = {0};
    if (fabs(tick) < (s->high - s->low) * 1e-9)
        tick = 0;
    if (s->decimals >= 0 || (fabs(tick) >= 1 && fabs(tick) < 1e9))
        heed_number_fixed(&number, tick, s->decimals > 0 ? s->decimals : 0);
    else
        heed_number_short(&number, tick, 6);
    size_t digits = 0, start = number.data && number.data[0] == '-';
    while (number.data && number.data[start + digits] >= '0' && number.data[start + digits] <= '9')
        digits++;
    for (size_t i = 0; i < number.size; i++) {
        heed_buf_char(out, number.data[i]);
        size_t left = start + digits - 1 - i;
        if (i >= start && i + 1 < start + digits && left % 3 == 0 && digits > 3)
            heed_buf_char(out, ',');
    }
    out->failed |= number.failed;
    heed_buf_free(&number);
}
