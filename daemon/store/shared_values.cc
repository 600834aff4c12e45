#include "daemon/store/shared_values.h"

namespace silt::store {
namespace {

constexpr std::uint64_t kStringBytesMax = std::uint64_t{64} << 20;

Status read_table(PieceReader& in, std::size_t values_max, std::vector<std::int64_t>& out) {
  const std::uint64_t count = in.pool().varint();
  if (count > values_max) return data_loss("segment: a table has more values than there can be");
  out.resize(count);
  return read_numbers(in, out);
}

}  // namespace

void write_strings(std::span<const std::string_view> strings, PieceWriter& out) {
  thread_local std::vector<std::int64_t> lengths;
  thread_local std::string joined;
  lengths.clear();
  joined.clear();
  for (const std::string_view string : strings) {
    lengths.push_back(static_cast<std::int64_t>(string.size()));
    joined.append(string);
  }
  write_numbers(lengths, out);
  out.pool().varint(joined.size());
  out.piece(joined);
}

Status read_strings(PieceReader& in, std::span<std::string_view> out, std::string& keep) {
  std::vector<std::int64_t> lengths(out.size());
  SILT_TRY(read_numbers(in, lengths));
  const std::uint64_t size = in.pool().varint();
  if (size > kStringBytesMax) return data_loss("segment: strings are longer than they can be");
  std::string_view left;
  SILT_TRY(in.piece(size, keep, left));
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (lengths[i] < 0 || static_cast<std::uint64_t>(lengths[i]) > left.size()) {
      return data_loss("segment: a string ends behind its bytes");
    }
    out[i] = left.substr(0, static_cast<std::size_t>(lengths[i]));
    left.remove_prefix(out[i].size());
  }
  return left.empty() ? Status::ok() : data_loss("segment: bytes are left over behind strings");
}

void SharedWriter::write(PieceWriter& out) const {
  for (const auto* const table : {&small, &large}) {
    out.pool().varint(table->size());
    write_numbers(table->values(), out);
  }
  out.pool().varint(strings.size());
  write_strings(strings.values(), out);
}

void SharedWriter::clear() {
  small.clear();
  large.clear();
  strings.clear();
}

Status SharedReader::read(PieceReader& in, std::size_t values_max) {
  SILT_TRY(read_table(in, values_max, small));
  SILT_TRY(read_table(in, values_max, large));
  const std::uint64_t count = in.pool().varint();
  if (count > values_max) return data_loss("segment: a table has more strings than there can be");
  strings.resize(count);
  return read_strings(in, strings, bytes);
}

}  // namespace silt::store
