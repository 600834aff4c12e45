#include "connectors/line_joiner.h"

#include <algorithm>
#include <array>

#include "connectors/kernel_report.h"
#include "connectors/line_head.h"

namespace silt::connectors {
namespace {

using std::string_view;

constexpr std::uint8_t kPartsToTrust = 2;  // of a report without times, before what is unknown is taken for a part

constexpr string_view kTraceback = "Traceback (most recent call last):";

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool contains(string_view text, string_view part) {
  return text.find(part) != string_view::npos;
}

string_view without_end(string_view line) {
  while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
  return line;
}

// "goroutine 17 [running]:"
bool is_goroutine(string_view line) {
  return line.starts_with("goroutine ") && line.ends_with("]:");
}

// "... 12 more", "... 3 common frames omitted", "at a.b.C.d(C.java:12)", "app/x.rb:12:in `call'"
bool is_frame(string_view line) {
  if (line.starts_with("... ")) return line.size() > 4 && is_digit(line[4]);
  const string_view head = line.substr(0, line.find(' '));
  if (head == "at") return line.find('(') != string_view::npos || contains(line, ":");
  return contains(head, ".rb:") && (contains(line, ":in `") || contains(line, ":in '")) &&
         !line.ends_with(')');
}

constexpr std::array<string_view, 11> kGoesOn = {
    "Caused by: ",      "Suppressed: ",          "Stack trace:", "--- End of",
    "stack backtrace:", "note: run with `RUST_", "Wrapped by: ", "Backtrace:",
    "[stacktrace]",     "--- End of inner",      "Call stack:"};

bool goes_on(string_view line) {
  return std::any_of(kGoesOn.begin(), kGoesOn.end(), [&](string_view one) { return line.starts_with(one); });
}

// "During handling of the above exception, another exception occurred:" and its like.
bool chains_tracebacks(string_view line) {
  return line.starts_with("During handling of the above") || line.starts_with("The above exception was");
}

// "main.(*T).run(0x1, {0x2, 0x3})", "created by main.main in goroutine 1", "exit status 2"
bool is_go_frame(string_view line) {
  if (line.starts_with("created by ") || line.starts_with("exit status ") || line.starts_with("[signal ") ||
      line.starts_with("runtime stack:") || line.starts_with("...additional frames"))
    return true;
  const std::size_t open = line.find('(');
  return open != string_view::npos && open < line.find(' ') && line.ends_with(')') &&
         contains(line.substr(0, open), ".");
}

bool is_caret(string_view text) {
  return text.find_first_not_of("^~") == string_view::npos;
}

bool is_closer(string_view line) {
  if (line.starts_with("</")) return true;
  return line.find_first_not_of("}]),; \t\r") == string_view::npos;
}

// First bytes of lines that may continue a plain record although they are not indented. All others cost
// one look.
constexpr std::array<bool, 256> make_notable() {
  std::array<bool, 256> notable{};
  for (const char c : string_view(" \t\r}])<.#-=")) notable[static_cast<unsigned char>(c)] = true;
  for (int c = 'A'; c <= 'Z'; ++c)
    notable[static_cast<std::size_t>(c)] = notable[static_cast<std::size_t>(c | 32)] = true;
  return notable;
}
constexpr std::array<bool, 256> kNotable = make_notable();

}  // namespace

void LineJoiner::begin(string_view line) {
  first_ = line;
  lines_ = 1;
  headed_ = -1;
  kind_ = Kind::kPlain;
  opened_ = chained_ = kernel_ended_ = kernel_closes_ = bare_kernel_ = kernel_rest_ = false;
  strangers_ = 0;
  parts_ = 1;
  if (line.empty() || rules_.kind() != RecordRules::Kind::kUsual) return;
  const char last = line.back() == '\r' && line.size() > 1 ? line[line.size() - 2] : line.back();
  if (last == '{' || last == '[') {
    opened_ = true;
    kind_ = Kind::kJson;
    depth_ = 1;
    in_string_ = false;
  } else if (last == ':') {
    const string_view text = without_end(line);
    if (text.ends_with(kTraceback)) kind_ = Kind::kPython;
    if (is_goroutine(text)) kind_ = Kind::kGo;
    if (text.ends_with("Stack trace:")) kind_ = Kind::kPhp;
  }
  const auto kernel = kernel_line(line);
  // The kernel may be told to print no times.
  bare_kernel_ = !kernel && kNotable[static_cast<unsigned char>(line[0])] && opens_kernel_report(line);
  if (bare_kernel_ || (kernel && opens_kernel_report(kernel->message))) kind_ = Kind::kKernel;
  if (kind_ == Kind::kPlain && kernel && is_inside_kernel_report(kernel->message)) {
    kind_ = Kind::kKernel;
    kernel_rest_ = true;
  }
  if (kind_ == Kind::kKernel && is_report_mark(kernel ? kernel->message : line)) parts_ = kPartsToTrust;
  kernel_stamp_us_ = kernel ? kernel->stamp_us : -1;
  kernel_by_clock_ = kernel && kernel->by_clock;
}

bool LineJoiner::joins(string_view line) {
  bool yes = false;
  switch (rules_.kind()) {
    case RecordRules::Kind::kStart: yes = !rules_.matches(line); break;
    case RecordRules::Kind::kContinue: yes = rules_.matches(line); break;
    case RecordRules::Kind::kUsual: yes = continues(line); break;
  }
  if (yes) ++lines_;
  return yes;
}

bool LineJoiner::continues(string_view line) {
  if (line.empty()) return blank_continues();
  if (kind_ == Kind::kPlain && !kNotable[static_cast<unsigned char>(line[0])]) return false;
  if (kind_ == Kind::kKernel) return kernel_continues(line);
  const std::size_t indent = indentation(line);
  if (indent == line.size()) return blank_continues();
  if (kind_ == Kind::kJson && depth_ > 0) return json_continues(line, indent);
  if (indent > 0) return indented_continues(line, indent);
  return unindented_continues(line);
}

bool LineJoiner::first_is_headed() {
  if (headed_ < 0) headed_ = has_head(first_) ? 1 : 0;
  return headed_ == 1;
}

// Only inside of what has blank lines: they are no part of others.
bool LineJoiner::blank_continues() {
  switch (kind_) {
    case Kind::kJson: return depth_ > 0;
    case Kind::kPythonEnd:
    case Kind::kGo:
    case Kind::kNode:
    case Kind::kPhp: return true;
    case Kind::kPlain:
      if (!contains(first_, "panic: ") && !contains(first_, "fatal error: ")) return false;
      kind_ = Kind::kGo;
      return true;
    case Kind::kKernel: return bare_kernel_ && !kernel_ended_ && strangers_ == 0;
    case Kind::kPython: return false;
  }
  return false;
}

bool LineJoiner::indented_continues(string_view line, std::size_t indent) {
  const string_view text = line.substr(indent);
  const std::size_t first_indent = indentation(first_);
  const bool frame = is_frame(text) || text.starts_with("from ") || goes_on(text);
  if (!frame && indent <= first_indent) return false;
  // A time behind white space is the head of a record where records have none before it.
  const bool may_be_head = is_digit(text[0]) || text[0] == '[' || text[0] == '{';
  if (may_be_head && has_head(text) && !(first_indent == 0 && first_is_headed())) return false;
  if (is_caret(without_end(text)) && kind_ == Kind::kPlain) kind_ = Kind::kNode;
  if (text.starts_with(kTraceback)) kind_ = Kind::kPython;
  return true;
}

// While brackets are open: what may stand in JSON, and anything that is indented.
bool LineJoiner::json_continues(string_view line, std::size_t indent) {
  const string_view text = line.substr(indent);
  const bool plain_json = string_view("\"{}[],-0123456789").find(text[0]) != string_view::npos ||
                          text.starts_with("true") || text.starts_with("false") || text.starts_with("null");
  // "[name] ..." is a head, however it goes on.
  if (indent == 0 && text[0] == '[' && text.size() > 1 &&
      string_view(" \t\r\"{[]-0123456789").find(text[1]) == string_view::npos)
    return false;
  const bool first_alone = first_.find_first_not_of(" \t\r{[") == string_view::npos;
  if (indent == 0 && !plain_json) return unindented_continues(line);
  if (indent == 0 && has_head(line) && !(text[0] == '{' && first_alone)) return false;
  count_braces(text);
  return true;
}

void LineJoiner::count_braces(string_view line) {
  in_string_ = false;  // no JSON string goes over the end of a line
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (in_string_ && c == '\\') {
      ++i;
    } else if (c == '"') {
      in_string_ = !in_string_;
    } else if (!in_string_ && (c == '{' || c == '[')) {
      ++depth_;
    } else if (!in_string_ && (c == '}' || c == ']')) {
      --depth_;
    }
  }
}

