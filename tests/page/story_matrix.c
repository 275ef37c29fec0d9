/* Matrices as the page reads them: base64 of little-endian halves or floats. */
#include "page/story.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

double story_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(*state >> 11) / 9007199254740992.0;
}

/* To nearest; what is below the smallest normal half is kept as a subnormal. */
static uint16_t half_of(float value)
{
    if (isnan(value)) return 0x7E00;
    const uint16_t sign = signbit(value) ? 0x8000 : 0;
    const double size = fabs((double)value);
    if (size >= 65520) return sign | 0x7C00;
    int power;
    frexp(size, &power);
    if (size == 0 || power < -13) return sign | (uint16_t)lround(ldexp(size, 24));
    return (uint16_t)(sign + ((power + 14) << 10) + lround(ldexp(size, 11 - power)) - 1024);
}

static char *base64(const unsigned char *bytes, size_t size)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *text = malloc((size + 2) / 3 * 4 + 1), *to = text;
    for (size_t i = 0; i < size; i += 3) {
        const unsigned three = (unsigned)bytes[i] << 16 | (i + 1 < size ? (unsigned)bytes[i + 1] << 8 : 0) | (i + 2 < size ? bytes[i + 2] : 0);
        for (int k = 0; k < 4; k++) *to++ = i + (size_t)k > size ? '=' : letters[three >> (18 - 6 * k) & 63];
    }
    *to = 0;
    return text;
}

json_t *story_matrix(const float *values, int64_t rows, int64_t cols, bool half)
{
    const size_t count = (size_t)(rows * cols);
    uint16_t *halves = malloc(count * sizeof *halves + 1);
    for (size_t i = 0; i < count; i++) halves[i] = half_of(values[i]);
    char *text = half ? base64((unsigned char *)halves, count * 2) : base64((const unsigned char *)values, count * 4);
    json_t *m = json_pack("{s:I, s:I, s:s, s:s}", "rows", (json_int_t)rows, "cols", (json_int_t)cols, "type", half ? "f16" : "f32", "data", text);
    free(halves);
    free(text);
    return m;
}
