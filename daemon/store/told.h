// What others were told of a store, in a file beside it: so that a store which is older than that, restored from a
// backup, say, is recognised when it is opened. Not part of a backup.
//
// TOLD in the store's folder: a line for each source (journal, learned, version: numbers; tenant and name, escaped), and
// in the last line the SHA-256 of all before it. It is replaced as a whole.
#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "daemon/store/types.h"

namespace silt::store {

class RocksStore;

struct Told {
  std::string tenant;  // escaped, as the name
  std::string source;
  Seq journal_seq = 0;
  Seq learned_seq = 0;
  std::uint64_t state_version = 0;
  friend bool operator==(const Told&, const Told&) = default;
};

std::string told_path(const std::string& store_path);
std::vector<Told> told_of(const RocksStore& store);
Status write_told(const std::string& path, const std::vector<Told>& told);
// Nothing was told where there is no file. kDataLoss: it is damaged.
Result<std::vector<Told>> read_told(const std::string& path);

// What was told, in words, and the store does not know, a source each. A state goes back by a reset or a rollback, too:
// so only records count that were told of and are not there.
std::vector<std::string> unknown_of_told(const std::vector<Told>& told, const std::vector<Told>& now);

}  // namespace silt::store
