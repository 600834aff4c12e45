// chunk_step: how fast a mini-batch is read and learned, where the time goes, and how close that is
// to the matrix products alone.
//
// Steps and products alternate in one run, so whatever else the machine does hits both. Times are the
// lower quartile of many repetitions. With one thread they are processor time (other programs on the
// core do not count), with more they are wall time.
// The last line is for programs:
//   read_tokens_per_s=... learn_tokens_per_s=... ratio_to_gemm=... threads=...
// ratio_to_gemm: floating-point operations per second of read and learn, attention counted once,
// divided by those of the best packed products known here, over the same shapes.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "bench/products.h"
#include "bench/timed_backend.h"
#include "model/backends/backends.h"
#include "model/cpu/backend_cpu.h"
#include "model/default_weights.h"
#include "model/learner.h"
#include "model/net.h"

namespace silt::bench {

std::string_view part_name(Part part) {
  static constexpr std::string_view kNames[] = {"linear maps",   "attention",       "swiglu in",
                                                "head",          "backward maps",   "attention backward",
                                                "fast gradient", "update and pack", "norms and embedding",
                                                "window upkeep"};
  return kNames[static_cast<std::size_t>(part)];
}

namespace {

using model::Learner;
using model::LearnMode;
using model::Token;

struct Options {
  std::string backend = "auto";
  std::string weights;
  int threads = 1;
  double seconds = 6;
  long position = 0;
  bool json = false;
};

double quartile(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 4];
}

// A learner with its own state and a clock on its operations.
struct Rig {
  std::unique_ptr<Learner> learner;
  TimedBackend* backend = nullptr;  // owned by the learner
  model::AdaptedState state;
  std::vector<model::TokenScore> scores;
  std::vector<double> step_seconds;
  std::vector<PartSeconds> parts;
};

// Tokens that repeat with variations.
std::vector<Token> stream(int count, int vocabulary, unsigned& seed) {
  std::vector<Token> tokens(count);
  for (int i = 0; i < count; ++i) {
    seed = seed * 1664525U + 1013904223U;
    const unsigned choice = seed >> 8;
    tokens[i] = static_cast<Token>(choice % 8 == 0 ? choice / 8 % vocabulary : (i * 131) % vocabulary);
  }
  return tokens;
}

Rig make_rig(const std::shared_ptr<const model::Net>& net, const Options& options, Clock clock) {
  Rig rig;
  auto inner = model::open_backend({.name = options.backend, .threads = options.threads}, net->config);
  auto timed = std::make_unique<TimedBackend>(std::move(inner).value(), clock);
  rig.backend = timed.get();
  rig.learner = Learner::create(net, std::move(timed), {});
  rig.state = rig.learner->fresh();
  return rig;
}

void one_step(Rig& rig, LearnMode mode, Clock clock, unsigned& seed, bool count) {
  const auto tokens = stream(rig.learner->config().minibatch_tokens, rig.learner->config().vocabulary, seed);
  rig.scores.clear();
  rig.backend->take();
  const double start = seconds(clock);
  if (!rig.learner->append(rig.state, tokens, mode, rig.scores).is_ok()) std::abort();
  const double spent = seconds(clock) - start;
  if (!count) return;
  rig.step_seconds.push_back(spent);
  rig.parts.push_back(rig.backend->take());
}

double part_seconds(const Rig& rig, int part) {
  std::vector<double> values;
  for (const PartSeconds& p : rig.parts) values.push_back(p[static_cast<std::size_t>(part)]);
  return quartile(std::move(values));
}

// The time of one pass over all products, one sample for each shape and pass.
struct ProductTimes {
  std::unique_ptr<Products> products;
  std::vector<std::vector<double>> samples;

