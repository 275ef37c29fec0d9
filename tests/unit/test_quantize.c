/* Models in fewer bits: what is stored is what comes back, near to what it was made from; what cannot be stored or read is refused with words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "heed.h"
#include "kernels/gemm.h"
#include "model/safetensors.h"
#include "support/scratch.h"
#include "support/tiny.h"
#include "tensor/tape.h"

static const heed_number fewer[] = {HEED_BF16, HEED_INT8};
enum { FEWER = sizeof fewer / sizeof *fewer };

static const tiny recurrent = {.cell = "lstm", .tie = "output"};
static const tiny transformer = {.layers = 2, .attention = "{score: scaled}", .encoder = "type: transformer, heads: 2, positions: learned", .decoder = "type: transformer, heads: 3"};

static heed_model *open_model(const char *dir)
{
    heed_error err;
    heed_model *m = heed_model_load(dir, NULL, 0, &err);
    if (!m) fail_msg("%s", err.text);
    return m;
}

/* A model "m" and what was made of it, "q", both opened. */
typedef struct made { heed_model *from, *to; } made;

static made quantize(const tiny *t, heed_number number)
{
    heed_error err;
    heed_dir_remove(scratch_path("m"), NULL);
    heed_dir_remove(scratch_path("q"), NULL);
    tiny_save(tiny_build(t), "m");
    if (heed_quantize(scratch_path("m"), number, scratch_path("q"), NULL, &err)) fail_msg("%s", err.text);
    return (made){open_model(scratch_path("m")), open_model(scratch_path("q"))};
}

static void close_both(made *x)
{
    heed_model_close(x->from);
    heed_model_close(x->to);
}

/* --- what is stored --------------------------------------------------------------------------------------------------------------------- */

static float greatest(const float *x, int64_t n)
{
    float most = 0;
    for (int64_t i = 0; i < n; i++) most = fmaxf(most, fabsf(x[i]));
    return most;
}

/* bf16 keeps 7 bits behind the first: half of the last is 2^-8 of the value at most. Of a row's 127 steps half a step, and what floats lose on the way there and back. */
static void check_row(const float *from, const float *to, int64_t n, heed_number number)
{
    const double step = (double)greatest(from, n) / 127;
    for (int64_t i = 0; i < n; i++) {
        const double bound = number == HEED_BF16 ? fabs((double)from[i]) * 0x1p-8 : step * (0.5 + 0x1p-14);
        if (!(fabs((double)from[i] - (double)to[i]) <= bound)) fail_msg("%g became %g", (double)from[i], (double)to[i]);
    }
}

static void test_quantize__keeps_vectors_and_stays_near_matrices(void **state)
{
    (void)state;
    const tiny *const kinds[] = {&recurrent, &transformer};
    for (int k = 0; k < 2 * FEWER; k++) {
        made x = quantize(kinds[k / FEWER], fewer[k % FEWER]);
        assert_int_equal(x.to->stored, fewer[k % FEWER]);
        assert_int_equal(x.from->stored, HEED_F32);
        for (int64_t i = 0; i < heed_params_count(x.from->params); i++) {
            const heed_tensor *from = &heed_params_at(x.from->params, i)->tensor, *to = &heed_params_at(x.to->params, i)->tensor;
            if (heed_params_at(x.from->params, i)->rank == 1) assert_memory_equal(from->x, to->x, (size_t)from->cols * sizeof *from->x);
            for (int64_t r = 0; r < from->rows; r++) check_row(from->x + r * from->cols, to->x + r * to->cols, from->cols, fewer[k % FEWER]);
        }
        close_both(&x);
    }
}

/* Opened and written once more in the same numbers, not a bit changes: a product that packs the floats makes of them what was stored. */
static void test_quantize__what_is_stored_is_what_is_packed(void **state)
{
    (void)state;
    for (int k = 0; k < FEWER; k++) {
        size_t size, more;
        made x = quantize(&transformer, fewer[k]);
        assert_int_equal(heed_model_save(x.to, scratch_path("again"), fewer[k], NULL, NULL), HEED_OK);
        char *once = scratch_read("q/model.safetensors", &size), *twice = scratch_read("again/model.safetensors", &more);
        assert_int_equal(size, more);
        assert_memory_equal(once, twice, size);
        free(once);
        free(twice);
        close_both(&x);
    }
}

