#include "connectors/container/container_line.h"

#include "connectors/json.h"
#include "connectors/timestamp.h"

namespace silt::connectors {
namespace {

std::optional<ContainerLine> parse_docker(std::string_view line, Arena& arena) {
  const auto parsed = JsonDocument::parse(line);
  if (!parsed.is_ok()) return std::nullopt;
  const Json root = parsed->root();
  const auto time_us = parse_timestamp(root["time"].text());
  if (!time_us || !root["log"] || root["stream"].text().empty()) return std::nullopt;
  ContainerLine out;
  out.time_us = *time_us;
  out.stream = arena.copy(root["stream"].text());
  out.text = arena.copy(root["log"].text());
  out.goes_on = !out.text.ends_with('\n');
  if (!out.goes_on) out.text.remove_suffix(1);
  return out;
}

// The next word; false when no space ends it.
bool take_word(std::string_view& rest, std::string_view& word) {
  const std::size_t end = rest.find(' ');
  if (end == std::string_view::npos) return false;
  word = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  return true;
}

// Behind the stream are tags, "F" or "P" first, others after colons.
std::optional<ContainerLine> parse_cri(std::string_view line) {
  std::string_view rest = line, time, tags;
  ContainerLine out;
  if (!take_word(rest, time) || !take_word(rest, out.stream)) return std::nullopt;
  if (!take_word(rest, tags)) {  // an empty line, whose last space somebody left out
    tags = rest;
    rest = {};
  }
  const std::string_view tag = tags.substr(0, tags.find(':'));
  const auto time_us = tag == "F" || tag == "P" ? parse_timestamp(time) : std::nullopt;
  if (!time_us || (out.stream != "stdout" && out.stream != "stderr")) return std::nullopt;
  out.time_us = *time_us;
  out.goes_on = tag == "P";
  out.text = rest;
  return out;
}

}  // namespace

std::optional<ContainerLine> parse_container_line(std::string_view line, Arena& arena) {
  return line.starts_with('{') ? parse_docker(line, arena) : parse_cri(line);
}

}  // namespace silt::connectors