  void pass(Clock clock) {
    for (std::size_t i = 0; i < samples.size(); ++i) {
      const double start = seconds(clock);
      products->run(i);
      samples[i].push_back(seconds(clock) - start);
    }
  }
};

struct Report {
  std::string backend;
  int threads = 1;
  int minibatch = 0;
  double read_s = 0, learn_s = 0;  // a mini-batch
  double read_flops = 0, learn_flops = 0, product_flops = 0;
  double own_s = 0;   // all products of a step, own kernels of this path
  double best_s = 0;  // the best known, shape by shape
  double own_best_path_s = 0;
  std::vector<ProductTimes> yardsticks;
  std::vector<ProductShape> shapes;
};

double rate(double flops, double s) {
  return flops / s * 1e-9;
}

void print_parts(const Rig& read, const Rig& learn, const Report& r) {
  std::printf("\n%-22s %10s %7s %10s %7s\n", "part, ms a mini-batch", "read", "%", "learn", "%");
  double read_sum = 0;
  double learn_sum = 0;
  const auto line = [&](std::string_view name, double a, double b) {
    std::printf("%-22.*s %10.3f %6.1f%% %10.3f %6.1f%%\n", static_cast<int>(name.size()), name.data(),
                a * 1e3, 100 * a / r.read_s, b * 1e3, 100 * b / r.learn_s);
    read_sum += a;
    learn_sum += b;
  };
  for (int part = 0; part < kParts; ++part) {
    const double a = part_seconds(read, part);
    const double b = part_seconds(learn, part);
    if (static_cast<Part>(part) == Part::kHead) {  // one pass does both; the difference is the gradient
      line("head", a, a);
      line("head backward", 0, b - a);
    } else {
      line(part_name(static_cast<Part>(part)), a, b);
    }
  }
  line("between operations", r.read_s - read_sum, r.learn_s - learn_sum);
  std::printf("%-22s %10.3f %7s %10.3f\n", "whole", r.read_s * 1e3, "", r.learn_s * 1e3);
}

void print_products(const Report& r) {
  std::printf("\n%-22s %4s %6s %6s %3s", "products, GFLOP/s", "m", "k", "n", "x");
  for (const ProductTimes& y : r.yardsticks) std::printf(" %18s", y.products->name().c_str());
  std::printf("\n");
  for (std::size_t i = 0; i < r.shapes.size(); ++i) {
    const ProductShape& s = r.shapes[i];
    std::printf("%-22s %4d %6d %6d %3d", s.name.c_str(), s.m, s.k, s.n, s.count);
    for (const ProductTimes& y : r.yardsticks)
      std::printf(" %18.0f", rate(s.flops(), quartile(y.samples[i])));
    std::printf("\n");
  }
}

void print_summary(const Report& r, bool json) {
  const double read = r.minibatch / r.read_s;
  const double learn = r.minibatch / r.learn_s;
  const double step = rate(r.learn_flops, r.learn_s);
  const double own = rate(r.product_flops, r.own_s);
  const double best = rate(r.product_flops, r.best_s);
  std::printf("\n%s, %d thread%s: step %.0f GFLOP/s; products of this path %.0f, best of this machine %.0f\n",
              r.backend.c_str(), r.threads, r.threads == 1 ? "" : "s", step, own, best);
  std::printf("ratio to this path's products %.3f, to the machine's best %.3f\n", step / own, step / best);
  if (json) {
    std::printf(
        "{\"backend\":\"%s\",\"threads\":%d,\"read_tokens_per_s\":%.1f,\"learn_tokens_per_s\":%.1f,"
        "\"step_gflops\":%.1f,\"own_gflops\":%.1f,\"best_gflops\":%.1f,\"ratio_to_gemm\":%.4f}\n",
        r.backend.c_str(), r.threads, read, learn, step, own, best, step / best);
  }
  std::printf("read_tokens_per_s=%.0f learn_tokens_per_s=%.0f ratio_to_gemm=%.3f threads=%d\n", read, learn,
              step / best, r.threads);
}

// Cost of a token far into a stream against one near its start. Rounds alternate; the young stream
// starts anew whenever it has grown old.
void compare_positions(const std::shared_ptr<const model::Net>& net, const Options& options, Clock clock) {
  constexpr long kYoung = 1000;
  Rig young = make_rig(net, options, clock);
  Rig old = make_rig(net, options, clock);
  unsigned seed = 1;
  const long b = net->config.minibatch_tokens;
  for (long at = 0; at < options.position; at += b)
    one_step(old, LearnMode::kScoreAndLearn, clock, seed, false);
  const double start = seconds(Clock::kWall);
  while (seconds(Clock::kWall) - start < options.seconds) {
    young.state = young.learner->fresh();
    for (long at = 0; at < kYoung; at += b) one_step(young, LearnMode::kScoreAndLearn, clock, seed, false);
    for (int i = 0; i < 8; ++i) {
      one_step(young, LearnMode::kScoreAndLearn, clock, seed, true);
      one_step(old, LearnMode::kScoreAndLearn, clock, seed, true);
    }
  }
  const double a = quartile(young.step_seconds) / static_cast<double>(b);
  const double z = quartile(old.step_seconds) / static_cast<double>(b);
  std::printf("us_per_token_at_%ld=%.3f us_per_token_at_%ld=%.3f ratio=%.4f\n", kYoung, a * 1e6,
              options.position, z * 1e6, z / a);
}

void measure(const std::shared_ptr<const model::Net>& net, const Options& options, Clock clock) {
  Rig read = make_rig(net, options, clock);
  Rig learn = make_rig(net, options, clock);
  Report r;
  r.backend = std::string(learn.learner->backend_name());
  r.threads = options.threads;
  r.minibatch = net->config.minibatch_tokens;
  r.shapes = step_products(net->config);
  r.read_flops = read_flops(net->config);
  r.learn_flops = learn_flops(net->config);
  r.product_flops = flops_of(r.shapes);
  const auto add = [&](std::unique_ptr<Products> products) {
    if (products != nullptr)
      r.yardsticks.push_back({std::move(products), std::vector<std::vector<double>>(r.shapes.size())});
  };
  const bool own = r.backend.starts_with("cpu-");
  const std::string best = model::cpu_backends().front();
  add(own_products(own ? r.backend : best, options.threads, r.shapes));
  if (r.backend != best) add(own_products(best, options.threads, r.shapes));
  if (options.threads == 1) add(onednn_products(r.shapes));

  unsigned seed = 1;
  const int warm = 2 + net->config.window_tokens / net->config.minibatch_tokens;
  for (int i = 0; i < warm; ++i) {
    one_step(read, LearnMode::kScoreOnly, clock, seed, false);
    one_step(learn, LearnMode::kScoreAndLearn, clock, seed, false);
  }
  const double start = seconds(Clock::kWall);
  while (learn.step_seconds.size() < 8 || seconds(Clock::kWall) - start < options.seconds) {
    one_step(read, LearnMode::kScoreOnly, clock, seed, true);
    // The first of two finds the caches full of other things; in the daemon steps follow each other.
    one_step(learn, LearnMode::kScoreAndLearn, clock, seed, false);
    one_step(learn, LearnMode::kScoreAndLearn, clock, seed, true);
    for (ProductTimes& y : r.yardsticks) y.pass(clock);
  }
  r.read_s = quartile(read.step_seconds);
  r.learn_s = quartile(learn.step_seconds);
  for (std::size_t i = 0; i < r.shapes.size(); ++i) {
    double fastest = quartile(r.yardsticks[0].samples[i]);
    r.own_s += fastest;
    for (const ProductTimes& y : r.yardsticks) fastest = std::min(fastest, quartile(y.samples[i]));
    r.best_s += fastest;
  }
  print_products(r);
  print_parts(read, learn, r);
  print_summary(r, options.json);
}

[[noreturn]] void usage() {
  std::fprintf(stderr,
               "usage: chunk_step [--backend B] [--threads N] [--seconds S] [--weights FILE] [--json]\n"
               "                  [--position TOKENS]  compare the cost of a token there with one at 1000\n");
  std::exit(2);
}

Options parse(int argc, char** argv) {
  Options o;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--json") {
      o.json = true;
      continue;
    }
    if (i + 1 == argc) usage();
    const char* value = argv[++i];
    if (name == "--backend") {
      o.backend = value;
    } else if (name == "--weights") {
      o.weights = value;
    } else if (name == "--threads") {
      o.threads = std::atoi(value);
    } else if (name == "--seconds") {
      o.seconds = std::atof(value);
    } else if (name == "--position") {
      o.position = std::atol(value);
    } else {
      usage();
    }
  }
  return o;
}

Status run(const Options& options) {
  std::string path = options.weights;
  if (path.empty()) {
    SILT_ASSIGN(path, model::find_default_weights());
  }
  SILT_ASSIGN(const std::shared_ptr<const model::Model> opened, model::Model::open(path));
  SILT_ASSIGN(const std::unique_ptr<model::Backend> packer,
              model::open_backend({.name = options.backend, .threads = options.threads}, opened->config()));
  SILT_ASSIGN(const std::shared_ptr<const model::Net> net,
              model::Net::create(opened->weights(), opened->config(), *packer));
  const Clock clock = options.threads == 1 ? Clock::kThread : Clock::kWall;
  if (options.position > 0) {
    compare_positions(net, options, clock);
  } else {
    measure(net, options, clock);
  }
  return Status::ok();
}

}  // namespace
}  // namespace silt::bench

int main(int argc, char** argv) {
  const silt::Status status = silt::bench::run(silt::bench::parse(argc, argv));
  if (status.is_ok()) return 0;
  std::fprintf(stderr, "chunk_step: %s\n", status.message().c_str());
  return 1;
}
