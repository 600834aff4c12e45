#include "model/cuda/shared_products.h"

#include <algorithm>
#include <atomic>
#include <random>
#include <string>

namespace silt::model::cuda {
namespace {

std::atomic<bool> own_only{false};

constexpr int kAlgorithms = 8;
constexpr int kTimedRuns = 6;
constexpr int kReplays = 3;  // the fastest counts

#define SILT_LT(call) SILT_TRY(done((call), #call))

std::vector<Half> random_halves(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<Half> values(count);
  for (Half& value : values) {
    const float x = normal(random);
    std::uint32_t bits;
    static_assert(sizeof bits == sizeof x);
    __builtin_memcpy(&bits, &x, sizeof bits);
    value = static_cast<Half>(bits >> 16);
  }
  return values;
}

std::size_t elements_of_a(const Product& p) {
  return static_cast<std::size_t>(p.m) * p.lda;  // parts lie within its rows
}
std::size_t elements_of_b(const Product& p) {
  return static_cast<std::size_t>(p.b_rows ? p.n : p.k * p.parts) * p.ldb;
}
std::size_t bytes_of_c(const Product& p) {
  return static_cast<std::size_t>(p.m) * p.n * p.parts * (p.half_out ? sizeof(Half) : sizeof(float));
}

}  // namespace

void use_own_products_only() { own_only = true; }

// Operands of a trial: every lane has the same rows, so every lane must get the same results.
struct SharedProducts::Trial {
  Product product;  // with the rows of the largest count
  DeviceMemory a, b, c_in, c;
  Stream stream;
  Event begin, end;
  std::vector<std::byte> expected;  // results of one lane, part by part

