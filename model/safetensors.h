// SafetensorsFile: a safetensors file, mapped read-only, with its layout checked.
//
// Layout. 8 bytes: header length n, little endian. n bytes: JSON, padded with spaces so that the data
// starts at a multiple of 8. Then the tensors' bytes, little endian, row-major, each at a multiple of
// its element size, without gaps or overlaps, up to the last byte of the file. What the tensors mean
// is said by who reads them: weights_file.h, encoder/encoder.h.
//
// Immutable after open(); safe for concurrent use. The mapping is private: whoever replaces the file
// must rename a new one into place, as installers do; truncating it under a running process kills it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/status.h"

namespace silt::model {

class Json;

enum class DataType { kF32, kBf16, kI8, kU8, kI32 };

std::string_view name_of(DataType type);  // as the header spells it
std::size_t element_bytes(DataType type);

using Shape = std::vector<std::int64_t>;
std::string to_string(const Shape& shape);  // "[2, any]": -1 stands for any size

struct StoredTensor {
  DataType type;
  Shape shape;
  std::size_t begin;  // from the start of the data
  std::size_t size;   // bytes
};

class SafetensorsFile {
 public:
  using TensorMap = std::map<std::string, StoredTensor, std::less<>>;

  // Maps and checks the whole header. A failure's message names the file, the place and the remedy.
  static Result<std::unique_ptr<SafetensorsFile>> open(const std::string& path);
  ~SafetensorsFile();
  SafetensorsFile(const SafetensorsFile&) = delete;
  SafetensorsFile& operator=(const SafetensorsFile&) = delete;

  const std::string& path() const { return path_; }
  const TensorMap& tensors() const { return tensors_; }
  // A value of `__metadata__`; empty when there is none.
  std::string_view metadata(std::string_view key) const;
  const std::map<std::string, std::string, std::less<>>& metadata() const { return metadata_; }

  Result<const StoredTensor*> find(std::string_view name) const;
  // Valid as long as this object; of one of tensors() only.
  std::span<const std::byte> bytes_of(const StoredTensor& tensor) const {
    return {data_ + data_begin_ + tensor.begin, tensor.size};
  }
  // An F32 tensor of any shape, decoded; a value that is not finite makes the file damaged.
  Result<std::vector<float>> floats(std::string_view name) const;
  Result<std::vector<std::int32_t>> integers(std::string_view name) const;

  // The failure of a file that `what`: "weight file x has ...: copy it again or ...".
  Status damaged(std::string_view what) const;
  // Of every byte of the file: equal fingerprints mean the same model. Reads the whole file.
  Digest fingerprint() const;
  // Gives the mapped pages back to the kernel. Later reads work and bring pages in again.
  void release() const;

 private:
  explicit SafetensorsFile(std::string path) : path_(std::move(path)) {}
  Status map_file();
  Status parse_header();
  Status add_tensor(const std::string& name, const Json& entry);
  Status check_layout() const;

  std::string path_;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t data_begin_ = 0;
  std::map<std::string, std::string, std::less<>> metadata_;
  TensorMap tensors_;
};

}  // namespace silt::model
