/* How symbols and numbers are written in pictures: blanks and control characters made visible, cells counted as a terminal counts them, and a
 * decimal point whatever the locale of the process is. Text that is not UTF-8 shows U+FFFD for each wrong byte. */
#ifndef HEED_EXPLAIN_LABEL_H
#define HEED_EXPLAIN_LABEL_H

#include "base/buf.h"
#include "heed.h"

/* Cells of a terminal that the symbol takes. */
int heed_label_width(const char *text);
/* Appends the symbol in exactly `width` cells: cut with an ellipsis, or filled with blanks on the right. */
void heed_label_fit(heed_buf *out, const char *text, int width);
/* Appends the one character of the symbol that stands at cell `place`, or a blank; always one cell, so wide characters become a dot. */
void heed_label_letter(heed_buf *out, const char *text, int place);
/* Appends the text escaped for XML; NULL is nothing. blanks: as in labels, spaces are made visible; room: at most so many cells, 0: all. */
void heed_label_xml(heed_buf *out, const char *text, bool blanks, int room);
/* Appends a JSON string with its quotes; NULL is null. */
void heed_label_json(heed_buf *out, const char *text);
void heed_label_json_part(heed_buf *out, const char *text, size_t size);       /* so many bytes of it */
/* Appends running text for a terminal: control characters become dots, blanks stay. */
void heed_label_plain(heed_buf *out, const char *text);

void heed_number_fixed(heed_buf *out, double value, int decimals);     /* "0.250" */
void heed_number_short(heed_buf *out, double value, int digits);       /* "0.25", "1e-09"; what is not finite is null, for JSON */

/* Symbol i of a source or an output as pictures show it: the end of a sequence, `</s>` with start = end, is U+220E. */
const char *heed_label_symbol(const heed_piece_of_text *symbols, int64_t i);
/* Appends whose attention is shown, "layer 2 of 0-3, head 1 of 0-7" "mean of heads 0-7" of a single layer, and `after`; nothing when there is only one head
 * and no shift. */
void heed_label_look(heed_buf *out, const heed_output *o, const char *after);

#endif
