#include "daemon/answer/evidence_reader.h"

#include <utility>

#include "daemon/answer/prompt.h"

namespace silt::daemon {
namespace {

constexpr int kAnswerTokensMax = 128;
constexpr std::size_t kQuestionBytesMax = 512;

}  // namespace

bool reads_evidence(const model::Model& model) {
  const auto found = model.weights().metadata().find("evidence_reader");
  return found != model.weights().metadata().end() && found->second == "yes";
}

Result<std::unique_ptr<EvidenceReader>> EvidenceReader::create(std::shared_ptr<const model::Model> model,
                                                               const model::BackendOptions& backend) {
  std::unique_ptr<EvidenceReader> made(new EvidenceReader());
  SILT_ASSIGN(made->reader_, model::Reader::create(model, backend));
  made->tokens_.emplace(model->tokenizer());
  made->model_ = std::move(model);
  return made;
}

Result<std::optional<std::vector<EvidenceValue>>> EvidenceReader::read(std::span<const std::string> lines,
                                                                       std::string_view question) {
  std::optional<std::vector<EvidenceValue>> answer;
  const std::string asked = one_line(question);
  if (lines.empty() || asked.empty() || asked.size() > kQuestionBytesMax) return answer;
  std::vector<std::string> shown;
  for (const std::string& line : lines) {
    if (!show_evidence(line, shown)) break;
  }
  const model::Tokenizer& tokenizer = model_->tokenizer();
  std::vector<model::Token> prompt;
  tokenizer.encode(open_prompt(shown, asked), prompt);
  const EvidenceGrammar grammar(shown);
  model::GenerateOptions options;
  options.tokens_max = kAnswerTokensMax;
  options.grammar = TokenGrammar(grammar, *tokens_);
  options.on_token = [&](model::Token token) { return !tokenizer.piece(token).ends_with('\n'); };
  const std::scoped_lock lock(mutex_);
  SILT_ASSIGN(const std::vector<model::Token> written, reader_->generate(nullptr, prompt, options));
  std::string text = tokenizer.decode(written);
  if (!text.ends_with('\n')) return answer;
  text.pop_back();
  answer = parse_evidence_answer(text);
  return answer;
}

Result<bool> take_values(EvidenceReader& reader, std::string_view question, std::vector<Finding>& records) {
  std::vector<std::string> lines;
  for (const Finding& record : records) {
    if (!show_evidence(record.text, lines)) break;
  }
  const std::size_t shown = lines.size();
  SILT_ASSIGN(const auto answer, reader.read(lines, question));
  if (!answer) return false;
  const double best = records.front().score;
  std::vector<Finding> cited;
  std::vector<bool> taken(records.size(), false);
  for (const EvidenceValue& value : *answer) {
    for (const std::size_t i : value.lines) {
      if (i >= shown || taken[i]) continue;
      std::size_t at = 0;
      const auto here = [&](std::size_t begin, std::size_t) {
        at = begin;
        return true;
      };
      if (!CopiedText(records[i].text).has(value.text, true, here)) continue;
      taken[i] = true;
      Finding& finding = cited.emplace_back(records[i]);
      finding.value = value.text;
      finding.span = {static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(at + value.text.size())};
      finding.fit = 1;
      finding.score = best;
    }
  }
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (taken[i]) continue;
    cited.push_back(std::move(records[i]));
    if (i >= shown) continue;
    cited.back().value.clear();
    cited.back().fit = 0;
  }
  records = std::move(cited);
  return true;
}

}  // namespace silt::daemon
