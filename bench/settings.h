/* What a file of batches says of the model they are for. One row a setting; bench/batches.c writes them from a recipe, which it writes too, to FILE.yaml.
 * bench/train.c and bench/train_torch.py read them.
 *   SETTING(name, value, meaning)       value: of the recipe r */
#define SETTINGS                                                                                                                      \
    SETTING(source, 0, "symbols of the source's vocabulary")                                                                          \
    SETTING(target, 0, "symbols of the target's")                                                                                     \
    SETTING(layers, r->model.decoder.layers, "each side")                                                                             \
    SETTING(embed, r->model.decoder.embed, "width of embeddings")                                                                     \
    SETTING(width, r->model.decoder.width, "of states")                                                                               \
    SETTING(gates, r->model.decoder.cell == HEED_CELL_lstm ? 4 : 3, "of a recurrent cell: 4 of an LSTM, 3 of a GRU")                  \
    SETTING(directions, r->model.encoder.directions, "of a recurrent encoder")                                                        \
    SETTING(vector, r->model.attention.score ? 0 : 1 + r->model.attention.vector, "0: attention; a fixed vector: 1 starts, 2 is joined at every step") \
    SETTING(kernel, r->model.decoder.type == HEED_DECODER_conv ? r->model.decoder.stack.kernel : 0, "of convolutions; 0: there are none") \
    SETTING(longest, r->model.decoder.stack.longest, "symbols that learned positions are for")                                        \
    SETTING(heads, r->model.decoder.type == HEED_DECODER_transformer ? r->model.decoder.stack.heads : 0, "of a transformer; 0: it is none") \
    SETTING(inner, r->model.decoder.stack.inner, "width of its feed-forward layers")                                                  \
    SETTING(tie, r->model.tie, "HEED_TIE_...")                                                                                        \
    SETTING(dropout, r->model.decoder.dropout, "")                                                                                    \
    SETTING(rate, r->train.optimizer.rate, "of Adam, from the first update to the last")                                              \
    SETTING(beta2, r->train.optimizer.beta2, "of Adam")                                                                               \
    SETTING(clip, r->train.clip, "greatest norm of the gradient")                                                                     \
    SETTING(smoothing, r->train.label_smoothing, "of labels")                                                                         \
    SETTING(accumulate, r->train.accumulate, "batches an update")                                                                     \
    SETTING(batches, 0, "in this file")

typedef struct settings {
#define SETTING(name, value, meaning) double name;
    SETTINGS
#undef SETTING
} settings;

#define FIRST_LINE "heed batches 3\n"
