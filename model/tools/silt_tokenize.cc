// silt-tokenize WEIGHTS OUT_FOLDER FILE.txt...: token files for training and measuring.
//
// Per FILE: NAME.u16, the token ids (uint16, little endian), and NAME.ends, where each document ends, in
// tokens, a line each. FILE.ends beside FILE.txt, if it is there, says where documents end in bytes, as
// model/training/corpus writes it; otherwise the file is one document. What is trained on is thereby
// what the engine reads, cut by cut.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "model/tokenizer.h"
#include "model/weights_file.h"

namespace silt::model {
namespace {

namespace fs = std::filesystem;

Result<std::string> contents(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (!in) return invalid_argument("cannot read " + path.string() + ": check its name and rights");
  return text;
}

// Ends of the documents in bytes: ascending, the last one the file's.
Result<std::vector<std::size_t>> document_ends(const fs::path& path, std::size_t size) {
  std::vector<std::size_t> ends;
  if (!fs::exists(path)) return std::vector<std::size_t>{size};
  std::ifstream in(path);
  for (std::size_t end; in >> end; ends.push_back(end)) {
    if (end > size || (!ends.empty() && end < ends.back())) {
      return invalid_argument(path.string() + " does not divide its text: build the corpus again");
    }
  }
  if (ends.empty() || ends.back() != size) {
    return invalid_argument(path.string() + " does not end where its text does: build the corpus again");
  }
  return ends;
}

Status tokenize(const Tokenizer& tokenizer, const fs::path& path, const fs::path& folder) {
  SILT_ASSIGN(const std::string text, contents(path));
  SILT_ASSIGN(const std::vector<std::size_t> ends,
              document_ends(fs::path(path).replace_extension("ends"), text.size()));
  const fs::path out = folder / path.stem();
  if (fs::weakly_canonical(folder) == fs::weakly_canonical(fs::absolute(path).parent_path())) {
    return invalid_argument("OUT_FOLDER is where " + path.string() +
                            " lies, whose .ends would be lost: name another");
  }
  std::ofstream ids(out.string() + ".u16", std::ios::binary), bounds(out.string() + ".ends");
  std::size_t begin = 0, total = 0;
  std::vector<Token> tokens;
  for (const std::size_t end : ends) {
    tokens.clear();
    tokenizer.encode(std::string_view(text).substr(begin, end - begin), tokens);
    for (const Token token : tokens) {
      const char bytes[] = {static_cast<char>(token & 0xFF), static_cast<char>(token >> 8 & 0xFF)};
      ids.write(bytes, sizeof bytes);
    }
    begin = end;
    bounds << (total += tokens.size()) << '\n';
  }
  ids.flush();
  bounds.flush();
  if (!ids || !bounds)
    return internal_error("cannot write " + out.string() + ".u16: check the folder and its space");
  std::printf("%s: %zu bytes, %zu documents, %zu tokens, %.3f bytes a token\n", path.stem().c_str(),
              text.size(), ends.size(), total,
              static_cast<double>(text.size()) / static_cast<double>(total ? total : 1));
  return Status::ok();
}

Status run(int count, char** arguments) {
  if (count < 4) return invalid_argument("usage: silt-tokenize WEIGHTS OUT_FOLDER FILE.txt...");
  SILT_ASSIGN(const std::unique_ptr<WeightsFile> weights, WeightsFile::open(arguments[1]));
  SILT_ASSIGN(const std::shared_ptr<const Tokenizer> tokenizer, Tokenizer::load(*weights));
  std::error_code ignored;  // a folder that cannot be made shows when it is written to
  fs::create_directories(arguments[2], ignored);
  for (int i = 3; i < count; ++i) SILT_TRY(tokenize(*tokenizer, arguments[i], arguments[2]));
  return Status::ok();
}

}  // namespace
}  // namespace silt::model

int main(int argc, char** argv) {
  const silt::Status status = silt::model::run(argc, argv);
  if (status.is_ok()) return 0;
  std::fprintf(stderr, "silt-tokenize: %s\n", status.to_string().c_str());
  return 1;
}
