// Step: the whole of one mini-batch of all lanes as a sequence of launches on one stream.
//
// Everything a launch is told but the number of lanes stays the same from step to step, so that a sequence can be
// recorded once for each number of lanes. What differs, the lanes' places in memory and their tokens, is in the
// input block in device memory.
#pragma once

#include <vector>

#include "base/status.h"
#include "model/cuda/device_net.h"
#include "model/cuda/kernels.h"
#include "model/cuda/runtime.h"

namespace silt::model::cuda {

// 1, 2, 4 ... up to `lanes_max`, in rows: the numbers of lanes that steps are padded to.
std::vector<int> row_counts(int lanes_max);
int padded(int lanes);

// The products with frozen weights that steps of this net compute, for any number of rows.
std::vector<Product> products_of(const DeviceNet& net);

// Offsets in the blocks that go to the device and come back, for so many lanes.
struct InputLayout {
  InputLayout(int lanes, int candidates_per_row);
  std::size_t lanes, tokens, targets, candidates, size;
};
struct OutputLayout {
  OutputLayout(int lanes, int candidates_per_row);
  std::size_t results, nll, frozen_nll, rest_nats, candidate_nats, size;
};

// Activations of up to so many lanes, and what a backward pass needs of them.
class Workspace {
 public:
  static std::size_t bytes(const Shape& shape, int lanes, int candidates_per_row);
  static Result<Workspace> allocate(const Shape& shape, int lanes, int candidates_per_row);

  struct Tape {  // of an adapted block
    float* h_mid = nullptr;  // residual after attention, and after the block
    float* h_out = nullptr;
    Half *qkv = nullptr, *attended = nullptr, *pre = nullptr, *fast_act = nullptr, *dh = nullptr;
    float* lse = nullptr;
  };
  float *h = nullptr, *frozen_h = nullptr, *dh = nullptr, *dx = nullptr;
  Half *x = nullptr, *qkv = nullptr, *attended = nullptr, *pre = nullptr, *act = nullptr, *fast_act = nullptr;
  Half *logits = nullptr, *dact = nullptr, *fast_dact = nullptr, *dpre = nullptr, *dout = nullptr, *dqkv = nullptr;
  float* norm_parts = nullptr;
  std::vector<Tape> tapes;
  std::byte *input = nullptr, *output = nullptr;

 private:
  // Places everything from `base` on; the bytes that it takes.
  std::size_t place(const Shape& shape, int lanes, int candidates_per_row, std::byte* base);
  DeviceMemory memory_;
};

class Step {
 public:
  Step(const DeviceNet& net, const Workspace& workspace, int lanes, int candidates_per_row, bool frozen,
       cudaStream_t stream);

  // Scores, and where `learns`, the step of the lanes that ask for one. Between blocks in pinned memory.
  Status launch(bool learns, const std::byte* input, std::byte* output) const;

 private:
  Status compute(bool learns) const;
  Status prefix() const;
  Status adapted(int i, const float* h_in, bool learns) const;
  Status attend(int layer, const float* h_in, const Workspace::Tape& to, bool keeps_lse, bool frozen) const;
  Status head(const float* h, float* nll, bool frozen, bool gradient) const;
  Status backward() const;
  Status backward_block(int i) const;
  Status learn() const;
  Status frozen_pass() const;
  Status frozen_block(int i) const;
  Status run(const Product& p) const;
  const LaneArgs* lane_args() const;

  const DeviceNet& net_;
  const Shape& shape_;
  const Workspace& w_;
  const int lanes_, rows_, candidates_per_row_;
  const bool frozen_;
  const cudaStream_t stream_;
  const InputLayout in_;
  const OutputLayout out_;
};

}  // namespace silt::model::cuda