static void test_quantize__takes_a_half_and_a_quarter(void **state)
{
    (void)state;
    for (int k = 0; k < FEWER; k++) {
        heed_quantized report;
        made x = quantize(&recurrent, fewer[k]);
        int64_t matrices = 0, rows = 0, header_and_vectors = 0;
        for (int64_t i = 0; i < heed_params_count(x.from->params); i++) {
            const heed_weight *w = heed_params_at(x.from->params, i);
            if (w->rank == 2) matrices += w->tensor.rows * w->tensor.cols, rows += w->tensor.rows;
        }
        heed_dir_remove(scratch_path("q"), NULL);
        assert_int_equal(heed_quantize(scratch_path("m"), fewer[k], scratch_path("q"), &report, NULL), HEED_OK);
        header_and_vectors = report.bytes_before - 4 * matrices;
        const int64_t bytes = report.bytes_after - (fewer[k] == HEED_BF16 ? 2 * matrices : matrices + 4 * rows);
        assert_true(bytes > 0 && bytes < 2 * header_and_vectors + 1000);
        close_both(&x);
    }
}

static void test_quantize__keeps_the_look_and_tells_the_origin(void **state)
{
    (void)state;
    heed_error err;
    const char *const training[] = {"updates", "8000", NULL};
    heed_model *m = tiny_build(&transformer);
    heed_dir_remove(scratch_path("m"), NULL);
    heed_dir_remove(scratch_path("q"), NULL);
    m->alignment = (heed_alignment){.chosen = true, .layer = 1, .head = 2, .shift = 1};
    assert_int_equal(heed_model_save(m, scratch_path("m"), HEED_F32, training, &err), HEED_OK);
    heed_model_free(m);
    if (heed_quantize(scratch_path("m"), HEED_INT8, scratch_path("q/"), NULL, &err)) fail_msg("%s", err.text);
    m = open_model(scratch_path("q"));
    const heed_look look = heed_model_look(m);
    assert_true(look.layer == 1 && look.head == 2 && look.shift == 1);
    assert_non_null(strstr(m->provenance, "\"updates\": \"8000\""));
    assert_non_null(strstr(m->provenance, "\"quantized_to\": \"int8\""));
    assert_non_null(strstr(m->provenance, "\"quantized_from\": \""));
    char *config = scratch_read("q/config.json", NULL), *json = heed_model_describe(m, true, NULL);
    assert_non_null(strstr(config, "\"precision\": \"int8\""));
    assert_non_null(strstr(json, "\"stored\":\"int8\",\"products\":"));
    free(config);
    heed_free(json);
    heed_model_close(m);
}

/* Of a model that is open: what it was told, or floats where this processor lacks the instructions. */
static void test_precision__is_set_as_a_model_is_opened(void **state)
{
    (void)state;
    static const char *const words[] = {"f32", "bf16", "int8"};
    made x = quantize(&recurrent, HEED_INT8);
    heed_number asked;
    assert_int_equal(heed_model_number(x.from, &asked), HEED_F32);
    assert_int_equal(asked, HEED_F32);
    assert_int_equal(heed_model_number(x.to, NULL), heed_gemm_has(HEED_INT8) ? HEED_INT8 : HEED_F32);
    close_both(&x);
    for (int i = 0; i < 3; i++) {
        char set[40];
        const char *sets[] = {set};
        snprintf(set, sizeof set, "decode.precision=%s", words[i]);
        assert_string_equal(heed_number_name((heed_number)i), words[i]);
        heed_model *m = heed_model_open(scratch_path("m"), &(heed_model_options){.sets = sets, .set_count = 1}, NULL);
        assert_non_null(m);
        assert_int_equal(heed_model_number(m, &asked), heed_gemm_has((heed_number)i) ? i : HEED_F32);
        assert_int_equal(asked, i);
        heed_model_close(m);
    }
}

