// cuBLASLt, opened at run time: a program built with CUDA starts on machines without it.
#pragma once

#include <cublasLt.h>

#include "base/status.h"

namespace silt::model::cuda {

// The functions used, under their own names.
struct CublasLt {
  decltype(&::cublasLtCreate) create;
  decltype(&::cublasLtMatmul) matmul;
  decltype(&::cublasLtMatmulDescCreate) desc_create;
  decltype(&::cublasLtMatmulDescSetAttribute) desc_set;
  decltype(&::cublasLtMatrixLayoutCreate) layout_create;
  decltype(&::cublasLtMatrixLayoutSetAttribute) layout_set;
  decltype(&::cublasLtMatmulPreferenceCreate) preference_create;
  decltype(&::cublasLtMatmulPreferenceSetAttribute) preference_set;
  decltype(&::cublasLtMatmulAlgoGetHeuristic) heuristic;
  decltype(&::cublasLtGetVersion) version;
};

// The library, opened once for the process. kUnavailable where there is none.
Result<const CublasLt*> open_cublas_lt();
Status done(cublasStatus_t status, const char* call);

}  // namespace silt::model::cuda
