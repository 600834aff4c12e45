#include "daemon/answer/prompt.h"

#include <utility>

namespace silt::answer {

std::string one_line(std::string_view text) {
  std::string out;
  bool blank = false;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= ' ' || c == '\x7f') {
      blank = !out.empty();
      continue;
    }
    if (blank) out += ' ';
    blank = false;
    out += c;
  }
  return out;
}

std::string plan_prompt(std::string_view question) {
  std::string out(kAskMark);
  out.append(question).append("\n").append(kPlanMark);
  return out;
}

std::string evidence_line(std::string_view record) {
  std::string line = record.find('\n') == record.npos ? std::string(record) : one_line(record);
  if (line.size() <= kEvidenceLineMax) return line;
  std::size_t end = kEvidenceLineMax;
  while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xc0) == 0x80) --end;
  return line.substr(0, end);
}

bool show_evidence(std::string_view record, std::vector<std::string>& shown) {
  std::string line = evidence_line(record);
  std::size_t bytes = line.size();
  for (const std::string& other : shown) bytes += other.size();
  if (shown.size() == kEvidenceLinesMax || bytes > kEvidenceBytesMax) return false;
  shown.push_back(std::move(line));
  return true;
}

std::string open_prompt(std::span<const std::string> lines, std::string_view question) {
  std::string out(kAskMark);
  out.append(question).append("\n").append(kLinesMark);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    out.append("[").append(std::to_string(i + 1)).append("] ").append(lines[i]).append("\n");
  }
  return out.append(kAskMark).append(question).append("\n").append(kAnswerMark);
}

}  // namespace silt::answer
