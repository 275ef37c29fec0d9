/* Whole trainings with guided attention: it looks where the links say, the bits hang on nothing else, and files that are wrong are refused. */
#include "unit/run_calls.h"

#include "heed.h"

enum { SENTENCES = 120, WORDS = 12 };

/* Words in upper case, in reverse; links to what they come from, and to what stands at the same place; the latter of the first half of the words alone, with none
 * for every fourth sentence. */
static void write_toy(void)
{
    heed_buf text = {0}, true_links = {0}, same_place = {0}, low = {0};
    if (heed_path_exists(scratch_path("toy.tsv"))) return;
    for (int i = 0; i < SENTENCES; i++) {
        const uint64_t line = heed_key(9, (uint64_t)i);
        const int n = 3 + (int)heed_below(line, 0, 4);
        char word[8];
        for (int j = 0; j < n; j++) word[j] = (char)('a' + heed_below(line, 1 + (uint64_t)j, WORDS));
        for (int j = 0; j < n; j++) heed_buf_printf(&text, "%s%c", j ? " " : "", word[j]);
        for (int j = n - 1; j >= 0; j--) heed_buf_printf(&text, "%c%c", j == n - 1 ? '\t' : ' ', word[j] - 'a' + 'A');
        for (int j = 0; j < n; j++) heed_buf_printf(&true_links, "%s%d-%d", j ? " " : "", n - 1 - j, j);
        for (int j = 0; j < n; j++) heed_buf_printf(&same_place, "%s%d-%d", j ? " " : "", j, j);
        for (int j = 0; j < n; j++)
            if (i % 4 && word[n - 1 - j] < 'a' + WORDS / 2) heed_buf_printf(&low, " %d-%d", j, j);
        heed_buf_char(&text, '\n');
        heed_buf_char(&low, '\n');
        heed_buf_char(&true_links, '\n');
        heed_buf_char(&same_place, '\n');
    }
    scratch_write("toy.tsv", text.data, text.size);
    scratch_write("true.links", true_links.data, true_links.size);
    scratch_gzip("place.links.gz", same_place.data);
    scratch_write("low.links", low.data, low.size);
    heed_buf_free(&low);
    heed_buf_free(&text);
    heed_buf_free(&true_links);
    heed_buf_free(&same_place);
    scratch_text("toy.yaml", "data: {train: toy.tsv}\n"
                             "text: {units: symbols}\n"
                             "model:\n"
                             "  encoder: {type: conv, layers: 1, embed: 16, width: 16, dropout: 0}\n"
                             "  attention: {score: dot}\n"
                             "  decoder: {type: conv, layers: 2, embed: 16, width: 16, dropout: 0}\n"
                             "train: {batch: {sentences: 30}, epochs: 0, updates: 160, optimizer: {rate: 0.01}}\n");
}

static call toy(const char *dir)
{
    write_toy();
    return (call){.options = {.recipe = scratch_path("toy.yaml"), .dir = scratch_path(dir), .threads = 1}};
}

/* Of the words of the training data, the share that the model in dir links with the word at the same place, or with the one that it comes from. */
typedef struct shares { double place, origin, low, high; } shares;   /* low, high: at the same place, of the first half of the words and of the others */