/* What is only run holds the weights of products packed and in no other form. */
static void test_quantize__a_model_that_is_opened_keeps_no_floats_of_products(void **state)
{
    (void)state;
    heed_error err;
    const char *dir = tiny_save(tiny_build(&(tiny){.tie = "output"}), "m");
    heed_model *floats = heed_model_load(dir, NULL, 0, &err), *m = heed_model_open(dir, NULL, &err);
    heed_gemm *g = heed_gemm_new(&err);
    assert_true(floats && m && g);
    for (int64_t i = 0; i < heed_params_count(m->params); i++) {
        const heed_weight *w = heed_params_at(m->params, i), *from = heed_params_at(floats->params, i);
        assert_true((w->tensor.x == NULL) == (w->product && w != m->head.weight));   /* which is the embedding too */
        assert_non_null(from->tensor.x);
        const size_t bytes = (size_t)(w->tensor.rows * w->tensor.cols) * sizeof(float);
        float *x = malloc(bytes);
        assert_int_equal(heed_weight_floats(w, g, x, &err), HEED_OK);
        assert_memory_equal(x, from->tensor.x, bytes);
        free(x);
    }
    heed_gemm_free(g);
    assert_int_equal(heed_model_save(m, scratch_path("copy"), HEED_F32, NULL, &err), HEED_E_USAGE);
    assert_non_null(strstr(err.text, "no floats"));
    heed_params_touch(m->params);
    assert_int_equal(heed_params_pack(m->params, false, 1, &err), HEED_E_USAGE);
    assert_non_null(strstr(err.text, "no floats"));
    heed_model_close(m);
    heed_model_close(floats);
}

/* --- what cannot be stored --------------------------------------------------------------------------------------------------------------- */

/* A weight of a tiny model, set to a value, as `number`: HEED_OK, and the value that comes back. */
static heed_status store(float value, heed_number number, float *back, heed_error *err)
{
    heed_model *m = tiny_build(&recurrent);
    const char *name = "head.project.weight";
    heed_params_find(m->params, name)->tensor.x[3] = value;
    heed_dir_remove(scratch_path("m"), NULL);
    const heed_status status = heed_model_save(m, scratch_path("m"), number, NULL, err);
    heed_model_free(m);
    if (status) return status;
    m = open_model(scratch_path("m"));
    *back = heed_params_find(m->params, name)->tensor.x[3];
    heed_model_close(m);
    return HEED_OK;
}

static void test_quantize__refuses_what_is_not_finite_or_would_not_be(void **state)
{
    (void)state;
    heed_error err;
    float back;
    for (int k = 0; k < FEWER; k++)
        for (int i = 0; i < 3; i++) {
            assert_int_equal(store((float[]){NAN, INFINITY, -INFINITY}[i], fewer[k], &back, &err), HEED_E_LIMIT);
            assert_non_null(strstr(err.text, "weight \"head.project.weight\" holds a number that is not finite, or too large for"));
        }
    assert_int_equal(store(FLT_MAX, HEED_BF16, &back, &err), HEED_E_LIMIT);   /* rounds to infinity */
    assert_int_equal(store(0x1.FEp127f, HEED_BF16, &back, &err), HEED_OK);     /* the greatest there is */
    assert_true(back == 0x1.FEp127f);
    assert_int_equal(store(1e38f, HEED_INT8, &back, &err), HEED_OK);
    assert_true(fabsf(back - 1e38f) <= 1e38f * 0x1p-22f);
}

/* Rows of zeros, and of what is smaller than a scale can be. */
static void test_quantize__of_nothing_is_nothing(void **state)
{
    (void)state;
    static const float small[] = {0, 1e-45f, 1e-38f, 3e-37f, 1.4e-36f};
    for (int i = 0; i < 5; i++) {
        heed_model *m = tiny_build(&recurrent);
        heed_tensor *t = &heed_params_find(m->params, "head.project.weight")->tensor;
        for (int64_t j = 0; j < t->cols; j++) t->x[j] = j % 2 ? small[i] : 0;
        heed_dir_remove(scratch_path("m"), NULL);
        assert_int_equal(heed_model_save(m, scratch_path("m"), HEED_INT8, NULL, NULL), HEED_OK);
        heed_model_free(m);
        m = open_model(scratch_path("m"));
        t = &heed_params_find(m->params, "head.project.weight")->tensor;
        for (int64_t j = 0; j < t->cols; j++) assert_true(t->x[j] == 0);
        assert_true(greatest(t->x + t->cols, t->cols) > 0);
        heed_model_close(m);
    }
}

/* --- refusals ------------------------------------------------------------------------------------------------------------------------------ */

static int entries_of(const char *dir)
{
    int count = 0;
    DIR *d = opendir(dir);
    assert_non_null(d);
    while (readdir(d)) count++;
    closedir(d);
    return count;
}

