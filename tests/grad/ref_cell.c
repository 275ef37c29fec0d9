/* One step of a cell: gru, lstm. */
#include "ref_cell.h"

static num one_minus(num x) { return num_sub(num_exact(1), x); }
static num slope_sigmoid(num y) { return num_mul(y, one_minus(y)); }
static num slope_tanh(num y) { return one_minus(num_mul(y, y)); }

/* --- gru -------------------------------------------------------------------------------------------------------------------------------- */

typedef struct gru_gates { num r, z, n; } gru_gates;

static gru_gates gru_at(const num *gx, const num *gh, int64_t H, int64_t j)
{
    gru_gates g;
    g.r = num_sigmoid(num_add(gx[j], gh[j]));
    g.z = num_sigmoid(num_add(gx[H + j], gh[H + j]));
    g.n = num_tanh(num_add(gx[2 * H + j], num_mul(g.r, gh[2 * H + j])));
    return g;
}

void ref_gru(num *out, const num *gx, const num *gh, const num *h, int64_t H)
{
    for (int64_t j = 0; j < H; j++) {
        const gru_gates g = gru_at(gx, gh, H, j);
        num sum = {0};
        num_gather(&sum, num_mul(one_minus(g.z), g.n));
        num_gather(&sum, num_mul(g.z, h[j]));
        out[j] = sum;
    }
}

void ref_gru_back(num *dgx, num *dgh, num *dh, const num *dout, const num *gx, const num *gh, const num *h, int64_t H)
{
    for (int64_t j = 0; j < H; j++) {
        const gru_gates g = gru_at(gx, gh, H, j);
        const num dn = num_mul(num_mul(dout[j], one_minus(g.z)), slope_tanh(g.n));
        const num dz = num_mul(num_mul(dout[j], num_sub(h[j], g.n)), slope_sigmoid(g.z));
        const num dr = num_mul(num_mul(dn, gh[2 * H + j]), slope_sigmoid(g.r));
        num_gather(&dgx[j], dr);
        num_gather(&dgh[j], dr);
        num_gather(&dgx[H + j], dz);
        num_gather(&dgh[H + j], dz);
        num_gather(&dgx[2 * H + j], dn);
        num_gather(&dgh[2 * H + j], num_mul(dn, g.r));
        num_gather(&dh[j], num_mul(dout[j], g.z));
    }
}

/* --- lstm ------------------------------------------------------------------------------------------------------------------------------- */

typedef struct lstm_gates { num i, f, g, o, c, squashed; } lstm_gates;

static lstm_gates lstm_at(const num *gx, const num *gh, num c, int64_t H, int64_t j)
{
    lstm_gates s;
    s.i = num_sigmoid(num_add(gx[j], gh[j]));
    s.f = num_sigmoid(num_add(gx[H + j], gh[H + j]));
    s.g = num_tanh(num_add(gx[2 * H + j], gh[2 * H + j]));
    s.o = num_sigmoid(num_add(gx[3 * H + j], gh[3 * H + j]));
    s.c = (num){0};
    num_gather(&s.c, num_mul(s.f, c));
    num_gather(&s.c, num_mul(s.i, s.g));
    s.squashed = num_tanh(s.c);
    return s;
}

void ref_lstm(num *h_out, num *c_out, const num *gx, const num *gh, const num *c, int64_t H)
{
    for (int64_t j = 0; j < H; j++) {
        const lstm_gates s = lstm_at(gx, gh, c[j], H, j);
        c_out[j] = s.c;
        h_out[j] = num_mul(s.o, s.squashed);
    }
}

void ref_lstm_back(num *dgx, num *dgh, num *dc, const num *dh_out, const num *dc_out, const num *gx, const num *gh, const num *c, int64_t H)
{
    for (int64_t j = 0; j < H; j++) {
        const lstm_gates s = lstm_at(gx, gh, c[j], H, j);
        const num d = num_add(dc_out[j], num_mul(num_mul(dh_out[j], s.o), slope_tanh(s.squashed)));
        const num gate[] = {
            num_mul(num_mul(d, s.g), slope_sigmoid(s.i)),
            num_mul(num_mul(d, c[j]), slope_sigmoid(s.f)),
            num_mul(num_mul(d, s.i), slope_tanh(s.g)),
            num_mul(num_mul(dh_out[j], s.squashed), slope_sigmoid(s.o)),
        };
        for (int k = 0; k < 4; k++) {
            num_gather(&dgx[k * H + j], gate[k]);
            num_gather(&dgh[k * H + j], gate[k]);
        }
        num_gather(&dc[j], num_mul(d, s.f));
    }
}
