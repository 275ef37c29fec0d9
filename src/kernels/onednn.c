/* oneDNN behind onednn.h: descriptors, primitives, and the table that keeps them. */
#include "kernels/onednn.h"

#include <omp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "kernels/kernels.h"

enum { ALIGN = 64, FIRST_ROOM = 64, TYPICAL_ROWS = 64 };

/* --- oneDNN 2 and 3 --------------------------------------------------------------------------------------------------------------- */

#if DNNL_VERSION_MAJOR >= 3

typedef dnnl_memory_desc_t description;
typedef const_dnnl_memory_desc_t described;

static dnnl_status_t describe(description *md, dnnl_data_type_t type, const dnnl_dims_t dims, const dnnl_dims_t strides)
{
    return dnnl_memory_desc_create_with_strides(md, 2, dims, type, strides);
}

static dnnl_status_t describe_tagged(description *md, dnnl_data_type_t type, const dnnl_dims_t dims, dnnl_format_tag_t tag)
{
    return dnnl_memory_desc_create_with_tag(md, 2, dims, type, tag);
}

static described view(const description *md) { return *md; }
static void forget(description *md)
{
    if (*md) dnnl_memory_desc_destroy(*md);
}

static dnnl_status_t append_sum(dnnl_post_ops_t ops) { return dnnl_post_ops_append_sum(ops, 1.0f, 0, dnnl_f32); }

static dnnl_status_t describe_matmul(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, described src, described weights, described bias,
                                     described dst, const_dnnl_primitive_attr_t attributes)
{
    return dnnl_matmul_primitive_desc_create(pd, engine, src, weights, bias, dst, attributes);
}

static described memory_layout(const dnnl_memory_t memory)
{
    const_dnnl_memory_desc_t md = NULL;
    return dnnl_memory_get_memory_desc(memory, &md) == dnnl_success ? md : NULL;
}

#else

typedef dnnl_memory_desc_t description;
typedef const dnnl_memory_desc_t *described;

static dnnl_status_t describe(description *md, dnnl_data_type_t type, const dnnl_dims_t dims, const dnnl_dims_t strides)
{
    return dnnl_memory_desc_init_by_strides(md, 2, dims, type, strides);
}

static dnnl_status_t describe_tagged(description *md, dnnl_data_type_t type, const dnnl_dims_t dims, dnnl_format_tag_t tag)
{
    return dnnl_memory_desc_init_by_tag(md, 2, dims, type, tag);
}

static described view(const description *md) { return md; }
static void forget(description *md) { (void)md; }
static dnnl_status_t append_sum(dnnl_post_ops_t ops) { return dnnl_post_ops_append_sum(ops, 1.0f); }

static dnnl_status_t describe_matmul(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, described src, described weights, described bias,
                                     described dst, const_dnnl_primitive_attr_t attributes)
{
    dnnl_matmul_desc_t matmul;
    dnnl_status_t s = dnnl_matmul_desc_init(&matmul, src, weights, bias, dst);
    return s ? s : dnnl_primitive_desc_create(pd, &matmul, attributes, engine, NULL);
}

static described memory_layout(const dnnl_memory_t memory)
{
    const dnnl_memory_desc_t *md = NULL;
    return dnnl_memory_get_memory_desc(memory, &md) == dnnl_success ? md : NULL;
}

#endif

/* --- the process and the thread --------------------------------------------------------------------------------------------------- */

int heed_dnnl_alone(void)
{
    const int threads = omp_get_max_threads();
    omp_set_num_threads(1);
    return threads;
}

void heed_dnnl_restore(int threads) { omp_set_num_threads(threads); }

/* A failure means that the host used oneDNN before us; heed_dnnl_is_avx512() then tells what it settled on. */
static void bound_once(void)
{
    const char *isa = heed_kernels_get()->isa;
    if (!strcmp(isa, "scalar")) (void)dnnl_set_max_cpu_isa(dnnl_cpu_isa_sse41);   /* the least there is */
    if (!strcmp(isa, "avx2")) (void)dnnl_set_max_cpu_isa(dnnl_cpu_isa_avx2);
}

void heed_dnnl_bound(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, bound_once);
}

bool heed_dnnl_is_avx512(void)
{
    return ((unsigned)dnnl_get_effective_cpu_isa() & dnnl_cpu_isa_avx512_core) == dnnl_cpu_isa_avx512_core;
}