// Known parts of a report; and, until its end mark, whatever the kernel says in the same moment, or, where
// nothing has a time, a few strangers between them.
bool LineJoiner::kernel_continues(string_view line) {
  // Some of its lines look like heads: versions, addresses, what is said behind a mark.
  const bool known = bare_kernel_ && (opens_kernel_report(line) || contains(line, "pgd=") ||
                                      contains(line, " Not tainted") || line.starts_with("INFO: lockdep") ||
                                      (lines_ == 1 && is_report_mark(first_)));
  const bool bare = bare_kernel_ && (known || !has_head(line));
  const auto kernel = bare ? KernelLine{line} : kernel_line(line);
  if (!kernel) return false;
  const string_view message = kernel->message;
  if (kernel_rest_) return is_inside_kernel_report(message);
  // A clock tells seconds.
  const std::int64_t moment_us = kernel->by_clock ? 2'000'000 : 1'000'000;
  const std::int64_t passed_us = kernel->stamp_us - kernel_stamp_us_;
  const bool same_moment = kernel->stamp_us >= 0 && kernel_stamp_us_ >= 0 && kernel->by_clock == kernel_by_clock_ &&
                           passed_us >= 0 && passed_us <= moment_us;
  if (begins_another_report(message, same_moment || bare)) return false;
  const bool part = opens_kernel_report(message) || continues_kernel_report(message);
  if (!part && !takes_stranger(bare, same_moment)) return false;
  note_kernel_part(message, part);
  kernel_stamp_us_ = kernel->stamp_us;
  kernel_by_clock_ = kernel->by_clock;
  return true;
}

