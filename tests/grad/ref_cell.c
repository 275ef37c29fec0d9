/* References of family cell: gru, lstm. */
#include "ref_cell.h"

#include "grad.h"

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

static void cell_draw(problem *p, int64_t gates)
{
    const int64_t rows = grad_draw(p, 1, 5), H = grad_draw(p, 1, 19);
    grad_in(p, BLOCK_INPUT, rows, gates * H, 1);
    grad_in(p, BLOCK_INPUT, rows, gates * H, 1);
    grad_in(p, BLOCK_INPUT, rows, H, 1);
    grad_out(p, rows, H);
}

static void gru_draw(problem *p) { cell_draw(p, 3); }

static void gru_forward(problem *p)
{
    const int64_t H = p->out->cols;
    for (int64_t i = 0; i < p->out->rows; i++) ref_gru(p->out->x + i * H, p->in[0].x + 3 * i * H, p->in[1].x + 3 * i * H, p->in[2].x + i * H, H);
}

static void gru_backward(problem *p)
{
    const int64_t H = p->out->cols;
    const block *in = p->in;
    for (int64_t i = 0; i < p->out->rows; i++) {
        const int64_t g = 3 * i * H, h = i * H;
        ref_gru_back(in[0].g + g, in[1].g + g, in[2].g + h, p->out->g + h, in[0].x + g, in[1].x + g, in[2].x + h, H);
    }
}

static void gru_run(problem *p, heed_tape *t, heed_tensor *const *in, heed_tensor **out)
{
    (void)p;
    out[0] = heed_gru(t, in[0], in[1], in[2]);
}

const grad_case case_gru = {"gru", "cell", gru_draw, gru_forward, gru_backward, gru_run, NULL, NULL};

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

static void lstm_draw(problem *p)
{
    cell_draw(p, 4);
    grad_out(p, p->out->rows, p->out->cols);
}

static void lstm_forward(problem *p)
{
    const int64_t H = p->out->cols;
    for (int64_t i = 0; i < p->out->rows; i++)
        ref_lstm(p->out[0].x + i * H, p->out[1].x + i * H, p->in[0].x + 4 * i * H, p->in[1].x + 4 * i * H, p->in[2].x + i * H, H);
}

static void lstm_backward(problem *p)
{
    const int64_t H = p->out->cols;
    const block *in = p->in, *out = p->out;
    for (int64_t i = 0; i < out->rows; i++) {
        const int64_t g = 4 * i * H, h = i * H;
        ref_lstm_back(in[0].g + g, in[1].g + g, in[2].g + h, out[0].g + h, out[1].g + h, in[0].x + g, in[1].x + g, in[2].x + h, H);
    }
}

static void lstm_run(problem *p, heed_tape *t, heed_tensor *const *in, heed_tensor **out)
{
    (void)p;
    const heed_lstm_state s = heed_lstm(t, in[0], in[1], in[2]);
    out[0] = s.h;
    out[1] = s.c;
}

const grad_case case_lstm = {"lstm", "cell", lstm_draw, lstm_forward, lstm_backward, lstm_run, NULL, NULL};