bool heed_dnnl_has(heed_number number)
{
    const unsigned isa = (unsigned)dnnl_get_effective_cpu_isa();
    if (number == HEED_BF16) return (isa & dnnl_cpu_isa_avx512_core_bf16) == dnnl_cpu_isa_avx512_core_bf16;
    if (number == HEED_INT8) return (isa & dnnl_cpu_isa_avx512_core_vnni) == dnnl_cpu_isa_avx512_core_vnni;
    return true;
}

dnnl_status_t heed_dnnl_open(heed_dnnl *d)
{
    memset(d, 0, sizeof *d);
    d->table = calloc(FIRST_ROOM, sizeof *d->table);
    if (!d->table) return dnnl_out_of_memory;
    d->room = FIRST_ROOM;
    dnnl_status_t s = dnnl_engine_create(&d->engine, dnnl_cpu, 0);
    if (!s) s = dnnl_stream_create(&d->stream, d->engine, dnnl_stream_default_flags);
    if (s) heed_dnnl_close(d);
    return s;
}

static void free_memory(dnnl_memory_t m)
{
    if (m) dnnl_memory_destroy(m);
}

static void free_product(heed_product *p)
{
    if (!p) return;
    free_memory(p->src);
    free_memory(p->dst);
    free_memory(p->bias);
    free_memory(p->scratch);
    if (p->primitive) dnnl_primitive_destroy(p->primitive);
    free(p);
}

void heed_dnnl_close(heed_dnnl *d)
{
    for (int64_t i = 0; i < d->room; i++) free_product(d->table[i]);
    free(d->table);
    free(d->scratch.data);
    if (d->stream) dnnl_stream_destroy(d->stream);
    if (d->engine) dnnl_engine_destroy(d->engine);
    memset(d, 0, sizeof *d);
}

void *heed_buffer_room(heed_buffer *b, size_t bytes, int64_t *grown)
{
    if (bytes <= b->bytes) return b->data;
    bytes = (bytes + ALIGN - 1) / ALIGN * ALIGN;
    void *data = aligned_alloc(ALIGN, bytes);
    if (!data) return NULL;
    memset(data, 0, bytes);
    free(b->data);
    *b = (heed_buffer){data, bytes};
    if (grown) ++*grown;
    return data;
}

/* --- descriptors ------------------------------------------------------------------------------------------------------------------ */

/* Our own scratch memory: oneDNN's belongs to the thread that makes a primitive, and a session may move between threads. */
static dnnl_status_t make_attributes(dnnl_primitive_attr_t *out, bool sum)
{
    dnnl_post_ops_t ops = NULL;
    dnnl_status_t s = dnnl_primitive_attr_create(out);
    if (!s) s = dnnl_primitive_attr_set_scratchpad_mode(*out, dnnl_scratchpad_mode_user);
    if (s || !sum) return s;
    s = dnnl_post_ops_create(&ops);
    if (!s) s = append_sum(ops);
    if (!s) s = dnnl_primitive_attr_set_post_ops(*out, ops);
    if (ops) dnnl_post_ops_destroy(ops);
    return s;
}

static const dnnl_data_type_t src_types[] = {[HEED_F32] = dnnl_f32, [HEED_BF16] = dnnl_bf16, [HEED_INT8] = dnnl_u8};
static const dnnl_data_type_t weight_types[] = {[HEED_F32] = dnnl_f32, [HEED_BF16] = dnnl_bf16, [HEED_INT8] = dnnl_s8};

/* Describes the product; weights NULL: in the layout that oneDNN chooses. */
static dnnl_status_t describe_product(dnnl_primitive_desc_t *out, dnnl_engine_t engine, const heed_shape *p, described weights)
{
    description src = {0}, own = {0}, bias = {0}, dst = {0};
    dnnl_primitive_attr_t attributes = NULL;
    const dnnl_data_type_t left = src_types[p->number], right = weight_types[p->number];
    dnnl_status_t s = describe(&src, left, (dnnl_dims_t){p->m, p->k}, (dnnl_dims_t){p->ld_src, 1});
    if (!s && !weights) s = describe_tagged(&own, right, (dnnl_dims_t){p->k, p->n}, dnnl_format_tag_any);
    if (!s) s = describe(&bias, dnnl_f32, (dnnl_dims_t){1, p->n}, (dnnl_dims_t){p->n, 1});
    if (!s) s = describe(&dst, p->number == HEED_INT8 ? dnnl_s32 : dnnl_f32, (dnnl_dims_t){p->m, p->n}, (dnnl_dims_t){p->ld_dst, 1});
    if (!s) s = make_attributes(&attributes, p->sum);
    if (!s) s = describe_matmul(out, engine, view(&src), weights ? weights : view(&own), p->bias ? view(&bias) : NULL, view(&dst), attributes);
    if (attributes) dnnl_primitive_attr_destroy(attributes);
    forget(&src);
    forget(&own);
    forget(&bias);
    forget(&dst);
    return s;
}

