#include "daemon/answer/citations.h"

#include <openssl/evp.h>

#include "base/check.h"
#include "base/escape.h"
#include "base/log.h"
#include "daemon/answer/api_time.h"

namespace silt::daemon {

std::string sha256(std::string_view bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  SILT_CHECK(EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_sha256(), nullptr) == 1);
  return std::string(reinterpret_cast<const char*>(digest), size);
}

Result<std::optional<silt::v1::Citation>> cite(const RecordLog& log, const CitationRequest& request) {
  const auto drop = [&request](std::string_view reason) -> std::optional<silt::v1::Citation> {
    log::warning("citation_dropped",
                 {{"source", request.source_name}, {"seq", request.seq}, {"reason", reason}});
    return std::nullopt;
  };
  auto read = log.read(request.source, request.seq);
  if (!read.is_ok()) {
    const Code code = read.status().code();
    if (code == Code::kNotFound || code == Code::kDataLoss) return drop("unreadable");
    return read.status();
  }
  JournalRecord& record = *read;
  if (record.seq != request.seq || record.sha256.size() != 32 || sha256(record.text) != record.sha256)
    return drop("hash");
  if (request.span.begin > request.span.end || request.span.end > record.text.size()) return drop("span");

  silt::v1::Citation citation;
  citation.set_source(escape_bytes(request.source_name));
  citation.set_seq(record.seq);
  set_time(request.event_us, *citation.mutable_time());
  citation.set_span_begin(request.span.begin);
  citation.set_span_end(request.span.end);
  citation.set_sha256(record.sha256);
  citation.set_path(escape_bytes(record.origin.path));
  citation.set_offset(record.origin.begin);
  citation.set_bits(request.bits);
  citation.set_score(request.score);
  citation.set_text(std::move(record.text));
  return std::optional(std::move(citation));
}

}  // namespace silt::daemon