static shares shares_of(const char *dir)
{
    heed_error err = {.status = HEED_OK};
    heed_model *m = heed_model_open(file_of(dir, "model"), NULL, &err);
    heed_session *s = m ? heed_session_new(m, &(heed_session_options){.threads = 1}, &err) : NULL;
    size_t size;
    char *text = scratch_read("toy.tsv", &size);
    heed_item items[SENTENCES];
    int64_t words = 0, place = 0, origin = 0, of[2] = {0}, linked[2] = {0};
    if (!s) fail_msg("%s", err.text);
    for (char *at = text, **next = &at, *tab, *newline, i = 0; *at; i++, *next = newline + 1) {
        tab = strchr(at, '\t');
        newline = strchr(at, '\n');
        *tab = *newline = 0;
        items[(int)i] = (heed_item){.text = at, .target = tab + 1};
    }
    heed_reply *r = heed_session_run(s, &(heed_request){.items = items, .count = SENTENCES}, &err);
    if (!r) fail_msg("%s", err.text);
    for (int64_t i = 0; i < SENTENCES; i++) {
        const heed_output *o = heed_reply_at(r, i);
        words += o->target_words;
        for (int64_t w = 0; w < o->target_words; w++) of[o->text[2 * w] >= 'A' + WORDS / 2]++;
        for (int64_t k = 0; k < o->link_count; k++) {
            linked[o->text[2 * o->links[k].target] >= 'A' + WORDS / 2] += o->links[k].source == o->links[k].target;
            place += o->links[k].source == o->links[k].target;
            origin += o->links[k].source == o->source_words - 1 - o->links[k].target;
        }
    }
    heed_reply_free(r);
    heed_session_free(s);
    heed_model_close(m);
    free(text);
    return (shares){(double)place / (double)words, (double)origin / (double)words, (double)linked[0] / (double)of[0], (double)linked[1] / (double)of[1]};
}

static shares learnt(const char *dir, const char *const *sets)
{
    call c = toy(dir);
    for (; *sets; sets++) set(&c, *sets);
    must(&c, HEED_OK);
    end(&c);
    return shares_of(dir);
}

#define GUIDED(rest) "train.guided_alignment={weight: 1, links: " rest "}"

/* Left alone it looks where the translation is, or nowhere; guided it looks where nothing but the links could have sent it. */
static void test_guided__a_convolution_looks_where_the_links_say(void **state)
{
    (void)state;
    const shares alone = learnt("conv", (const char *const[]){NULL}), led = learnt("conv-led", (const char *const[]){GUIDED("place.links.gz"), NULL});
    const shares low = learnt("conv-low", (const char *const[]){GUIDED("place.links.gz, layer: 0, shift: 0"), NULL});
    if (!(alone.place < 0.4)) fail_msg("alone: %g", alone.place);
    if (!(led.place > 0.95 && low.place > 0.95)) fail_msg("guided: %g and %g", led.place, low.place);
}

static void test_guided__so_does_a_head_of_a_transformer(void **state)
{
    (void)state;
    static const char encoder[] = "model.encoder={type: transformer, layers: 1, width: 16, heads: 2, dropout: 0}";
    static const char decoder[] = "model.decoder={type: transformer, layers: 2, width: 16, heads: 2, dropout: 0}", score[] = "model.attention={score: scaled}";
    static const char slowly[] = "train.optimizer={rate: 0.005}", longer[] = "train.updates=300";
    const shares alone = learnt("tr", (const char *const[]){encoder, decoder, score, slowly, longer, NULL});
    const shares led = learnt("tr-led", (const char *const[]){encoder, decoder, score, slowly, longer, GUIDED("place.links.gz, head: 1"), NULL});
    const shares mean = learnt("tr-mean", (const char *const[]){encoder, decoder, score, slowly, longer, GUIDED("place.links.gz, head: -1, layer: 0"), NULL});
    if (!(alone.place < 0.4)) fail_msg("alone: %g", alone.place);
    if (!(led.place > 0.9 && mean.place > 0.9)) fail_msg("guided: %g and %g", led.place, mean.place);
}

/* It has little time, and without links does not find out where words come from. */
static void test_guided__and_a_recurrent_decoder_in_either_order(void **state)
{
    (void)state;
    static const char encoder[] = "model.encoder={type: rnn, embed: 16, width: 16, dropout: 0}", decoder[] = "model.decoder={type: rnn, embed: 16, width: 16, dropout: 0}";
    static const char order[] = "model.decoder.order=luong", forcing[] = "train.teacher_forcing=0.9", score[] = "model.attention={score: additive}", few[] = "train.updates=45";
    const shares alone = learnt("rnn", (const char *const[]){encoder, decoder, score, few, NULL});
    const shares led = learnt("rnn-led", (const char *const[]){encoder, decoder, score, few, GUIDED("true.links, shift: 0"), NULL});
    const shares luong = learnt("luong", (const char *const[]){encoder, decoder, score, few, order, forcing, GUIDED("true.links, shift: 0"), NULL});
    if (!(alone.origin < 0.6)) fail_msg("alone: %g", alone.origin);
    if (!(led.origin > 0.8 && luong.origin > 0.8)) fail_msg("guided: %g and %g", led.origin, luong.origin);
}

