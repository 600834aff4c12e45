#include "daemon/answer/evidence_reader.h"

#include <utility>

#include "daemon/answer/prompt.h"

namespace silt::answer {
namespace {

constexpr std::size_t kQuestionBytesMax = 512;

}  // namespace

bool reads_evidence(const model::Model& model) {
  const auto found = model.weights().metadata().find("evidence_reader");
  return found != model.weights().metadata().end() && found->second == "yes";
}

Result<std::unique_ptr<EvidenceReader>> EvidenceReader::create(std::shared_ptr<const model::Model> model,
                                                               const model::BackendOptions& backend,
                                                               double none_nats) {
  SILT_ASSIGN(auto writer, LineWriter::create(std::move(model), backend));
  return std::unique_ptr<EvidenceReader>(new EvidenceReader(std::move(writer), none_nats));
}

Result<std::optional<std::vector<EvidenceValue>>> EvidenceReader::read(std::span<const std::string> lines,
                                                                       std::string_view question,
                                                                       const std::atomic<bool>& cancelled) {
  std::optional<std::vector<EvidenceValue>> answer;
  const std::string asked = one_line(question);
  if (lines.empty() || asked.empty() || asked.size() > kQuestionBytesMax) return answer;
  std::vector<std::string> shown;
  for (const std::string& line : lines) {
    if (!show_evidence(line, shown)) break;
  }
  const EvidenceGrammar grammar(shown);
  const std::string prompt = open_prompt(shown, asked);
  SILT_ASSIGN(const LineWriter::Line line, writer_->write(prompt, grammar, cancelled));
  if (!line.ended) return answer;
  answer = parse_evidence_answer(line.text);
  if (answer->empty()) return answer;
  SILT_ASSIGN(const double nats, writer_->surprise(prompt, std::string(kNoAnswer) + "\n"));
  if (nats < none_nats_) answer->clear();
  return answer;
}

Result<bool> take_values(EvidenceReader& reader, std::string_view question,
                         const std::atomic<bool>& cancelled, std::vector<Finding>& records) {
  std::vector<std::string> lines;
  for (const Finding& record : records) {
    if (!show_evidence(record.text, lines)) break;
  }
  const std::size_t shown = lines.size();
  SILT_ASSIGN(const auto answer, reader.read(lines, question, cancelled));
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

}  // namespace silt::answer
