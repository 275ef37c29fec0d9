/* safetensors: what is written comes back, and no header is believed that the file does not bear out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "model/safetensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char directory[256], path[300];

static int make_directory(void **state)
{
    (void)state;
    const char *tmp = getenv("TMPDIR");
    snprintf(directory, sizeof directory, "%s/heed-safetensors-XXXXXX", tmp && strlen(tmp) < 150 ? tmp : "/tmp");
    if (!mkdtemp(directory)) return -1;
    snprintf(path, sizeof path, "%s/m.safetensors", directory);
    return 0;
}

static int remove_directory(void **state)
{
    (void)state;
    return heed_dir_remove(directory, NULL) ? -1 : 0;
}

/* --- round trips -------------------------------------------------------------------------------------------------------------------- */
static const float one[6] = {1, 2, 3, 4, 5, 6}, two[3] = {-1, 0.5f, 7};
static const heed_named pair[2] = {{"b.weight", one, 2, 2, 3, HEED_F32}, {"a \"quoted\" n\xC3\xA4me", two, 1, 1, 3, HEED_F32}};

static void test_safetensors__what_is_written_comes_back(void **state)
{
    (void)state;
    static const char *const metadata[] = {"format", "heed", "note", "two\nlines", NULL};
    heed_error err = {0};
    assert_int_equal(heed_safetensors_write(path, pair, 2, metadata, &err), HEED_OK);
    heed_safetensors *s = heed_safetensors_open(path, &err);
    if (!s) fail_msg("%s", err.text);
    assert_int_equal(heed_safetensors_count(s), 2);
    for (int i = 0; i < 2; i++) {
        const heed_named *t = heed_safetensors_find(s, pair[i].name);
        assert_non_null(t);
        assert_ptr_equal(t, heed_safetensors_at(s, i));
        assert_string_equal(t->name, pair[i].name);
        assert_true(t->rank == pair[i].rank && t->rows == pair[i].rows && t->cols == pair[i].cols);
        assert_memory_equal(t->x, pair[i].x, (size_t)(t->rows * t->cols) * sizeof(float));
    }
    assert_null(heed_safetensors_find(s, "b.weigh"));
    assert_string_equal(heed_safetensors_metadata(s, "note"), "two\nlines");
    assert_null(heed_safetensors_metadata(s, "none"));
    heed_safetensors_close(s);
}

/* Given with the narrowest first: in the file they lie the other way round, each at a multiple of its own width. */
static void test_safetensors__numbers_of_every_width_come_back(void **state)
{
    (void)state;
    static const int8_t whole[9] = {-127, 0, 127, 1, -1, 2, -2, 3, -3};
    static const uint16_t halves[3] = {0x3F80, 0xBF80, 0x0000};
    static const heed_named three[3] = {{"whole", whole, 2, 3, 3, HEED_INT8}, {"halves", halves, 1, 1, 3, HEED_BF16}, {"floats", two, 1, 1, 3, HEED_F32}};
    heed_error err = {0};
    assert_int_equal(heed_safetensors_write(path, three, 3, NULL, &err), HEED_OK);
    heed_safetensors *s = heed_safetensors_open(path, &err);
    if (!s) fail_msg("%s", err.text);
    for (int i = 0; i < 3; i++) {
        const heed_named *t = heed_safetensors_find(s, three[i].name);
        const size_t width = heed_number_bytes(three[i].number);
        assert_non_null(t);
        assert_ptr_equal(t, heed_safetensors_at(s, 2 - i));
        assert_true(t->number == three[i].number && t->rank == three[i].rank && t->rows == three[i].rows && t->cols == three[i].cols);
        assert_int_equal((uintptr_t)t->x % width, 0);
        assert_memory_equal(t->x, three[i].x, (size_t)(t->rows * t->cols) * width);
    }
    heed_safetensors_close(s);
}

