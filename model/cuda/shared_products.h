// SharedProducts: products of all lanes' rows with the frozen weights, with bits that do not depend on how many
// lanes there are.
//
// A library chooses its algorithm by shape, and algorithms may differ in the order of their sums. So each product
// has one order of sums, that of the algorithm chosen for a single lane (never one that splits k), and for each
// number of lanes the fastest of the library's algorithms that gives, on trial data, those very bits for every
// lane. Where none does, the engine's own kernel takes that product for all numbers of lanes.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/digest.h"
#include "base/status.h"
#include "model/cuda/cublas_lt.h"
#include "model/cuda/kernels.h"
#include "model/cuda/runtime.h"

namespace silt::model::cuda {

// For tests: from here on nobody asks the library, whose kernels the checking tools do not see through.
void use_own_products_only();

class SharedProducts {
 public:
  // The fields of `kind` that say what is computed; pointers and m are left out.
  struct Kind {
    bool b_rows, half_out, adds;
    int n, k, lda, ldb, parts;
    auto operator<=>(const Kind&) const = default;
  };
  static Kind kind_of(const Product& p);

  static Result<std::unique_ptr<SharedProducts>> create();

  // Before the first run() of this kind: chooses algorithms for these numbers of rows, ascending.
  Status prepare(const Product& like, const std::vector<int>& row_counts);
  Status run(const Product& p, cudaStream_t stream) const;

  // Over the trial results of all kinds: equal digests give equal bits.
  Digest digest() const;
  // What computes how many of them, for people.
  std::string summary() const;

 private:
  struct Choice {
    cublasLtMatmulDesc_t operation = nullptr;
    cublasLtMatrixLayout_t a = nullptr, b = nullptr, c = nullptr;
    cublasLtMatmulAlgo_t algorithm = {};
    bool own = false;  // by the own kernel
  };
  struct Plan {
    bool own = false;
    std::map<int, Choice> choices;  // by rows
    Digest trial;
  };
  struct Trial;

  Result<Choice> describe(const Product& p) const;
  Result<std::vector<cublasLtMatmulAlgo_t>> algorithms(const Choice& choice, int count) const;
  Status run(const Product& p, const Choice& choice, cudaStream_t stream) const;
  Result<float> try_out(Trial& trial, const Product& p, const Choice& choice) const;
  Status choose(Trial& trial, int rows, Plan& plan) const;

  const CublasLt* lt_ = nullptr;
  cublasLtHandle_t handle_ = nullptr;
  std::map<Kind, Plan> plans_;
};

}  // namespace silt::model::cuda
