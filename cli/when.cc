#include "cli/when.h"

#include <cctype>
#include <charconv>
#include <cstdio>
#include <ctime>

namespace silt::cli {
namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kDay = 86'400 * kSecond;

std::tm local_of(std::int64_t time_us) {
  const std::time_t seconds = time_us / kSecond;
  std::tm parts{};
  ::localtime_r(&seconds, &parts);
  return parts;
}

std::int64_t from_local(std::tm parts) {
  parts.tm_isdst = -1;
  return static_cast<std::int64_t>(std::mktime(&parts)) * kSecond;
}

std::int64_t midnight(std::int64_t now_us, int days_ago) {
  std::tm parts = local_of(now_us);
  parts.tm_hour = parts.tm_min = parts.tm_sec = 0;
  parts.tm_mday -= days_ago;
  return from_local(parts);
}

// Takes fixed-width digits and literals from the front of a text; stays failed after the first miss.
class Scan {
 public:
  explicit Scan(std::string_view text) : text_(text) {}
  int digits(std::size_t count, int low, int high) {
    int value = 0;
    const bool enough = text_.size() >= count;
    const auto end = text_.data() + (enough ? count : 0);
    const auto [stop, error] = std::from_chars(text_.data(), end, value);
    if (!enough || error != std::errc() || stop != end || text_[0] == '-' || value < low || value > high) {
      ok_ = false;
      return low;
    }
    text_.remove_prefix(count);
    return value;
  }
  bool skip(std::string_view any_of) {
    if (text_.empty() || any_of.find(text_[0]) == std::string_view::npos) return false;
    text_.remove_prefix(1);
    return true;
  }
  void expect(std::string_view any_of) { ok_ = skip(any_of) && ok_; }
  char peek() const { return text_.empty() ? '\0' : text_[0]; }
  bool done() const { return ok_ && text_.empty(); }
  bool ok() const { return ok_; }

 private:
  std::string_view text_;
  bool ok_ = true;
};

void scan_clock(Scan& scan, std::tm& parts) {
  parts.tm_hour = scan.digits(2, 0, 23);
  scan.expect(":");
  parts.tm_min = scan.digits(2, 0, 59);
  parts.tm_sec = scan.skip(":") ? scan.digits(2, 0, 60) : 0;
}

std::int64_t scan_fraction_us(Scan& scan) {
  std::int64_t us = 0;
  std::int64_t unit = kSecond;
  if (!scan.skip(".,")) return 0;
  while (std::isdigit(static_cast<unsigned char>(scan.peek()))) {
    unit /= 10;
    us += unit * scan.digits(1, 0, 9);
  }
  return us;
}

bool parse_date(std::string_view text, std::int64_t& out) {
  Scan scan(text);
  std::tm parts{};
  parts.tm_year = scan.digits(4, 1970, 9999) - 1900;
  scan.expect("-");
  parts.tm_mon = scan.digits(2, 1, 12) - 1;
  scan.expect("-");
  parts.tm_mday = scan.digits(2, 1, 31);
  std::tm normal = parts;
  ::timegm(&normal);
  if (normal.tm_mday != parts.tm_mday) return false;  // there is no 31st of that month
  std::int64_t fraction_us = 0;
  if (scan.ok() && scan.skip("Tt ")) {
    scan_clock(scan, parts);
    fraction_us = scan_fraction_us(scan);
  }
  if (scan.skip("Zz")) {
    out = static_cast<std::int64_t>(::timegm(&parts)) * kSecond + fraction_us;
    return scan.done();
  }
  if (scan.peek() == '+' || scan.peek() == '-') {
    const int sign = scan.peek() == '-' ? -1 : 1;
    scan.expect("+-");
    int offset_s = scan.digits(2, 0, 23) * 3600;
    scan.skip(":");
    offset_s += scan.digits(2, 0, 59) * 60;
    out = (static_cast<std::int64_t>(::timegm(&parts)) - sign * offset_s) * kSecond + fraction_us;
    return scan.done();
  }
  out = from_local(parts) + fraction_us;
  return scan.done();
}

bool parse_ago(std::string_view text, std::int64_t& ago_us) {
  std::int64_t count = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || stop + 1 != text.data() + text.size() || count < 0 || count > 100'000)
    return false;
  switch (*stop) {
    case 's': ago_us = count * kSecond; return true;
    case 'm': ago_us = count * 60 * kSecond; return true;
    case 'h': ago_us = count * 3600 * kSecond; return true;
    case 'd': ago_us = count * kDay; return true;
    case 'w': ago_us = count * 7 * kDay; return true;
    default: return false;
  }
}

bool parse_clock(std::string_view text, std::int64_t now_us, std::int64_t& out) {
  Scan scan(text);
  std::tm parts = local_of(now_us);
  scan_clock(scan, parts);
  if (!scan.done()) return false;
  out = from_local(parts);
  if (out > now_us) {
    parts.tm_mday -= 1;
    out = from_local(parts);
  }
  return true;
}

}  // namespace

Result<std::int64_t> parse_when(std::string_view text, std::int64_t now_us) {
  std::int64_t value = 0;
  if (text == "now") return now_us;
  if (text == "today") return midnight(now_us, 0);
  if (text == "yesterday") return midnight(now_us, 1);
  if (parse_ago(text, value)) return now_us - value;
  if (parse_clock(text, now_us, value)) return value;
  if (parse_date(text, value)) return value;
  return invalid_argument("'" + std::string(text) +
                          "' is no time: use 09:00, 2h, yesterday, 2026-11-21 or 2026-11-21T09:00:00Z");
}

Result<std::int64_t> parse_duration(std::string_view text) {
  std::int64_t value = 0;
  if (parse_ago(text, value)) return value;
  return invalid_argument("'" + std::string(text) + "' is no length of time: use 90s, 15m, 2h, 3d or 1w");
}

std::int32_t local_zone_s() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  localtime_r(&now, &parts);
  return static_cast<std::int32_t>(parts.tm_gmtoff);
}

std::string format_local(std::int64_t time_us) {
  const std::tm parts = local_of(time_us);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts);
  return text;
}

}  // namespace silt::cli