// Behind the mark that it begins with, a report says what it is about. Later, another mark or another report
// is one of its own, but for the mark that ends it and for what happens at once: the panic that follows.
bool LineJoiner::begins_another_report(string_view message, bool follows) const {
  const bool behind_mark = lines_ == 1 && is_report_mark(first_);
  if (kernel_ended_ && message.starts_with("WARNING: ")) return true;
  if (!opens_kernel_report(message) || behind_mark) return false;
  if (message.starts_with("INFO: task ")) return true;  // each that hangs has its own
  if (is_report_mark(message)) return !(follows && kernel_closes_ && !kernel_ended_);
  return !follows || (kernel_ended_ && !message.starts_with("Kernel panic"));
}

void LineJoiner::note_kernel_part(string_view message, bool part) {
  const bool by_sanitizer = message.starts_with("BUG: K") || message.starts_with(" BUG: K");
  if ((by_sanitizer && first_.ends_with("====")) || message.starts_with("Showing all locks")) kernel_closes_ = true;
  if (lines_ > 1) kernel_ended_ = kernel_ended_ || is_report_mark(message) || message.starts_with("---[ end");
  strangers_ = part ? std::uint8_t{0} : static_cast<std::uint8_t>(strangers_ + 1);
  if (part && parts_ < kPartsToTrust) ++parts_;
}

bool LineJoiner::takes_stranger(bool bare, bool same_moment) const {
  constexpr std::uint8_t kStrangersMax = 4;
  if (kernel_ended_) return false;
  return same_moment || (bare && parts_ >= kPartsToTrust && strangers_ < kStrangersMax);
}

// Not indented, and not blank.
bool LineJoiner::unindented_continues(string_view line) {
  if (is_closer(line)) return lines_ > 1 || opened_;
  const string_view text = without_end(line);
  if (kind_ == Kind::kPlain || kind_ == Kind::kJson) return may_continue_plain(text);
  return in_dialect(text);
}

bool LineJoiner::may_continue_plain(string_view line) {
  if (goes_on(line)) {
    if (line.starts_with("Stack trace:") || line.starts_with("[stacktrace]")) kind_ = Kind::kPhp;
    return true;
  }
  if (is_frame(line)) return true;
  if (line.ends_with("]:") && is_goroutine(line)) {
    kind_ = Kind::kGo;
    return true;
  }
  if (line == kTraceback && first_is_headed()) {
    kind_ = Kind::kPython;
    return true;
  }
  // What a logger prints behind its message; and the message of a panic, behind where it was.
  if (lines_ == 1 && names_exception(line)) return first_is_headed() && !has_head(line);
  return lines_ == 1 && !first_.empty() && first_.back() == ':' && contains(first_, " panicked at ") &&
         !has_head(line);
}

// Traces of which we know what they are: of these lines, more may go on.
bool LineJoiner::in_dialect(string_view line) {
  if (has_head(line)) return false;
  switch (kind_) {
    case Kind::kPython: kind_ = Kind::kPythonEnd; return true;  // the exception itself
    case Kind::kPythonEnd:
      if (chains_tracebacks(line)) return chained_ = true;
      if (line != kTraceback || !chained_) return false;
      kind_ = Kind::kPython;
      return !(chained_ = false);
    case Kind::kGo: return is_goroutine(line) || is_go_frame(line);
    case Kind::kNode: return line.starts_with("Node.js v") || names_exception(line);
    case Kind::kPhp:
      return (line[0] == '#' && line.size() > 1 && is_digit(line[1])) || line.starts_with("Next ") ||
             goes_on(line) || line == "\"";
    default: return false;
  }
}

}  // namespace silt::connectors