static void test_safetensors__no_tensor_and_no_metadata_is_a_file_too(void **state)
{
    (void)state;
    heed_error err = {0};
    assert_int_equal(heed_safetensors_write(path, NULL, 0, NULL, &err), HEED_OK);
    heed_safetensors *s = heed_safetensors_open(path, &err);
    if (!s) fail_msg("%s", err.text);
    assert_int_equal(heed_safetensors_count(s), 0);
    assert_null(heed_safetensors_find(s, ""));
    assert_null(heed_safetensors_metadata(s, ""));
    heed_safetensors_close(s);
}

static void test_safetensors__data_begin_at_a_multiple_of_eight(void **state)
{
    (void)state;
    heed_error err = {0};
    heed_file file;
    assert_int_equal(heed_safetensors_write(path, pair, 2, NULL, &err), HEED_OK);
    assert_int_equal(heed_file_map(&file, path, HEED_E_MODEL, &err), HEED_OK);
    uint64_t length;
    memcpy(&length, file.data, 8);
    assert_int_equal(length % 8, 0);
    assert_int_equal(file.size, 8 + length + 9 * sizeof(float));
    heed_file_unmap(&file);
}

static void test_safetensors__every_shorter_file_is_refused(void **state)
{
    (void)state;
    heed_error err = {0};
    heed_file file;
    assert_int_equal(heed_safetensors_write(path, pair, 2, NULL, &err), HEED_OK);
    assert_int_equal(heed_file_map(&file, path, HEED_E_MODEL, &err), HEED_OK);
    for (size_t size = 0; size < file.size; size++) {
        void *copy = malloc(size ? size : 1);
        assert_non_null(copy);
        memcpy(copy, file.data, size);
        assert_null(heed_safetensors_parse(copy, size, "m", &err));
        assert_int_equal(err.status, HEED_E_MODEL);
        free(copy);
    }
    heed_file_unmap(&file);
}

static void test_safetensors__a_missing_file_is_a_missing_model(void **state)
{
    (void)state;
    heed_error err = {0};
    char missing[400];
    snprintf(missing, sizeof missing, "%s/none.safetensors", directory);
    assert_null(heed_safetensors_open(missing, &err));
    assert_int_equal(err.status, HEED_E_MODEL);
    assert_non_null(strstr(err.text, missing));
}

/* --- refusals ------------------------------------------------------------------------------------------------------------------------ */
/* A file of this header, padded to a multiple of eight, and `bytes` bytes of data. */
static heed_safetensors *read_header(const char *header, size_t bytes, heed_error *err)
{
    static _Alignas(16) unsigned char file[1024];
    uint64_t length = (strlen(header) + 7) / 8 * 8;
    assert_true(8 + length + bytes <= sizeof file);
    memset(file, ' ', sizeof file);
    memcpy(file, &length, 8);
    memcpy(file + 8, header, strlen(header));
    return heed_safetensors_parse(file, 8 + length + bytes, "m", err);
}

static void refuses(const char *header, size_t bytes, const char *message)
{
    heed_error err = {0};
    heed_safetensors *s = read_header(header, bytes, &err);
    if (s) fail_msg("read: %s", header);
    assert_string_equal(err.text, message);
    assert_int_equal(err.status, HEED_E_MODEL);
}

#define TENSOR(name, shape, offsets) "\"" name "\":{\"dtype\":\"F32\",\"shape\":" shape ",\"data_offsets\":" offsets "}"

static void test_safetensors__the_order_in_the_header_does_not_matter(void **state)
{
    (void)state;
    heed_error err = {0};
    heed_safetensors *s = read_header("{" TENSOR("z", "[2]", "[4,12]") "," TENSOR("a", "[1,1]", "[0,4]") "}", 12, &err);
    if (!s) fail_msg("%s", err.text);
    assert_string_equal(heed_safetensors_at(s, 0)->name, "a");
    assert_string_equal(heed_safetensors_find(s, "z")->name, "z");
    heed_safetensors_close(s);
}

