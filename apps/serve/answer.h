/* What goes back: a status, a kind of text, and its bytes. Errors are JSON with a message and the status. */
#ifndef HEED_SERVE_ANSWER_H
#define HEED_SERVE_ANSWER_H

#include <heed.h>

#include <stdio.h>

enum { ANSWER_NONCE = 33 };

typedef struct answer {
    unsigned status;                  /* 0: none yet */
    const char *type;                 /* "application/json", ... */
    const char *allow;                /* of 405: the methods that there are */
    char *body; size_t size;          /* malloc */
    char nonce[ANSWER_NONCE];         /* of a page with a script or a style, else "" */
    bool script;                      /* it has a script */
    bool last;                        /* the connection ends with it */
} answer;

/* {"status": 400, "error": "..."}, in the place of what was there. */
void answer_error(answer *a, unsigned status, const char *format, ...) HEED_PRINTF(3, 4);
void answer_status(answer *a, const heed_error *err);         /* the error of a call into heed.h */
/* Writes to *f, which answer_end() closes; NULL: out of memory, and a says so. */
FILE *answer_begin(answer *a, const char *type);
void answer_end(answer *a, FILE *f);
bool answer_draw_nonce(char nonce[ANSWER_NONCE]);              /* false: the system gives no random numbers */
void answer_free(answer *a);

#endif