/* The words of the first half look where they are told to, the others at </s>, and have no links by that. */
static void test_guided__the_empty_word_is_learnt(void **state)
{
    (void)state;
    const shares with = learnt("with-empty", (const char *const[]){GUIDED("low.links, empty: true"), NULL});
    const shares wrote = learnt("wrote-empty", (const char *const[]){GUIDED("low.links, empty: true, shift: 0"), "train.updates=480", NULL});
    if (!(with.low > 0.95 && with.high < 0.05)) fail_msg("with the empty word: %g and %g", with.low, with.high);
    if (!(wrote.low > 0.7 && wrote.high < 0.1)) fail_msg("at the step that writes: %g and %g", wrote.low, wrote.high);
    heed_error err = {.status = HEED_OK};
    heed_model *m = heed_model_open(file_of("with-empty", "model"), NULL, &err), *without = heed_model_open(file_of("conv-led", "model"), NULL, &err);
    assert_true(heed_model_look(m).empty && !heed_model_look(without).empty);
    heed_model_close(m);
    heed_model_close(without);
}

/* --- the same bits ------------------------------------------------------------------------------------------------------------------------- */

static call short_run(const char *dir, const char *links)
{
    call c = toy(dir);
    set(&c, "train.updates=23");
    set(&c, "train.batch={tokens: 400}");   /* several shards */
    set(&c, "train.validate.every=5");
    set(&c, "train.accumulate=2");
    set(&c, links);
    return c;
}

static void test_guided__threads_and_resuming_change_no_bit(void **state)
{
    (void)state;
    static const char *const links[] = {GUIDED("true.links"), GUIDED("statistical")};
    static const char *const names[][3] = {{"file-1", "file-3", "file-cut"}, {"learnt-1", "learnt-3", "learnt-cut"}};
    for (int i = 0; i < 2; i++) {
        call one = short_run(names[i][0], links[i]), three = short_run(names[i][1], links[i]), cut = short_run(names[i][2], links[i]);
        must(&one, HEED_OK);
        three.options.threads = 3;
        must(&three, HEED_OK);
        cut.options.max_updates = 7;
        must(&cut, HEED_OK);
        cut.options.resume = true;
        cut.options.max_updates = 0;
        cut.options.threads = 2;
        must(&cut, HEED_OK);
        for (int k = 1; k < 3; k++) {
            const char *const files[] = {"latest/model.safetensors", "latest/optimizer.safetensors", "model/model.safetensors"};
            for (int f = 0; f < 3; f++) same_file(names[i][0], names[i][k], files[f]);
        }
        end(&one);
        end(&three);
        end(&cut);
    }
    for (int k = 1; k < 3; k++) same_file("learnt-1", names[1][k], "guided_alignment.links");
    assert_false(exists("file-1", "guided_alignment.links"));
}

/* What was learnt is read again, not learnt again; what is wrong with it is said. */
static void test_guided__kept_links_are_checked_when_they_are_read(void **state)
{
    (void)state;
    call c = short_run("kept", GUIDED("statistical"));
    c.options.max_updates = 4;
    must(&c, HEED_OK);
    told(&c, "links, learnt in ");
    c.options.resume = true;
    must(&c, HEED_OK);
    told(&c, "attention guided by ");
    assert_null(strstr(c.told.data, "learnt in"));
    scratch_text("kept/guided_alignment.links", "0-0\n0-0\n9-0\n");
    must(&c, HEED_E_DATA);
    says(&c, "guided_alignment.links: line 3: link 1, \"9-0\": the source has ");
    says(&c, "remove the file, and its links will be learnt again from the training data");
    assert_int_equal(unlink(file_of("kept", "guided_alignment.links")), 0);
    must(&c, HEED_OK);
    told(&c, "links, learnt in ");
    assert_true(exists("kept", "guided_alignment.links"));
    end(&c);
}

