#include "cli/answer_view.h"

#include <algorithm>
#include <cstdio>

#include "cli/when.h"

namespace silt::cli {
namespace {

constexpr std::size_t kVersionsShown = 5;
constexpr std::size_t kLineShown = 320;  // bytes
constexpr std::size_t kBeforeSpan = 100;

std::string versions_line(const silt::v1::AskFinal& final) {
  std::string out;
  const auto& versions = final.versions();
  for (int i = 0; i < versions.size() && i < static_cast<int>(kVersionsShown); ++i) {
    const auto& version = versions[i];
    out += i == 0 ? "states: " : ", ";
    out += escape(version.source()) + " v" + std::to_string(version.state_version());
    if (version.journal_seq() > version.folded_seq()) {
      out += " (" + std::to_string(version.journal_seq() - version.folded_seq()) +
             " newer records not read yet)";
    }
  }
  if (versions.size() > static_cast<int>(kVersionsShown)) {
    out += " and " + std::to_string(versions.size() - kVersionsShown) + " more";
  }
  return out;
}

std::string cost_line(const silt::v1::AskFinal& final) {
  char took[48];
  std::snprintf(took, sizeof took, "%.0f ms", final.elapsed_ms());
  std::string out = std::to_string(final.records_examined()) + " records examined in " + took;
  if (final.truncated()) out += "; a limit was reached, and what is said is of what was seen";
  if (final.citations_dropped() > 0) {
    out += "; " + std::to_string(final.citations_dropped()) +
           " citations could not be verified and were dropped";
  }
  return out;
}

}  // namespace

void Answer::add(const silt::v1::AskResponse& event) {
  switch (event.event_case()) {
    case silt::v1::AskResponse::kPlan: plan = event.plan(); break;
    case silt::v1::AskResponse::kEvidence: evidence.push_back(event.evidence()); break;
    case silt::v1::AskResponse::kFinal:
      final = event.final();
      complete = true;
      break;
    case silt::v1::AskResponse::kText:  // the final message repeats it whole
    case silt::v1::AskResponse::EVENT_NOT_SET: break;
  }
}

std::string render(const silt::v1::Citation& citation, const Style& style) {
  std::string_view text = citation.text();
  if (text.ends_with('\r')) text.remove_suffix(1);  // a CRLF file's line end; --json has it
  const std::size_t span_begin = std::min<std::size_t>(citation.span_begin(), text.size());
  const std::size_t span_end = std::clamp<std::size_t>(citation.span_end(), span_begin, text.size());
  // A line can be 64 KiB long: the part around the span is shown, --json has all of it.
  const std::size_t shown_begin =
      text.size() <= kLineShown ? 0 : span_begin - std::min(span_begin, kBeforeSpan);
  const std::size_t shown_end = std::min(text.size(), shown_begin + kLineShown);
  const auto part = [&](std::size_t begin, std::size_t end) {
    begin = std::clamp(begin, shown_begin, shown_end);
    return escape(text.substr(begin, std::clamp(end, begin, shown_end) - begin));
  };
  std::string out;
  if (citation.number() > 0) out += style.bold("[" + std::to_string(citation.number()) + "]") + " ";
  out += style.dim(escape(citation.source()) + " #" + std::to_string(citation.seq()));
  if (citation.has_time()) {
    out += "  " +
           style.dim(format_local(citation.time().seconds() * 1'000'000 + citation.time().nanos() / 1000));
  }
  out += "  " + style.dim(shown_begin > 0 ? "..." : "") + part(0, span_begin);
  out += style.highlight(part(span_begin, span_end)) + part(span_end, text.size());
  if (shown_end < text.size()) out += style.dim("... (" + std::to_string(text.size()) + " bytes)");
  return out;
}

std::string render(const silt::v1::Plan& plan, const Style& style) {
  return style.dim("plan: " + escape(plan.text())) + "\n";
}

std::string render(const Answer& answer, const Style& style) {
  std::string out;
  if (answer.final.conversation_lost()) out += style.dim("the questions before are not known any more; this one was read alone") + "\n";
  // The server composes the answer of lines and words; each line is escaped on its own.
  std::string_view rest = answer.final.answer();
  while (!rest.empty() && rest.back() == '\n') rest.remove_suffix(1);
  for (bool more = true; more;) {
    const std::size_t end = rest.find('\n');
    more = end != std::string_view::npos;
    out += style.bold(escape(rest.substr(0, end))) + "\n";
    if (more) rest.remove_prefix(end + 1);
  }
  if (!answer.evidence.empty()) out += "\n";
  for (const auto& citation : answer.evidence) out += render(citation, style) + "\n";
  out += "\n";
  const std::string versions = versions_line(answer.final);
  if (!versions.empty()) out += style.dim(versions) + "\n";
  return out + style.dim(cost_line(answer.final)) + "\n";
}

}  // namespace silt::cli
