// What an entry of the journal says, as a record. Pure functions of its fields.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "connectors/arena.h"
#include "connectors/connector.h"

namespace silt::connectors {

// Collects an entry's fields, one after another; used again for the next entry after clear().
class JournalEntry {
 public:
  void clear();
  void add(std::string_view key, std::string_view value);  // both are copied

  bool has_message() const { return has_message_; }
  std::string_view message() const { return message_; }
  // What wrote it: a unit without what tells its runs apart ("ssh.service", "session.scope"), "kernel", or else the
  // program's own name for itself.
  std::string source() const;
  // The fields that name sender and severity by short names, those that programs add by theirs in lower case. Views are
  // valid until clear().
  const std::vector<Attribute>& attributes();

 private:
  enum Known : std::size_t { kApp, kPid, kSeverity, kUnit, kHost, kFacility, kUser, kBoot, kTransport, kUserUnit, kSubject, kCommand, kSyslogPid, kCount };
  static Known known(std::string_view key);

  Arena arena_;
  bool has_message_ = false;
  std::string_view message_;
  std::string_view known_[kCount];
  std::vector<Attribute> others_;
  std::vector<Attribute> attributes_;
};

// "session.scope" of "session-12.scope", "run.service" of "run-u42.service": transient units are many, and alike.
std::string lasting_unit(std::string_view unit);

}  // namespace silt::connectors
