/* What heed_files_align() answered, written as gold files have it; for the programs that hold it to account. */
#ifndef HEED_TESTS_TASK_TOLD_H
#define HEED_TESTS_TASK_TOLD_H

#include "base/buf.h"
#include "heed.h"
#include "support/tiny.h"

typedef struct seer { heed_model *model; heed_session *session; } seer;
seer open_seer(const tiny *t);
void close_seer(seer *s);

/* A line a pair: links from 1. */
typedef struct told { heed_buf text; int64_t pairs, stop_at; bool swapped; } told;
bool tell(void *user, const heed_reply *r, int64_t first);
/* Must go well; x NULL: nobody is told of links. */
heed_align_report align(heed_session *s, heed_align_options o, told *x);
void refused(heed_session *s, const heed_align_options *o, heed_status status, const char *text);
void counts(const heed_align_figures *f, double aer, double precision, double recall, int64_t lines);

#endif