static dnnl_status_t describe_reorder(dnnl_primitive_desc_t *out, dnnl_engine_t engine, const heed_shape *p, described to)
{
    description from = {0};
    dnnl_primitive_attr_t attributes = NULL;
    const bool turned = p->kind == HEED_REORDER_TRANSPOSED;
    dnnl_status_t s = describe(&from, p->number == HEED_INT8 ? dnnl_s8 : dnnl_f32, (dnnl_dims_t){p->k, p->n}, turned ? (dnnl_dims_t){1, p->ld_weights} : (dnnl_dims_t){p->ld_weights, 1});
    if (!s) s = make_attributes(&attributes, false);
    if (!s) s = dnnl_reorder_primitive_desc_create(out, view(&from), engine, to, engine, attributes);
    if (attributes) dnnl_primitive_attr_destroy(attributes);
    forget(&from);
    return s;
}

/* --- packed weights --------------------------------------------------------------------------------------------------------------- */

static bool is_of_lines(described layout, const heed_packed *w)
{
    description lines = {0};
    const dnnl_format_tag_t tag = w->number == HEED_BF16 ? dnnl_BA16a64b2a : w->number == HEED_INT8 ? dnnl_BA16a64b4a : dnnl_BA16a64b;
    const bool is = describe_tagged(&lines, weight_types[w->number], (dnnl_dims_t){w->k, w->n}, tag) == dnnl_success && dnnl_memory_desc_equal(layout, view(&lines));
    forget(&lines);
    return is;
}

/* The layout depends on k and n alone; the number of rows only has to be a usual one. */
dnnl_status_t heed_packed_open(heed_packed *w, heed_number number, int64_t n, int64_t k)
{
    *w = (heed_packed){.number = number, .n = n, .k = k};
    const heed_shape typical = {HEED_PRODUCT_PACKED, number, TYPICAL_ROWS, n, k, k, 0, n, 0, 0};
    dnnl_primitive_desc_t pd = NULL;
    dnnl_status_t s = dnnl_engine_create(&w->engine, dnnl_cpu, 0);
    if (!s) s = describe_product(&pd, w->engine, &typical, NULL);
    if (!s) {
        described layout = dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0);
        void *data = heed_buffer_room(&w->buffer, dnnl_memory_desc_get_size(layout), NULL);
        s = data ? dnnl_memory_create(&w->memory, layout, w->engine, data) : dnnl_out_of_memory;
        w->lines = is_of_lines(layout, w);
    }
    if (pd) dnnl_primitive_desc_destroy(pd);
    if (s) heed_packed_close(w);
    return s;
}

void heed_packed_lend(heed_packed *w, heed_number number, int64_t n, int64_t k, const float *floats, bool turned)
{
    heed_packed_close(w);
    *w = (heed_packed){.number = number, .n = n, .k = k, .floats = floats, .turned = turned, .lines = true};
}

void heed_packed_close(heed_packed *w)
{
    free_memory(w->memory);
    free(w->buffer.data);
    if (w->engine) dnnl_engine_destroy(w->engine);
    memset(w, 0, sizeof *w);
}

/* --- products --------------------------------------------------------------------------------------------------------------------- */

static dnnl_status_t make_memory(dnnl_memory_t *out, dnnl_engine_t engine, dnnl_primitive_desc_t pd, dnnl_query_t what, int index)
{
    return dnnl_memory_create(out, dnnl_primitive_desc_query_md(pd, what, index), engine, DNNL_MEMORY_NONE);
}

static dnnl_status_t fill_product(heed_product *p, dnnl_engine_t engine, dnnl_primitive_desc_t pd)
{
    const bool matmul = p->shape.kind == HEED_PRODUCT_PACKED;
    described scratch = dnnl_primitive_desc_query_md(pd, dnnl_query_scratchpad_md, 0);
    p->scratch_bytes = scratch ? dnnl_memory_desc_get_size(scratch) : 0;
    dnnl_status_t s = dnnl_primitive_create(&p->primitive, pd);
    if (!s) s = make_memory(&p->src, engine, pd, dnnl_query_src_md, 0);
    if (!s && p->shape.bias) s = make_memory(&p->bias, engine, pd, dnnl_query_weights_md, 1);
    if (!s && matmul) s = make_memory(&p->dst, engine, pd, dnnl_query_dst_md, 0);
    if (!s && p->scratch_bytes) s = make_memory(&p->scratch, engine, pd, dnnl_query_scratchpad_md, 0);
    return s;
}

