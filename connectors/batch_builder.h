// BatchBuilder: fills a batch with records of many streams, up to the limits of one poll.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "connectors/connector.h"

namespace silt::connectors {

class BatchBuilder {
 public:
  // Both must outlive it. `out` is cleared.
  BatchBuilder(const ReadLimits& limits, Batch& out);

  const ReadLimits& limits() const { return limits_; }
  Batch& batch() { return batch_; }
  Arena& arena() { return batch_.arena; }

  bool full() const { return bytes_left() == 0 || records_left() == 0; }
  std::uint64_t bytes_left() const { return left(limits_.batch_bytes_max, batch_.bytes); }
  std::uint64_t records_left() const { return left(limits_.batch_records_max, batch_.records); }

  // The records of one stream, which must not stay empty. Valid until the next call.
  StreamBatch& stream(std::string_view name);
  void drop(std::string_view name);

 private:
  static std::uint64_t left(std::uint64_t most, std::uint64_t used) { return most > used ? most - used : 0; }

  const ReadLimits& limits_;
  Batch& batch_;
  std::unordered_map<std::string, std::size_t> index_;
};

// What one read adds to one stream: counted, and undone if the read fails half way. One at a time.
class StreamWriter {
 public:
  StreamWriter(BatchBuilder& builder, std::string_view stream) : builder_(builder), stream_(stream) {}

  BatchBuilder& builder() { return builder_; }
  Arena& arena() { return builder_.arena(); }

  // All views must point into the batch. The reference is valid until the next add().
  Record& add(const Record& record);
  Record& add(std::string_view text, const Origin& origin) {
    return add(Record{.text = text, .origin = origin, .attributes = attributes_});
  }
  // Of all records that are added from now on; points into the batch.
  void give_all(std::span<const Attribute> attributes) { attributes_ = attributes; }
  std::span<const Attribute> common() const { return attributes_; }
  void expect(std::size_t records) { expected_ = records; }  // about so many will be added

  std::uint64_t added() const { return added_; }
  bool empty() const { return added_ == 0; }
  void undo();

 private:
  void begin();

  BatchBuilder& builder_;
  const std::string_view stream_;
  std::span<const Attribute> attributes_;
  StreamBatch* batch_ = nullptr;  // found at the first add(): no stream without a record
  std::size_t expected_ = 0;
  std::uint64_t added_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace silt::connectors
