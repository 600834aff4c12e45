#include "daemon/answer/line_writer.h"

#include <numeric>
#include <utility>
#include <vector>

namespace silt::answer {
namespace {

constexpr int kTokensMax = 128;

}  // namespace

LineWriter::LineWriter(std::shared_ptr<const model::Model> model, std::unique_ptr<model::Reader> reader)
    : model_(std::move(model)), tokens_(model_->tokenizer()), reader_(std::move(reader)) {}

Result<std::unique_ptr<LineWriter>> LineWriter::create(std::shared_ptr<const model::Model> model,
                                                       const model::BackendOptions& backend) {
  SILT_ASSIGN(auto reader, model::Reader::create(model, backend));
  return std::unique_ptr<LineWriter>(new LineWriter(std::move(model), std::move(reader)));
}

Result<LineWriter::Line> LineWriter::write(std::string_view prompt, model::GenerateOptions options,
                                           const std::atomic<bool>& cancelled) {
  const model::Tokenizer& tokenizer = model_->tokenizer();
  const std::vector<model::Token> tokens = tokens_of(prompt);
  const auto gone = [&] { return cancelled.load(std::memory_order_relaxed); };
  options.tokens_max = kTokensMax;
  options.on_token = [&](model::Token token) { return !gone() && !tokenizer.piece(token).ends_with('\n'); };
  const std::scoped_lock lock(mutex_);
  std::vector<model::Token> written;
  if (!gone()) {  // perhaps while others had their turn
    SILT_ASSIGN(written, reader_->generate(nullptr, tokens, options));
  }
  if (gone()) return Status(Code::kCancelled, "the question was cancelled");
  Line line{tokenizer.decode(written)};
  line.ended = line.text.ends_with('\n');
  if (line.ended) line.text.pop_back();
  return line;
}

Result<double> LineWriter::surprise(std::string_view prompt, std::string_view text) {
  std::vector<float> nats;
  const std::scoped_lock lock(mutex_);
  SILT_TRY(reader_->score(nullptr, tokens_of(prompt), tokens_of(text), nats));
  return std::accumulate(nats.begin(), nats.end(), 0.0);
}

std::vector<model::Token> LineWriter::tokens_of(std::string_view text) const {
  std::vector<model::Token> tokens;
  model_->tokenizer().encode(text, tokens);
  return tokens;
}

}  // namespace silt::answer
