/* Whole trainings beside another model: around its attention (train.frozen_attention), and against it (train.adversary). */
#include "unit/run_calls.h"

#include "heed.h"


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
        must_by(&c, i);
        if (i < 3) told(&c, ", attention that of ");
        if (i) same_run(names[0], names[i]);
        end(&c);
    }
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

/* --- adversaries --------------------------------------------------------------------------------------------------------------------------------- */

/* Which of three letters a word has; wherever it stands, a recurrent encoder's last state knows it as well. */
static const char *write_letters(void)
{
    heed_buf text = {0};
    for (int i = 0; i < 240; i++) {
        const uint64_t line = heed_key(5, (uint64_t)i);
        char word[7] = "......";
        const char letter = (char)('a' + heed_below(line, 0, 3));
        word[heed_below(line, 1, 6)] = letter;
        heed_buf_printf(&text, "%s\t%c\n", word, letter);
    }
    const char *path = scratch_write("letters.tsv", text.data, text.size);
    heed_buf_free(&text);
    scratch_text("letters.yaml", "data: {train: letters.tsv}\n"
                                 "model:\n"
                                 "  encoder: {cell: gru, embed: 12, width: 16, dropout: 0}\n"
                                 "  decoder: {cell: gru, embed: 12, width: 16, dropout: 0}\n"
                                 "train: {batch: {sentences: 60}, epochs: 0, updates: 700, optimizer: {rate: 0.01}}\n");
    return path;
}

static call letters(const char *dir)
{
    write_letters();
    return (call){.options = {.recipe = scratch_path("letters.yaml"), .dir = scratch_path(dir), .threads = 1}};
}

/* The adversary in dir beside its base model: how far what they say is apart, and what they look at. */
static heed_attention_changed beside(const char *dir)
{
    heed_error err = {.status = HEED_OK};
    heed_needed found;
    heed_model *base = heed_model_open(file_of("letters", "model"), NULL, &err), *m = heed_model_open(file_of(dir, "model"), NULL, &err);
    heed_session *s = base && m ? heed_session_new(base, &(heed_session_options){.threads = 1}, &err) : NULL;
    const heed_needed_options o = {.source = scratch_path("letters.tsv"), .other = m, .pairs = 100};
    if (!s || heed_needed_measure(s, &o, &found, &err) != HEED_OK) fail_msg("%s", err.text);
    heed_session_free(s);
    heed_model_close(m);
    heed_model_close(base);
    return found.changed[HEED_CHANGE_MODEL];
}

/* With much weight it may forget what to say. */
static void test_adversary__the_more_weights_count_the_farther_it_looks(void **state)
{
    (void)state;
    static const char *const weights[] = {"0", "0.0002", "0.01"};
    heed_attention_changed found[3];
    call c = letters("letters");
    must(&c, HEED_OK);
    end(&c);
    for (int i = 0; i < 3; i++) {
        char setting[600], dir[20];
        snprintf(setting, sizeof setting, "train.adversary={model: %s, weight: %s}", file_of("letters", "model"), weights[i]);
        snprintf(dir, sizeof dir, "rival-%d", i);
        c = letters(dir);
        set(&c, setting);
        set(&c, "train.seed=2");
        must(&c, HEED_OK);
        told(&c, ", adversary of ");
        end(&c);
        found[i] = beside(dir);
    }
    for (int i = 0; i < 2; i++)
        if (!(found[i].distance.value < 0.05)) fail_msg("weight %s: what it says is %g away", weights[i], found[i].distance.value);
    const double js[3] = {found[0].divergence.value, found[1].divergence.value, found[2].divergence.value};
    if (!(js[0] + 0.1 < js[1] && js[1] < js[2])) fail_msg("weights are %g, %g, %g away", js[0], js[1], js[2]);
}

static void test_adversary__threads_and_resuming_change_no_bit(void **state)
{
    (void)state;
    static const char *const names[] = {"rival-one", "rival-two", "rival-three", "rival-cut"};
    base();
    for (int i = 0; i < 4; i++) {
        char setting[600];
        snprintf(setting, sizeof setting, "train.adversary=%s", file_of("base", "model"));
        call c = prepare(names[i]);
        set(&c, setting);
        set(&c, "train.teacher_forcing=1");
        set(&c, "train.label_smoothing=0");
        set(&c, "train.batch={sentences: 60}");
        set(&c, "train.epochs=2");
        must_by(&c, i);
        if (i) same_run(names[0], names[i]);
        end(&c);
    }
    size_t size;
    char *voucher = scratch_read("rival-one/model/attn.json", &size);
    assert_non_null(strstr(voucher, "\"adversary\": \""));
    free(voucher);
}

static void refused_rival(const char *setting, heed_status status, const char *expected)
{
    char rival[600];
    base();
    snprintf(rival, sizeof rival, "train.adversary.model=%s", file_of("base", "model"));
    call c = prepare("refused");
    set(&c, "train.teacher_forcing=1");
    set(&c, "train.label_smoothing=0");
    set(&c, rival);
    set(&c, setting);
    must(&c, status);
    says(&c, expected);
    assert_false(exists("refused", ""));
    end(&c);
}

static void test_adversary__settings_without_meaning_are_refused(void **state)
{
    (void)state;
    refused_rival(base(), HEED_E_USAGE, "train.frozen_attention where another does; leave one of them out");
    refused_rival("model.attention=none", HEED_E_USAGE, "with score none it looks nowhere; choose a score");
    refused_rival("model.attention.score=uniform", HEED_E_USAGE, "score uniform learns nothing of that; choose another score");
    refused_rival("train.guided_alignment=statistical", HEED_E_USAGE, "and train.adversary where not to; leave one of them out");
    refused_rival("train.teacher_forcing=0.9", HEED_E_USAGE, "set train.teacher_forcing to 1");
    refused_rival("model.attention.copy=true", HEED_E_USAGE, "compares what is made, not what is copied");
    refused_rival("train.label_smoothing=0.1", HEED_E_USAGE, "there are no targets to smooth; set train.label_smoothing to 0");
    refused_rival("train.adversary.model=nowhere", HEED_E_MODEL, "nowhere: no such model directory (train.adversary.model)");
    call c = prepare("refused");
    set(&c, "train.adversary.weight=0.1");
    must(&c, HEED_E_USAGE);
    says(&c, "train.adversary.weight says nothing of a training without train.adversary.model; it belongs to one with it");
    end(&c);
}

static void test_adversary__a_base_model_that_copies_is_refused(void **state)
{
    (void)state;
    char rival[600];
    call c = prepare("copies");
    set(&c, "model.attention.copy=true");
    set(&c, "train.updates=1");
    must(&c, HEED_OK);
    end(&c);
    snprintf(rival, sizeof rival, "train.adversary.model=%s", file_of("copies", "model"));
    refused_rival(rival, HEED_E_USAGE, "it copies, and train.adversary compares what is made; train it with model.attention.copy: false");
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
        cmocka_unit_test(test_adversary__the_more_weights_count_the_farther_it_looks),
        cmocka_unit_test(test_adversary__threads_and_resuming_change_no_bit),
        cmocka_unit_test(test_adversary__settings_without_meaning_are_refused),
        cmocka_unit_test(test_adversary__a_base_model_that_copies_is_refused),
        cmocka_unit_test(test_frozen__resuming_without_the_base_model_says_what_is_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
