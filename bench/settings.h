/* What a file of batches says of the model they are for. One row a setting; bench/batches.c writes them, bench/train.c and bench/train_torch.py read them.
 *   SETTING(name, meaning) */
#define SETTINGS                                                                         \
    SETTING(layers, "of a transformer, each side; 0: GRUs with additive attention")      \
    SETTING(source, "symbols of the source's vocabulary")                                \
    SETTING(target, "symbols of the target's")                                           \
    SETTING(embed, "width of embeddings")                                                \
    SETTING(width, "of states")                                                          \
    SETTING(heads, "of a transformer")                                                   \
    SETTING(inner, "width of its feed-forward layers")                                   \
    SETTING(dropout, "")                                                                 \
    SETTING(rate, "of Adam")                                                             \
    SETTING(beta2, "of Adam")                                                            \
    SETTING(clip, "greatest norm of the gradient")                                       \
    SETTING(smoothing, "of labels")                                                      \
    SETTING(accumulate, "batches an update")                                             \
    SETTING(batches, "in this file")

typedef struct settings {
#define SETTING(name, meaning) double name;
    SETTINGS
#undef SETTING
} settings;

#define FIRST_LINE "heed batches 2\n"
