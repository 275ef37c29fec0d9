/* The script a letter belongs to, as far as it tells whether a line stands on the right side of a corpus. Ranges are in scripts.def: utf8proc knows no scripts,
 * and the libraries that do (ICU, libunistring) are tens or a few megabytes for a table of seventy rows. */
#ifndef HEED_DATA_SCRIPT_H
#define HEED_DATA_SCRIPT_H

#include "heed/base.h"

typedef enum heed_script {
    HEED_SCRIPT_none,         /* no letter */
    HEED_SCRIPT_other,        /* a letter of a script without a row */
    HEED_SCRIPT_Latin, HEED_SCRIPT_Greek, HEED_SCRIPT_Cyrillic, HEED_SCRIPT_Armenian, HEED_SCRIPT_Hebrew, HEED_SCRIPT_Arabic, HEED_SCRIPT_Syriac, HEED_SCRIPT_Thaana,
    HEED_SCRIPT_Devanagari, HEED_SCRIPT_Bengali, HEED_SCRIPT_Gurmukhi, HEED_SCRIPT_Gujarati, HEED_SCRIPT_Oriya, HEED_SCRIPT_Tamil, HEED_SCRIPT_Telugu,
    HEED_SCRIPT_Kannada, HEED_SCRIPT_Malayalam, HEED_SCRIPT_Sinhala, HEED_SCRIPT_Georgian, HEED_SCRIPT_Ethiopic, HEED_SCRIPT_Cherokee, HEED_SCRIPT_Mongolian,
    HEED_SCRIPT_SPACED_LAST = HEED_SCRIPT_Mongolian,   /* up to here, from Latin, spaces part words, so two scripts in a word are odd */
    HEED_SCRIPT_Tibetan, HEED_SCRIPT_Thai, HEED_SCRIPT_Lao, HEED_SCRIPT_Myanmar, HEED_SCRIPT_Khmer, HEED_SCRIPT_Hangul, HEED_SCRIPT_Chinese,
    HEED_SCRIPT_COUNT
} heed_script;

heed_script heed_script_of(int32_t code);
const char *heed_script_name(heed_script s);             /* "Latin", "Chinese or Japanese" */

#endif
