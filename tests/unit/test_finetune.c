/* Beginning from another model, and weights that stay as they are. */
#include "unit/run_calls.h"

#include "support/tiny.h"
#include "tensor/tape.h"

/* --- frozen weights: the gradients of the others do not change --------------------------------------------------------------------------- */

static heed_batch *some_pairs(const heed_model *m)
{
    static const char *const from[] = {"abcab", "ed", "qab"}, *const to[] = {"A B C A B", "E D B", "A"};
    heed_tokens source[3] = {{0}}, target[3] = {{0}};
    const uint64_t record[3] = {1, 2, 3};
    const int64_t line[3] = {1, 2, 3};
    heed_error err;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(heed_text_encode(m->source, from[i], strlen(from[i]), &source[i], &err), HEED_OK);
        assert_int_equal(heed_text_encode(m->target, to[i], strlen(to[i]), &target[i], &err), HEED_OK);
    }
    heed_batch *b = heed_batch_new(source, target, 3, record, line, true, &err);
    assert_non_null(b);
    for (int i = 0; i < 3; i++) {
        heed_tokens_free(&source[i]);
        heed_tokens_free(&target[i]);
    }
    return b;
}

/* The slab of gradients, the caller's. */
static float *gradients(const heed_model *m)
{
    heed_error err = {.status = HEED_OK};
    heed_tape *t = heed_tape_new(&(heed_tape_options){.record = true, .train = true, .seed = 5}, &err);
    heed_batch *b = some_pairs(m);
    heed_loss_counts counts;
    if (heed_backward(t, heed_model_loss(m, t, b, 1, &counts), &err)) fail_msg("%s", err.text);
    assert_int_equal(heed_params_collect(m->params, &t, 1, 1, &err), HEED_OK);
    const size_t bytes = (size_t)heed_params_size(m->params) * sizeof(float);
    float *copy = malloc(bytes);
    memcpy(copy, heed_params_grads(m->params), bytes);
    heed_batch_free(b);
    heed_tape_free(t);
    return copy;
}

static bool all_zero(const float *g, const heed_weight *w)
{
    for (int64_t i = 0; i < w->tensor.rows * w->tensor.cols; i++)
        if (g[w->offset + i] != 0) return false;
    return true;
}

static void one_frozen(const tiny *t, const float *whole, int64_t which)
{
    heed_model *m = tiny_build(t);
    heed_weight_freeze(heed_params_at(m->params, which));
    float *g = gradients(m);
    for (int64_t i = 0; i < heed_params_count(m->params); i++) {
        const heed_weight *w = heed_params_at(m->params, i);
        const bool right = w->frozen ? all_zero(g, w) : memcmp(g + w->offset, whole + w->offset, (size_t)(w->tensor.rows * w->tensor.cols) * sizeof *g) == 0;
        if (!right) fail_msg("%s frozen: the gradient of %s is another", heed_params_at(m->params, which)->name, w->name);
    }
    free(g);
    heed_model_free(m);
}

static void test_freeze__leaves_the_other_gradients_as_they_are(void **state)
{
    (void)state;
    static const tiny models[] = {
        {.attention = "{score: additive}", .tie = "output"},
        {.cell = "lstm", .decoder_cell = "lstm", .layers = 2, .attention = "{score: cosine, align: local_p, window: 2}", .order = "order: luong, input_feeding: true"},
        {.attention = "{score: location_conv, coverage: true}"},
        {.attention = "{score: none, vector: every_step}"},
        {.encoder = "type: transformer, heads: 2, positions: learned", .decoder = "type: transformer, heads: 2, norm: pre, positions: relative",
         .attention = "{score: scaled}"},
    };
    for (size_t k = 0; k < sizeof models / sizeof *models; k++) {
        heed_model *m = tiny_build(&models[k]);
        float *whole = gradients(m);
        for (int64_t i = 0; i < heed_params_count(m->params); i++) {
            assert_false(all_zero(whole, heed_params_at(m->params, i)));
            one_frozen(&models[k], whole, i);
        }
        free(whole);
        heed_model_free(m);
    }
}

static void test_freeze__a_frozen_encoder_leaves_nothing_on_the_tape(void **state)
{
    (void)state;
    heed_error err;
    heed_model *m = tiny_build(&(tiny){0});
    for (int64_t i = 0; i < heed_params_count(m->params); i++)
        if (strncmp(heed_params_at(m->params, i)->name, "encoder.", 8) == 0) heed_weight_freeze(heed_params_at(m->params, i));
    heed_tape *t = heed_tape_new(&(heed_tape_options){.record = true, .train = true}, &err);
    heed_batch *b = some_pairs(m);
    const heed_encoded x = m->encoder_kind->forward(t, m->encoder, &b->source);
    assert_true(!x.values->wants_grad && !x.vector->wants_grad);
    assert_null(t->last);
    heed_batch_free(b);
    heed_tape_free(t);
    heed_model_free(m);
}

/* --- whole trainings ---------------------------------------------------------------------------------------------------------------------- */

static const char *base(void)
{
    if (!exists("base", "model")) {
        call c = prepare("base");
        set(&c, "train.updates=8");
        must(&c, HEED_OK);
        end(&c);
    }
    return file_of("base", "model");
}

static call finetune(const char *dir)
{
    static char from[512];
    snprintf(from, sizeof from, "%s", base());
    call c = prepare(dir);
    c.options.init_from = from;
    return c;
}

