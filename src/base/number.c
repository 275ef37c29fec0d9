#include "base/number.h"

#include <stdio.h>

const char *heed_group(char out[HEED_GROUP_SIZE], int64_t n)
{
    char digits[HEED_GROUP_SIZE];
    int count = snprintf(digits, sizeof digits, "%lld", (long long)n);
    int first = digits[0] == '-', used = 0;
    for (int i = 0; i < count; i++) {
        if (i > first && (count - i) % 3 == 0) out[used++] = ',';
        out[used++] = digits[i];
    }
    out[used] = 0;
    return out;
}
