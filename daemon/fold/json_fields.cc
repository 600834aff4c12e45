#include "daemon/fold/json_fields.h"

namespace silt::fold {

bool JsonReader::read(std::string_view text, std::size_t at, std::size_t most, std::vector<JsonField>& out) {
  out.clear();
  paths_.clear();
  paths_.reserve(most * kMaxJsonPathBytes);
  path_.clear();
  text_ = text;
  at_ = at;
  most_ = most;
  out_ = &out;
  if (!object(1)) return false;
  skip_blanks();
  return at_ == text_.size();
}

void JsonReader::skip_blanks() {
  while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r'))
    ++at_;
}

bool JsonReader::take(char c) {
  skip_blanks();
  if (at_ >= text_.size() || text_[at_] != c) return false;
  ++at_;
  return true;
}

bool JsonReader::string(std::size_t& begin, std::size_t& end) {
  if (!take('"')) return false;
  begin = at_;
  while (at_ < text_.size() && text_[at_] != '"') at_ += text_[at_] == '\\' ? 2 : 1;
  if (at_ >= text_.size()) return false;
  end = at_++;
  return true;
}

void JsonReader::add(std::size_t begin, std::size_t end, bool quoted) {
  if (begin >= end || out_->size() >= most_) return;
  JsonField field{key_.substr(0, kMaxJsonPathBytes), static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end), quoted};
  if (!path_.empty()) {
    const std::size_t from = paths_.size();
    paths_.append(path_, 0, kMaxJsonPathBytes);
    field.path = std::string_view(paths_).substr(from);
  }
  out_->push_back(field);
}

bool JsonReader::value(std::size_t depth) {
  skip_blanks();
  if (at_ >= text_.size()) return false;
  const char c = text_[at_];
  if (c == '{') return depth < kMaxJsonDepth && object(depth + 1);
  if (c == '[') return depth < kMaxJsonDepth && array(depth + 1);
  std::size_t begin = at_;
  std::size_t end = at_;
  if (c == '"') {
    if (!string(begin, end)) return false;
    add(begin, end, true);
    return true;
  }
  while (at_ < text_.size() && text_[at_] != ',' && text_[at_] != '}' && text_[at_] != ']' &&
         static_cast<unsigned char>(text_[at_]) > ' ')
    ++at_;
  const std::string_view bare = text_.substr(begin, at_ - begin);
  if (bare.empty() || bare.find_first_of("\"{[:") != std::string_view::npos) return false;
  if (bare != "null") add(begin, at_, false);
  return true;
}

bool JsonReader::object(std::size_t depth) {
  if (!take('{')) return false;
  if (take('}')) return true;
  const std::size_t outer = path_.size();
  do {
    std::size_t begin = 0;
    std::size_t end = 0;
    if (!string(begin, end) || !take(':')) return false;
    const std::string_view name = text_.substr(begin, end - begin);
    if (depth == 1) {
      key_ = name;
    } else {
      if (outer == 0) path_ = key_.substr(0, kMaxJsonPathBytes);
      if (path_.size() < kMaxJsonPathBytes) path_.append(1, '.').append(name.substr(0, kMaxJsonPathBytes));
    }
    if (!value(depth)) return false;
    path_.resize(outer);
  } while (take(','));
  return take('}');
}

bool JsonReader::array(std::size_t depth) {
  if (!take('[')) return false;
  if (take(']')) return true;
  do {
    if (!value(depth)) return false;
  } while (take(','));
  return take(']');
}

}  // namespace silt::fold