static void test_safetensors__refuses_spans_the_file_does_not_bear_out(void **state)
{
    (void)state;
    refuses("{" TENSOR("a", "[2,2]", "[0,16]") "}", 8, "m: tensor \"a\" spans bytes 72-88 but the file ends at 80 (truncated copy?)");
    refuses("{" TENSOR("a", "[2,2]", "[0,12]") "}", 12, "m: tensor \"a\" of [2,2] has 12 bytes, expected 16");
    refuses("{" TENSOR("a", "[1]", "[0,4]") "," TENSOR("b", "[1]", "[0,4]") "}", 4, "m: tensor \"b\" overlaps the tensor before it");
    refuses("{" TENSOR("a", "[1]", "[4,8]") "}", 8, "m: tensor \"a\" leaves a hole before it");
    refuses("{" TENSOR("a", "[1]", "[0,4]") "," TENSOR("b", "[1]", "[8,12]") "}", 12, "m: tensor \"b\" leaves a hole before it");
    refuses("{" TENSOR("a", "[1]", "[0,4]") "}", 9, "m: 5 bytes behind the last tensor belong to none (altered, or two files joined?)");
    refuses("{" TENSOR("a", "[1]", "[8,4]") "}", 8, "m: tensor \"a\" needs data_offsets of two rising whole numbers");
    refuses("{" TENSOR("a", "[1]", "[-4,0]") "}", 8, "m: tensor \"a\" needs data_offsets of two rising whole numbers");
    refuses("{" TENSOR("a", "[1]", "[0]") "}", 8, "m: tensor \"a\" needs data_offsets of two rising whole numbers");
    refuses("{" TENSOR("a", "[1]", "[9223372036854775807,9223372036854775807]") "}", 8,
            "m: tensor \"a\" spans bytes 9,223,372,036,854,775,807-9,223,372,036,854,775,807 but the file ends at 112 (truncated copy?)");
    refuses("{" TENSOR("a", "[4611686018427387904,4]", "[0,4]") "}", 4,
            "m: tensor \"a\" of [4611686018427387904,4] has 4 bytes, expected more than there are");
}

static void test_safetensors__refuses_other_shapes_and_types(void **state)
{
    (void)state;
    refuses("{\"a\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4, "m: tensor \"a\" has dtype \"F16\", expected \"F32\", \"BF16\" or \"I8\"");
    refuses("{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}", 4, "m: tensor \"a\" has dtype \"U8\", expected \"F32\", \"BF16\" or \"I8\"");
    refuses("{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "m: tensor \"a\" has no dtype");
    refuses("{\"a\":7}", 4, "m: tensor \"a\" has no dtype");
    refuses("{" TENSOR("a", "[]", "[0,4]") "}", 4, "m: tensor \"a\" needs a shape of one or two sizes");
    refuses("{" TENSOR("a", "[1,1,1]", "[0,4]") "}", 4, "m: tensor \"a\" needs a shape of one or two sizes");
    refuses("{" TENSOR("a", "[0]", "[0,0]") "}", 0, "m: tensor \"a\" has a size in its shape that is no whole number from 1");
    refuses("{" TENSOR("a", "[1.0]", "[0,4]") "}", 4, "m: tensor \"a\" has a size in its shape that is no whole number from 1");
    refuses("{" TENSOR("", "[1]", "[0,4]") "}", 4, "m: tensor \"\" needs a name, and dtype, shape and data_offsets, nothing else");
    refuses("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"more\":1}}", 4,
            "m: tensor \"a\" needs a name, and dtype, shape and data_offsets, nothing else");
    refuses("{\"__metadata__\":[]}", 0, "m: __metadata__ is no object");
    refuses("{\"__metadata__\":{\"a\":1}}", 0, "m: a value in __metadata__ is no text");
}

