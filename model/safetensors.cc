#include "model/safetensors.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <utility>

#include "model/json.h"

namespace silt::model {
namespace {

// Ours are a few kilobytes; a damaged length must not make us parse megabytes of tensor bytes.
constexpr std::uint64_t kHeaderBytesMax = 4 << 20;
constexpr std::size_t kLengthBytes = 8;

struct TypeInfo {
  std::string_view name;
  DataType type;
  std::size_t bytes;
};
constexpr TypeInfo kTypes[] = {{"F32", DataType::kF32, 4},
                               {"BF16", DataType::kBf16, 2},
                               {"I8", DataType::kI8, 1},
                               {"U8", DataType::kU8, 1},
                               {"I32", DataType::kI32, 4}};

std::string grouped(std::uint64_t value) {
  const std::string digits = std::to_string(value);
  std::string out;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) out += ',';
    out += digits[i];
  }
  return out;
}

}  // namespace

std::string_view name_of(DataType type) {
  return kTypes[static_cast<std::size_t>(type)].name;
}

std::size_t element_bytes(DataType type) {
  return kTypes[static_cast<std::size_t>(type)].bytes;
}

std::string to_string(const Shape& shape) {
  std::string text = "[";
  for (const std::int64_t n : shape) {
    if (text.size() > 1) text += ", ";
    text += n < 0 ? "any" : std::to_string(n);
  }
  return text + "]";
}

Result<std::unique_ptr<SafetensorsFile>> SafetensorsFile::open(const std::string& path) {
  static_assert(std::endian::native == std::endian::little, "the file's numbers are mapped as they are");
  std::unique_ptr<SafetensorsFile> file(new SafetensorsFile(path));
  SILT_TRY(file->map_file());
  SILT_TRY(file->parse_header());
  SILT_TRY(file->check_layout());
  return file;
}

SafetensorsFile::~SafetensorsFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

Status SafetensorsFile::damaged(std::string_view what) const {
  return data_loss("weight file " + path_ + " " + std::string(what) +
                   ": copy it again or make it anew as model/training/README.md says");
}

Status SafetensorsFile::map_file() {
  const int fd = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno_status("open weight file " + path_, errno);
  struct stat stat {};
  Status status;
  if (::fstat(fd, &stat) != 0) {
    status = errno_status("stat weight file " + path_, errno);
  } else if (!S_ISREG(stat.st_mode)) {
    status = invalid_argument("weight file " + path_ + " is not a regular file: name a .safetensors file");
  } else if (static_cast<std::uint64_t>(stat.st_size) <= kLengthBytes) {
    status = damaged("has only " + grouped(static_cast<std::uint64_t>(stat.st_size)) + " bytes");
  } else {
    void* mapped = ::mmap(nullptr, static_cast<std::size_t>(stat.st_size), PROT_READ, MAP_PRIVATE, fd, 0);
    if (mapped == MAP_FAILED) {
      status = errno_status("map weight file " + path_, errno);
    } else {
      data_ = static_cast<const std::byte*>(mapped);
      size_ = static_cast<std::size_t>(stat.st_size);
    }
  }
  ::close(fd);
  return status;
}

Status SafetensorsFile::parse_header() {
  std::uint64_t length;
  std::memcpy(&length, data_, kLengthBytes);
  if (length > kHeaderBytesMax) {
    return damaged("states a header of " + grouped(length) + " bytes, which no silt model has");
  }
  if (length > size_ - kLengthBytes) {
    return damaged("is " + grouped(length - (size_ - kLengthBytes)) + " bytes short of its own header");
  }
  if (length % 8 != 0) return damaged("has a header of " + grouped(length) + " bytes, not a multiple of 8");
  data_begin_ = kLengthBytes + length;

  const auto json = Json::parse({reinterpret_cast<const char*>(data_) + kLengthBytes, length});
  if (!json.is_ok()) return damaged("has a broken header, " + json.status().message());
  if (json->object() == nullptr) return damaged("has a header that is not an object");
  for (const auto& [name, entry] : *json->object()) {
    if (name == "__metadata__") {
      if (entry.object() == nullptr) return damaged("has metadata that is not an object");
      for (const auto& [key, value] : *entry.object()) {
        if (value.string() == nullptr) return damaged("has metadata \"" + key + "\" that is not a string");
        metadata_.emplace(key, *value.string());
      }
      continue;
    }
    SILT_TRY(add_tensor(name, entry));
  }
  return Status::ok();
}

