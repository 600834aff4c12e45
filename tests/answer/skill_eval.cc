// silt-skill-eval: answers from evidence and recall, on lists of `python3 -m skills.evaluation`.
//
//   silt-skill-eval --open FILE --weights FILE [--print wrong|all] [--free yes]
//   silt-skill-eval --closed FILE --logs DIR --weights FILE [--worlds N]
//
// --open: within the grammar of answers, or with --free as the reader likes. exact = the same values, whole =
// with the same line numbers, over the items that have an answer; precision = cited lines that have the
// value; abstained = "none" where no line has it, and where one has.
// --closed: reads and learns each log, then ranks the true value among 99 others by surprise behind the
// question, starting from an empty window: first = it is the least surprising one. Beside it the same after a
// reset, that is with W_0.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <fstream>
#include <map>
#include <numeric>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "daemon/answer/evidence_reader.h"
#include "daemon/answer/prompt.h"
#include "model/json.h"
#include "model/learner.h"
#include "model/reader.h"

namespace silt::answer {
namespace {

constexpr int kAnswerTokensMax = 96;

struct Options {
  std::string open, closed, logs, weights, print, free, worlds = "1000000";
};

std::vector<model::Json> load(const std::string& path) {
  std::vector<model::Json> out;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    auto item = model::Json::parse(line);
    if (item.is_ok()) out.push_back(std::move(*item));
  }
  return out;
}

const std::string& text_of(const model::Json& item, std::string_view key) {
  static const std::string kNothing;
  const model::Json* found = item.find(key);
  return found != nullptr && found->string() != nullptr ? *found->string() : kNothing;
}

std::vector<model::Token> tokens_of(const model::Tokenizer& tokenizer, std::string_view text) {
  std::vector<model::Token> out;
  tokenizer.encode(text, out);
  return out;
}

// "a [1] [3], b [2]" as {"a": {1, 3}, "b": {2}}.
using Answer = std::map<std::string, std::set<int>>;
Answer parse_answer(std::string_view text) {
  Answer out;
  while (!text.empty()) {
    const std::size_t mark = text.find(" [");
    std::set<int>& refs = out[std::string(text.substr(0, mark))];
    text.remove_prefix(std::min(mark, text.size()));
    while (text.starts_with(" [")) {
      refs.insert(std::atoi(std::string(text.substr(2, 4)).c_str()));
      text.remove_prefix(std::min(text.find(']'), text.size() - 1) + 1);
    }
    if (text.starts_with(", "))
      text.remove_prefix(2);
    else if (mark == text.npos || !text.empty())
      break;
  }
  return out;
}

bool same_values(const Answer& a, const Answer& b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [](const auto& x, const auto& y) { return x.first == y.first; });
}

struct OpenScore {
  double answerable = 0, exact = 0, whole = 0, cited = 0, right = 0, none = 0, abstained = 0, gave_up = 0;

  void add(const std::string& expected, const std::string& written) {
    if (expected == kNoAnswer) {
      ++none;
      abstained += written == kNoAnswer;
      return;
    }
    const Answer wanted = parse_answer(expected), got = parse_answer(written);
    ++answerable;
    gave_up += written == kNoAnswer;
    exact += same_values(wanted, got);
    whole += wanted == got;
    for (const auto& [value, refs] : got) {
      const auto found = wanted.find(value);
      cited += double(refs.size());
      for (const int ref : refs) right += found != wanted.end() && found->second.contains(ref);
    }
  }
  void print(const std::string& name) const {
    std::printf(
        "%-10s n=%4.0f exact=%.3f whole=%.3f precision=%.3f gave_up=%.3f | none n=%3.0f abstained=%.3f\n",
        name.c_str(), answerable, exact / std::max(answerable, 1.0), whole / std::max(answerable, 1.0),
        right / std::max(cited, 1.0), gave_up / std::max(answerable, 1.0), none,
        abstained / std::max(none, 1.0));
  }
};

// What the reader writes on its own.
Result<std::string> write_freely(model::Reader& reader, const model::Tokenizer& tokenizer,
                                 std::string_view prompt) {
  model::GenerateOptions generate;
  generate.tokens_max = kAnswerTokensMax;
  generate.on_token = [&](model::Token token) { return !tokenizer.piece(token).ends_with('\n'); };
  SILT_ASSIGN(const auto written, reader.generate(nullptr, tokens_of(tokenizer, prompt), generate));
  std::string answer = tokenizer.decode(written);
  while (answer.ends_with('\n')) answer.pop_back();
  return answer;
}

// What it writes within the grammar.
Result<std::string> write_held(EvidenceReader& reader, const model::Json& item) {
  std::vector<std::string> lines;
  for (const model::Json& line : *item.find("lines")->array()) lines.push_back(*line.string());
  const std::atomic<bool> never{false};
  SILT_ASSIGN(const auto values, reader.read(lines, text_of(item, "question"), never));
  if (!values) return std::string("(no end)");
  std::string answer;
  for (const EvidenceValue& value : *values) {
    answer += (answer.empty() ? "" : ", ") + value.text;
    for (const std::size_t line : value.lines) answer += " [" + std::to_string(line + 1) + "]";
  }
  return answer.empty() ? std::string(kNoAnswer) : answer;
}

