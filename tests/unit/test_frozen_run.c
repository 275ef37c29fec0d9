/* Whole trainings around another model's attention (train.frozen_attention). */
#include "unit/run_calls.h"


/* Two models of one recipe, from two seeds. */
static const char *base(void)
{
    static char path[512];
    if (!exists("base", "model")) {
        call c = prepare("base");
        set(&c, "train.epochs=1");
        must(&c, HEED_OK);
        end(&c);
    }
    snprintf(path, sizeof path, "train.frozen_attention=%s", file_of("base", "model"));
    return path;
}

static call frozen(const char *dir)
{
    static char key[600];
    snprintf(key, sizeof key, "%s", base());
    call c = prepare(dir);
    set(&c, key);
    set(&c, "train.teacher_forcing=1");
    set(&c, "train.seed=2");
    return c;
}

static void test_frozen__threads_and_resuming_change_no_bit(void **state)
{
    (void)state;
    static const char *const names[] = {"one", "two", "three", "cut"};
    for (int i = 0; i < 4; i++) {
        call c = frozen(names[i]);
        set(&c, "train.batch={sentences: 60}");   /* several shards */
        set(&c, "train.epochs=2");
        c.options.threads = i < 3 ? i + 1 : 1;
        if (i == 3) {
            c.options.max_updates = 3;
            must(&c, HEED_OK);
            c.options.resume = true;
            c.options.max_updates = 0;
        }
        must(&c, HEED_OK);
        if (i < 3) told(&c, ", attention that of ");
        if (i) same_run(names[0], names[i]);
        end(&c);
    }
}

static bool same_weight(const char *dir, const char *other, const char *name)
{
    heed_error err;
    heed_safetensors *a = heed_safetensors_open(file_of(dir, "model/model.safetensors"), &err), *b = heed_safetensors_open(file_of(other, "model/model.safetensors"), &err);
    const heed_named *x = heed_safetensors_find(a, name), *y = heed_safetensors_find(b, name);
    assert_true(x && y && x->rows == y->rows && x->cols == y->cols);
    const bool same = memcmp(x->x, y->x, (size_t)(x->rows * x->cols) * sizeof(float)) == 0;
    heed_safetensors_close(a);
    heed_safetensors_close(b);
    return same;
}

static void test_frozen__what_a_score_learns_stays_as_it_began(void **state)
{
    (void)state;
    const char *const names[] = {"short", "long"};
    for (int i = 0; i < 2; i++) {
        call c = frozen(names[i]);
        set(&c, i ? "train.updates=6" : "train.updates=1");
        set(&c, "train.validate.every=1");
        must(&c, HEED_OK);
        told(&c, "by itself it is not what was trained; heed faithful ");
        end(&c);
    }
    assert_true(same_weight("short", "long", "attention.query.weight") && same_weight("short", "long", "attention.v"));
    assert_false(same_weight("short", "long", "head.weight"));
    assert_false(exists("long", "film.jsonl"));
    size_t size;
    char *voucher = scratch_read("long/model/attn.json", &size);
    assert_non_null(strstr(voucher, "\"frozen_attention\": \""));
    free(voucher);
}

/* --- refused ------------------------------------------------------------------------------------------------------------------------------------- */

static void refused(const char *setting, const char *more, heed_status status, const char *expected)
{
    call c = frozen("refused");
    set(&c, setting);
    if (more) set(&c, more);
    must(&c, status);
    says(&c, expected);
    assert_false(exists("refused", ""));
    end(&c);
}

static void test_frozen__settings_without_meaning_are_refused(void **state)
{
    (void)state;
    refused("model.attention=none", NULL, HEED_E_USAGE, "with score none there is none; choose a score");
    refused("train.guided_alignment=statistical", NULL, HEED_E_USAGE, "with train.frozen_attention that is settled; leave one of them out");
    refused("train.teacher_forcing=0.9", NULL, HEED_E_USAGE, "looks where the reference was read; set train.teacher_forcing to 1");
    refused("model.attention.coverage=true", NULL, HEED_E_USAGE, "coverage and score location_conv learn from weights");
    refused("model.attention.score=location_conv", NULL, HEED_E_USAGE, "coverage and score location_conv learn from weights");
    refused("train.validate.metric=accuracy", NULL, HEED_E_USAGE, "set train.validate.metric to loss");
}

static void test_frozen__models_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    char nowhere[600];
    snprintf(nowhere, sizeof nowhere, "train.frozen_attention=%s", scratch_path("nowhere"));
    refused(nowhere, NULL, HEED_E_MODEL, "no such model directory (train.frozen_attention)");
    refused("model.decoder={type: conv, embed: 12, width: 16, layers: 1}", NULL, HEED_E_USAGE, "its decoder is of type rnn, this model's of type conv; give a model of the same recipe");
    refused("model.attention.heads=2", NULL, HEED_E_USAGE, "its attention has 1 layers of 1 heads, this model's has 1 of 2; give a model of the same recipe");
    refused("text.source.lower=true", "text.source.units=symbols", HEED_E_USAGE, "its source vocabulary is not this model's (");
    refused("text.target.units=symbols", NULL, HEED_E_USAGE, "its target vocabulary is not this model's (");
}

static void test_frozen__a_model_that_holds_less_than_the_data_is_refused(void **state)
{
    (void)state;
    static const char location[] = "model.attention={score: location, longest: 20}";
    call c = prepare("bounded");
    set(&c, location);
    set(&c, "data.max_length=10");
    set(&c, "train.updates=2");
    must(&c, HEED_OK);
    end(&c);
    char key[600];
    snprintf(key, sizeof key, "train.frozen_attention=%s", file_of("bounded", "model"));
    refused(key, "data.max_length=20", HEED_E_USAGE, "it holds 20 symbols (its model.attention.longest), and data.max_length lets longer records through; set it to 19 at most");
    c = frozen("fits");
    set(&c, key);
    set(&c, "data.max_length=19");
    set(&c, "train.updates=2");
    must(&c, HEED_OK);
    end(&c);
}

/* A base model that is gone is no fault of a checkpoint's. */
static void test_frozen__resuming_without_the_base_model_says_what_is_missing(void **state)
{
    (void)state;
    call c = frozen("orphan");
    char key[600];
    assert_int_equal(rename(file_of("base", "model"), file_of("base", "moved")), 0);
    must(&c, HEED_E_MODEL);
    assert_int_equal(rename(file_of("base", "moved"), file_of("base", "model")), 0);
    c.options.max_updates = 2;
    must(&c, HEED_OK);
    snprintf(key, sizeof key, "%s", file_of("base", "moved"));
    assert_int_equal(rename(file_of("base", "model"), key), 0);
    c.options.resume = true;
    must(&c, HEED_E_MODEL);
    says(&c, "base/model: no such model directory (train.frozen_attention)");
    assert_null(strstr(c.err.text, "checkpoint"));
    assert_int_equal(rename(key, file_of("base", "model")), 0);
    c.options.max_updates = 4;
    must(&c, HEED_OK);
    end(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frozen__threads_and_resuming_change_no_bit),
        cmocka_unit_test(test_frozen__what_a_score_learns_stays_as_it_began),
        cmocka_unit_test(test_frozen__settings_without_meaning_are_refused),
        cmocka_unit_test(test_frozen__models_that_do_not_fit_are_refused),
        cmocka_unit_test(test_frozen__a_model_that_holds_less_than_the_data_is_refused),
        cmocka_unit_test(test_frozen__resuming_without_the_base_model_says_what_is_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
