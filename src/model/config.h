/* config.json of a model directory: what is needed to build the model and to read its text again - task, text, model and decode of the recipe,
 * typed by the same table (keys.def).
 *
 *   {"format": 1, "model_type": "heed", "task": "transduce", "text": {...}, "model": {...}, "decode": {...}} */
#ifndef HEED_MODEL_CONFIG_H
#define HEED_MODEL_CONFIG_H

#include "model/recipe.h"

/* Appends the JSON text. HEED_E_NOMEM. */
heed_status heed_config_write(const heed_recipe *r, heed_buf *out);

/* Fills r, whatever it held, with defaults and what the text says; data and train stay as by default. path: for messages, not kept.
 * On failure r is empty ({0}).
 *   HEED_E_MODEL   not JSON, not a model of ours, of a newer format, an unknown key, a value of the wrong type or out of range; depth above 8
 *                  and more than 1 MiB
 *   HEED_E_NOMEM */
heed_status heed_config_parse(heed_recipe *r, const char *json, size_t size, const char *path, heed_error *err);

#endif
