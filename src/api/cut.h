/* A request's records into batches: as full as a batch may be, and so that the workers that take one after the other end together. */
#ifndef HEED_CUT_H
#define HEED_CUT_H

#include "heed/base.h"

/* A record by what it costs: bytes of its texts, and hypotheses that run side by side. index: whose it is, for the caller. */
typedef struct heed_load { int64_t length, width, index; } heed_load;

/* A batch has `rows` hypotheses and `bytes` bytes of text at most, each record counted with the hypotheses of its batch's widest; one record always fits. */
typedef struct heed_cut_options { int64_t rows, bytes; int workers; } heed_cut_options;

/* Cuts records [count], the longest first, where they stand: batch i is records start[i] .. start[i+1]-1, start [count+1]. Workers take batches in this order, each
 * the next when it is done. Of a few ways to cut them it takes the one after which the last worker ends the earliest, by an estimate of their work; among equals the
 * one with the fewest batches. busy: room for a number a worker. Returns the number of batches. */
int64_t heed_cut(const heed_cut_options *o, const heed_load *records, int64_t count, int64_t *start, int64_t *busy);

#endif
