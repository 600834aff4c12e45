// cuda_learn: learned tokens a second of the GPU engine in steady state: windows full, the shipped weights, the whole
// step with its state update and the scores copied out. Beside it the arithmetic ceiling, and the time of the step's
// products with frozen weights alone, measured in the same run.
//
//   cuda_learn [--weights FILE] [--lanes 1,64,256] [--seconds S] [--frozen] [--profile]
// --profile: one step, between calls that start and stop a profiler.
#include <cuda_profiler_api.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "model/cuda/device_net.h"
#include "model/cuda/cuda_engine.h"
#include "model/cuda/step.h"
#include "model/default_weights.h"
#include "model/model.h"
#include "model/recall_gate.h"

namespace silt::model {
namespace {

struct Options {
  std::string weights;
  std::vector<int> lanes = {1, 2, 4, 8, 16, 32, 64, 128, 256};
  double seconds = 1;
  bool frozen = false, profile = false;
};

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// Floating-point operations of one learned token with a full window.
double operations_a_token(const cuda::Shape& s) {
  const double d = s.width, a = s.attention_width(), m = s.mlp_width, f = s.fast_width, v = s.vocabulary;
  const double layers = s.layers, fast = s.fast_layers, window = s.window_blocks * cuda::kBlockRows;
  double multiplies = layers * (d * 3 * a + a * d + 3 * d * m) + fast * 3 * d * f;        // forward
  multiplies += layers * 2 * a * window + 2 * d * v;                                       // attention, head both ways
  multiplies += (fast - 1) * (3 * d * m + 3 * d * f + a * d + 3 * a * d + 2.5 * a * window);  // backward
  multiplies += fast * d * f;                                                              // gradient
  return 2 * multiplies;
}

struct Source {
  std::shared_ptr<HeldWeights> weights;
  std::unique_ptr<HeldWindow> window;
};

// A step of all sources, with buffers of its own.
struct Batch {
  std::vector<LaneStep> steps;
  std::vector<Token> tokens;
  std::vector<float> nll, frozen_nll;
};

class Run {
 public:
  Run(const Model& model, LaneEngine& engine, int lanes, bool frozen) : engine_(engine), frozen_(frozen) {
    vocabulary_ = static_cast<unsigned>(model.config().vocabulary);
    sources_.resize(static_cast<std::size_t>(lanes));
  }

  Status start() {
    for (Source& source : sources_) {
      SILT_ASSIGN(source.weights, engine_.allocate_weights());
      SILT_ASSIGN(source.window, engine_.allocate_window());
    }
    batches_.resize(static_cast<std::size_t>(engine_.steps_in_flight()));
    for (Batch& batch : batches_) make(batch);
    SILT_TRY(steps(8, /*first=*/true));
    return steps(8, false);
  }

  Status steps(int count, bool first = false) {
    std::vector<LaneEngine::Ticket> tickets;
    std::size_t waited = 0;
    for (int i = 0; i < count; ++i) {
      if (tickets.size() - waited == batches_.size()) SILT_TRY(engine_.wait(tickets[waited++]));
      Batch& batch = batches_[static_cast<std::size_t>(i) % batches_.size()];
      for (std::size_t s = 0; s < sources_.size(); ++s) {
        batch.steps[s].weights = first && i == 0 ? nullptr : sources_[s].weights.get();
      }
      SILT_ASSIGN(const LaneEngine::Ticket ticket, engine_.submit(batch.steps));
      tickets.push_back(ticket);
    }
    while (waited < tickets.size()) SILT_TRY(engine_.wait(tickets[waited++]));
    return Status::ok();
  }

  double mean_nats() const {
    double sum = 0;
    for (const float nats : batches_[0].nll) sum += nats;
    return sum / static_cast<double>(batches_[0].nll.size());
  }

 private:
  void make(Batch& batch) {
    const std::size_t rows = sources_.size() * cuda::kBlockRows;
    batch.tokens.resize(rows + 1);
    batch.nll.resize(rows);
    batch.frozen_nll.resize(rows);
    for (Token& token : batch.tokens) token = static_cast<Token>(random_() % (vocabulary_ / 8));
    for (std::size_t s = 0; s < sources_.size(); ++s) {
      LaneStep& step = batch.steps.emplace_back();
      const std::size_t at = s * cuda::kBlockRows;
      step.next = sources_[s].weights.get();
      step.window = sources_[s].window.get();
      step.advances = true;
      step.inputs = std::span<const Token>(batch.tokens).subspan(at, cuda::kBlockRows);
      step.targets = std::span<const Token>(batch.tokens).subspan(at + 1, cuda::kBlockRows);
      step.nll = std::span(batch.nll).subspan(at, cuda::kBlockRows);
      if (frozen_) step.frozen_nll = std::span(batch.frozen_nll).subspan(at, cuda::kBlockRows);
    }
  }

