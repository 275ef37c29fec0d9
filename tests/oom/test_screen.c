/* A screen made and asked with every allocation refused in turn: it is not there, or says what is wrong, or answers as it should. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base/rng.h"
#include "kernels/screen.h"
#include "oom/refuse.h"

enum { N = 600, K = 32, M = 3 };

/* Rows of the weight are twins, so that pieces of the pack are asked as well. */
static void lay(float *w, float *x, float *bias)
{
    for (uint64_t i = 0; i < N; i++) {
        for (uint64_t k = 0; k < K; k++) w[i * K + k] = (float)heed_normal(1, i / 2 * K + k);
        bias[i] = 0;
    }
    for (uint64_t i = 0; i < M * K; i++) x[i] = (float)heed_normal(2, i);
}

static bool find(void *data)
{
    static float w[N * K], x[M * K], bias[N];
    heed_error err = {0};
    int32_t ids[M];
    bool *made = data, done = false;
    lay(w, x, bias);
    heed_gemm *g = heed_gemm_new(&err);
    heed_pack *pack = g ? heed_pack_new(HEED_F32, N, K, &err) : NULL;
    heed_arena *room = pack ? heed_arena_new(0) : NULL;
    heed_screen *s = room ? heed_screen_new(HEED_F32, w, N, K, &err) : NULL;
    if (s && heed_pack_fill(g, pack, w, false, &err) == HEED_OK && heed_screen_ready(s)) {
        *made = true;
        done = heed_screen_arg_max(s, g, pack, M, x, bias, room, ids, NULL, &err) == HEED_OK;
        if (!done) assert_int_equal(err.status, HEED_E_NOMEM);
        for (int i = 0; i < M && done; i++) assert_int_equal(ids[i] % 2, 0);
    } else if (s) {
        assert_int_equal(heed_screen_bytes(s), 0);
    }
    heed_screen_free(s);
    heed_arena_free(room);
    heed_pack_free(pack);
    heed_gemm_free(g);
    return done;
}

static void test_screen__lives_through_every_refusal(void **state)
{
    (void)state;
    bool made = false;
    if (!heed_gemm_has(HEED_INT8)) skip();
    assert_true(refuse_each(find, &made, false, 10000) > 10);
    assert_true(refuse_each(find, &made, true, 10000) > 10);
    assert_true(made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_screen__lives_through_every_refusal)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
