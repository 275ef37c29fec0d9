/* Text to symbols and back: the units of one side and their vocabulary.
 *
 * Symbol numbers: 0 <unk>, 1 <s> (what a decoder reads first), 2 </s> (ends every sequence), then the vocabulary, most frequent first, ties
 * in byte order. A heed_text is const once built or loaded and may be shared by threads. */
#ifndef HEED_DATA_TEXT_H
#define HEED_DATA_TEXT_H

#include "base/buf.h"

enum { HEED_UNK = 0, HEED_BOS = 1, HEED_EOS = 2, HEED_SPECIALS = 3 };

/* units.def: HEED_UNIT(name, help): characters (Unicode code points), symbols (split at spaces), words (split at spaces, and where
 * mteval-v13a parts punctuation; whether a space stands between two of them is learnt, data/joints.h), pieces (of words, SentencePiece's, data/pieces.h) */
typedef enum heed_unit {
#define HEED_UNIT(name, help) HEED_UNIT_##name,
#include "units.def"
#undef HEED_UNIT
    HEED_UNIT_COUNT
} heed_unit;
const char *heed_unit_name(heed_unit u);
bool heed_unit_find(const char *name, heed_unit *u);

typedef enum heed_piece_kind { HEED_PIECES_BPE, HEED_PIECES_UNIGRAM } heed_piece_kind;

typedef struct heed_text_settings {
    heed_unit units;
    heed_piece_kind kind;   /* of pieces */
    int64_t min_count;      /* rarer symbols become <unk>; 1 keeps all; of pieces it says nothing */
    int64_t size;           /* at most so many symbols, specials included; 0: no limit (pieces need one) */
    bool lower, nfkc;       /* utf8proc; byte offsets stay those of the text as given */
} heed_text_settings;

/* How a training draws splits into pieces anew each time a text is read; {0}: it does not. */
typedef struct heed_text_noise {
    double dropout;         /* of bpe: chance that a merge is left out (Provilkov et al. 2020, BPE-dropout) */
    double sampling;        /* of unigram: splits are drawn by their probability to this power (Kudo 2018, subword regularisation) */
} heed_text_noise;

typedef struct heed_token {
    int32_t id;
    int32_t start, end;     /* bytes [start,end) of the text as given (encode) or as printed (decode) */
} heed_token;

typedef struct heed_tokens {
    heed_token *item;
    int64_t count, capacity;
} heed_tokens;               /* {0} is empty; heed_tokens_free gives the memory back */
void heed_tokens_free(heed_tokens *t);

typedef struct heed_text heed_text;

/* Building: new, add every text of the corpus (counts symbols), finish. heed_text_new(NULL...) fails with HEED_E_NOMEM. Memory is bounded: beyond two million different
 * symbols the rarest half is forgotten (lossy counting, Manku and Motwani 2002), so a symbol that comes rarely and late may be counted a few times too little; of
 * pieces see data/pieces.h. */
heed_text *heed_text_new(const heed_text_settings *settings, heed_error *err);
heed_status heed_text_count(heed_text *t, const char *text, size_t size, heed_error *err);
heed_status heed_text_finish(heed_text *t, heed_error *err);
void heed_text_free(heed_text *t);

/* Appends nothing for </s>. Replaces what `out` held. HEED_E_DATA: not UTF-8 (byte and column named). An unknown symbol is HEED_UNK. */
heed_status heed_text_encode(const heed_text *t, const char *text, size_t size, heed_tokens *out, heed_error *err);
/* The same, but pieces are drawn with noise: a function of the text and the key alone. Other units, and noise that is not of their kind: heed_text_encode(). */
heed_status heed_text_draw(const heed_text *t, const char *text, size_t size, const heed_text_noise *noise, uint64_t key, heed_tokens *out, heed_error *err);
/* Joins symbols (characters: nothing between, symbols: one space, words: as learnt, pieces: what they say), appends to `out`; `at` (NULL or [n]) gets byte offsets from out's start at
 * entry. <s> and </s> print nothing; <unk> prints one symbol, U+FFFD or "<unk>", unless unknown [n] (NULL: for none) has a text for it, which is not empty.
 * HEED_E_USAGE: a number beyond the vocabulary. */
heed_status heed_text_decode(const heed_text *t, const int32_t *ids, int64_t n, const char *const *unknown, heed_buf *out, heed_token *at, heed_error *err);

/* What encoding cuts into symbols: code points with their bytes, in lower case and NFKC when the text's settings say so; between words that no white space
 * parts stands a 0. Replaces what `out` held. HEED_E_DATA as heed_text_encode(). */
heed_status heed_text_codes(const heed_text *t, const char *text, size_t size, heed_tokens *out, heed_error *err);
/* What decoding prints for a symbol, with U+2581 for the spaces of a piece, and whether it prints white space before each (but where marks are joined). */
const char *heed_text_printed(const heed_text *t, int32_t id);
bool heed_text_spaced(const heed_text *t);
/* Do both have the same symbols in the same order, printed alike? HEED_E_MODEL: what differs first. */
heed_status heed_text_compare(const heed_text *a, const heed_text *b, heed_error *err);

int64_t heed_text_size(const heed_text *t);                          /* V, specials included */
const char *heed_text_symbol(const heed_text *t, int32_t id);        /* "<unk>" for ids out of range */
const heed_text_settings *heed_text_get_settings(const heed_text *t);

/* JSON: {"format", "units", "lower", "nfkc", "symbols": [...]}; of words also "joints": of a mark the shares of heed_joints, in percent.
 * The format is 1 for characters and symbols, 2 for words and pieces. Of pieces "kind" and "pieces", their number, stand in the place of
 * "symbols", and the model lies in a file beside it: X.spm.model beside X.vocab.json, both written and opened together. Reading checks everything; HEED_E_MODEL names file and what is wrong. */
heed_status heed_text_write(const heed_text *t, const char *path, heed_error *err);
heed_text *heed_text_open(const char *path, heed_error *err);
heed_text *heed_text_parse(const char *json, size_t size, const char *path, heed_error *err);   /* path: for messages */

#endif