/* --- what a run tells and leaves ------------------------------------------------------------------------------------------------------------ */

static void test_guided__the_log_and_the_model_tell_of_it(void **state)
{
    (void)state;
    call c = toy("tells");
    set(&c, GUIDED("true.links, layer: -2, shift: 0"));
    must(&c, HEED_OK);
    told(&c, "attention guided by ");
    size_t size;
    char *log = scratch_read("tells/log.jsonl", &size);
    assert_non_null(strstr(log, "\"guided_loss\": "));
    free(log);
    heed_error err = {.status = HEED_OK};
    heed_model *m = heed_model_open(file_of("tells", "model"), NULL, &err);
    const heed_look look = heed_model_look(m);
    assert_true(look.layer == 0 && look.head == 0 && look.shift == 0);
    heed_model_close(m);
    log = scratch_read("conv/log.jsonl", &size);
    assert_null(strstr(log, "guided_loss"));
    free(log);
    end(&c);
}

static void test_guided__a_state_of_before_there_was_guidance_is_read(void **state)
{
    (void)state;
    heed_train_state s = {.update = 3, .logged = {.log_p = -1, .symbols = 2, .guide = 4, .guided = 5}};
    heed_error err = {.status = HEED_OK};
    size_t size;
    assert_int_equal(heed_train_state_save(&s, scratch_path("state.json"), &err), HEED_OK);
    assert_int_equal(heed_train_state_load(&s, scratch_path("state.json"), &err), HEED_OK);
    assert_true(s.logged.guide == 4 && s.logged.guided == 5);
    char *text = scratch_read("state.json", &size), *from = text, *line;
    heed_buf old = {0};
    while ((line = strsep(&from, "\n")))
        if (!strstr(line, "_guide")) heed_buf_printf(&old, "%s\n", line);
    scratch_write("state.json", old.data, old.size);
    if (heed_train_state_load(&s, scratch_path("state.json"), &err)) fail_msg("%s", err.text);
    assert_true(s.update == 3 && s.logged.log_p == -1 && s.logged.guide == 0 && s.logged.guided == 0);
    heed_buf_free(&old);
    free(text);
}

/* --- files that are wrong -------------------------------------------------------------------------------------------------------------------- */

static void refused(const char *links, heed_status status, const char *expected)
{
    call c = toy("refused");
    set(&c, GUIDED("wrong.links"));
    set(&c, "data.train=few.tsv");
    if (links) scratch_text("wrong.links", links);
    must(&c, status);
    says(&c, expected);
    assert_false(heed_path_exists(scratch_path("refused")));
    end(&c);
}

static void test_guided__files_that_are_wrong_are_refused_with_their_line(void **state)
{
    (void)state;
    scratch_text("few.tsv", "a b c\tA B\n\nd e\tD E F\n\n");   /* two lines are empty */
    refused(NULL, HEED_E_DATA, "wrong.links");
    refused("0-0\n\n0-0\n", HEED_E_DATA, "wrong.links ends after line 3, but ");
    refused("0-0\n", HEED_E_DATA, "wrong.links ends after line 1, but ");
    refused("0-0\n\n0-0\n\n\n", HEED_E_DATA, "few.tsv ends after line 4, but ");
    refused("0-0 3-1\n\n0-0\n\n", HEED_E_DATA, "wrong.links: line 1: link 2, \"3-1\": the source has 3 words");
    refused("0-0\n\n0-3\n\n", HEED_E_DATA, "wrong.links: line 3: link 1, \"0-3\": the target has 3 words");
    refused("0-0\n\n0:0\n\n", HEED_E_DATA, "wrong.links: line 3: link 1, \"0:0\", is not of the form SOURCE-TARGET");
    refused("0-0\nwhat\n0-0\n\n", HEED_E_DATA, "wrong.links: line 2: link 1, \"what\"");
    refused("0-0\n\n1p1\n\n", HEED_E_DATA, "wrong.links: line 3: link 1, \"1p1\"");
    refused("0-0\n70000-1\n0-0\n\n", HEED_E_LIMIT, "wrong.links: line 2: link 70000-1: words beyond 65535 cannot be linked");
}

