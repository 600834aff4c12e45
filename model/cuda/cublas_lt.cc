#include "model/cuda/cublas_lt.h"

#include <dlfcn.h>

#include <string>

namespace silt::model::cuda {
namespace {

constexpr const char* kNames[] = {"libcublasLt.so.13", "libcublasLt.so.12", "/usr/local/cuda/lib64/libcublasLt.so.13",
                                  "/usr/local/cuda/lib64/libcublasLt.so"};

Result<CublasLt> load() {
  void* library = nullptr;
  for (const char* name : kNames) {
    if (library == nullptr) library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  }
  if (library == nullptr) return unavailable("there is no libcublasLt.so.13 here; install it or use backend cpu");
  CublasLt lt = {};
  std::string missing;
  const auto find = [&](auto& function, const char* name) {
    function = reinterpret_cast<std::decay_t<decltype(function)>>(dlsym(library, name));
    if (function == nullptr) missing = name;
  };
  find(lt.create, "cublasLtCreate");
  find(lt.matmul, "cublasLtMatmul");
  find(lt.desc_create, "cublasLtMatmulDescCreate");
  find(lt.desc_set, "cublasLtMatmulDescSetAttribute");
  find(lt.layout_create, "cublasLtMatrixLayoutCreate");
  find(lt.layout_set, "cublasLtMatrixLayoutSetAttribute");
  find(lt.preference_create, "cublasLtMatmulPreferenceCreate");
  find(lt.preference_set, "cublasLtMatmulPreferenceSetAttribute");
  find(lt.heuristic, "cublasLtMatmulAlgoGetHeuristic");
  find(lt.version, "cublasLtGetVersion");
  if (!missing.empty()) return unavailable("libcublasLt has no " + missing);
  return lt;
}

}  // namespace

Result<const CublasLt*> open_cublas_lt() {
  static const Result<CublasLt> lt = load();
  if (!lt.is_ok()) return lt.status();
  return &*lt;
}

Status done(cublasStatus_t status, const char* call) {
  if (status == CUBLAS_STATUS_SUCCESS) return Status::ok();
  return unavailable("cuBLASLt: status " + std::to_string(static_cast<int>(status)) + " in " + call);
}

}  // namespace silt::model::cuda