Status SafetensorsFile::add_tensor(const std::string& name, const Json& entry) {
  const std::string tensor = "has a tensor \"" + name + "\" ";
  const Json* type = entry.find("dtype");
  const Json* shape = entry.find("shape");
  const Json* offsets = entry.find("data_offsets");
  if (type == nullptr || type->string() == nullptr || shape == nullptr || shape->array() == nullptr ||
      offsets == nullptr || offsets->array() == nullptr || offsets->array()->size() != 2 ||
      entry.object()->size() != 3) {
    return damaged(tensor + "without exactly dtype, shape and data_offsets");
  }
  const auto info = std::find_if(std::begin(kTypes), std::end(kTypes),
                                 [&](const TypeInfo& known) { return known.name == *type->string(); });
  if (info == std::end(kTypes)) return damaged(tensor + "of unknown type " + *type->string());

  StoredTensor out{info->type, {}, 0, 0};
  std::uint64_t bytes = info->bytes;
  for (const Json& item : *shape->array()) {
    const std::int64_t n = item.natural();
    if (n < 0 || __builtin_mul_overflow(bytes, static_cast<std::uint64_t>(n), &bytes)) {
      return damaged(tensor + "with an impossible shape");
    }
    out.shape.push_back(n);
  }
  const std::int64_t begin = offsets->array()->front().natural();
  const std::int64_t end = offsets->array()->back().natural();
  if (begin < 0 || end < begin || static_cast<std::uint64_t>(end - begin) != bytes) {
    return damaged(tensor + "whose offsets do not span its " + grouped(bytes) + " bytes");
  }
  if (static_cast<std::uint64_t>(begin) % info->bytes != 0) return damaged(tensor + "at an unaligned offset");
  out.begin = static_cast<std::size_t>(begin);
  out.size = static_cast<std::size_t>(bytes);
  tensors_.emplace(name, std::move(out));
  return Status::ok();
}

// No gaps, no overlaps, nothing behind the last tensor: every byte of the file has one owner.
Status SafetensorsFile::check_layout() const {
  struct Extent {
    std::size_t begin;
    std::size_t size;  // sorts empty tensors in front of the one that shares their place
    std::string_view name;
    auto operator<=>(const Extent&) const = default;
  };
  std::vector<Extent> extents;
  for (const auto& [name, tensor] : tensors_) extents.push_back({tensor.begin, tensor.size, name});
  std::sort(extents.begin(), extents.end());
  std::size_t position = 0;
  for (const Extent& extent : extents) {
    if (extent.begin != position) {
      return damaged("has a gap or an overlap before tensor \"" + std::string(extent.name) + "\"");
    }
    position += extent.size;
  }
  const std::size_t available = size_ - data_begin_;
  if (position > available) {
    return damaged("is " + grouped(position - available) + " bytes short of what its header promises");
  }
  if (position < available) {
    return damaged("has " + grouped(available - position) + " bytes behind its last tensor");
  }
  return Status::ok();
}

std::string_view SafetensorsFile::metadata(std::string_view key) const {
  const auto it = metadata_.find(key);
  return it == metadata_.end() ? std::string_view() : it->second;
}

Result<const StoredTensor*> SafetensorsFile::find(std::string_view name) const {
  const auto it = tensors_.find(name);
  if (it == tensors_.end()) return not_found("weight file " + path_ + " has no tensor " + std::string(name));
  return &it->second;
}

Result<std::vector<float>> SafetensorsFile::floats(std::string_view name) const {
  SILT_ASSIGN(const StoredTensor* tensor, find(name));
  if (tensor->type != DataType::kF32) return invalid_argument("tensor " + std::string(name) + " is not F32");
  std::vector<float> out(tensor->size / sizeof(float));
  std::memcpy(out.data(), bytes_of(*tensor).data(), tensor->size);
  if (!std::all_of(out.begin(), out.end(), [](float value) { return std::isfinite(value); })) {
    return damaged("has a value that is not finite in tensor \"" + std::string(name) + "\"");
  }
  return out;
}

Result<std::vector<std::int32_t>> SafetensorsFile::integers(std::string_view name) const {
  SILT_ASSIGN(const StoredTensor* tensor, find(name));
  if (tensor->type != DataType::kI32) return invalid_argument("tensor " + std::string(name) + " is not I32");
  std::vector<std::int32_t> out(tensor->size / sizeof(std::int32_t));
  if (!out.empty()) std::memcpy(out.data(), bytes_of(*tensor).data(), tensor->size);
  return out;
}

Digest SafetensorsFile::fingerprint() const {
  return digest_of(std::string_view(reinterpret_cast<const char*>(data_), size_));
}

void SafetensorsFile::release() const {
  ::madvise(const_cast<std::byte*>(data_), size_, MADV_DONTNEED);
}

}  // namespace silt::model
