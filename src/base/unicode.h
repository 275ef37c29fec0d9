/* The few questions about Unicode that both texts and metrics ask. Code points are int32_t; text is UTF-8 without a zero byte. */
#ifndef HEED_BASE_UNICODE_H
#define HEED_BASE_UNICODE_H

#include "heed/base.h"

/* Reads the code point at the beginning of text. Returns its bytes, 1 to 4; 0 when size is 0, at a zero byte and at what is not UTF-8 (overlong
 * forms, surrogates and numbers above U+10FFFF included). */
int heed_utf8_next(const char *text, size_t size, int32_t *code);
int heed_utf8_put(int32_t code, char out[4]);            /* the bytes of a code point; returns how many */
/* "byte 0xC3 at column 41 is not UTF-8" into out, for the byte at `at`; columns are characters, from 1. */
void heed_utf8_complaint(char *out, size_t room, const char *text, size_t size, size_t at);

bool heed_unicode_space(int32_t code);                   /* white space as Unicode has it, and the four separators U+001C to U+001F */
bool heed_unicode_letter(int32_t code);                  /* general category L */
bool heed_unicode_word(int32_t code);                    /* general categories L, M and N: what words are made of */
bool heed_unicode_mark(int32_t code);                    /* general category M: joins the letter before; then N, P and S */
bool heed_unicode_number(int32_t code);
bool heed_unicode_punctuation(int32_t code);
bool heed_unicode_symbol(int32_t code);
/* Does a word go on from the one to the other? Both are letters, marks or numbers, and neither is of a script that spaces do not part: Han, kana, Thai, Lao,
 * Khmer, Myanmar. */
bool heed_unicode_joined(int32_t before, int32_t after);
int heed_unicode_cells(int32_t code);                    /* cells of a terminal: 0 for marks that join the character before, 2 for wide ones */
/* Lower-cases `count` code points that lie `stride` numbers apart, one to one: simple mappings, and the Greek sigma by its place in the word
 * (Unicode 3.13, Final_Sigma). U+0130, whose lower case is two characters, must have been split into I and U+0307 by the caller. */
void heed_unicode_lower(int32_t *code, int64_t count, int64_t stride);

#endif
