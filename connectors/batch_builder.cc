#include "connectors/batch_builder.h"

#include <algorithm>

namespace silt::connectors {

BatchBuilder::BatchBuilder(const ReadLimits& limits, Batch& out) : limits_(limits), batch_(out) {
  out.clear();
}

StreamBatch& BatchBuilder::stream(std::string_view name) {
  const auto [found, is_new] = index_.try_emplace(std::string(name), batch_.streams.size());
  if (is_new) batch_.streams.push_back({std::string(name), {}});
  return batch_.streams[found->second];
}

void BatchBuilder::drop(std::string_view name) {
  const auto found = index_.find(std::string(name));
  if (found == index_.end()) return;
  const std::size_t at = found->second;
  index_.erase(found);
  if (at + 1 < batch_.streams.size()) {
    batch_.streams[at] = std::move(batch_.streams.back());
    index_[batch_.streams[at].stream] = at;
  }
  batch_.streams.pop_back();
}

void StreamWriter::begin() {
  if (batch_ == nullptr) batch_ = &builder_.stream(stream_);
  std::vector<Record>& to = batch_->records;
  const std::size_t needed = to.size() + expected_;
  if (to.capacity() < needed) to.reserve(std::max(2 * to.capacity(), needed));
  expected_ = 0;
}

Record& StreamWriter::add(const Record& record) {
  if (batch_ == nullptr || expected_ > 0) begin();
  std::uint64_t bytes = record.text.size();
  for (const Attribute& attribute : record.attributes) bytes += attribute.key.size() + attribute.value.size();
  ++added_;
  bytes_ += bytes;
  ++builder_.batch().records;
  builder_.batch().bytes += bytes;
  return batch_->records.emplace_back(record);
}

void StreamWriter::undo() {
  if (batch_ == nullptr) return;
  batch_->records.resize(batch_->records.size() - added_);
  builder_.batch().records -= added_;
  builder_.batch().bytes -= bytes_;
  if (batch_->records.empty()) builder_.drop(stream_);
  batch_ = nullptr;
  added_ = bytes_ = 0;
}

}  // namespace silt::connectors
