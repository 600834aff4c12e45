#include "model/encoder/encoder.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <numeric>
#include <thread>
#include <utility>

#include "model/cpu/features.h"

namespace silt::model {
namespace {

// Changes when the arithmetic does: the same file then gives other vectors.
constexpr std::string_view kArithmetic = "encoder-2:";

constexpr int kRowsOfPass = 96;           // enough to read each panel once for many rows
constexpr std::size_t kTextsOfShare = 8;  // what a thread takes at a time

Result<std::string> usable_isa(std::string_view wanted) {
  const std::vector<std::string> usable = cpu::usable_isas();
  if (wanted.empty()) return usable.front();
  if (std::find(usable.begin(), usable.end(), wanted) != usable.end()) return std::string(wanted);
  return invalid_argument("this machine has no instruction-set path " + std::string(wanted) +
                          ": leave it out to use the fastest");
}

}  // namespace

Result<std::unique_ptr<Encoder>> Encoder::open(const std::string& path, int threads, std::string_view isa) {
  SILT_ASSIGN(const std::string usable, usable_isa(isa));
  SILT_ASSIGN(std::unique_ptr<SafetensorsFile> file, SafetensorsFile::open(path));
  if (file->metadata("format") != "silt-encoder-1" || file->metadata("tokenizer") != "wordpiece-uncased") {
    return invalid_argument("weight file " + path + " is of format \"" +
                            std::string(file->metadata("format")) + "\" with tokenizer \"" +
                            std::string(file->metadata("tokenizer")) +
                            "\", an encoder is \"silt-encoder-1\" with \"wordpiece-uncased\": name "
                            "minilm-l6.safetensors");
  }
  SILT_ASSIGN(WordPiece pieces, WordPiece::load(*file));
  SILT_ASSIGN(EncoderNet net, EncoderNet::load(*file, usable));
  if (pieces.size() != net.shape().vocabulary) {
    return file->damaged("has a tokenizer of another size than its vocabulary");
  }
  return std::unique_ptr<Encoder>(new Encoder(std::move(file), pieces, std::move(net), std::max(threads, 1)));
}

Encoder::Encoder(std::unique_ptr<SafetensorsFile> file, WordPiece pieces, EncoderNet net, int threads)
    : file_(std::move(file)), pieces_(pieces), net_(std::move(net)), threads_(threads) {}

Result<std::vector<float>> Encoder::encode(std::string_view text, int tokens_max) const {
  std::vector<float> out;
  SILT_TRY(encode({&text, 1}, out, tokens_max));
  return out;
}

Status Encoder::encode(std::span<const std::string_view> texts, std::vector<float>& out,
                       int tokens_max) const {
  const auto d = static_cast<std::size_t>(width());
  tokens_max = std::clamp(tokens_max, 2, net_.shape().positions);
  out.assign(texts.size() * d, 0);
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    EncoderNet::Workspace workspace;
    for (std::size_t begin; (begin = next.fetch_add(kTextsOfShare)) < texts.size();) {
      const std::size_t count = std::min(kTextsOfShare, texts.size() - begin);
      encode_share(texts.subspan(begin, count), tokens_max, workspace, out.data() + begin * d);
    }
  };
  {
    const std::size_t shares = (texts.size() + kTextsOfShare - 1) / kTextsOfShare;
    std::vector<std::jthread> others;
    for (std::size_t i = 1; i < std::min(shares, static_cast<std::size_t>(threads_)); ++i) {
      others.emplace_back(work);
    }
    work();
  }
  if (std::all_of(out.begin(), out.end(), [](float value) { return std::isfinite(value); })) {
    return Status::ok();
  }
  return file_->damaged("gives numbers that are not finite");
}

// Passes of whole texts, of about kRowsOfPass rows each.
void Encoder::encode_share(std::span<const std::string_view> texts, int tokens_max,
                           EncoderNet::Workspace& work, float* out) const {
  std::vector<std::int32_t> tokens, of_text;
  std::vector<int> lengths;
  const auto pass = [&] {
    net_.run(tokens, lengths, work, out);
    out += lengths.size() * static_cast<std::size_t>(width());
    tokens.clear();
    lengths.clear();
  };
  for (const std::string_view text : texts) {
    pieces_.encode(text, tokens_max, of_text);
    if (!lengths.empty() && tokens.size() + of_text.size() > kRowsOfPass) pass();
    tokens.insert(tokens.end(), of_text.begin(), of_text.end());
    lengths.push_back(static_cast<int>(of_text.size()));
  }
  if (!lengths.empty()) pass();
}

std::string Encoder::fingerprint() const {
  return std::string(kArithmetic) + file_->fingerprint().hex();
}

float cosine(std::span<const float> a, std::span<const float> b) {
  return std::inner_product(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(std::min(a.size(), b.size())), b.begin(), 0.0F);
}

}  // namespace silt::model