static void refused(heed_status status, const char *dir, heed_number number, const char *out, const char *text)
{
    heed_error err = {.status = HEED_OK};
    const int before = entries_of(scratch_path(""));
    assert_int_equal(heed_quantize(dir, number, out, NULL, &err), status);
    assert_int_equal(err.status, status);
    if (!strstr(err.text, text)) fail_msg("no \"%s\" in: %s", text, err.text);
    assert_int_equal(heed_quantize(dir, number, out, NULL, NULL), status);
    assert_int_equal(entries_of(scratch_path("")), before);   /* nothing was begun beside it */
}

static void test_quantize__refuses_with_words(void **state)
{
    (void)state;
    made x = quantize(&recurrent, HEED_INT8);
    const char *from = scratch_path("m"), *out = scratch_path("none");
    close_both(&x);
    refused(HEED_E_USAGE, from, HEED_INT8, scratch_path("q"), "q: exists; give another place with -o, or remove it");
    refused(HEED_E_USAGE, from, HEED_INT8, scratch_text("file", ""), "file: exists");
    refused(HEED_E_USAGE, scratch_path("q"), HEED_BF16, out, "/m)");
    refused(HEED_E_USAGE, scratch_path("q"), HEED_INT8, out, "its matrices are int8 already; quantise the model that it was made from (");
    refused(HEED_E_USAGE, from, HEED_F32, out, "to bf16 or int8");
    refused(HEED_E_USAGE, "", HEED_INT8, out, "takes a model directory");
    refused(HEED_E_USAGE, from, HEED_INT8, NULL, "the place of the new one");
    refused(HEED_E_MODEL, out, HEED_INT8, scratch_path("other"), "no such model directory");
    refused(HEED_E_IO, from, HEED_INT8, scratch_path("file/q"), "file");
    heed_model *m = tiny_build(&recurrent);
    heed_params_find(m->params, "head.project.weight")->tensor.x[0] = FLT_MAX;
    tiny_save(m, "huge");
    refused(HEED_E_LIMIT, scratch_path("huge"), HEED_BF16, out, "too large for bf16");
}

/* "q" of int8 with one tensor altered, as somebody else may have written it. */
typedef void alteration(heed_named *t, int64_t *count);

static void altered(alteration *alter, const char *text)
{
    heed_error err = {.status = HEED_OK};
    made x = quantize(&recurrent, HEED_INT8);
    close_both(&x);
    heed_safetensors *file = heed_safetensors_open(scratch_path("q/model.safetensors"), &err);
    assert_non_null(file);
    heed_named all[200];
    int64_t count = heed_safetensors_count(file), place = 0;
    assert_true(count <= 200);
    for (int64_t i = 0; i < count; i++) all[i] = *heed_safetensors_at(file, i);
    while (place < count && strcmp(all[place].name, "head.project.weight.scale") != 0) place++;
    assert_true(place < count);
    heed_named swap = all[count - 1];
    all[count - 1] = all[place];
    all[place] = swap;
    alter(&all[count - 1], &count);
    assert_int_equal(heed_safetensors_write(scratch_path("altered"), all, count, NULL, &err), HEED_OK);
    heed_safetensors_close(file);
    size_t size;
    char *bytes = scratch_read("altered", &size);
    scratch_write("q/model.safetensors", bytes, size);
    free(bytes);
    heed_model *m = heed_model_open(scratch_path("q"), NULL, &err);
    if (m) fail_msg("a model that should say \"%s\" was opened", text);
    assert_int_equal(err.status, HEED_E_MODEL);
    if (!strstr(err.text, text) || !strstr(err.text, "model.safetensors")) fail_msg("no \"%s\" in: %s", text, err.text);
}

static void lose(heed_named *t, int64_t *count)
{
    (void)t;
    --*count;
}

static void shorten(heed_named *t, int64_t *count)
{
    (void)count;
    t->cols--;
}

static void narrow(heed_named *t, int64_t *count)
{
    (void)count;
    t->number = HEED_BF16;
}

static void set_first(heed_named *t, float value)
{
    static float scale[64];
    assert_true(t->cols <= 64);
    memcpy(scale, t->x, (size_t)t->cols * sizeof *scale);
    scale[0] = value;
    t->x = scale;
}
static void spoil(heed_named *t, int64_t *count) { (void)count, set_first(t, NAN); }
static void grow(heed_named *t, int64_t *count) { (void)count, set_first(t, INFINITY); }
static void turn(heed_named *t, int64_t *count) { (void)count, set_first(t, -1); }
static void overflow(heed_named *t, int64_t *count) { (void)count, set_first(t, FLT_MAX); }

