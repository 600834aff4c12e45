// A VectorStore in memory, kept in a file between runs, by the names of sources.
#pragma once

#include <fstream>
#include <functional>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "daemon/store/record_log.h"
#include "daemon/store/vector_store.h"

namespace silt::answer {

class VectorFile final : public store::VectorStore {
 public:
  VectorFile(const store::RecordLog& log, std::string path) : log_(log), path_(std::move(path)) {
    std::ifstream in(path_, std::ios::binary);
    for (std::string line; std::getline(in, line);) {
      std::istringstream words(line);
      std::string name, hex;
      std::uint64_t encoder = 0;
      store::VectorRow row;
      words >> name >> encoder >> row.pattern >> row.text_hash >> hex;
      for (std::size_t i = 0; i + 1 < hex.size(); i += 2) row.bytes += static_cast<char>((hex[i] - 'a') * 16 + (hex[i + 1] - 'a'));
      rows_[{name, encoder}][row.pattern] = std::move(row);
    }
  }

  Status vectors(store::SourceRef source, std::uint64_t encoder, std::vector<store::VectorRow>& out) const override {
    out.clear();
    SILT_ASSIGN(const store::SourceInfo info, log_.source(source));
    const auto found = rows_.find({info.name, encoder});
    if (found == rows_.end()) return Status::ok();
    for (const auto& [pattern, row] : found->second) out.push_back(row);
    return Status::ok();
  }

  Status put_vectors(store::SourceRef source, std::uint64_t encoder, std::span<const store::VectorRow> rows) override {
    SILT_ASSIGN(const store::SourceInfo info, log_.source(source));
    for (const store::VectorRow& row : rows) rows_[{info.name, encoder}][row.pattern] = row;
    on_put();
    return Status::ok();
  }

  std::function<void()> on_put = [] {};

  void save() const {
    if (path_.empty()) return;
    std::ofstream out(path_, std::ios::binary);
    for (const auto& [key, rows] : rows_) {
      for (const auto& [pattern, row] : rows) {
        out << key.first << ' ' << key.second << ' ' << pattern << ' ' << row.text_hash << ' ';
        for (const char c : row.bytes) out << static_cast<char>('a' + (static_cast<unsigned char>(c) >> 4)) << static_cast<char>('a' + (c & 15));
        out << '\n';
      }
    }
  }

 private:
  const store::RecordLog& log_;
  std::string path_;
  std::map<std::pair<std::string, std::uint64_t>, std::map<store::PatternId, store::VectorRow>> rows_;
};

}  // namespace silt::answer
