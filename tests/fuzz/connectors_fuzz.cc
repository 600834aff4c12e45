// What strangers write, through every parser of tickets, documents and logs of containers: the first byte chooses which, or
// SILT_FUZZ_PARSER=0 to 8 for one alone. For clang's libFuzzer; see CMakeLists.txt.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "connectors/container/container_cutter.h"
#include "connectors/documents/html_text.h"
#include "connectors/documents/mail.h"
#include "connectors/documents/markdown.h"
#include "connectors/documents/plain_text.h"
#include "connectors/json.h"
#include "connectors/tickets/adf.h"
#include "connectors/tickets/ticket.h"
#include "connectors/tickets/told.h"
#include "connectors/timestamp.h"

using namespace silt::connectors;

namespace {

// Each byte of whole lines is in a record, and no position stands in the middle of one.
void cut_container(std::string_view text) {
  Arena arena;
  ContainerCutter cutter(text, RecordRules::usual().get(), arena);
  Cutter::Cut cut;
  std::size_t end = 0;
  while (cutter.next(cut) || cutter.last(cut)) {
    if (cut.begin >= cut.end || (cut.begin < end && cutter.consumed() > cut.begin && cutter.consumed() < cut.end)) std::abort();
    if (!cut.among) end = cutter.consumed();
  }
  if (cutter.rest().find('\n') != std::string_view::npos) std::abort();
}

void parse(std::uint8_t which, std::string_view text) {
  switch (which % 9) {
    case 0: markdown_sections(text); return;
    case 1: html_text(text); return;
    case 2: plain_sections(text); return;
    case 3: parse_mail(text); return;
    case 4:
      for (const std::string_view message : split_mbox(text)) parse_mail(message);
      return;
    case 5:
      if (const auto document = JsonDocument::parse(text); document.is_ok()) adf_text(document->root());
      return;
    case 6: {
      const auto row = decode_told({"t:1", std::string(text), false});
      if (row.is_ok() && decode_told(encode_told(*row)).status().code() != silt::Code::kOk) std::abort();
      return;
    }
    case 7: cut_container(text); return;
    default:
      if (const auto us = parse_timestamp(text); us && parse_timestamp(ticket_time(*us)) != *us / 1'000'000 * 1'000'000 - (*us % 1'000'000 < 0 ? 1'000'000 : 0)) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const char* const only = std::getenv("SILT_FUZZ_PARSER");
  if (size > 0) parse(only != nullptr ? static_cast<std::uint8_t>(std::atoi(only)) : data[0], {reinterpret_cast<const char*>(data) + 1, size - 1});
  return 0;
}