  LaneEngine& engine_;
  const bool frozen_;
  unsigned vocabulary_ = 0;
  std::mt19937 random_{1};
  std::vector<Source> sources_;
  std::vector<Batch> batches_;
};

// One after the other, how long the products of a step with frozen weights take: seconds.
Result<double> products_alone(const cuda::DeviceNet& net, int lanes) {
  const cuda::Shape& s = net.shape;
  const int rows = lanes * cuda::kBlockRows;
  const std::vector<int> counts = {s.layers, s.layers, s.prefix_layers(), s.fast_layers, s.layers, 0, 1, 1,
                                   s.fast_layers - 1, s.fast_layers - 1, s.fast_layers - 1, s.fast_layers - 1};
  SILT_ASSIGN(const cuda::Workspace w, cuda::Workspace::allocate(s, lanes, 0));
  SILT_ASSIGN(const cuda::Stream stream, cuda::make_stream());
  const auto kinds = cuda::products_of(net);
  const auto all = [&]() -> Status {
    for (std::size_t i = 0; i < kinds.size(); ++i) {
      cuda::Product p = kinds[i];
      p.m = rows;
      p.a = p.k * p.parts == s.vocabulary ? w.logits : w.pre;
      p.b = net.embedding;
      p.c = p.n == s.vocabulary ? static_cast<void*>(w.logits)
                                : static_cast<void*>(p.half_out ? static_cast<void*>(w.dpre) : w.dx);
      if (p.c_in != nullptr) p.c_in = w.dh;
      if (p.parts > 1) p.c_part = static_cast<std::size_t>(rows) * p.n;
      for (int n = 0; n < counts[i]; ++n) SILT_TRY(net.products->run(p, stream.get()));
    }
    return Status::ok();
  };
  SILT_TRY(all());
  SILT_CUDA(cudaStreamSynchronize(stream.get()));
  const int times = 10;
  const auto start = Clock::now();
  for (int i = 0; i < times; ++i) SILT_TRY(all());
  SILT_CUDA(cudaStreamSynchronize(stream.get()));
  return seconds_since(start) / times;
}

Status measure(const Model& model, const Options& options, const std::shared_ptr<CudaDevice>& device,
               const LaneEngineOptions& lane_options, const cuda::DeviceNet& net, int lanes) {
  SILT_ASSIGN(const std::unique_ptr<LaneEngine> engine, make_cuda_engine(device, lane_options));
  Run run(model, *engine, lanes, options.frozen);
  SILT_TRY(run.start());
  if (options.profile) {
    SILT_CUDA(cudaProfilerStart());
    SILT_TRY(run.steps(1));
    SILT_CUDA(cudaProfilerStop());
    return Status::ok();
  }
  SILT_TRY(run.steps(16));
  const auto start = Clock::now();
  int steps = 0;
  while (seconds_since(start) < options.seconds) {
    SILT_TRY(run.steps(64));
    steps += 64;
  }
  const double step_s = seconds_since(start) / steps;
  SILT_ASSIGN(const double products_s, products_alone(net, lanes));
  const double tokens_per_s = lanes * cuda::kBlockRows / step_s;
  const double ceiling = 785e12 / operations_a_token(net.shape);
  std::printf(
      "%5d lanes  %8.3f ms a step  %6.3f M tokens/s  %5.1f %% of the ceiling of %.1f M  products alone %.3f ms (%4.1f "
      "%%)  nats %.3f\n",
      lanes, 1e3 * step_s, tokens_per_s / 1e6, 100 * tokens_per_s / ceiling, ceiling / 1e6, 1e3 * products_s,
      100 * products_s / step_s, run.mean_nats());
  std::fflush(stdout);
  return Status::ok();
}

Status run(const Options& options) {
  std::string weights = options.weights;
  if (weights.empty()) {
    SILT_ASSIGN(weights, find_default_weights());
  }
  SILT_ASSIGN(const std::shared_ptr<const Model> model, Model::open(weights));
  const LaneEngineOptions lane_options = {
      .frozen_scores = options.frozen, .candidates_per_row = 0, .lanes_max = options.lanes.back()};
  const CudaOptions cuda_options = {.device = 0, .state_bytes_max = std::size_t{16} << 30, .lanes = lane_options};
  const auto opening = Clock::now();
  SILT_ASSIGN(const std::shared_ptr<CudaDevice> device,
              open_cuda_device(model->weights(), model->config(), cuda_options));
  SILT_ASSIGN(const std::shared_ptr<cuda::DeviceNet> net,
              cuda::DeviceNet::create(0, model->weights(), model->config(), options.frozen, options.lanes.back(),
                                      std::size_t{1} << 30));
  std::printf("%s, opened in %.2f s; %s%s\n", net->name.c_str(), seconds_since(opening) / 2,
              net->products->summary().c_str(), options.frozen ? "; with frozen scores" : "");
  for (const int lanes : options.lanes) SILT_TRY(measure(*model, options, device, lane_options, *net, lanes));
  return Status::ok();
}

}  // namespace
}  // namespace silt::model

int main(int argc, char** argv) {
  silt::model::Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--frozen") options.frozen = true;
    if (argument == "--profile") options.profile = true;
    if (i + 1 == argc) continue;
    if (argument == "--weights") options.weights = argv[i + 1];
    if (argument == "--seconds") options.seconds = std::atof(argv[i + 1]);
    if (argument != "--lanes") continue;
    options.lanes.clear();
    for (const char* at = argv[i + 1]; *at != 0;) {
      char* end = nullptr;
      options.lanes.push_back(static_cast<int>(std::strtol(at, &end, 10)));
      at = *end == ',' ? end + 1 : end;
    }
  }
  const silt::Status status = silt::model::run(options);
  if (status.is_ok()) return 0;
  std::fprintf(stderr, "cuda_learn: %s\n", status.to_string().c_str());
  return 1;
}
