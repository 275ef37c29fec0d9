/* The table of keys and the names of their choices: model/keys.h, keys.def. */
#include "model/keys.h"

/* --- the names of choices; a new row of a .def is a new choice --- */

static const heed_choice scores[] = {
    {"none", HEED_ATTENTION_NONE},
#define HEED_SCORE(name, ...) {#name, HEED_PLACE_OF_SCORE_##name},
#include "attn/scores.def"
#undef HEED_SCORE
    {"concat", HEED_PLACE_OF_SCORE_additive},   /* Luong et al. 2015 call it so */
    {NULL, 0}};
static const heed_choice aligns[] = {
    {"softmax", HEED_ALIGN_everything},
#define HEED_ALIGN(name, ...) {#name, HEED_ALIGN_##name},
#include "heed/aligns.def"
#undef HEED_ALIGN
    {"local_m", HEED_ALIGN_window},             /* Luong et al. 2015 call it so */
    {NULL, 0}};
static const heed_choice encoders[] = {
#define HEED_ENCODER(name, help) {#name, HEED_ENCODER_##name},
#include "model/encoders.def"
#undef HEED_ENCODER
    {NULL, 0}};
static const heed_choice decoders[] = {
#define HEED_DECODER(name, help) {#name, HEED_DECODER_##name},
#include "model/decoders.def"
#undef HEED_DECODER
    {NULL, 0}};
static const heed_choice cells[] = {
#define HEED_CELL(name, help) {#name, HEED_CELL_##name},
#include "model/cells.def"
#undef HEED_CELL
    {NULL, 0}};
static const heed_choice units[] = {
#define HEED_UNIT(name, help) {#name, HEED_UNIT_##name},
#include "data/units.def"
#undef HEED_UNIT
    {NULL, 0}};
static const heed_choice piece_kinds[] = {{"bpe", HEED_PIECES_BPE}, {"unigram", HEED_PIECES_UNIGRAM}, {NULL, 0}};
static const heed_choice invalids[] = {{"error", HEED_INVALID_ERROR}, {"replace", HEED_INVALID_REPLACE}, {"skip", HEED_INVALID_SKIP}, {NULL, 0}};
static const heed_choice vectors[] = {{"start", HEED_VECTOR_START}, {"every_step", HEED_VECTOR_EVERY_STEP}, {NULL, 0}};
static const heed_choice orders[] = {{"bahdanau", HEED_ORDER_BAHDANAU}, {"luong", HEED_ORDER_LUONG}, {NULL, 0}};
static const heed_choice ties[] = {{"none", HEED_TIE_NONE}, {"output", HEED_TIE_OUTPUT}, {"all", HEED_TIE_ALL}, {NULL, 0}};
static const heed_choice norms[] = {{"post", HEED_NORM_POST}, {"pre", HEED_NORM_PRE}, {NULL, 0}};
static const heed_choice activations[] = {{"relu", HEED_RELU}, {"gelu", HEED_GELU}, {NULL, 0}};
static const heed_choice positions[] = {
#define HEED_POSITION(name, help) {#name, HEED_POSITIONS_##name},
#include "attn/positions.def"
#undef HEED_POSITION
    {NULL, 0}};
static const heed_choice self_scores[] = {
#define HEED_SCORE(name, ...) {#name, HEED_PLACE_OF_SCORE_##name - 1},
#include "attn/scores.def"
#undef HEED_SCORE
    {NULL, 0}};
static const heed_choice optimizers[] = {{"adam", HEED_OPTIMIZER_ADAM}, {"adamw", HEED_OPTIMIZER_ADAMW}, {"sgd", HEED_OPTIMIZER_SGD}, {NULL, 0}};
static const heed_choice schedules[] = {
    {"constant", HEED_SCHEDULE_CONSTANT}, {"linear", HEED_SCHEDULE_LINEAR},   {"inverse_sqrt", HEED_SCHEDULE_INVERSE_SQRT},
    {"cosine", HEED_SCHEDULE_COSINE},     {"plateau", HEED_SCHEDULE_PLATEAU}, {NULL, 0}};
static const heed_choice symmetries[] = {{"intersect", 0}, {"union", 1}, {"grow-diag", 2}, {"grow-diag-final-and", 3}, {NULL, 0}};   /* as heed_symmetry counts them */
static const heed_choice precisions[] = {{"f32", HEED_F32}, {"bf16", HEED_BF16}, {NULL, 0}};
static const heed_choice numbers[] = {{"f32", HEED_F32}, {"bf16", HEED_BF16}, {"int8", HEED_INT8}, {NULL, 0}};

/* --- the table --- */

enum {   /* what a field of each kind must be as large as */
    SIZE_whole = sizeof(int64_t), SIZE_seed = sizeof(uint64_t), SIZE_real = sizeof(double), SIZE_flag = sizeof(bool), SIZE_choice = sizeof(int),
    SIZE_text = sizeof(char *), SIZE_metric = sizeof(char *), SIZE_files = sizeof(heed_files), SIZE_patterns = sizeof(heed_patterns), SIZE_sets = sizeof(heed_set) * HEED_MAX_SETS,
    SIZE_betas = sizeof(double), SIZE_limit = sizeof(double), SIZE_every = sizeof(int64_t)
};
#define HEED_KEY(name, alias, kind, field, ...) _Static_assert(sizeof(((heed_recipe *)0)->field) == SIZE_##kind, name);
#include "model/keys.def"
#undef HEED_KEY

#define RANGE(low, high) low, high, NULL
#define ONE_OF(choices) 0, 0, choices
#define ANY 0, 0, NULL
#define HEED_KEY(name, alias, kind, field, range, standard, meaning) {name, alias, &heed_kind_##kind, offsetof(heed_recipe, field), range, standard, meaning},
const heed_key heed_keys[HEED_KEYS] = {
#include "model/keys.def"
};
