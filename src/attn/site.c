#include "attn/site.h"

#include <string.h>

#include "tensor/tape.h"

/* Rows that look at themselves share their span with the keys, or find these by number in a history (attn/history.h). */
heed_site heed_site_of(const heed_tape *t, const heed_attend_args *args)
{
    if (strncmp(t->scope, "encoder", strlen("encoder")) == 0) return HEED_SITE_ENCODER;
    return args->key_row || args->queries.start == args->keys.start ? HEED_SITE_DECODER : HEED_SITE_CROSS;
}

/* "decoder.3"; a recurrent decoder's is "attention" */
int heed_site_layer(const heed_tape *t)
{
    int layer = 0;
    for (const char *at = strchr(t->scope, '.'); at && at[1] >= '0' && at[1] <= '9'; at++) layer = 10 * layer + (at[1] - '0');
    return layer;
}
