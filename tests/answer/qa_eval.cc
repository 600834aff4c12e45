// silt-qa-eval: asks a file of questions about one log and scores answers and evidence.
//
//   silt-qa-eval --log FILE --questions FILE [--dataset NAME] [--weights FILE] [--rank LIST]
//                [--print wrong|all] [--sweep yes] [--planner model] [--reader model]
//
// LIST holds any of none, adapted, frozen: lexical order, re-ranked with the learned weights, with W_0.
//
// --planner, --reader: what the model does whether its weights ask for it or not.
// Questions are one JSON object a line: {"question", "answer", "evidence": [line numbers], "match":
// "exact"|"abstain", "dataset"}, or {"Question", "Answer", "RawLog"}, whose evidence is every line that
// ends with RawLog. Prints per kind of question: exact match (after normalising case, quotes and a
// leading slash), evidence recall at 5 (hits / min(5, relevant)), any hit at 5, and latency.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "daemon/answer/words.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "tests/answer/corpus.h"

namespace silt::answer {
namespace {

struct Question {
  std::string text;
  std::string answer;
  std::string kind;
  std::vector<Seq> evidence;
  bool abstain = false;
};

struct Options {
  std::string log, questions, dataset, weights, rank = "none", print, sweep, planner, reader;
};

struct Score {
  std::size_t asked = 0, with_evidence = 0;
  double exact = 0, contained = 0, recall = 0, hit = 0;
};

std::string normalise(std::string_view text) {
  std::string out = lower_ascii(text);
  while (!out.empty() && (out.front() == '/' || out.front() == '"' || out.front() == ' ')) out.erase(0, 1);
  while (!out.empty() && (out.back() == '"' || out.back() == ' ' || out.back() == '.' || out.back() == ':'))
    out.pop_back();
  return out;
}

// The first value of an answer: what stands before its mark or its count.
std::string value_of(const std::string& text) {
  std::size_t end = std::min({text.find(" ["), text.find(" ("), text.find('\n'), text.find(" record")});
  return text.substr(0, end);
}

std::string field(const google::protobuf::Struct& object, const std::string& name) {
  const auto found = object.fields().find(name);
  return found == object.fields().end() ? std::string() : found->second.string_value();
}

std::vector<Question> load_questions(const Options& options, const std::vector<std::string>& lines) {
  std::vector<Question> out;
  std::ifstream file(options.questions);
  std::string line;
  while (std::getline(file, line)) {
    google::protobuf::Struct object;
    if (!google::protobuf::util::JsonStringToMessage(line, &object).ok()) continue;
    if (!options.dataset.empty() && field(object, "dataset") != options.dataset) continue;
    Question question;
    if (object.fields().contains("RawLog")) {
      question.text = field(object, "Question");
      question.answer = field(object, "Answer");
      question.kind = "reading";
      const std::string raw = field(object, "RawLog");
      for (std::size_t i = 0; i < lines.size(); ++i) {
        if (lines[i].ends_with(raw)) question.evidence.push_back(i + 1);
      }
    } else {
      question.text = field(object, "question");
      question.answer = field(object, "answer");
      question.kind = field(object, "kind");
      question.abstain = field(object, "match") == "abstain";
      const auto evidence = object.fields().find("evidence");
      if (evidence != object.fields().end()) {
        for (const auto& value : evidence->second.list_value().values())
          question.evidence.push_back(static_cast<Seq>(value.number_value()));
      }
    }
    out.push_back(std::move(question));
  }
  return out;
}

bool score_answer(const Question& question, const Asked& asked, Score& score) {
  ++score.asked;
  if (question.abstain) {
    score.exact += asked.final.abstained();
    score.contained += asked.final.abstained();
    return asked.final.abstained();
  }
  const bool exact =
      !asked.final.abstained() && normalise(value_of(asked.text)) == normalise(question.answer);
  score.exact += exact;
  score.contained += !asked.final.abstained() &&
                     lower_ascii(asked.text).find(normalise(question.answer)) != std::string::npos;
  std::size_t hits = 0;
  for (std::size_t i = 0; i < asked.evidence.size() && i < 5; ++i) {
    hits += std::find(question.evidence.begin(), question.evidence.end(), asked.evidence[i].seq()) !=
            question.evidence.end();
  }
  const std::size_t wanted = std::min<std::size_t>(5, question.evidence.size());
  if (wanted > 0) {
    ++score.with_evidence;
    score.recall += double(hits) / double(wanted);
    score.hit += hits > 0;
  }
  return exact;
}

void print_scores(const std::map<std::string, Score>& scores, std::vector<double>& latency_ms) {
  for (const auto& [kind, score] : scores) {
    const double n = double(score.asked), evidence = double(std::max<std::size_t>(score.with_evidence, 1));
    std::printf("  %-14s n=%4zu exact=%.3f contained=%.3f recall@5=%.3f hit@5=%.3f\n", kind.c_str(),
                score.asked, score.exact / n, score.contained / n, score.recall / evidence,
                score.hit / evidence);
  }
  std::sort(latency_ms.begin(), latency_ms.end());
  if (latency_ms.empty()) return;
  std::printf("  latency p50=%.1f ms p95=%.1f ms max=%.1f ms\n", latency_ms[latency_ms.size() / 2],
              latency_ms[latency_ms.size() * 95 / 100], latency_ms.back());
}

void ask_all(Corpus& corpus, const std::vector<Question>& questions, const AnswerOptions& answering,
             const std::string& print) {
  const SystemClock clock;
  const auto answerer = corpus.answerer(answering);
  std::map<std::string, Score> scores;
  std::vector<double> latency_ms;
  for (const Question& question : questions) {
    const std::int64_t started = clock.monotonic_us();
    const Asked asked = ask(*answerer, question.text);
    latency_ms.push_back(double(clock.monotonic_us() - started) / 1e3);
    const bool right = score_answer(question, asked, scores[question.kind]);
    score_answer(question, asked, scores["all"]);
    if (print == "all" || (print == "wrong" && !right)) {
      std::printf("%s %s\n  want %s\n  got  %s\n  plan %s\n", right ? "ok" : "--", question.text.c_str(),
                  question.answer.c_str(),
                  asked.status.is_ok() ? asked.text.c_str() : asked.status.to_string().c_str(),
                  asked.plan.text().c_str());
    }
  }
  print_scores(scores, latency_ms);
}

int run(const Options& options) {
  const SystemClock clock;
  std::vector<std::string> lines;
  std::ifstream log(options.log);
  for (std::string line; std::getline(log, line);) {
    if (line.ends_with('\r')) line.pop_back();
    lines.push_back(line);
  }
  const auto questions = load_questions(options, lines);
  Corpus corpus(options.weights);
  const bool learn = options.rank.find("adapted") != std::string::npos;
  const std::int64_t started = clock.monotonic_us();
  corpus.add("eval", lines, Corpus::kStart, "default", learn);
  std::printf("%zu lines %s in %.1f s, %zu questions\n", lines.size(), learn ? "learned" : "indexed",
              double(clock.monotonic_us() - started) / 1e6, questions.size());
  const std::vector<std::pair<double, double>> grid = {{0.05, 0.05}, {0.1, 0}, {0.2, 0},
                                                       {0, 0.1},     {0, 0.2}, {0.1, 0.1}};
  for (const std::string rank : {"none", "adapted", "frozen"}) {  // in this order: frozen unlearns
    if (options.rank.find(rank) == std::string::npos) continue;
    if (rank == "frozen") corpus.unlearn("eval");
    for (const auto& [forward, backward] : grid) {
      AnswerOptions answering;
      answering.rerank = rank != "none";
      if (options.planner == "model") answering.planner = PathChoice::kModel;
      if (options.reader == "model") answering.reader = PathChoice::kModel;
      const bool only_one = options.sweep.empty() || !answering.rerank;
      if (!only_one) {
        answering.rerank_forward = forward;
        answering.rerank_backward = backward;
      }
      std::printf("rank %s forward %.2f backward %.2f\n", rank.c_str(), answering.rerank_forward,
                  answering.rerank_backward);
      ask_all(corpus, questions, answering, options.print);
      std::fflush(stdout);
      if (only_one) break;
    }
  }
  return 0;
}

}  // namespace
}  // namespace silt::answer

int main(int argc, char** argv) {
  silt::daemon::Options options;
  std::map<std::string, std::string*> known = {
      {"--log", &options.log},         {"--questions", &options.questions}, {"--dataset", &options.dataset},
      {"--weights", &options.weights}, {"--rank", &options.rank},           {"--print", &options.print},
      {"--sweep", &options.sweep},     {"--planner", &options.planner},     {"--reader", &options.reader}};
  for (int i = 1; i + 1 < argc; i += 2) {
    const auto found = known.find(argv[i]);
    if (found == known.end()) {
      std::fprintf(stderr, "silt-qa-eval: unknown option %s\n", argv[i]);
      return 2;
    }
    *found->second = argv[i + 1];
  }
  if (options.log.empty() || options.questions.empty()) {
    std::fprintf(stderr,
                 "usage: silt-qa-eval --log FILE --questions FILE [--dataset NAME] [--weights FILE]\n"
                 "                    [--rank none,adapted,frozen] [--print wrong|all] [--sweep yes]\n"
                 "                    [--planner model] [--reader model]\n");
    return 2;
  }
  return silt::daemon::run(options);
}
