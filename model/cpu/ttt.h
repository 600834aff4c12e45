// TTT layers of the CPU backend: single precision over the kernel table, heads shared out to the team.
//
// A head is computed by one thread, whatever the team's size. Its rows go in blocks that end where an
// inner mini-batch or the call ends; every number of a row is reduced in an order of its own, so blocks
// of any size give the same bits.
#pragma once

#include <array>
#include <vector>

#include "model/cpu/kernels.h"
#include "model/cpu/memory.h"
#include "model/cpu/thread_team.h"
#include "model/ops/ttt_mixer.h"

namespace silt::model::cpu {

// One linear map of the inner models, and what the open mini-batch's tokens left at it.
struct CpuInnerMap {
  CpuInnerMap(int heads, int in, int out, bool has_transpose);

  int in, out;
  Array<float> weight;     // [heads][in][out]
  Array<float> transpose;  // [heads][out][in] of maps behind the first; the same numbers
  Array<float> bias;       // [heads][out]
  Array<float> inputs;     // [heads][kTttTokens][in]
  Array<float> gradients;  // [heads][kTttTokens][out], of the outputs
};

struct CpuTttCache final : TttCache {
  explicit CpuTttCache(const ModelConfig& config);

  std::vector<CpuInnerMap> maps;
  Array<float> steps;  // [heads][kTttTokens]: inner_step * sigmoid(logit + bias)
  int open = 0;        // tokens of the open mini-batch
};

class CpuTtt final : public TttMixer {
 public:
  // The kernels and the team must outlive this object.
  CpuTtt(const ModelConfig& config, const Kernels& kernels, ThreadTeam& team);

  TttCachePtr allocate_cache() override { return std::make_unique<CpuTttCache>(config_); }
  void start(const InnerModel& state, TttCache& cache) override;
  void mix(const Buffer& projected, const TttLayer& layer, bool learns, TttCache& cache,
           Buffer& out) override;
  double squared_change(const TttCache& cache, const InnerModel& since) override;
  void store(const TttCache& cache, const InnerModel& to) override;

 private:
  // What one team member works in: up to kTttTokens rows.
  struct Scratch {
    Array<float> x, y, slopes;  // [kTttTokens][widest map]
    Array<float> target;        // [kTttTokens][head_width]
  };
  // Rows of one head: tokens [token, token + rows) of an inner mini-batch.
  struct Block {
    const TttLayer& layer;
    CpuTttCache& cache;
    Scratch& scratch;
    const Bf16* projected;  // the first row
    long stride;
    float* out;  // [rows] query_width apart
    int head, token, rows;
    bool learns;
  };

  void mix_head(const CpuBuffer& projected, const TttLayer& layer, bool learns, CpuTttCache& cache, int head,
                Scratch& scratch);
  void mix_block(const Block& block);
  void learn(const Block& block);
  void answer(const Block& block);
  // y = x W + c for the rows of x.
  void apply(const CpuInnerMap& map, int head, const float* x, int rows, float* y);
  void commit(const TttLayer& layer, CpuTttCache& cache, int head, Scratch& scratch);
  void turn(const Bf16* row, int token, float* to) const;

  const ModelConfig config_;
  const Kernels& kernels_;
  ThreadTeam& team_;
  Array<float> angles_;  // [kTttTokens][2][head_width / 2]: cosines, sines
  Array<float> heads_;   // [b][query_width]: outputs of all heads
  std::vector<Scratch> scratch_;
};

}  // namespace silt::model::cpu
