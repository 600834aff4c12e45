#include "daemon/answer/prompt.h"

namespace silt::daemon {

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

}  // namespace silt::daemon
