// Requests of OTLP for logs: from bytes, of protobuf or JSON, to records, and the answers back. Functions of their
// arguments; nothing waits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"
#include "connectors/push/parcel.h"
#include "connectors/push/stream_names.h"
#include "proto/otlp/v1/logs.pb.h"

namespace silt::connectors::otlp {

namespace wire = opentelemetry::proto::collector::logs::v1;

enum class Format { kProtobuf, kJson };

// What a peer is told.
struct Answer {
  Status status;               // kUnavailable: send it again later; other failures: never
  std::int64_t retry_ms = 0;   // of kUnavailable
  std::int64_t rejected = 0;   // records that will never be taken, and why
  std::string why;
};

// kInvalidArgument: it is damaged, or is no text where it must be.
Status read_request(std::string_view body, Format format, wire::ExportLogsServiceRequest& out);
// kInvalidArgument: it is damaged; kResourceExhausted: it is larger than that.
Result<std::string> gunzip(std::string_view bytes, std::size_t bytes_max);

// Adds the records to the parcel, each to the stream of its service. `answer` gets what was rejected: records that say
// nothing.
void add_records(const wire::ExportLogsServiceRequest& request, StreamNames& names, Parcel& parcel, Answer& answer);

// ExportLogsServiceResponse, or google.rpc.Status when it failed.
std::string write_answer(const Answer& answer, Format format);

}  // namespace silt::connectors::otlp
