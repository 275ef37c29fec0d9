/* What a search tried: the tree that it keeps, and the same for pictures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "explain/beams.h"
#include "kernels/kernels.h"
#include "unit/oracle.h"

#include <jansson.h>
#include <stdlib.h>

enum { BEAM = 4 };

/* --- the tree ----------------------------------------------------------------------------------------------------------------------------------- */
static heed_quest seek(oracle *o, uint64_t key, int64_t forced, heed_search_tree *tree, heed_arena *arena)
{
    static const int32_t beginning[LONGEST] = {3, 4, 5, 3, 4, 5, 3, 4, 5, 3, 4, 5};
    heed_quest q = {.limit = LONGEST, .most = BEAM, .forced = beginning, .forced_count = forced};
    const heed_search s = {o, V, FIRST, LAST, oracle_logits, oracle_rank, NULL, oracle_select};
    *o = (oracle){.rows = 1};
    o->past[0] = key;
    assert_true(heed_search_run(&s, &(heed_search_options){.beam = BEAM, .length_penalty = 1, .tree = tree}, &q, 1, arena));
    return q;
}

/* Whether the hypothesis is the way to node `at`. */
static bool leads_to(const heed_search_tree *t, int64_t at, const heed_hypothesis *h)
{
    int64_t i = h->n - 1;
    for (; at >= 0 && i >= 0; at = t->tried[at].before, i--)
        if (t->tried[at].id != h->ids[i] || t->tried[at].logp != h->logp[i]) return false;
    return at < 0 && i < 0;
}

static void test_search_tree__holds_the_way_to_every_hypothesis_found_and_changes_none(void **state)
{
    (void)state;
    oracle *o = malloc(sizeof *o);
    heed_arena *arena = heed_arena_new(0);
    for (uint64_t key = 1; key < 60; key++) {
        heed_search_tree tree;
        const heed_quest q = seek(o, key, (int64_t)(key % 4), &tree, arena), plain = seek(o, key, (int64_t)(key % 4), NULL, arena);
        assert_int_equal(q.found, plain.found);
        assert_true(tree.count <= BEAM * LONGEST);
        assert_true(leads_to(&tree, tree.best, &q.best[0]));
        for (int64_t i = 0; i < tree.count; i++) assert_true(tree.tried[i].before < i);
        for (int64_t k = 0; k < q.found; k++) {
            int64_t at = 0;
            while (at < tree.count && !leads_to(&tree, at, &q.best[k])) at++;
            assert_true(at < tree.count);
            assert_int_equal(q.best[k].n, plain.best[k].n);
            assert_memory_equal(q.best[k].ids, plain.best[k].ids, (size_t)plain.best[k].n * sizeof *plain.best[k].ids);
        }
        heed_arena_reset(arena);
    }
    heed_arena_free(arena);
    free(o);
}

/* --- for pictures --------------------------------------------------------------------------------------------------------------------------------- */
static void expect(const json_t *nodes, size_t i, int parent, const char *text, double score, int step, const char *says)
{
    const json_t *n = json_array_get(nodes, i);
    assert_int_equal(json_integer_value(json_object_get(n, "id")), i);
    assert_int_equal(json_integer_value(json_object_get(n, "parent")), parent);
    assert_string_equal(json_string_value(json_object_get(n, "text")), text);
    assert_true(json_number_value(json_object_get(n, "score")) == score);
    assert_int_equal(json_integer_value(json_object_get(n, "step")), step);
    assert_string_equal(json_string_value(json_object_get(n, "state")), says);
}

static void test_beams_json__says_what_became_of_each(void **state)
{
    (void)state;
    static const heed_beam tried[] = {{-1, "a\"<", -0.5, false}, {-1, "b", -1, false}, {0, "c", -0.25, false}, {0, "</s>", -2, true}, {1, "d", -3, false}, {2, "</s>", 0, true}};
    heed_buf b = {0};
    assert_true(heed_beams_json(&(heed_beams){tried, 6, 5}, &b));
    json_t *object = json_loadb(b.data, b.size, 0, NULL), *nodes = json_object_get(object, "nodes");
    assert_int_equal(json_array_size(nodes), 7);
    expect(nodes, 0, -1, "", 0, 0, "best");
    expect(nodes, 1, 0, "a\"<", -0.5, 1, "best");
    expect(nodes, 2, 0, "b", -1, 1, "kept");
    expect(nodes, 3, 1, "c", -0.75, 2, "best");
    expect(nodes, 4, 1, "</s>", -2.5, 2, "ended");
    expect(nodes, 5, 2, "d", -4, 2, "dropped");
    expect(nodes, 6, 3, "</s>", -0.75, 3, "best");
    json_decref(object);
    heed_buf_free(&b);
}

static void test_beams_json__is_silent_where_there_was_no_choice(void **state)
{
    (void)state;
    static const heed_beam tried[] = {{-1, "a", -0.5, false}, {0, "</s>", -1, true}};
    heed_buf b = {0};
    assert_false(heed_beams_json(&(heed_beams){tried, 2, 1}, &b));
    assert_false(heed_beams_json(&(heed_beams){.best = -1}, &b));
    assert_int_equal(b.size, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_search_tree__holds_the_way_to_every_hypothesis_found_and_changes_none),
        cmocka_unit_test(test_beams_json__says_what_became_of_each),
        cmocka_unit_test(test_beams_json__is_silent_where_there_was_no_choice),
    };
    return cmocka_run_group_tests_name("decode/tree, explain/beams", tests, NULL, NULL);
}
