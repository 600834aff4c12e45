#include "daemon/answer/compose.h"

#include <algorithm>
#include <cstdio>
#include <set>

#include "base/escape.h"

namespace silt::answer {
namespace {

// "[12]" looks like one of our marks, which have at most three digits; "sshd[24833]" does not.
bool looks_like_mark(std::string_view text) {
  std::size_t i = 1;
  while (i < text.size() && text[i] >= '0' && text[i] <= '9') ++i;
  return text.front() == '[' && i > 1 && i <= 4 && i < text.size() && text[i] == ']';
}

// A mark with a space in front, empty for number 0.
std::string mark(std::uint32_t number) {
  std::string text;
  if (number != 0) text.append(" [").append(std::to_string(number)).append("]");
  return text;
}

std::string plural(std::uint64_t count, std::string_view noun) {
  return std::to_string(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

std::string duration(std::int64_t us) {
  char text[48];
  const double seconds = double(us) / 1e6;
  if (seconds < 120) {
    std::snprintf(text, sizeof(text), "%.6g s", seconds);
  } else if (seconds < 7200) {
    std::snprintf(text, sizeof(text), "%.1f min", seconds / 60);
  } else {
    std::snprintf(text, sizeof(text), "%.1f h", seconds / 3600);
  }
  return text;
}

class Composer {
 public:
  Composer(const QueryPlan& plan, const Findings& findings, const std::vector<AnswerSource>& sources,
           CitationBook& book)
      : plan_(plan), findings_(findings), sources_(sources), book_(book) {}

  Result<Composed> compose() {
    Status status;
    if (findings_.records.empty() && findings_.rows.empty()) {
      abstain();
    } else {
      switch (plan_.kind) {
        case PlanKind::kCount: status = count(); break;
        case PlanKind::kTop: status = findings_.rows.empty() ? lines() : table(); break;
        case PlanKind::kCompare:
        case PlanKind::kDigest: status = report(); break;
        case PlanKind::kBetween: status = between(); break;
        case PlanKind::kFirst:
        case PlanKind::kLast: status = first_or_last(); break;
        case PlanKind::kFind:
        case PlanKind::kExplain: status = find(); break;
      }
    }
    SILT_TRY(status);
    for (const std::string& note : findings_.notes) out_.text.append("\n(").append(quote(note)).append(")");
    return std::move(out_);
  }

 private:
  void abstain();
  Status find();
  Status values();
  Status lines();
  Status count();
  Status table();
  Status report();
  Status between();
  Status first_or_last();
  Status cite_rest();
  std::string value_of(const Finding& finding) const;
  std::string scope() const;
  std::string message(const Finding& finding) const;

  const QueryPlan& plan_;
  const Findings& findings_;
  const std::vector<AnswerSource>& sources_;
  CitationBook& book_;
  Composed out_;
};

std::string Composer::scope() const {
  std::uint64_t records = 0;
  for (const AnswerSource& source : sources_) records += source.fold.folded_seq - source.fold.floor_seq;
  std::string text = plural(records, "record") + " of " + plural(sources_.size(), "source");
  const bool since = plan_.time.first_us != TimeRange::kMin, until = plan_.time.last_us != TimeRange::kMax;
  if (since && until)
    return text + " between " + format_time(plan_.time.first_us) + " and " + format_time(plan_.time.last_us);
  if (since) return text + " since " + format_time(plan_.time.first_us);
  if (until) return text + " until " + format_time(plan_.time.last_us);
  return text;
}

void Composer::abstain() {
  out_.abstained = true;
  std::string subject;
  for (const MissingTerm& term : findings_.missing)
    subject += (subject.empty() ? "\"" : ", \"") + quote(term.text) + "\"";
  for (const std::string& phrase : plan_.phrases)
    subject += (subject.empty() ? "\"" : ", \"") + quote(phrase) + "\"";
  out_.text =
      "I found nothing" + (subject.empty() ? std::string() : " about " + subject) + " in " + scope() + ".";
  if (findings_.missing.size() > 1) {
    out_.text += " By themselves:";
    for (std::size_t i = 0; i < findings_.missing.size(); ++i) {
      const MissingTerm& term = findings_.missing[i];
      out_.text += (i == 0 ? " \"" : ", \"") + quote(term.text) + "\" in " +
                   (term.count == 0 ? "none" : std::to_string(term.count));
    }
    out_.text += ".";
  }
}

std::string Composer::message(const Finding& finding) const {
  std::string_view line = finding.text;
  if (line.ends_with('\r')) line.remove_suffix(1);  // of a CRLF file's line end
  std::string text = "\"";
  text += quote(line);
  return text += '"';
}

std::string Composer::value_of(const Finding& finding) const {
  if (plan_.slot == Slot::kTime) return format_time(finding.event_us);
  return quote(finding.value);
}

Status Composer::cite_rest() {
  for (const Finding& finding : findings_.records) {
    if (book_.full()) break;
    SILT_TRY(book_.number(finding).status());
  }
  return Status::ok();
}

// The value of the best record that has one, then other values of records that fit as well.
Status Composer::values() {
  const double best = findings_.records.front().score;
  std::set<std::string> said;
  double fit = 0;
  for (const Finding& finding : findings_.records) {
    const bool has_value = plan_.slot == Slot::kTime || (!finding.value.empty() && finding.fit > 0.2);
    if (!has_value || said.size() >= 5 || finding.score < (said.empty() ? 0.6 * best : 0.97 * best)) continue;
    if (!said.empty() && finding.fit < fit) continue;
    const std::string value = value_of(finding);
    if (said.contains(value)) continue;
    SILT_ASSIGN(const std::uint32_t number, book_.number(finding));
    if (number == 0) continue;
    out_.text += (said.empty() ? "" : ", ") + value + mark(number);
    fit = said.empty() ? finding.fit : fit;
    said.insert(value);
    if (plan_.slot == Slot::kTime) break;
  }
  return Status::ok();
}

Status Composer::lines() {
  std::size_t said = 0;
  for (const Finding& finding : findings_.records) {
    if (said >= 1) break;
    SILT_ASSIGN(const std::uint32_t number, book_.number(finding));
    if (number == 0) continue;
    out_.text += message(finding) + mark(number);
    ++said;
  }
  return cite_rest();
}

Status Composer::find() {
  if (plan_.slot != Slot::kNone && plan_.kind == PlanKind::kFind) SILT_TRY(values());
  if (!out_.text.empty()) return cite_rest();
  if (plan_.slot != Slot::kNone && plan_.kind == PlanKind::kFind && plan_.slot != Slot::kState &&
      plan_.slot != Slot::kWord && plan_.slot != Slot::kSubject) {
    out_.text = "No " + std::string(slot_name(plan_.slot)) + " found" +
                (plan_.near.empty() ? std::string() : " near \"" + quote(plan_.near) + "\"") + ". Closest: ";
  }
  return lines();
}

Status Composer::count() {
  if (plan_.slot != Slot::kNone && !findings_.rows.empty()) {
    out_.text = plural(findings_.distinct, std::string(slot_name(plan_.slot)) + " value") + " in " +
                plural(findings_.matched, "record") + ": ";
    return table();
  }
  std::string marks;
  for (const Finding& finding : findings_.records) {
    SILT_ASSIGN(const std::uint32_t number, book_.number(finding));
    marks += mark(number);
  }
  out_.text = plural(findings_.matched, "record") + marks;
  return Status::ok();
}

Status Composer::table() {
  const std::string_view separator = plan_.slot == Slot::kPattern ? "\n" : ", ";  // patterns are long
  std::size_t said = 0;
  std::vector<const Finding*> more;
  for (const TableRow& row : findings_.rows) {
    std::string marks;
    for (const Finding& example : row.examples) {
      if (!marks.empty()) {
        more.push_back(&example);
        continue;
      }
      SILT_ASSIGN(const std::uint32_t number, book_.number(example));
      marks = mark(number);
    }
    if (said++ > 0) out_.text += separator;
    out_.text += quote(row.label) + " (" + std::to_string(row.count) + ")" + marks;
  }
  if (findings_.distinct > said) {
    out_.text += plan_.slot == Slot::kPattern ? "\nand " : " and ";
    out_.text += std::to_string(findings_.distinct - said) + " more";
  }
  for (const Finding* finding : more) {
    if (book_.full()) break;
    SILT_TRY(book_.number(*finding).status());
  }
  return Status::ok();
}

Status Composer::report() {
  const bool comparing = plan_.kind == PlanKind::kCompare;
  out_.text = comparing ? plural(findings_.matched, "record") + " since " + format_time(plan_.time.first_us) +
                              " against before:"
                        : plural(findings_.matched, "record") + "; worth a look:";
  for (const TableRow& row : findings_.rows) {
    std::string marks;
    for (const Finding& example : row.examples) {
      SILT_ASSIGN(const std::uint32_t number, book_.number(example));
      if (number != 0) {
        marks = mark(number);
        break;
      }
    }
    out_.text.append("\n- ").append(quote(row.label)).append(": ").append(std::to_string(row.count));
    if (comparing) out_.text += " (before: " + std::to_string(row.baseline) + ")";
    out_.text += ", " + row.remark + marks;
  }
  return Status::ok();
}

Status Composer::between() {
  const Finding& first = findings_.records[0];
  const Finding& last = findings_.records[1];
  SILT_ASSIGN(const std::uint32_t from, book_.number(first));
  SILT_ASSIGN(const std::uint32_t to, book_.number(last));
  out_.text = duration(findings_.span_us) + " and " + plural(findings_.matched, "record") + " lie between" +
              mark(from) + " and" + mark(to);
  for (std::size_t i = 2; i < findings_.records.size(); ++i) {
    SILT_ASSIGN(const std::uint32_t number, book_.number(findings_.records[i]));
    if (number != 0) out_.text += (i == 2 ? "; among them" : ",") + mark(number);
  }
  return Status::ok();
}

Status Composer::first_or_last() {
  std::size_t said = 0;
  for (const Finding& finding : findings_.records) {
    SILT_ASSIGN(const std::uint32_t number, book_.number(finding));
    if (number == 0) continue;
    const bool has_value = plan_.slot != Slot::kNone && plan_.slot != Slot::kTime &&
                           plan_.slot != Slot::kPattern && !finding.value.empty();
    out_.text += said++ ? ", " : "";
    out_.text += has_value                   ? value_of(finding)
                 : plan_.slot == Slot::kTime ? format_time(finding.event_us)
                                             : format_time(finding.event_us) + " " + message(finding);
    out_.text += mark(number);
  }
  if (findings_.matched > said && said > 0)
    out_.text.append(" (of ").append(plural(findings_.matched, "record")).append(")");
  return Status::ok();
}

}  // namespace

std::string quote(std::string_view text, std::size_t max) {
  std::string out;
  while (!text.empty()) {
    if (out.size() >= max) return out + "...";
    if (looks_like_mark(text)) {
      out += "\\x5b";
      text.remove_prefix(1);
    } else {
      escape_front(text, out);
    }
  }
  return out;
}

Result<std::uint32_t> CitationBook::number(const Finding& finding) {
  const AnswerSource& source = sources_[finding.source];
  const std::string name = escape_bytes(source.info.name);
  for (const silt::v1::Citation& citation : citations_) {
    if (citation.seq() == finding.seq && citation.source() == name) return citation.number();
  }
  if (full() || dropped_.contains({finding.source, finding.seq})) return std::uint32_t{0};
  CitationRequest request{source.info.ref,  source.info.name, finding.seq,  finding.span,
                          finding.event_us, finding.bits,     finding.score};
  SILT_ASSIGN(auto citation, cite(log_, request));
  if (!citation || citation->text() != finding.text) {
    dropped_.emplace(finding.source, finding.seq);
    return std::uint32_t{0};
  }
  citation->set_number(static_cast<std::uint32_t>(citations_.size() + 1));
  citations_.push_back(std::move(*citation));
  return citations_.back().number();
}

Result<Composed> compose(const QueryPlan& plan, const Findings& findings,
                         const std::vector<AnswerSource>& sources, CitationBook& book) {
  return Composer(plan, findings, sources, book).compose();
}

}  // namespace silt::answer
