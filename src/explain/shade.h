/* How a weight from 0 to 1 is shown: lightness goes one way, so the order survives colour blindness and a photocopy. */
#ifndef HEED_EXPLAIN_SHADE_H
#define HEED_EXPLAIN_SHADE_H

void heed_shade_dark(double weight, int rgb[3]);       /* from night through green to yellow: for a terminal */
void heed_shade_paper(double weight, int rgb[3]);      /* from white to deep blue, darkest last: for print */
void heed_shade_signed(double score, int rgb[3]);      /* from -1 to 1: likewise, to orange and brown below 0 */
const char *heed_shade_block(double weight);           /* without colour: a block, or a dot for next to nothing */

#endif
