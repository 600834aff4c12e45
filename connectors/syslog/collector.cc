#include "connectors/syslog/collector.h"

#include <algorithm>
#include <utility>

#include "connectors/syslog/message.h"

namespace silt::connectors {
namespace {

constexpr std::uint32_t kHostsPart = 4;  // of all hosts, that one sender may bring

void add_unless_empty(std::vector<Attribute>& to, std::string_view key, std::string_view value) {
  if (!value.empty()) to.push_back({key, value});
}

}  // namespace

Collector::Collector(CollectorOptions options, Inbox& inbox, const Clock& clock, Post post)
    : options_(std::move(options)),
      inbox_(inbox),
      clock_(clock),
      post_(std::move(post)),
      senders_(options_.senders, clock),
      names_(options_.input, options_.per_host ? options_.hosts_max : 0, std::max(1U, options_.hosts_max / kHostsPart)) {}

// The text is in the frame or in scratch_, the attributes in attributes_: until the next call.
Record Collector::record_of(const Frame& frame, const Senders::Account& sender) {
  scratch_.clear();
  const SyslogMessage message = parse_syslog(frame.text, clock_.wall_us(), options_.zone, scratch_);
  attributes_.clear();
  add_unless_empty(attributes_, "host", message.host.empty() ? std::string_view(sender.name) : message.host);
  add_unless_empty(attributes_, "app", message.app);
  add_unless_empty(attributes_, "pid", message.pid);
  if (message.priority) {
    attributes_.push_back({"severity", severity_name(*message.priority)});
    attributes_.push_back({"facility", facility_name(*message.priority)});
  }
  add_unless_empty(attributes_, "msgid", message.message_id);
  if (!message.host.empty() && message.host != sender.name) attributes_.push_back({"sender", sender.name});
  attributes_.insert(attributes_.end(), message.data.begin(), message.data.end());
  Record record;
  record.text = message.text;
  record.told_us = message.told_us;
  record.bytes_cut = frame.bytes_cut;
  if (frame.bytes_cut != 0) record.flags |= kRecordCut;
  if (frame.partial) record.flags |= kRecordPartial;
  return record;
}

void Collector::note_error(std::string error) {
  const std::lock_guard lock(mutex_);
  ++report_.errors;
  report_.last_error = std::move(error);
}

void Collector::note_lost(std::uint64_t datagrams, std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  datagrams_lost_ += datagrams;
  report_.errors += datagrams;
  report_.bytes_lost += bytes;
  report_.last_error = std::to_string(datagrams_lost_) +
                       " datagrams were lost so far, for they came faster than they could be stored; "
                       "let senders use tcp, or raise net.core.rmem_max";
}

void Collector::note_connections(bool refused) {
  const std::lock_guard lock(mutex_);
  report_.connections = senders_.connections();
  if (!refused) return;
  ++report_.errors;
  report_.last_error = std::to_string(++connections_refused_) +
                       " connections were refused so far: more than connections_max, of which one sender has a quarter";
}

PushReport Collector::report() const {
  const std::lock_guard lock(mutex_);
  return report_;
}

void Posting::add(const Frame& frame) {
  if (frame.text.empty()) return;
  Record record = collector_.record_of(frame, parcel_.sender());
  const std::string_view host = collector_.attributes_.front().value;
  Delivery& to = parcel_.delivery(collector_.names_.stream(host, parcel_.sender().streams));
  record.text = to.arena.copy(record.text);
  record.origin.place = to.arena.copy("syslog:" + std::string(host));
  attach(collector_.attributes_, record, to.arena);
  to.records.push_back(record);
}

void Posting::add_gap(std::string_view text, std::uint64_t bytes) {
  Delivery& to = parcel_.delivery({});
  Record record;
  record.text = to.arena.copy(text);
  record.origin.place = "syslog";
  record.flags = kRecordGap;
  record.bytes_cut = bytes;
  const Attribute cause[] = {{kGapCause, text}};
  attach(cause, record, to.arena);
  to.records.push_back(record);
}

}  // namespace silt::connectors