static void test_safetensors__refuses_spans_that_are_of_another_number(void **state)
{
    (void)state;
    refuses("{\"a\":{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "m: tensor \"a\" of [1,2] has 8 bytes, expected 4");
    refuses("{\"a\":{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[0,3]}}", 3, "m: tensor \"a\" of [1,2] has 3 bytes, expected 4");
    refuses("{\"a\":{\"dtype\":\"I8\",\"shape\":[2,2],\"data_offsets\":[0,16]}}", 16, "m: tensor \"a\" of [2,2] has 16 bytes, expected 4");
    refuses("{\"a\":{\"dtype\":\"BF16\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,4]}}", 4,
            "m: tensor \"a\" of [4611686018427387904,4] has 4 bytes, expected more than there are");
    refuses("{\"a\":{\"dtype\":\"I8\",\"shape\":[2],\"data_offsets\":[0,2]},\"b\":{\"dtype\":\"I8\",\"shape\":[2],\"data_offsets\":[1,3]}}", 3,
            "m: tensor \"b\" overlaps the tensor before it");
}

static void test_safetensors__refuses_what_is_no_header(void **state)
{
    (void)state;
    heed_error err = {0};
    refuses("[]", 0, "m: the header is no object");
    refuses("{\"a\":1,\"a\":2}", 0, "m: the header is not JSON: duplicate object key near '\"a\"' at byte 18");
    assert_null(heed_safetensors_parse("\x02\0\0", 3, "m", &err));
    assert_string_equal(err.text, "m: 3 bytes are too few for safetensors (truncated copy?)");
    assert_null(heed_safetensors_parse("\x80\0\0\0\0\0\0\0{}", 10, "m", &err));
    assert_string_equal(err.text, "m: the header takes 128 bytes but the file ends at 10 (truncated copy?)");
    assert_null(heed_safetensors_parse("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF{}", 10, "m", &err));
    assert_string_equal(err.text, "m: its header would be larger than 100 MiB; this is not safetensors");
}

static void test_safetensors__refuses_numbers_that_do_not_lie_at_a_multiple_of_their_width(void **state)
{
    (void)state;
    static _Alignas(16) unsigned char file[128];
    const char header[] = "{" TENSOR("a", "[1]", "[0,4]") " }";
    uint64_t length = strlen(header) | 1;
    heed_error err = {0};
    memset(file, ' ', sizeof file);
    memcpy(file, &length, 8);
    memcpy(file + 8, header, strlen(header));
    assert_null(heed_safetensors_parse(file, 8 + length + 4, "m", &err));
    assert_string_equal(err.text, "m: tensor \"a\" does not begin at a multiple of 4 bytes");
    refuses("{\"a\":{\"dtype\":\"I8\",\"shape\":[1],\"data_offsets\":[0,1]},\"b\":{\"dtype\":\"BF16\",\"shape\":[1],\"data_offsets\":[1,3]}}", 3,
            "m: tensor \"b\" does not begin at a multiple of 2 bytes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_safetensors__what_is_written_comes_back),
        cmocka_unit_test(test_safetensors__numbers_of_every_width_come_back),
        cmocka_unit_test(test_safetensors__no_tensor_and_no_metadata_is_a_file_too),
        cmocka_unit_test(test_safetensors__data_begin_at_a_multiple_of_eight),
        cmocka_unit_test(test_safetensors__every_shorter_file_is_refused),
        cmocka_unit_test(test_safetensors__a_missing_file_is_a_missing_model),
        cmocka_unit_test(test_safetensors__the_order_in_the_header_does_not_matter),
        cmocka_unit_test(test_safetensors__refuses_spans_the_file_does_not_bear_out),
        cmocka_unit_test(test_safetensors__refuses_other_shapes_and_types),
        cmocka_unit_test(test_safetensors__refuses_spans_that_are_of_another_number),
        cmocka_unit_test(test_safetensors__refuses_what_is_no_header),
        cmocka_unit_test(test_safetensors__refuses_numbers_that_do_not_lie_at_a_multiple_of_their_width),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
