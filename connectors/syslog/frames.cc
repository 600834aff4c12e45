#include "connectors/syslog/frames.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace silt::connectors {
namespace {

constexpr std::string_view kRelpOpen = "1 open ";
constexpr std::size_t kCountDigitsMax = 7;
constexpr std::size_t kRelpHeadMax = 9 + 1 + 32 + 1 + kCountDigitsMax + 1;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool read_number(std::string_view text, std::size_t digits_max, std::uint64_t& out) {
  if (text.empty() || text.size() > digits_max) return false;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), out);
  return read.ec == std::errc() && read.ptr == text.data() + text.size();
}

}  // namespace

bool FrameCutter::feed(std::string_view bytes, const Take& take) {
  if (broken_ || bytes.empty()) return !broken_;
  if (framing_ == Framing::kUnknown && !choose(bytes, take)) return !broken_;
  if (framing_ == Framing::kLines) feed_lines(bytes, take);
  else broken_ = !feed_counted(bytes, take);
  return !broken_;
}

// False: it takes more bytes to tell. What was held meanwhile is fed first.
bool FrameCutter::choose(std::string_view& bytes, const Take& take) {
  const std::string_view any = head_.empty() ? bytes : std::string_view(head_);
  if (!is_digit(any[0])) {
    framing_ = Framing::kLines;
    return true;
  }
  const std::size_t taken = std::min(bytes.size(), kRelpOpen.size() - head_.size());
  head_.append(bytes.substr(0, taken));
  bytes.remove_prefix(taken);
  const bool relp = kRelpOpen.starts_with(std::string_view(head_).substr(0, kRelpOpen.size()));
  if (relp && head_.size() < kRelpOpen.size()) return false;
  framing_ = relp ? Framing::kRelp : Framing::kCounted;
  const std::string first = std::exchange(head_, {});
  broken_ = !feed_counted(first, take);
  return !broken_;
}

void FrameCutter::feed_lines(std::string_view bytes, const Take& take) {
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    if (end == std::string_view::npos) return hold(bytes);
    end_frame(bytes.substr(0, end), take);
    bytes.remove_prefix(end + 1);
  }
}

// RELP counts, too, and ends each message with '\n', as some senders of counted ones do.
bool FrameCutter::feed_counted(std::string_view bytes, const Take& take) {
  while (!bytes.empty()) {
    if (!in_body_) {
      if (!take_head_byte(bytes[0])) return false;
      bytes.remove_prefix(1);
      if (!in_body_ || left_ > 0) continue;
    }
    const std::string_view body = bytes.substr(0, std::min<std::uint64_t>(bytes.size(), left_));
    bytes.remove_prefix(body.size());
    left_ -= body.size();
    if (left_ > 0) hold(body);
    else end_frame(body, take);
  }
  return true;
}

bool FrameCutter::take_head_byte(char c) {
  if (head_.empty() && c == '\n') return true;
  if (framing_ == Framing::kRelp) {
    // A message without data may end at once behind its zero.
    const auto spaces = std::count(head_.begin(), head_.end(), ' ');
    if (spaces == 2 && (c == ' ' || c == '\n')) return read_relp_head();
    head_ += c;
    return head_.size() <= kRelpHeadMax && is_digit(head_[0]);
  }
  if (c == ' ') return in_body_ = read_number(head_, kCountDigitsMax, left_);
  head_ += c;
  return is_digit(c) && head_.size() <= kCountDigitsMax;
}

bool FrameCutter::read_relp_head() {
  const std::size_t first = head_.find(' '), second = head_.rfind(' ');
  command_ = head_.substr(first + 1, second - first - 1);
  const std::string_view head = head_;
  in_body_ = read_number(head.substr(0, first), 9, number_) && read_number(head.substr(second + 1), kCountDigitsMax, left_);
  return in_body_;
}

void FrameCutter::hold(std::string_view bytes) {
  const std::size_t kept = std::min(bytes.size(), frame_bytes_max_ - held_.size());
  held_.append(bytes.substr(0, kept));
  bytes_cut_ += bytes.size() - kept;
}

void FrameCutter::end_frame(std::string_view last, const Take& take) {
  const bool whole = held_.empty() && last.size() <= frame_bytes_max_;
  if (!whole) hold(last);
  take({whole ? last : std::string_view(held_), bytes_cut_, false, command_, number_});
  held_.clear();
  head_.clear();
  bytes_cut_ = 0;
  in_body_ = false;
}

void FrameCutter::finish(const Take& take) {
  if (!broken_ && !held_.empty() && !is_relp()) take({held_, bytes_cut_, framing_ == Framing::kCounted, {}, 0});
  held_.clear();
  head_.clear();
}

}  // namespace silt::connectors