/* Records that are left out do no harm, nor lines without links. */
static void test_guided__lines_without_links_and_records_left_out_are_passed_over(void **state)
{
    (void)state;
    scratch_text("gaps.tsv", "a b c\tA B\n\nd e\tD E F\n\xff\tA\na b c d e f g\tA\n\tA\n \tA\na\tA\n");
    scratch_text("gaps.links", "2-0 0-1\n\n\n0-0\n0-0\n0-0\n0-0\n0-0\n");
    call c = toy("gaps");
    set(&c, "data.train=gaps.tsv");
    set(&c, "data.invalid_utf8=skip");
    set(&c, "data.max_length=6");
    set(&c, "train.updates=3");
    set(&c, GUIDED("gaps.links"));
    must(&c, HEED_OK);
    told(&c, "attention guided by 7 links");
    end(&c);
}

/* The aligner takes sentences; a line of a thousand words and more gets no links, and ends nothing. Neither do lines that are empty at the end. */
static void test_guided__a_line_too_long_to_align_is_passed_over(void **state)
{
    (void)state;
    heed_buf text = {0};
    heed_buf_text(&text, "a b c\tA B\nd e\tD E F\na b\tA B\n");
    for (int i = 0; i < 1200; i++) heed_buf_text(&text, i ? " a" : "a");
    heed_buf_text(&text, "\tA\na c\tA C\n\n\n");
    scratch_write("long.tsv", text.data, text.size);
    heed_buf_free(&text);
    call c = toy("long");
    set(&c, "data.train=long.tsv");
    set(&c, "train.updates=2");
    set(&c, GUIDED("statistical"));
    must(&c, HEED_OK);
    c.options.resume = true;   /* what was kept has a line for each */
    must(&c, HEED_OK);
    told(&c, "attention guided by ");
    end(&c);
}

/* Without one link in a batch there is nothing to teach, and no division by it. */
static void test_guided__no_link_at_all_is_a_training_like_any_other(void **state)
{
    (void)state;
    scratch_text("two.tsv", "a b c\tA B\nd e\tD E F\n");
    scratch_text("none.links", "\n\n");
    call without = toy("without"), empty = toy("empty");
    set(&without, "data.train=two.tsv");
    set(&empty, "data.train=two.tsv");
    set(&without, "train.updates=3");
    set(&empty, "train.updates=3");
    set(&empty, GUIDED("none.links"));
    must(&without, HEED_OK);
    must(&empty, HEED_OK);
    same_file("without", "empty", "model/model.safetensors");
    end(&without);
    end(&empty);
}

static void test_guided__a_plan_counts_it(void **state)
{
    (void)state;
    heed_forecast f;
    heed_error err = {.status = HEED_OK};
    call c = toy("planned");
    set(&c, GUIDED("true.links"));
    c.options.sets = c.sets;
    if (heed_training_plan(&(heed_training){.options = &c.options}, &f, &err)) fail_msg("%s", err.text);
    assert_true(f.pairs == SENTENCES && f.tokens_per_second > 0);
    end(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_guided__a_convolution_looks_where_the_links_say),
        cmocka_unit_test(test_guided__so_does_a_head_of_a_transformer),
        cmocka_unit_test(test_guided__and_a_recurrent_decoder_in_either_order),
        cmocka_unit_test(test_guided__the_empty_word_is_learnt),
        cmocka_unit_test(test_guided__threads_and_resuming_change_no_bit),
        cmocka_unit_test(test_guided__kept_links_are_checked_when_they_are_read),
        cmocka_unit_test(test_guided__the_log_and_the_model_tell_of_it),
        cmocka_unit_test(test_guided__a_state_of_before_there_was_guidance_is_read),
        cmocka_unit_test(test_guided__files_that_are_wrong_are_refused_with_their_line),
        cmocka_unit_test(test_guided__lines_without_links_and_records_left_out_are_passed_over),
        cmocka_unit_test(test_guided__a_line_too_long_to_align_is_passed_over),
        cmocka_unit_test(test_guided__no_link_at_all_is_a_training_like_any_other),
        cmocka_unit_test(test_guided__a_plan_counts_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