Status measure_open(const Options& options, const std::shared_ptr<const model::Model>& model) {
  SILT_ASSIGN(const auto reader, model::Reader::create(model, {"auto", 1}));
  SILT_ASSIGN(const auto held, EvidenceReader::create(model, {"auto", 1}));
  std::map<std::string, OpenScore> scores;
  for (const model::Json& item : load(options.open)) {
    SILT_ASSIGN(const std::string answer,
                options.free == "yes" ? write_freely(*reader, model->tokenizer(), text_of(item, "prompt"))
                                      : write_held(*held, item));
    const std::string& expected = text_of(item, "answer");
    scores[text_of(item, "kind")].add(expected, answer);
    scores["(all)"].add(expected, answer);
    if (options.print == "all" || (options.print == "wrong" && answer != expected)) {
      std::printf("%s%s\n  want %s\n", text_of(item, "prompt").c_str(), answer.c_str(), expected.c_str());
    }
  }
  for (const auto& [name, score] : scores) score.print(name);
  return Status::ok();
}

std::string first_lines(const std::string& path, std::int64_t count) {
  std::ifstream file(path, std::ios::binary);
  std::string out;
  for (std::string line; count > 0 && std::getline(file, line); --count) out.append(line).append("\n");
  return out;
}

struct Ranks {
  double asked = 0, first = 0, reciprocal = 0;
  void add(std::size_t rank) {
    ++asked;
    first += rank == 1;
    reciprocal += 1.0 / double(rank);
  }
};

// The rank of the item's answer among its decoys under these weights.
Result<std::size_t> rank_of(const model::Json& item, const model::Tokenizer& tokenizer, model::Reader& reader,
                            const std::shared_ptr<const model::FastWeights>& weights) {
  const std::vector<model::Token> prompt = tokens_of(tokenizer, text_of(item, "prompt"));
  std::vector<std::vector<model::Token>> values = {tokens_of(tokenizer, text_of(item, "answer") + "\n")};
  for (const model::Json& decoy : *item.find("decoys")->array())
    values.push_back(tokens_of(tokenizer, *decoy.string() + "\n"));
  std::vector<std::vector<float>> nll(values.size());
  std::vector<model::TextLane> texts;
  for (std::size_t i = 0; i < values.size(); ++i)
    texts.push_back({.weights = weights, .context = prompt, .text = values[i], .nll = &nll[i]});
  SILT_TRY(reader.score(texts));
  const auto total = [&](std::size_t i) { return std::accumulate(nll[i].begin(), nll[i].end(), 0.0); };
  std::size_t rank = 1;
  for (std::size_t i = 1; i < nll.size(); ++i) rank += total(i) <= total(0);
  return rank;
}

Status measure_closed(const Options& options, const std::shared_ptr<const model::Model>& model) {
  SILT_ASSIGN(const auto reader, model::Reader::create(model, {"auto", 1}));
  SILT_ASSIGN(const auto learner, model::Learner::create(model, {"auto", 1}, {}));
  const model::Tokenizer& tokenizer = model->tokenizer();
  std::map<std::string, std::pair<Ranks, Ranks>> ranks;  // learned, reset
  model::AdaptedState state;
  std::string path;
  int worlds_left = std::stoi(options.worlds);
  for (const model::Json& item : load(options.closed)) {
    const auto count = [&](std::string_view key) { return item.find(key)->natural(); };
    const std::string wanted =
        options.logs + "/" + std::to_string(count("world")) + "/" + text_of(item, "source");
    if (wanted != path) {
      if (worlds_left-- == 0) break;
      path = wanted;
      state = learner->fresh();
      std::vector<model::TokenScore> scores;
      const auto tokens = tokens_of(tokenizer, first_lines(path, count("line_count")));
      SILT_TRY(learner->append(state, tokens, model::LearnMode::kScoreAndLearn, scores).status());
    }
    SILT_ASSIGN(const std::size_t learned, rank_of(item, tokenizer, *reader, state.weights));
    SILT_ASSIGN(const std::size_t reset, rank_of(item, tokenizer, *reader, nullptr));
    char name[64];
    std::snprintf(name, sizeof(name), "distance %5d seen %2d", int(count("distance")), int(count("seen")));
    for (const std::string& group : {std::string(name), std::string("all")}) {
      ranks[group].first.add(learned);
      ranks[group].second.add(reset);
    }
  }
  for (const auto& [name, two] : ranks) {
    const auto& [learned, reset] = two;
    std::printf("%-24s n=%3.0f learned first=%.3f mrr=%.3f | reset first=%.3f mrr=%.3f\n", name.c_str(),
                learned.asked, learned.first / learned.asked, learned.reciprocal / learned.asked,
                reset.first / reset.asked, reset.reciprocal / reset.asked);
  }
  return Status::ok();
}

int run(const Options& options) {
  const auto model = model::Model::open(options.weights);
  Status status = model.status();
  if (status.is_ok() && !options.open.empty()) status = measure_open(options, *model);
  if (status.is_ok() && !options.closed.empty()) status = measure_closed(options, *model);
  if (!status.is_ok()) std::fprintf(stderr, "silt-skill-eval: %s\n", status.to_string().c_str());
  return status.is_ok() ? 0 : 1;
}

}  // namespace
}  // namespace silt::answer

int main(int argc, char** argv) {
  silt::daemon::Options options;
  const std::map<std::string, std::string*> known = {
      {"--open", &options.open},       {"--closed", &options.closed}, {"--logs", &options.logs},
      {"--weights", &options.weights}, {"--print", &options.print},   {"--worlds", &options.worlds},
      {"--free", &options.free}};
  for (int i = 1; i + 1 < argc; i += 2) {
    const auto found = known.find(argv[i]);
    if (found != known.end()) *found->second = argv[i + 1];
  }
  if (options.weights.empty() || (options.open.empty() && options.closed.empty())) {
    std::fprintf(
        stderr,
        "usage: silt-skill-eval --weights FILE [--open FILE] [--closed FILE --logs DIR] [--print wrong|all]\n"
        "                       [--worlds N] [--free yes]\n");
    return 2;
  }
  return silt::daemon::run(options);
}
