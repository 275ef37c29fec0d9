// SentencePiece behind C: data/pieces_shim.h. Everything that can throw stands in a try.
#include "data/pieces_shim.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <string>

#include <sentencepiece_processor.h>
#include <sentencepiece_trainer.h>

struct heed_spm {
  sentencepiece::SentencePieceProcessor processor;
};

namespace {

// The lines of one piece of memory.
class Lines : public sentencepiece::SentenceIterator {
 public:
  Lines(const char *text, size_t size) : at_(text), end_(text + size) { Next(); }
  bool done() const override { return done_; }
  void Next() override {
    done_ = at_ == end_;
    if (done_) return;
    const char *stop = static_cast<const char *>(std::memchr(at_, '\n', static_cast<size_t>(end_ - at_)));
    if (!stop) stop = end_;
    line_.assign(at_, stop);
    at_ = stop == end_ ? end_ : stop + 1;
  }
  const std::string &value() const override { return line_; }
  sentencepiece::util::Status status() const override { return sentencepiece::util::Status(); }

 private:
  const char *at_, *end_;
  std::string line_;
  bool done_ = false;
};

void Explain(char *why, const char *text) {
  // "file(line) [condition] what is wrong": the reader of a recipe wants the last part only.
  const char *said = std::strstr(text, "] ");
  std::snprintf(why, HEED_SPM_WHY, "%s", said && said[2] ? said + 2 : text);
}

char *Train(const char *lines, size_t size, bool unigram, int64_t pieces, size_t *model_size, char *why) {
  Lines all(lines, size);
  std::string model;
  // Everything that shapes the result is said here, lest another version of the library has another default. One thread: sums of the
  // unigram model join in an order that depends on their number.
  const auto status = sentencepiece::SentencePieceTrainer::Train({{"model_type", unigram ? "unigram" : "bpe"},
                                                                  {"vocab_size", std::to_string(pieces)},
                                                                  {"hard_vocab_limit", "false"},
                                                                  {"normalization_rule_name", "identity"},
                                                                  {"add_dummy_prefix", "true"},
                                                                  {"remove_extra_whitespaces", "true"},
                                                                  {"character_coverage", "1.0"},
                                                                  {"byte_fallback", "false"},
                                                                  {"max_sentencepiece_length", "16"},
                                                                  {"max_sentence_length", "1000000"},
                                                                  {"input_sentence_size", "0"},
                                                                  {"shuffle_input_sentence", "false"},
                                                                  {"num_threads", "1"},
                                                                  {"unk_id", "0"},
                                                                  {"bos_id", "1"},
                                                                  {"eos_id", "2"},
                                                                  {"pad_id", "-1"},
                                                                  {"minloglevel", "3"}},
                                                                 &all, &model);
  if (!status.ok()) return Explain(why, status.error_message()), nullptr;
  char *bytes = static_cast<char *>(std::malloc(model.size() + 1));
  if (!bytes) return nullptr;
  std::memcpy(bytes, model.data(), model.size());
  *model_size = model.size();
  return bytes;
}

heed_spm *Open(const char *model, size_t size, char *why) {
  auto m = std::make_unique<heed_spm>();
  const auto status = m->processor.LoadFromSerializedProto(absl::string_view(model, size));
  if (!status.ok()) return Explain(why, status.error_message()), nullptr;
  return m.release();
}

bool Encode(const heed_spm *m, const char *text, size_t size, heed_spm_take *take, void *self, char *why) {
  sentencepiece::ImmutableSentencePieceText made;
  const auto status = m->processor.Encode(absl::string_view(text, size), made.mutable_proto());
  if (!status.ok()) return Explain(why, status.error_message()), false;
  for (const auto &piece : made.pieces()) take(self, static_cast<int32_t>(piece.id()), piece.begin(), piece.end());
  return true;
}

// What was thrown; memory that ran out leaves no words.
void Caught(char *why) {
  try {
    throw;
  } catch (const std::bad_alloc &) {
    why[0] = 0;
  } catch (const std::exception &e) {
    Explain(why, e.what());
  } catch (...) {
    Explain(why, "SentencePiece failed without a word");
  }
}

}  // namespace

extern "C" char *heed_spm_train(const char *lines, size_t size, bool unigram, int64_t pieces, size_t *model_size, char why[HEED_SPM_WHY]) {
  why[0] = 0;
  try {
    return Train(lines, size, unigram, pieces, model_size, why);
  } catch (...) {
    return Caught(why), nullptr;
  }
}

extern "C" heed_spm *heed_spm_open(const char *model, size_t size, char why[HEED_SPM_WHY]) {
  why[0] = 0;
  try {
    return Open(model, size, why);
  } catch (...) {
    return Caught(why), nullptr;
  }
}

extern "C" void heed_spm_close(heed_spm *m) { delete m; }

extern "C" float heed_spm_score(const heed_spm *m, int32_t id) { return m->processor.GetScore(id); }

extern "C" bool heed_spm_encode(const heed_spm *m, const char *text, size_t size, heed_spm_take *take, void *self, char why[HEED_SPM_WHY]) {
  why[0] = 0;
  try {
    return Encode(m, text, size, take, self, why);
  } catch (...) {
    return Caught(why), false;
  }
}
