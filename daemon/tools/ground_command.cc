// silt-eval ground: how often rankers put a right pattern first, over questions whose lines are known.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "connectors/json.h"
#include "daemon/answer/meaning/sentence_scorer.h"
#include "daemon/answer/plan/planner.h"
#include "daemon/tools/commands.h"
#include "daemon/tools/lines_store.h"
#include "daemon/tools/vector_file.h"

namespace silt::tools {
namespace {

using namespace silt::answer;

struct Question {
  std::string text;
  std::string file;
  std::vector<store::Seq> lines;
};

struct Options {
  std::string questions, root, encoder, vectors;
};

Result<Options> parse(std::span<const std::string_view> arguments) {
  Options out;
  std::vector<std::string> places;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const bool named = arguments[i] == "--encoder" || arguments[i] == "--vectors";
    if (!named && arguments[i].starts_with("-")) return invalid_argument("unknown option " + std::string(arguments[i]));
    if (!named) places.emplace_back(arguments[i]);
    else if (i + 1 == arguments.size()) return invalid_argument(std::string(arguments[i]) + " needs a file");
    else (arguments[i] == "--encoder" ? out.encoder : out.vectors) = arguments[i + 1], ++i;
  }
  if (places.size() != 2) return invalid_argument("which questions, over which files? Write: silt-eval ground QUESTIONS ROOT");
  out.questions = places[0];
  out.root = places[1];
  return out;
}

// Those that name lines.
Result<std::vector<Question>> read_questions(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return not_found(path + ": cannot be read");
  std::vector<Question> out;
  std::size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.empty()) continue;
    const auto document = connectors::JsonDocument::parse(line);
    if (!document.is_ok()) return invalid_argument(path + ":" + std::to_string(number) + ": no JSON object");
    const connectors::Json root = document->root();
    Question question{std::string(root["question"].text()), std::string(root["files"].at(0).text()), {}};
    for (std::size_t i = 0; i < root["evidence"].size(); ++i) question.lines.push_back(static_cast<store::Seq>(root["evidence"].at(i).number()));
    if (!question.lines.empty()) out.push_back(std::move(question));
  }
  return out;
}

class Bench {
 public:
  Status read(const std::string& root, const std::string& name) {
    if (profiles_.contains(name)) return Status::ok();
    std::ifstream in(root + "/" + name, std::ios::binary);
    if (!in) return not_found(root + "/" + name + ": cannot be read");
    std::stringstream text;
    text << in.rdbuf();
    auto profile = std::make_shared<search::Profile>();
    profile->name = name;
    profile->ref = lines_.add(name, text.str(), now_us_);
    SILT_TRY(search::update_profile(lines_, lines_, *profile));
    profiles_[name] = std::move(profile);
    return Status::ok();
  }

  Status encode(const std::string& weights, const std::string& vectors) {
    const auto open = [weights]() -> Result<std::shared_ptr<const model::Encoder>> {
      SILT_ASSIGN(std::shared_ptr<const model::Encoder> encoder, model::Encoder::open(weights));
      return encoder;
    };
    file_ = std::make_unique<VectorFile>(lines_, vectors);
    vectors_ = std::make_unique<meaning::PatternVectors>(meaning::PatternVectors::Dependencies{lines_, lines_, lines_, *file_, open});
    for (const auto& [name, profile] : profiles_) {
      for (bool more = true; more;) {
        SILT_ASSIGN(more, vectors_->turn(profile->ref));
      }
    }
    file_->save();
    return Status::ok();
  }

  void ask(const Question& question) {
    const search::Profile& profile = *profiles_.at(question.file);
    std::set<store::PatternId> gold;
    for (const store::Seq line : question.lines) {
      if (line == 0) continue;
      if (const auto evidence = lines_.evidence(profile.ref, line); evidence.is_ok()) gold.insert(evidence->pattern);
    }
    language::TimeContext time;
    time.now_us = now_us_;
    time.first_us = profile.first_us;
    time.last_us = profile.last_us;
    const language::Reading reading = language::read_question(question.text, time);
    const plan::Topic topic = plan::topic_of(reading);
    plan::Topic said = topic;  // without the thesaurus
    for (plan::TopicWord& word : said.words) {
      if (word.alternatives.size() > 1) word.alternatives.resize(1);
    }
    note("words", gold, profile, plan::match_topic(said, profile, kMost).nearest);
    note("words, thesaurus", gold, profile, plan::match_topic(topic, profile, kMost).nearest);
    if (!vectors_) return;
    meaning::SentenceScorer scorer(*vectors_);
    const std::vector<float> near = plan::nearness(&scorer, reading, profile);
    note("encoder", gold, profile, plan::match_topic({}, profile, kMost, near).nearest);
    note("words, thesaurus, encoder", gold, profile, plan::match_topic(topic, profile, kMost, near).nearest);
  }

  void print() const {
    for (const auto& [name, ranks] : ranks_) {
      std::printf("%-26s %4zu questions", name.c_str(), ranks.size());
      for (const std::size_t most : {1, 3, 5, 10}) {
        const auto within = std::count_if(ranks.begin(), ranks.end(), [&](std::size_t rank) { return rank < most; });
        std::printf("  top-%zu %.3f", most, static_cast<double>(within) / static_cast<double>(ranks.size()));
      }
      std::printf("\n");
    }
  }

 private:
  static constexpr std::size_t kMost = 10;

  void note(const std::string& ranker, const std::set<store::PatternId>& gold, const search::Profile& profile, const std::vector<std::uint32_t>& order) {
    std::size_t rank = 0;
    while (rank < order.size() && !gold.contains(profile.patterns[order[rank]].id)) ++rank;
    ranks_[ranker].push_back(rank < order.size() ? rank : kMost);
  }

  const std::int64_t now_us_ =
      std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  LinesStore lines_;
  std::map<std::string, std::shared_ptr<search::Profile>> profiles_;
  std::unique_ptr<VectorFile> file_;
  std::unique_ptr<meaning::PatternVectors> vectors_;  // null: no encoder
  std::map<std::string, std::vector<std::size_t>> ranks_;  // of the best right pattern, from 0; by ranker
};

Status run(std::span<const std::string_view> arguments) {
  SILT_ASSIGN(const Options options, parse(arguments));
  SILT_ASSIGN(const std::vector<Question> questions, read_questions(options.questions));
  if (questions.empty()) return invalid_argument(options.questions + " has no question with evidence");
  Bench bench;
  for (const Question& question : questions) SILT_TRY(bench.read(options.root, question.file));
  if (!options.encoder.empty()) SILT_TRY(bench.encode(options.encoder, options.vectors));
  for (const Question& question : questions) bench.ask(question);
  bench.print();
  return Status::ok();
}

}  // namespace

int ground_questions(std::span<const std::string_view> arguments) {
  const Status status = run(arguments);
  if (!status.is_ok()) std::fprintf(stderr, "silt-eval: %s\n", status.message().c_str());
  return status.is_ok() ? 0 : 2;
}

}  // namespace silt::tools
