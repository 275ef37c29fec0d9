/* First values of weights. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "heed/nn.h"

static void test_fill__an_lstm_begins_by_keeping_what_it_knows(void **state)
{
    (void)state;
    enum { WIDTH = 5 };
    heed_error err = {.status = HEED_OK};
    heed_params *p = heed_params_new(&err);
    assert_non_null(p);
    heed_cell lstm, gru;
    heed_cell_init(&lstm, p, "lstm", HEED_LSTM, WIDTH);
    heed_cell_init(&gru, p, "gru", HEED_GRU, WIDTH);
    assert_int_equal(heed_params_finish(p, &err), HEED_OK);
    heed_params_fill(p, 1);
    for (int i = 0; i < 4 * WIDTH; i++) assert_true(lstm.bias->tensor.x[i] == (i >= WIDTH && i < 2 * WIDTH));   /* gates i f g o */
    for (int i = 0; i < 3 * WIDTH; i++) assert_true(gru.bias->tensor.x[i] == 0);
    heed_params_free(p);
}

static void test_fill__glorot_stays_within_its_reach_and_fills_it(void **state)
{
    (void)state;
    heed_error err = {.status = HEED_OK};
    heed_params *p = heed_params_new(&err);
    assert_non_null(p);
    heed_weight *w = heed_params_add(p, "w", 2, 40, 60, HEED_FILL_GLOROT, 2);
    assert_int_equal(heed_params_finish(p, &err), HEED_OK);
    heed_params_fill(p, 1);
    const double reach = 2 * sqrt(6.0 / 100);
    double most = 0, sum = 0;
    for (int i = 0; i < 2400; i++) {
        const double x = w->tensor.x[i];
        most = fabs(x) > most ? fabs(x) : most;
        sum += x;
    }
    assert_true(most <= reach * (1 + 1e-6) && most > 0.99 * reach);
    assert_true(fabs(sum / 2400) < 5 * reach / sqrt(3 * 2400.0));   /* five deviations of a mean of uniform numbers */
    heed_params_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fill__an_lstm_begins_by_keeping_what_it_knows),
        cmocka_unit_test(test_fill__glorot_stays_within_its_reach_and_fills_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
