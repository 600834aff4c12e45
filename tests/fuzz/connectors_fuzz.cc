// What strangers write, through every parser of tickets, documents, logs of containers and pushed messages: the first byte
// chooses which, or SILT_FUZZ_PARSER=0 to 13 for one alone. For clang's libFuzzer; see CMakeLists.txt.
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "connectors/container/container_cutter.h"
#include "connectors/documents/html_text.h"
#include "connectors/documents/mail.h"
#include "connectors/documents/markdown.h"
#include "connectors/documents/plain_text.h"
#include "connectors/json.h"
#include "connectors/otlp/request.h"
#include "connectors/syslog/frames.h"
#include "connectors/syslog/message.h"
#include "connectors/tickets/adf.h"
#include "connectors/tickets/ticket.h"
#include "connectors/tickets/told.h"
#include "connectors/timestamp.h"

using namespace silt::connectors;

namespace {

std::int32_t utc(std::int64_t) { return 0; }

std::string frames_of(std::string_view bytes, std::size_t piece) {
  std::string out;
  FrameCutter cutter(64);
  const auto take = [&](const Frame& frame) {
    if (frame.text.size() > 64) std::abort();
    out.append(frame.command).append(frame.text) += static_cast<char>(frame.bytes_cut) + static_cast<char>(frame.partial);
  };
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    if (!cutter.feed(bytes.substr(at, piece), take)) return out + "broken";
  }
  cutter.finish(take);
  return out;
}

void parse_request(std::string_view body, otlp::Format format) {
  otlp::wire::ExportLogsServiceRequest request;
  if (!otlp::read_request(body, format, request).is_ok()) return;
  static const silt::SystemClock clock;
  static const Parcel::Post post = [](const std::function<void()>& call) { call(); };
  Inbox inbox({});
  Senders senders({}, clock);
  StreamNames names("fuzz", 8, 8);
  Parcel parcel(inbox, senders, post, senders.account("peer"));
  otlp::Answer answer;
  otlp::add_records(request, names, parcel, answer);
  otlp::write_answer(answer, format);
}

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
  switch (which % 14) {
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
    case 8: {
      Arena arena;
      const SyslogMessage message = parse_syslog(text, 1'796'058'000'000'000, utc, arena);
      if (message.text.size() > text.size()) std::abort();
      return;
    }
    case 9:  // the same frames, however they come
      if (frames_of(text, 1) != frames_of(text, 1000) || frames_of(text, 7) != frames_of(text, 1000)) std::abort();
      return;
    case 10: parse_request(text, otlp::Format::kProtobuf); return;
    case 11: parse_request(text, otlp::Format::kJson); return;
    case 12:
      if (const auto plain = otlp::gunzip(text, 100'000); plain.is_ok() && plain->size() > 100'000) std::abort();
      return;
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
