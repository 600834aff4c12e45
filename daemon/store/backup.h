// Backups: a copy of a store, with a table of contents that tells whether it is whole and what it is a copy of.
//
// BACKUP, a file of the copy, has a line each for when, for every file (bytes, SHA-256, name) and for every source (its
// digests), and in the last line the SHA-256 of all before it. docs/formats.md has its bytes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"

namespace silt::store {

class RocksStore;

struct BackupReport {
  std::int64_t taken_us = 0;
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::uint64_t sources = 0;
  std::uint64_t records = 0;
  std::string sha256;  // of the table of contents, in hex
};

// Of a store in use, into `directory`, which must not be there; its parent must. `beside`: files of the store's folder
// that are none of the library's, copied as they are; one that is not there is left out. The copy is read as a whole
// before it is given its name: half a backup has none.
Result<BackupReport> make_backup(const RocksStore& store, const std::string& directory, const std::vector<std::string>& beside,
                                 std::int64_t now_us);

// Reads all of it. kDataLoss names the first file that is not what it was.
Result<BackupReport> verify_backup(const std::string& directory);

// Verifies it, copies it to `store_path`, which must not be there, and verifies the copy. kDataLoss, kAlreadyExists.
// `told`: the file of what was told of the store that it replaces (told.h), which comes along; empty: none.
Result<BackupReport> restore_backup(const std::string& directory, const std::string& store_path, const std::string& told);

}  // namespace silt::store
