/* Products with weights of which nothing is packed: a panel at a time is laid out in the second cache and multiplied from there, so that a product of many rows waits for
 * the floats as it would for their packed form, and the bits are the same. */
#include "kernels/gemm_inside.h"

#include <string.h>

#include "kernels/kernels.h"
#include "kernels/lines.h"

bool heed_gemm_has_dots(void) { return !strcmp(heed_kernels_get()->isa, "avx512bf16"); }

void heed_pack_lend(heed_pack *p, bool forward)
{
    heed_dnnl_bound();
    p->lends = heed_dnnl_is_avx512() && (p->number == HEED_F32 || (p->number == HEED_BF16 && forward && heed_gemm_has_dots()));
    p->lends_forward = p->lends && forward && p->number == HEED_F32;
}

bool heed_pack_is_lent(const heed_pack *p) { return p->forward->floats; }

dnnl_status_t heed_gemm_lent(heed_gemm *g, const heed_lines *all, const heed_packed *w)
{
    void *panel = heed_buffer_room(&g->panel, (size_t)heed_lines_panel(w->number, w->k), &g->dnnl.grown);
    if (!panel) return dnnl_out_of_memory;
    for (int64_t first = 0; first < w->n; first += HEED_LINE) {
        heed_lines l = *all;
        heed_packed_lay_panel(w, w->turned, first, w->floats, panel, NULL);
        l.n = w->n - first < HEED_LINE ? w->n - first : HEED_LINE;
        l.w = panel;
        l.next = w->turned && first + HEED_LINE < w->n ? w->floats + (first + HEED_LINE) * w->k : NULL;
        l.y += first;
        if (l.bias) l.bias += first;
        heed_kernels_get()->lines(&l);
    }
    return dnnl_success;
}