static void test_finetune__what_is_frozen_keeps_its_bits(void **state)
{
    (void)state;
    call c = finetune("frozen");
    set(&c, "train.freeze=[encoder.*, '*.bias']");
    set(&c, "train.optimizer={type: adamw, weight_decay: 0.1, rate: 0.01}");   /* decay would pull at what has no gradient */
    set(&c, "train.accumulate=2");
    set(&c, "train.average=3");
    must(&c, HEED_OK);
    told(&c, "begins from ");
    told(&c, " weights frozen; ");
    assert_true(same_weight("frozen", "base", "encoder.embedding"));
    assert_true(same_weight("frozen", "base", "encoder.0.backward.hidden.weight"));
    assert_true(same_weight("frozen", "base", "head.bias"));
    assert_false(same_weight("frozen", "base", "head.weight"));
    assert_false(same_weight("frozen", "base", "attention.query.weight"));
    end(&c);
}

static void test_finetune__restarts_and_threads_change_no_bit(void **state)
{
    (void)state;
    call whole = finetune("ft-whole"), parts = finetune("ft-parts");
    const char *settings[] = {"train.freeze=encoder.*", "train.updates=12", "train.validate.every=5"};
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        set(&whole, settings[i]);
        set(&parts, settings[i]);
    }
    whole.options.threads = 2;
    must(&whole, HEED_OK);
    parts.options.max_updates = 5;
    must(&parts, HEED_OK);
    parts.options.max_updates = 0;
    parts.options.resume = true;
    parts.options.init_from = NULL;   /* the run remembers */
    must(&parts, HEED_OK);
    same_run("ft-whole", "ft-parts");
    end(&whole);
    end(&parts);
}

static void test_finetune__says_what_begins_anew(void **state)
{
    (void)state;
    call c = finetune("other-score");
    set(&c, "model.attention.score=cosine");
    set(&c, "train.updates=1");
    must(&c, HEED_OK);
    told(&c, "so begun anew: attention.temperature; without a place here, so left out: attention.key.bias, attention.v");
    end(&c);
}

/* A setting of text that is not given is the model's. */
static void test_finetune__takes_the_vocabularies(void **state)
{
    (void)state;
    call first = prepare("lower");
    set(&first, "text={lower: true, source: {min_count: 2}}");
    set(&first, "train.updates=1");
    must(&first, HEED_OK);
    call c = prepare("from-lower");
    c.options.init_from = file_of("lower", "model");
    char from[512];
    snprintf(from, sizeof from, "%s", c.options.init_from);
    c.options.init_from = from;
    set(&c, "text.target.lower=true");
    set(&c, "train.updates=2");
    must(&c, HEED_OK);
    same_file("lower", "from-lower", "model/source.vocab.json");
    same_file("lower", "from-lower", "model/target.vocab.json");
    heed_error err;
    heed_model *m = heed_model_load(file_of("from-lower", "model"), NULL, 0, &err);
    assert_non_null(m);
    assert_true(m->recipe.text.source.lower && m->recipe.text.source.min_count == 2 && m->recipe.text.target.min_count == 1);
    assert_non_null(strstr(m->provenance, "\"init_from\": "));
    heed_model_free(m);
    set(&c, "text.source.lower=false");
    c.options.dir = scratch_path("not-lower");
    must(&c, HEED_E_USAGE);
    says(&c, "lower/model: its vocabularies were made otherwise than the recipe says:\ntext.source.lower: false, was true\nleave these keys out");
    end(&first);
    end(&c);
}

static void refuses(const char *assignment, heed_status status, const char *text)
{
    call c = finetune("refused");
    set(&c, assignment);
    must(&c, status);
    says(&c, text);
    assert_false(heed_path_exists(scratch_path("refused")));
    end(&c);
}

static void test_finetune__refuses_in_words(void **state)
{
    (void)state;
    refuses("model.encoder.width=20", HEED_E_USAGE, "weight \"encoder.0.forward.hidden.weight\" is [48,16] in ");
    refuses("model.encoder.width=20", HEED_E_USAGE, ", but the recipe makes it [60,20]; set these keys alike:\nmodel.encoder.width: 20, was 16");
    refuses("train.freeze=encodre.*", HEED_E_USAGE, "train.freeze: \"encodre.*\" matches no weight; did you mean \"encoder.*\"?");
    refuses("train.freeze='*'", HEED_E_USAGE, "train.freeze: nothing is left to learn; freeze less");
    call c = prepare("refused");
    c.options.init_from = scratch_path("nowhere");
    must(&c, HEED_E_MODEL);
    says(&c, "nowhere: no such model directory (train.init_from)");
    end(&c);
}

static void test_finetune__the_model_of_a_resumed_run_is_the_same(void **state)
{
    (void)state;
    call c = finetune("resumed-other");
    set(&c, "train.updates=2");
    must(&c, HEED_OK);
    c.options.resume = true;
    c.options.init_from = scratch_path("elsewhere");
    must(&c, HEED_E_USAGE);
    says(&c, "train.init_from: ");
    end(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_freeze__leaves_the_other_gradients_as_they_are),
        cmocka_unit_test(test_freeze__a_frozen_encoder_leaves_nothing_on_the_tape),
        cmocka_unit_test(test_finetune__what_is_frozen_keeps_its_bits),
        cmocka_unit_test(test_finetune__restarts_and_threads_change_no_bit),
        cmocka_unit_test(test_finetune__says_what_begins_anew),
        cmocka_unit_test(test_finetune__takes_the_vocabularies),
        cmocka_unit_test(test_finetune__refuses_in_words),
        cmocka_unit_test(test_finetune__the_model_of_a_resumed_run_is_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
