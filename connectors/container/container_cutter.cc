#include "connectors/container/container_cutter.h"

#include <algorithm>
#include <utility>

#include "connectors/container/container_line.h"

namespace silt::connectors {

void ContainerCutter::Open::add(std::string_view text, std::size_t end) {
  if (joined.empty()) joined = cut.text;
  joined += text;
  cut.text = {};
  cut.end = end;
}

ContainerCutter::ContainerCutter(std::string_view window, const RecordRules* rules, Arena& arena)
    : Cutter(window),
      lines_(window),
      joining_(rules != nullptr),
      joiner_(rules != nullptr ? *rules : *RecordRules::usual()),
      arena_(arena) {}

bool ContainerCutter::next(Cut& cut) {
  while (!give(cut)) {
    std::string_view line;
    if (!lines_.next(line)) return false;
    const std::size_t begin = std::exchange(open_end_, lines_.consumed());
    take(line, begin, open_end_);
  }
  return true;
}

bool ContainerCutter::last(Cut& cut) {
  for (auto& [stream, part] : std::exchange(parts_, {})) add_line(std::move(part));
  close_record();
  return give(cut);
}

void ContainerCutter::take(std::string_view line, std::size_t begin, std::size_t end) {
  const auto parsed = parse_container_line(line, arena_);
  Open open;
  open.cut = {.text = line, .begin = begin, .end = end};
  if (!parsed) return add_line(std::move(open));
  open.cut.text = parsed->text;
  open.cut.told_us = parsed->time_us;
  open.cut.stream = parsed->stream;
  const auto before = parts_.find(parsed->stream);
  if (before != parts_.end()) {
    open = std::move(before->second);
    parts_.erase(before);
    open.add(parsed->text, end);
  }
  if (!parsed->goes_on) return add_line(std::move(open));
  if (open.joined.size() > kJoinedBytesMax) return close(std::move(open), true);
  const std::string_view stream = open.cut.stream;
  parts_.emplace(stream, std::move(open));
}

// A whole line. The joiner looks at those of its record again: they stay where they are.
void ContainerCutter::add_line(Open line) {
  if (!line.joined.empty()) line.cut.text = arena_.copy(std::exchange(line.joined, {}));
  const std::string_view text = line.cut.text;
  if (!joining_) return close(std::move(line), false);
  const bool joins = record_ && record_->cut.stream == line.cut.stream && joiner_.joins(text);
  if (joins && record_->count < kJoinedLinesMax && record_->joined.size() + text.size() < kJoinedBytesMax) {
    record_->add("\n", line.cut.end);
    record_->add(text, line.cut.end);
    record_->cut.begin = std::min(record_->cut.begin, line.cut.begin);
    ++record_->count;
    return;
  }
  if (joins) record_->cut.goes_on = true;
  close_record();
  joiner_.begin(text);
  record_ = std::move(line);
}

void ContainerCutter::close_record() {
  if (!record_) return;
  const bool goes_on = record_->cut.goes_on;
  close(*std::exchange(record_, std::nullopt), goes_on);
}

void ContainerCutter::close(Open open, bool goes_on) {
  if (!open.joined.empty()) open.cut.text = arena_.copy(open.joined);
  while (joining_ && open.count > 1 && open.cut.text.ends_with('\n')) open.cut.text.remove_suffix(1);
  open.cut.goes_on = goes_on;
  whole_.push_back(open.cut);
}

// The farthest place that no record spans, be it open or whole.
std::size_t ContainerCutter::safe_end() const {
  std::size_t safe = open_end_;
  if (record_) safe = std::min(safe, record_->cut.begin);
  for (const auto& [stream, part] : parts_) safe = std::min(safe, part.cut.begin);
  for (bool moved = true; moved;) {
    moved = false;
    for (const Cut& each : whole_) {
      moved = moved || (each.begin < safe && safe < each.end);
      if (each.begin < safe && safe < each.end) safe = each.begin;
    }
  }
  return safe;
}

bool ContainerCutter::give(Cut& cut) {
  if (whole_.empty()) return false;
  const std::size_t safe = safe_end();
  const auto first = std::find_if(whole_.begin(), whole_.end(), [&](const Cut& each) { return each.end <= safe; });
  if (first == whole_.end()) return false;
  cut = *first;
  whole_.erase(first);
  given_to_ = std::max(given_to_, cut.end);
  cut.among = std::any_of(whole_.begin(), whole_.end(), [&](const Cut& each) { return each.begin < given_to_; });
  if (!cut.among) consumed_ = given_to_;
  return true;
}

}  // namespace silt::connectors
