/* heed_explanation_corpus: many explanations on one page. */
#include "base/file.h"
#include "explain/corpus.h"
#include "explain/page.h"
#include "heed.h"

enum { MOST_FILES = 2 };

char *heed_explanation_corpus(const char *const *paths, int count, heed_error *err)
{
    heed_buf json = {0}, page = {0};
    heed_file files[MOST_FILES];
    heed_corpus_text texts[MOST_FILES];
    int open = 0;
    if (count < 1 || count > MOST_FILES)
        return heed_fail(err, HEED_E_USAGE, "a page shows explanations of one model, or of two beside each other; %d files were given", count), NULL;
    heed_status status = HEED_OK;
    for (; !status && open < count; open += !status) {
        status = heed_file_map(&files[open], paths[open], HEED_E_DATA, err);
        if (!status) texts[open] = (heed_corpus_text){paths[open], (const char *)files[open].data, files[open].size};
    }
    if (!status) status = heed_corpus_join(texts, count, &json, err);
    while (open) heed_file_unmap(&files[--open]);
    if (!status && heed_explain_page(json.data, json.size, NULL, &page)) status = heed_fail(err, HEED_E_NOMEM, "out of memory for a page of %zu bytes", json.size);
    heed_buf_free(&json);
    char *out = status ? NULL : heed_buf_take(&page);
    heed_buf_free(&page);
    return out;
}