static dnnl_status_t make_product(heed_dnnl *d, const heed_shape *shape, const heed_packed *packed, heed_product **out)
{
    heed_product *p = calloc(1, sizeof *p);
    if (!p) return dnnl_out_of_memory;
    p->shape = *shape;
    described layout = packed ? memory_layout(packed->memory) : NULL;
    dnnl_primitive_desc_t pd = NULL;
    const bool reorder = shape->kind == HEED_REORDER || shape->kind == HEED_REORDER_TRANSPOSED;
    dnnl_status_t s = reorder ? describe_reorder(&pd, d->engine, shape, layout) : describe_product(&pd, d->engine, shape, layout);
    if (!s) s = fill_product(p, d->engine, pd);
    if (pd) dnnl_primitive_desc_destroy(pd);
    if (s) free_product(p);
    else *out = p;
    return s;
}

static heed_product **slot(heed_product **table, int64_t room, const heed_shape *shape)
{
    uint64_t h = heed_key((uint64_t)(shape->kind * 3 + shape->number) * 4 + (uint64_t)shape->bias * 2 + (uint64_t)shape->sum, (uint64_t)shape->m);
    h = heed_key(h ^ (uint64_t)shape->n << 32, (uint64_t)shape->k);
    h = heed_mix(h ^ (uint64_t)(shape->ld_src * 5 + shape->ld_weights * 3 + shape->ld_dst));
    int64_t i = (int64_t)(h & (uint64_t)(room - 1));
    while (table[i] && memcmp(&table[i]->shape, shape, sizeof *shape)) i = (i + 1) & (room - 1);
    return table + i;
}

static dnnl_status_t grow_table(heed_dnnl *d)
{
    const int64_t room = d->room * 2;
    heed_product **table = calloc((size_t)room, sizeof *table);
    if (!table) return dnnl_out_of_memory;
    for (int64_t i = 0; i < d->room; i++)
        if (d->table[i]) *slot(table, room, &d->table[i]->shape) = d->table[i];
    free(d->table);
    d->table = table;
    d->room = room;
    return dnnl_success;
}

dnnl_status_t heed_product_get(heed_dnnl *d, const heed_shape *shape, const heed_packed *packed, heed_product **out)
{
    heed_product **at = slot(d->table, d->room, shape);
    *out = *at;
    if (*out) return dnnl_success;
    if (d->count * 2 >= d->room) {
        dnnl_status_t s = grow_table(d);
        if (s) return s;
        at = slot(d->table, d->room, shape);
    }
    dnnl_status_t s = make_product(d, shape, packed, at);
    if (s) return s;
    *out = *at;
    d->count++;
    d->grown++;
    return dnnl_success;
}

static void point(dnnl_exec_arg_t *list, int *n, int name, dnnl_memory_t memory, const void *data)
{
    if (!memory) return;
    if (data) (void)dnnl_memory_set_data_handle(memory, (void *)(uintptr_t)data);   /* cannot fail for memory of the processor */
    list[(*n)++] = (dnnl_exec_arg_t){name, memory};
}

dnnl_status_t heed_product_run(heed_dnnl *d, heed_product *p, const heed_packed *packed, const void *src, const float *bias, void *dst)
{
    dnnl_exec_arg_t list[5];
    int n = 0;
    void *scratch = heed_buffer_room(&d->scratch, p->scratch_bytes, &d->grown);
    if (p->scratch_bytes && !scratch) return dnnl_out_of_memory;
    point(list, &n, DNNL_ARG_SRC, p->src, src);
    point(list, &n, p->dst ? DNNL_ARG_WEIGHTS : DNNL_ARG_DST, packed->memory, NULL);   /* without a result of its own it is a reorder */
    point(list, &n, DNNL_ARG_BIAS, p->bias, bias);
    point(list, &n, DNNL_ARG_DST, p->dst, dst);
    point(list, &n, DNNL_ARG_SCRATCHPAD, p->scratch, scratch);
    return dnnl_primitive_execute(p->primitive, d->stream, n, list);
}
