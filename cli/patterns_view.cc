#include "cli/patterns_view.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <string_view>

#include "cli/when.h"

namespace silt::cli {
namespace {

// "▁▃ █": as high as its records are many, against the greatest; blank: none.
std::string sparkline(const silt::v1::TimeBuckets& buckets) {
  static constexpr std::array<std::string_view, 8> kBars = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  const std::uint64_t most = buckets.counts().empty() ? 0 : *std::max_element(buckets.counts().begin(), buckets.counts().end());
  std::string out;
  for (const std::uint64_t count : buckets.counts()) {
    const double height = static_cast<double>(count) * kBars.size() / static_cast<double>(std::max<std::uint64_t>(most, 1));
    out += count == 0 ? " " : kBars[static_cast<std::size_t>(std::ceil(height)) - 1];
  }
  return out;
}

std::string length_text(double seconds) {
  const auto whole = static_cast<std::uint64_t>(seconds);
  for (const auto& [length, unit] : {std::pair<std::uint64_t, const char*>{86400, " d"}, {3600, " h"}, {60, " min"}})
    if (whole >= length && whole % length == 0) return std::to_string(whole / length) + unit;
  return std::to_string(whole) + " s";
}

}  // namespace

std::string render(const silt::v1::PatternsResponse& from, const Style& style) {
  std::string out;
  for (const auto& pattern : from.patterns()) {
    out += style.bold(std::to_string(pattern.count())) + "  " + escape(pattern.text()) + "\n";
    out += style.dim("      " + escape(pattern.source()) + " pattern:" + std::to_string(pattern.id()) + "  " +
                     format_local(pattern.first().seconds() * 1'000'000) + " to " +
                     format_local(pattern.last().seconds() * 1'000'000)) + "\n";
    if (pattern.has_histogram()) out += "      |" + sparkline(pattern.histogram()) + "|\n";
    for (const auto& slot : pattern.slots()) {
      const std::string kind = slot.type() + (slot.unit().empty() ? "" : " in " + escape(slot.unit()));
      out += "      " + escape(slot.name()) + ": " + kind + " (" + std::to_string(slot.values_total()) + "):";
      for (const auto& value : slot.top()) out += " " + escape(value.value()) + " " + std::to_string(value.count()) + ";";
      out += "\n";
    }
  }
  std::string foot = std::to_string(from.patterns_size()) + " of " + std::to_string(from.patterns_total()) + " patterns";
  if (from.patterns_size() > 0 && from.patterns(0).has_histogram()) {
    const silt::v1::TimeBuckets& axis = from.patterns(0).histogram();
    foot += "; each bar is " + length_text(axis.bucket_s()) + ", the first from " + format_local(axis.begin().seconds() * 1'000'000);
  }
  if (from.truncated()) foot += "; the time was up: values and bars are those of a part of the records";
  out += style.dim(foot) + "\n";
  if (!from.next_page_token().empty()) out += style.dim("more: --page " + from.next_page_token()) + "\n";
  return out;
}

}  // namespace silt::cli
