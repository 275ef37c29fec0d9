/* Which library makes the products. */
#include <oneapi/dnnl/dnnl.h>
#include <stdio.h>

#include "kernels/gemm.h"

void heed_gemm_library(char *out, size_t size)
{
    const dnnl_version_t *v = dnnl_version();
    snprintf(out, size, "oneDNN %d.%d.%d", v->major, v->minor, v->patch);
}
