/* What may be wrong with the text of one line. Faults that show only among many lines (repetitions, lengths out of proportion) are found in check.c. */
#ifndef HEED_DATA_FAULT_H
#define HEED_DATA_FAULT_H

#include "data/script.h"

typedef enum heed_fault {
#define HEED_FAULT(name, share, what, advice) HEED_FAULT_##name,
#include "data/faults.def"
#undef HEED_FAULT
    HEED_FAULT_COUNT
} heed_fault;

enum { HEED_FAULT_LONG = 2000 };          /* characters */

typedef struct heed_faults {
    uint32_t bits;                        /* 1 << heed_fault */
    int64_t at[HEED_FAULT_COUNT];         /* place of the first character of each; says nothing where the bit is 0 */
    heed_script script;                   /* of more than half of the letters; none: there is no such */
    int64_t digits[10];                   /* how often each stands there, whatever the numerals' script */
} heed_faults;

/* Looks at n characters for empty, long, mixed, control, replacement, spaces, markup, mojibake and brackets. */
void heed_faults_find(heed_faults *f, const int32_t *code, int64_t n);

#endif
