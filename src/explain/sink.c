/* Parts of a long text, and numbers in base64: explain/sink.h. */
#include "explain/sink.h"

#include <string.h>

static void pass(heed_sink *s)
{
    if (!s->failed && s->text.size && !s->text.failed) s->failed = !s->write(s->user, s->text.data, s->text.size);
    heed_buf_reset(&s->text);
}

void heed_sink_pass(heed_sink *s)
{
    if (s->text.size >= HEED_SINK_PART && !s->text.failed) pass(s);
}

heed_status heed_sink_end(heed_sink *s, heed_error *err)
{
    const bool memory = s->text.failed;
    if (!memory) pass(s);
    heed_buf_free(&s->text);
    if (memory) return heed_fail(err, HEED_E_NOMEM, "out of memory for the text");
    return s->failed ? heed_fail(err, HEED_E_IO, "the text could not be written") : HEED_OK;
}

/* --- matrices ---------------------------------------------------------------------------------------------------------------------------------- */

static void add_three(heed_buf *out, const unsigned char b[3], int held)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned all = (unsigned)b[0] << 16 | (unsigned)b[1] << 8 | b[2];
    const char four[4] = {letters[all >> 18], letters[all >> 12 & 63], held > 1 ? letters[all >> 6 & 63] : '=', held > 2 ? letters[all & 63] : '='};
    heed_buf_add(out, four, sizeof four);
}

static void add_byte(heed_matrix *m, unsigned byte)
{
    m->left[m->held++] = (unsigned char)byte;
    if (m->held < 3) return;
    add_three(&m->sink->text, m->left, 3);
    m->held = 0;
}

/* To the nearest, ties to even; beyond the largest half infinity, which no weight is. */
static unsigned half_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    const uint32_t sign = bits >> 16 & 0x8000;
    const int power = (int)(bits >> 23 & 255) - 127 + 15;
    uint32_t part = bits & 0x7FFFFF;
    if (power >= 31) return sign | 0x7C00 | ((bits & 0x7FFFFFFF) > 0x7F800000 ? 0x200 : 0);
    int drop = 13;
    uint32_t whole = (uint32_t)power << 10;
    if (power <= 0) {
        if (power < -10) return sign;
        part |= 0x800000;
        drop += 1 - power;
        whole = 0;
    }
    const uint32_t rest = part & ((1U << drop) - 1), tie = 1U << (drop - 1);
    whole += part >> drop;
    return sign | (whole + (rest > tie || (rest == tie && (whole & 1))));
}

void heed_matrix_begin(heed_matrix *m, heed_sink *s, int64_t rows, int64_t cols, bool half)
{
    *m = (heed_matrix){.sink = s, .half = half};
    heed_buf_printf(&s->text, "{\"rows\": %lld, \"cols\": %lld, \"type\": \"%s\", \"data\": \"", (long long)rows, (long long)cols, half ? "f16" : "f32");
}

void heed_matrix_row(heed_matrix *m, const float *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        if (m->half) bits = half_of(x[i]);
        for (int byte = 0; byte < (m->half ? 2 : 4); byte++) add_byte(m, bits >> (8 * byte) & 255);
    }
    heed_sink_pass(m->sink);
}

void heed_matrix_end(heed_matrix *m)
{
    if (m->held) {
        memset(m->left + m->held, 0, (size_t)(3 - m->held));
        add_three(&m->sink->text, m->left, m->held);
    }
    heed_buf_text(&m->sink->text, "\"}");
    heed_sink_pass(m->sink);
}
