#include "connectors/otlp/receiver.h"

#include <algorithm>
#include <utility>

#include "base/digest.h"

namespace silt::connectors::otlp {
namespace {

constexpr std::uint32_t kServicesPart = 4;  // of all services, that one sender may bring

}  // namespace

Receiver::Receiver(ReceiverOptions options, Inbox& inbox, const Clock& clock, Parcel::Post post)
    : options_(std::move(options)),
      inbox_(inbox),
      post_(std::move(post)),
      senders_(options_.senders, clock),
      names_(options_.input, options_.per_service ? options_.services_max : 0, std::max(1U, options_.services_max / kServicesPart)) {}

bool Receiver::reserve(std::uint64_t bytes) {
  if (work_bytes_.fetch_add(bytes) + bytes <= options_.work_bytes_max) return true;
  work_bytes_ -= bytes;
  return false;
}

Answer Receiver::busy(std::int64_t retry_ms) {
  return {unavailable("silt has no room for it now: send it again"), retry_ms, 0, {}};
}

void Receiver::take(std::string_view body, Format format, const std::string& peer, const Reply& reply) {
  const Senders::AccountPtr sender = senders_.account(peer);
  if (!senders_.has_share(*sender)) return reply(busy());
  if (const std::int64_t pause_ms = senders_.spend(*sender, 0); pause_ms > 0) return reply(busy(pause_ms));
  senders_.spend(*sender, body.size());
  Answer answer;
  wire::ExportLogsServiceRequest request;
  answer.status = read_request(body, format, request);
  if (!answer.status.is_ok()) {
    note_error(peer + " sent what cannot be read: " + answer.status.message());
    return reply(answer);
  }
  Parcel parcel(inbox_, senders_, post_, sender);
  add_records(request, names_, parcel, answer);
  parcel.identify(sender->name + " " + digest_of(body).hex());
  const bool taken = parcel.offer([answer, reply](bool stored) { reply(stored ? answer : busy()); });
  if (!taken) reply(busy());  // what was taken of it is known by its id when it comes again
}

void Receiver::note_error(std::string error) {
  const std::lock_guard lock(mutex_);
  ++report_.errors;
  report_.last_error = std::move(error);
}

void Receiver::note_connections(bool refused) {
  const std::lock_guard lock(mutex_);
  report_.connections = senders_.connections();
  if (!refused) return;
  ++report_.errors;
  report_.last_error = "connections were refused: more than connections_max, of which one sender has a quarter";
}

Receiver::Report Receiver::report() const {
  const std::lock_guard lock(mutex_);
  return report_;
}

}  // namespace silt::connectors::otlp