static void exceed(heed_named *t, int64_t *count)
{
    static int8_t q[1000];
    for (t -= *count - 1; strcmp(t->name, "head.project.weight") != 0; t++) continue;
    assert_true(t->rows * t->cols <= 1000);
    memset(q, -128, sizeof q);
    t->x = q;
}

static void call_otherwise(heed_named *t, int64_t *count)
{
    (void)count;
    t->name = "head.project.weight.scales";
}

static void test_open__refuses_scales_that_are_none(void **state)
{
    (void)state;
    altered(lose, "tensor \"head.project.weight\" holds whole numbers, and tensor \"head.project.weight.scale\" is missing");
    altered(call_otherwise, "tensors, config.json makes");
    altered(shorten, "tensor \"head.project.weight.scale\" is [1,");
    altered(narrow, "tensor \"head.project.weight.scale\" is of another dtype than F32");
    altered(spoil, "tensor \"head.project.weight.scale\" holds a scale that is negative, NaN or infinite");
    altered(grow, "tensor \"head.project.weight.scale\" holds a scale that is negative, NaN or infinite");
    altered(turn, "tensor \"head.project.weight.scale\" holds a scale that is negative, NaN or infinite");
    altered(overflow, "tensor \"head.project.weight\" holds NaN or infinity");
    altered(exceed, "tensor \"head.project.weight\" holds -128; whole numbers of a weight go from -127 to 127");
}

/* Of the narrow numbers only bf16 has NaN and infinity. */
static void test_open__refuses_bf16_that_is_not_finite(void **state)
{
    (void)state;
    static const uint16_t bad[] = {0x7FC0, 0x7F80, 0xFF80};
    for (int i = 0; i < 3; i++) {
        heed_error err;
        size_t size;
        made x = quantize(&recurrent, HEED_BF16);
        close_both(&x);
        char *bytes = scratch_read("q/model.safetensors", &size);
        memcpy(bytes + size - 2, &bad[i], 2);   /* the last matrix */
        scratch_write("q/model.safetensors", bytes, size);
        free(bytes);
        assert_null(heed_model_open(scratch_path("q"), NULL, &err));
        assert_int_equal(err.status, HEED_E_MODEL);
        assert_non_null(strstr(err.text, "holds NaN or infinity"));
    }
}

static void test_open__refuses_a_tensor_too_many(void **state)
{
    (void)state;
    heed_error err;
    made x = quantize(&recurrent, HEED_BF16);
    close_both(&x);
    heed_safetensors *file = heed_safetensors_open(scratch_path("q/model.safetensors"), &err);
    heed_named all[200];
    const int64_t count = heed_safetensors_count(file);
    for (int64_t i = 0; i < count; i++) all[i] = *heed_safetensors_at(file, i);
    all[count] = all[0];
    all[count].name = "head.project.weight.scale";   /* of what holds no whole numbers */
    assert_int_equal(heed_safetensors_write(scratch_path("altered"), all, count + 1, NULL, &err), HEED_OK);
    heed_safetensors_close(file);
    size_t size;
    char *bytes = scratch_read("altered", &size);
    scratch_write("q/model.safetensors", bytes, size);
    free(bytes);
    assert_null(heed_model_open(scratch_path("q"), NULL, &err));
    assert_non_null(strstr(err.text, "tensors, config.json makes"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quantize__keeps_vectors_and_stays_near_matrices),
        cmocka_unit_test(test_quantize__what_is_stored_is_what_is_packed),
        cmocka_unit_test(test_quantize__takes_a_half_and_a_quarter),
        cmocka_unit_test(test_quantize__keeps_the_look_and_tells_the_origin),
        cmocka_unit_test(test_precision__is_set_as_a_model_is_opened),
        cmocka_unit_test(test_quantize__a_model_that_is_opened_keeps_no_floats_of_products),
        cmocka_unit_test(test_quantize__refuses_what_is_not_finite_or_would_not_be),
        cmocka_unit_test(test_quantize__of_nothing_is_nothing),
        cmocka_unit_test(test_quantize__refuses_with_words),
        cmocka_unit_test(test_open__refuses_scales_that_are_none),
        cmocka_unit_test(test_open__refuses_bf16_that_is_not_finite),
        cmocka_unit_test(test_open__refuses_a_tensor_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
