#include "daemon/answer/citations.h"

#include "base/escape.h"
#include "base/log.h"
#include "daemon/answer/api_time.h"
#include "daemon/answer/search/records.h"
#include "daemon/store/sha256.h"

namespace silt::answer {

Result<std::optional<silt::v1::Citation>> cite(const RecordLog& log, const CitationRequest& request) {
  const auto drop = [&request](std::string_view reason) -> std::optional<silt::v1::Citation> {
    log::warning("citation_dropped",
                 {{"source", request.source_name}, {"seq", request.seq}, {"reason", reason}});
    return std::nullopt;
  };
  auto read = log.read(request.source, request.seq);
  if (search::is_gone(read.status())) return drop("unreadable");
  SILT_TRY(read.status());
  JournalRecord& record = *read;
  if (request.span.begin > request.span.end || request.span.end > record.text.size()) return drop("span");

  silt::v1::Citation citation;
  citation.set_source(escape_bytes(request.source_name));
  citation.set_seq(record.seq);
  set_time(request.event_us, *citation.mutable_time());
  citation.set_span_begin(request.span.begin);
  citation.set_span_end(request.span.end);
  citation.set_sha256(store::sha256_string(record.text));
  citation.set_path(escape_bytes(record.place));
  citation.set_offset(record.begin);
  citation.set_bits(request.bits);
  citation.set_score(request.score);
  citation.set_frozen_bits(request.frozen_bits);
  citation.set_usual_bits(request.usual_bits);
  citation.set_text(std::move(record.text));
  return std::optional(std::move(citation));
}

}  // namespace silt::answer