  Status fill();
  Product of(int rows) const;
  Result<std::vector<std::byte>> result(int rows, int lane) const;
  Result<bool> all_as_expected(int rows) const;
};

Status SharedProducts::Trial::fill() {
  const Product& p = product;
  const auto one = random_halves(static_cast<std::size_t>(kBlockRows) * p.lda, 1);
  const auto weights = random_halves(elements_of_b(p), 2);
  SILT_ASSIGN(a, DeviceMemory::allocate(elements_of_a(p) * sizeof(Half)));
  SILT_ASSIGN(b, DeviceMemory::allocate(weights.size() * sizeof(Half)));
  SILT_ASSIGN(c, DeviceMemory::allocate(bytes_of_c(p)));
  for (int lane = 0; lane < p.m / kBlockRows; ++lane) {
    SILT_TRY(copy_to_device(a.as<Half>() + lane * one.size(), std::span<const Half>(one), stream.get()));
  }
  SILT_TRY(copy_to_device(b.as<Half>(), std::span<const Half>(weights), stream.get()));
  if (p.c_in != nullptr) {  // bfloat16 bits, two by two, are floats as good as any
    SILT_ASSIGN(c_in, DeviceMemory::allocate(bytes_of_c(p)));
    const auto before = random_halves(static_cast<std::size_t>(kBlockRows) * p.n * 2, 3);
    for (int lane = 0; lane < p.m / kBlockRows; ++lane) {
      SILT_TRY(copy_to_device(c_in.as<Half>() + lane * before.size(), std::span<const Half>(before), stream.get()));
    }
  }
  SILT_CUDA(cudaStreamSynchronize(stream.get()));
  return Status::ok();
}

Product SharedProducts::Trial::of(int rows) const {
  Product p = product;
  p.m = rows;
  p.a = a.as<Half>();
  p.b = b.as<Half>();
  p.c = c.as<std::byte>();
  p.c_in = p.c_in == nullptr ? nullptr : c_in.as<float>();
  p.c_part = static_cast<std::size_t>(rows) * p.n;
  return p;
}

Result<std::vector<std::byte>> SharedProducts::Trial::result(int rows, int lane) const {
  const std::size_t element = product.half_out ? sizeof(Half) : sizeof(float);
  const std::size_t bytes = static_cast<std::size_t>(kBlockRows) * product.n * element;
  std::vector<std::byte> values(bytes * product.parts);
  for (int part = 0; part < product.parts; ++part) {
    const std::byte* from =
        c.as<std::byte>() + static_cast<std::size_t>(part) * rows * product.n * element + lane * bytes;
    SILT_TRY(copy_to_host(std::span(values).subspan(part * bytes, bytes), from, stream.get()));
  }
  SILT_CUDA(cudaStreamSynchronize(stream.get()));
  return values;
}

// Looks at the first, the last and some lanes between: tiles of all kinds of places.
Result<bool> SharedProducts::Trial::all_as_expected(int rows) const {
  const int lanes = rows / kBlockRows;
  for (int i = 0; i < std::min(lanes, 8); ++i) {
    const int lane = lanes <= 8 ? i : (i == 7 ? lanes - 1 : i * lanes / 7);
    SILT_ASSIGN(const std::vector<std::byte> values, result(rows, lane));
    if (values != expected) return false;
  }
  return true;
}

SharedProducts::Kind SharedProducts::kind_of(const Product& p) {
  return {p.b_rows, p.half_out, p.c_in != nullptr, p.n, p.k, p.lda, p.ldb, p.parts};
}

Result<std::unique_ptr<SharedProducts>> SharedProducts::create() {
  auto products = std::make_unique<SharedProducts>();
  SILT_ASSIGN(products->lt_, open_cublas_lt());
  SILT_LT(products->lt_->create(&products->handle_));
  return products;
}

// cuBLAS reads matrices by columns: it computes c^T = b^T a^T.
Result<SharedProducts::Choice> SharedProducts::describe(const Product& p) const {
  Choice choice;
  SILT_LT(lt_->desc_create(&choice.operation, CUBLAS_COMPUTE_32F, CUDA_R_32F));
  const cublasOperation_t turned = CUBLAS_OP_T;
  if (p.b_rows) {
    SILT_LT(lt_->desc_set(choice.operation, CUBLASLT_MATMUL_DESC_TRANSA, &turned, sizeof turned));
  }
  const auto layout = [&](cublasLtMatrixLayout_t* to, cudaDataType type, int rows, int cols, int ld,
                          std::size_t part) -> Status {
    SILT_LT(lt_->layout_create(to, type, static_cast<std::uint64_t>(rows), static_cast<std::uint64_t>(cols), ld));
    if (p.parts == 1) return Status::ok();
    const std::int32_t count = p.parts;
    const auto stride = static_cast<std::int64_t>(part);
    SILT_LT(lt_->layout_set(*to, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &count, sizeof count));
    SILT_LT(lt_->layout_set(*to, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &stride, sizeof stride));
    return Status::ok();
  };
  const int b_rows = p.b_rows ? p.k : p.n, b_cols = p.b_rows ? p.n : p.k;
  SILT_TRY(layout(&choice.b, CUDA_R_16BF, b_rows, b_cols, p.ldb, p.b_part));
  SILT_TRY(layout(&choice.a, CUDA_R_16BF, p.k, p.m, p.lda, p.a_part));
  SILT_TRY(layout(&choice.c, p.half_out ? CUDA_R_16BF : CUDA_R_32F, p.n, p.m, p.n, p.c_part));
  return choice;
}

Result<std::vector<cublasLtMatmulAlgo_t>> SharedProducts::algorithms(const Choice& choice, int count) const {
  cublasLtMatmulPreference_t preference = nullptr;
  SILT_LT(lt_->preference_create(&preference));
  const std::size_t workspace = 0;
  const std::uint32_t reductions = CUBLASLT_REDUCTION_SCHEME_NONE;
  SILT_LT(lt_->preference_set(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &workspace, sizeof workspace));
  SILT_LT(lt_->preference_set(preference, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, &reductions, sizeof reductions));
  std::vector<cublasLtMatmulHeuristicResult_t> found(static_cast<std::size_t>(count));
  int returned = 0;
  const cublasStatus_t status = lt_->heuristic(handle_, choice.operation, choice.b, choice.a, choice.c, choice.c,
                                               preference, count, found.data(), &returned);
  std::vector<cublasLtMatmulAlgo_t> algorithms;
  if (status != CUBLAS_STATUS_SUCCESS) return algorithms;
  for (int i = 0; i < returned; ++i) {
    if (found[static_cast<std::size_t>(i)].state == CUBLAS_STATUS_SUCCESS) {
      algorithms.push_back(found[static_cast<std::size_t>(i)].algo);
    }
  }
  return algorithms;
}

Status SharedProducts::run(const Product& p, const Choice& choice, cudaStream_t stream) const {
  if (choice.own) return done(product(p, stream), "product");
  const float one = 1, beta = p.c_in != nullptr ? 1 : 0;
  const void* before = p.c_in != nullptr ? static_cast<const void*>(p.c_in) : p.c;
  SILT_LT(lt_->matmul(handle_, choice.operation, &one, p.b, choice.b, p.a, choice.a, &beta, before, choice.c, p.c,
                      choice.c, &choice.algorithm, nullptr, 0, stream));
  return done(cudaPeekAtLastError(), "cublasLtMatmul");
}

// How long it takes, in ms; less than 0 when it does not give the expected bits, or does not run.
Result<float> SharedProducts::try_out(Trial& trial, const Product& p, const Choice& choice) const {
  if (!run(p, choice, trial.stream.get()).is_ok()) return -1.0f;
  if (trial.expected.empty()) {
    SILT_ASSIGN(trial.expected, trial.result(p.m, 0));
  }
  SILT_ASSIGN(const bool same, trial.all_as_expected(p.m));
  if (!same) return -1.0f;
  // Recorded, as in a step: what the host takes to launch small products would hide how long they run.
  SILT_CUDA(cudaStreamBeginCapture(trial.stream.get(), cudaStreamCaptureModeThreadLocal));
  Status launched;
  for (int i = 0; i < kTimedRuns && launched.is_ok(); ++i) launched = run(p, choice, trial.stream.get());
  cudaGraph_t recorded = nullptr;
  SILT_CUDA(cudaStreamEndCapture(trial.stream.get(), &recorded));
  const Owned<cudaGraph_t, cudaGraphDestroy> owned(recorded);
  SILT_TRY(launched);
  cudaGraphExec_t playable = nullptr;
  SILT_CUDA(cudaGraphInstantiate(&playable, recorded, 0));
  const Graph graph(playable);
  SILT_CUDA(cudaGraphLaunch(playable, trial.stream.get()));
  float best_ms = -1;
  for (int i = 0; i < kReplays; ++i) {
    SILT_CUDA(cudaEventRecord(trial.begin.get(), trial.stream.get()));
    SILT_CUDA(cudaGraphLaunch(playable, trial.stream.get()));
    SILT_CUDA(cudaEventRecord(trial.end.get(), trial.stream.get()));
    SILT_CUDA(cudaEventSynchronize(trial.end.get()));
    float ms = 0;
    SILT_CUDA(cudaEventElapsedTime(&ms, trial.begin.get(), trial.end.get()));
    if (best_ms < 0 || ms < best_ms) best_ms = ms;
  }
  return best_ms;
}

// The fastest way for so many rows that gives the expected bits: the library's, and the own kernel.
Status SharedProducts::choose(Trial& trial, int rows, Plan& plan) const {
  const Product p = trial.of(rows);
  SILT_ASSIGN(const Choice choice, describe(p));
  SILT_ASSIGN(const auto found, algorithms(choice, kAlgorithms));
  std::vector<Choice> candidates(found.size() + 1, choice);
  for (std::size_t i = 0; i < found.size(); ++i) candidates[i].algorithm = found[i];
  candidates.back().own = true;
  float best_ms = -1;
  for (const Choice& candidate : candidates) {
    SILT_ASSIGN(const float ms, try_out(trial, p, candidate));
    if (ms < 0 || (best_ms >= 0 && ms >= best_ms)) continue;
    best_ms = ms;
    plan.choices[rows] = candidate;
  }
  if (best_ms < 0) plan.own = true;
  return Status::ok();
}

Status SharedProducts::prepare(const Product& like, const std::vector<int>& row_counts) {
  const auto [at, is_new] = plans_.try_emplace(kind_of(like));
  Plan& plan = at->second;
  const bool known = std::all_of(row_counts.begin(), row_counts.end(),
                                 [&](int rows) { return plan.own || plan.choices.contains(rows); });
  if (!is_new && known) return Status::ok();
  plan = {};
  Trial trial;
  trial.product = like;
  trial.product.m = row_counts.back();
  SILT_ASSIGN(trial.stream, make_stream());
  SILT_ASSIGN(trial.begin, make_event(true));
  SILT_ASSIGN(trial.end, make_event(true));
  SILT_TRY(trial.fill());
  plan.own = own_only;
  for (const int rows : row_counts) {
    if (!plan.own) SILT_TRY(choose(trial, rows, plan));
  }
  if (plan.own) {
    SILT_TRY(done(product(trial.of(kBlockRows), trial.stream.get()), "product"));
    SILT_ASSIGN(trial.expected, trial.result(kBlockRows, 0));
  }
  Digester digester;
  digester.update(trial.expected.data(), trial.expected.size());
  plan.trial = digester.finish();
  return Status::ok();
}

Status SharedProducts::run(const Product& p, cudaStream_t stream) const {
  const Plan& plan = plans_.at(kind_of(p));
  if (plan.own) return done(product(p, stream), "product");
  return run(p, plan.choices.at(p.m), stream);
}

Digest SharedProducts::digest() const {
  Digester digester;
  for (const auto& [kind, plan] : plans_) digester.update(&plan.trial, sizeof plan.trial);
  return digester.finish();
}

std::string SharedProducts::summary() const {
  std::size_t own = 0, all = 0, refused = 0;
  for (const auto& [kind, plan] : plans_) {
    refused += plan.own ? 1 : 0;
    all += plan.choices.size();
    for (const auto& [rows, choice] : plan.choices) own += choice.own ? 1 : 0;
  }
  return std::to_string(plans_.size()) + " kinds of products, " + std::to_string(refused) +
         " of them wholly by the own kernel, and of " + std::to_string(all) + " choices of the others " +
         std::to_string(own);
}

}  // namespace silt::model::cuda
