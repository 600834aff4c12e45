// What is, or was, forgotten, and what shows it. While the work is under way this is the plan, which the store keeps,
// so that a crash does not leave it half done. It never holds a text that is to be forgotten, only its hash.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "daemon/learn/control.h"
#include "daemon/store/types.h"

namespace silt::learn {

enum class ForgetKind : std::uint8_t { kRecords, kPatterns, kText, kSources, kTenant };  // stored: append only

struct ForgottenSource {
  store::SourceRef ref;
  std::string name;
  std::string connector;
  bool whole = false;                    // the source goes, with all that is of it
  std::vector<store::SeqRange> ranges;   // else these records; ascending, apart
  std::uint64_t records = 0;
  std::uint64_t unreadable_records = 0;  // of them: damaged, so that nobody can tell what they hold
  ForgetResult state;
  // SHA-256, in hex, of all records (hash of those before, number, text), and of what was left.
  std::string journal_before;
  std::string journal_after;
};

struct ForgetCertificate {
  std::string tenant;
  std::string request_id;
  ForgetKind kind = ForgetKind::kRecords;
  std::string text_sha256;  // in hex; empty: it was no text
  std::int64_t begun_us = 0;
  std::int64_t ended_us = 0;
  std::vector<ForgottenSource> sources;
  // Their states have read records that retention had removed before, so nobody can tell whether these held the text.
  std::vector<std::string> may_remember;
  std::uint64_t files_replaced = 0;
  std::vector<std::string> files_left;       // that could not be replaced, see store/forget_store.h
  bool files_searched = false;               // for the text, byte by byte; not after a crash: then it is not known any more
  std::vector<std::string> files_with_text;  // as in names of files that are there

  bool is_complete() const { return files_left.empty() && files_with_text.empty(); }
};

std::string encode_certificate(const ForgetCertificate& certificate);
Result<ForgetCertificate> decode_certificate(std::string_view bytes);

}  // namespace silt::learn
