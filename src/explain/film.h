/* How an alignment was learnt: film.jsonl of a run (train/film.h) written, read, measured and drawn. */
#ifndef HEED_EXPLAIN_FILM_H
#define HEED_EXPLAIN_FILM_H

#include "explain/explain.h"

/* Appends one sentence of a frame as a JSON object: {"line", "source", "reference", "output", "read": [symbols], "written": [symbols], "weights": [numbers]}.
 * forced: the reference, read along, with its weights; output: what the model writes of itself. */
void heed_film_write(const heed_output *forced, const char *output, int64_t line, heed_buf *out);

enum { HEED_FILM_MOST = 16, HEED_FRAMES = 8 };   /* sentences of a film, frames shown */

/* A sentence as it looked at one moment. */
typedef struct heed_shot {
    const char *source, *reference, *output;
    const char **read, **written;     /* [Tk], [Tq] symbols, the ends included */
    float *weights;                   /* [Tq,Tk] */
    int64_t line, Tk, Tq;
} heed_shot;

/* How spread and how settled the weights are: entropy in nats and share of the weight that lies where the last frame's is heaviest, both means over rows. */
typedef struct heed_spread { double entropy, share; } heed_spread;

typedef struct heed_frame {
    int64_t update, epoch;
    bool judged;                      /* the rest is there too */
    double valid_loss, metric;        /* NAN: not finite */
    char metric_name[32];
    heed_spread spread[HEED_FILM_MOST];
    heed_shot *shot;                  /* [sentences]; NULL in frames that are not shown */
    void *memory;
} heed_frame;

typedef struct heed_strip {
    char path[4096];                  /* of the film */
    heed_frame *frame;                /* [count] */
    int64_t count;
    int sentences;
    int64_t shown[HEED_FRAMES]; int shown_count;   /* evenly picked, first and last among them */
} heed_strip;

/* Reads DIR/film.jsonl. Half a line at its end is left alone. HEED_E_MODEL: no such run, no film (and why), damaged (with the line); HEED_E_LIMIT: more than a million frames; HEED_E_USAGE: the run's
 * model looks at nothing; HEED_E_NOMEM. heed_film_close() also after a failure. */
heed_status heed_film_open(heed_strip *f, const char *dir, heed_error *err);
heed_status heed_film_parse(heed_strip *f, const char *text, size_t size, heed_error *err);    /* the same of its text; f is {0} but for path, for messages */
void heed_film_close(heed_strip *f);

/* Heat maps of one sentence side by side, a table of frames, entropy and share over all of them. */
heed_status heed_film_terminal(const heed_strip *f, int sentence, bool colour, int columns, heed_buf *out);
/* A strip: rows are sentences (all, or the one), columns frames; below each row entropy and share over all frames. */
heed_status heed_film_svg(const heed_strip *f, int sentence, heed_buf *out);
/* One object: {"film", "frames": [{"update", "epoch", "valid_loss", "metric", "metric_name", "sentences": [{"entropy", "share"}]}], "sentences": [what does not change],
 * "shown": [frames with weights]}; docs/contract.md. */
heed_status heed_film_json(const heed_strip *f, int sentence, heed_buf *out);

#endif
