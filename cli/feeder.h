// Feeder: sends a text in order, part by part, and each again until it is known to be durable.
#pragma once

#include <cstdint>
#include <string>

#include "base/status.h"
#include "cli/commands.h"

namespace silt::cli {

class Feeder {
 public:
  // A part is stored once: known by `id`, where it begins and what it says. So who sends the same text with the same id
  // goes on where an earlier one stopped. Both references must outlive it.
  Feeder(Client& client, const FeedOptions& options, std::string place, std::string id);

  // When the place was last written, for years that its lines leave out.
  void set_modified(std::int64_t us) { modified_us_ = us; }

  // Takes off the front what siltd stored of the first `size` bytes, which may be nothing while a record may go on.
  // With `all` the whole lines that wait are stored, too. Waits for a siltd that does not answer; says so once.
  Status send(std::string& text, std::size_t size, bool all);
  // All of it, though its last line has no end.
  Status send_all(std::string& text);

  std::uint64_t bytes() const { return begin_; }
  std::uint64_t records() const { return records_; }
  std::uint64_t records_cut() const { return records_cut_; }

 private:
  Status send_part(std::string& text, std::size_t size, bool all);

  Client& client_;
  const FeedOptions& options_;
  const std::string place_;
  const std::string id_;
  std::int64_t modified_us_ = 0;
  std::uint64_t begin_ = 0;  // of what is not stored yet
  std::uint64_t records_ = 0, records_cut_ = 0;
};

}  // namespace silt::cli
