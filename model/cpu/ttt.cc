#include "model/cpu/ttt.h"

#include <algorithm>
#include <cmath>

namespace silt::model::cpu {
namespace {

template <class Values>  // float* of an Array that may be const
auto row_of(Values* values, int head, int rows, int row, int width) {
  return values + (static_cast<long>(head) * rows + row) * width;
}

// max(0, 1 / (t + 1) + position_scale[t])
float ramp(const TttLayer& layer, int token) {
  return std::max(0.0F, 1.0F / static_cast<float>(token + 1) + layer.position_scale[token]);
}

void copy(const Buffer& from, Array<float>& to) {
  std::copy_n(as_cpu(from).values(), to.size(), to.data());
}

}  // namespace

CpuInnerMap::CpuInnerMap(int heads, int rows, int columns, bool has_transpose)
    : in(rows),
      out(columns),
      weight(std::size_t(heads) * in * out),
      transpose(has_transpose ? std::size_t(heads) * in * out : 0),
      bias(std::size_t(heads) * out),
      inputs(std::size_t(heads) * kTttTokens * in),
      gradients(std::size_t(heads) * kTttTokens * out) {}

CpuTttCache::CpuTttCache(const ModelConfig& config) : steps(std::size_t(config.heads) * kTttTokens) {
  const std::vector<int> widths = config.inner_widths();
  for (std::size_t i = 0; i + 1 < widths.size(); ++i) {
    maps.emplace_back(config.heads, widths[i], widths[i + 1], /*has_transpose=*/i > 0);
  }
}

CpuTtt::CpuTtt(const ModelConfig& config, const Kernels& kernels, ThreadTeam& team)
    : config_(config),
      kernels_(kernels),
      team_(team),
      angles_(std::size_t(kTttTokens) * config.head_width),
      heads_(std::size_t(config.minibatch_tokens) * config.query_width()),
      scratch_(team.size()) {
  const int half = config.head_width / 2;
  for (int token = 0; token < kTttTokens; ++token) {
    float* row = angles_.data() + static_cast<long>(token) * config.head_width;
    for (int i = 0; i < half; ++i) {
      const double angle = token * std::pow(static_cast<double>(config.rope_theta), -double(i) / half);
      row[i] = static_cast<float>(std::cos(angle));
      row[half + i] = static_cast<float>(std::sin(angle));
    }
  }
  const std::vector<int> widths = config.inner_widths();
  const std::size_t widest = *std::max_element(widths.begin(), widths.end());
  for (Scratch& s : scratch_) {
    s.x = Array<float>(kTttTokens * widest);
    s.y = Array<float>(kTttTokens * widest);
    s.slopes = Array<float>(kTttTokens * widest);
    s.target = Array<float>(std::size_t(kTttTokens) * config.head_width);
  }
}

void CpuTtt::start(const InnerModel& state, TttCache& cache) {
  auto& c = static_cast<CpuTttCache&>(cache);
  c.open = 0;
  for (std::size_t m = 0; m < c.maps.size(); ++m) {
    CpuInnerMap& map = c.maps[m];
    copy(*state[m].weight, map.weight);
    copy(*state[m].bias, map.bias);
    if (map.transpose.size() == 0) continue;
    team_.run([&](int member) {
      const Share share = share_of(config_.heads, member, team_.size());
      for (int head = share.first; head < share.last; ++head) {
        const float* from = row_of(map.weight.data(), head, map.in, 0, map.out);
        float* to = row_of(map.transpose.data(), head, map.out, 0, map.in);
        for (int i = 0; i < map.in; ++i) {
          for (int j = 0; j < map.out; ++j) to[j * map.in + i] = from[i * map.out + j];
        }
      }
    });
  }
}

double CpuTtt::squared_change(const TttCache& cache, const InnerModel& since) {
  const auto& c = static_cast<const CpuTttCache&>(cache);
  double sum = 0;
  const auto add = [&](const Array<float>& now, const Buffer& then) {
    const float* old = as_cpu(then).values();
    for (std::size_t i = 0; i < now.size(); ++i) {
      const double change = static_cast<double>(now.data()[i]) - static_cast<double>(old[i]);
      sum += change * change;
    }
  };
  for (std::size_t m = 0; m < c.maps.size(); ++m) {
    add(c.maps[m].weight, *since[m].weight);
    add(c.maps[m].bias, *since[m].bias);
  }
  return sum;
}

void CpuTtt::store(const TttCache& cache, const InnerModel& to) {
  const auto& c = static_cast<const CpuTttCache&>(cache);
  for (std::size_t m = 0; m < c.maps.size(); ++m) {
    std::copy_n(c.maps[m].weight.data(), c.maps[m].weight.size(), as_cpu(*to[m].weight).values());
    std::copy_n(c.maps[m].bias.data(), c.maps[m].bias.size(), as_cpu(*to[m].bias).values());
  }
}

void CpuTtt::mix(const Buffer& projected, const TttLayer& layer, bool learns, TttCache& cache, Buffer& out) {
  auto& c = static_cast<CpuTttCache&>(cache);
  const int rows = projected.rows();
  const int width = config_.query_width();
  team_.run([&](int member) {
    const Share share = share_of(config_.heads, member, team_.size());
    for (int head = share.first; head < share.last; ++head) {
      mix_head(as_cpu(projected), layer, learns, c, head, scratch_[member]);
    }
  });
  c.open = (c.open + rows) % kTttTokens;
  CpuBuffer& to = as_cpu(out);
  team_.run([&](int member) {
    const Share share = share_of(rows, member, team_.size());
    for (int row = share.first; row < share.last; ++row) {
      kernels_.layer_norm(heads_.data() + static_cast<long>(row) * width, layer.post_scale.data(),
                          layer.post_shift.data(), width, config_.norm_epsilon,
                          to.operand() + row * to.stride());
    }
  });
}

void CpuTtt::mix_head(const CpuBuffer& projected, const TttLayer& layer, bool learns, CpuTttCache& cache,
                      int head, Scratch& scratch) {
  int token = cache.open;
  for (int row = 0; row < projected.rows();) {
    const int rows = std::min(kTttTokens - token, projected.rows() - row);
    mix_block(
        {.layer = layer,
         .cache = cache,
         .scratch = scratch,
         .projected = projected.operand() + row * projected.stride(),
         .stride = projected.stride(),
         .out = heads_.data() + static_cast<long>(row) * config_.query_width() + head * config_.head_width,
         .head = head,
         .token = token,
         .rows = rows,
         .learns = learns});
    row += rows;
    token += rows;
    if (token < kTttTokens) break;
    if (learns) commit(layer, cache, head, scratch);
    token = 0;
  }
}

void CpuTtt::turn(const Bf16* row, int token, float* to) const {
  const float* angles = angles_.data() + static_cast<long>(token) * config_.head_width;
  const int half = config_.head_width / 2;
  kernels_.rotate_to_float(row, angles, angles + half, half, to);
}

void CpuTtt::mix_block(const Block& block) {
  const int f = config_.head_width;
  if (block.learns) learn(block);
  for (int r = 0; r < block.rows; ++r) {
    float* out = block.out + static_cast<long>(r) * config_.query_width();
    turn(block.projected + r * block.stride + block.head * f, block.token + r, out);
    std::copy_n(out, f, block.scratch.x.data() + static_cast<long>(r) * f);
  }
  answer(block);
  for (int r = 0; r < block.rows; ++r) {
    kernels_.add_layer_norm(block.scratch.x.data() + static_cast<long>(r) * f, block.layer.scale.data() + block.head * f,
                            block.layer.shift.data() + block.head * f, f, config_.norm_epsilon,
                            block.out + static_cast<long>(r) * config_.query_width());
  }
}

void CpuTtt::apply(const CpuInnerMap& map, int head, const float* x, int rows, float* y) {
  const float* bias = row_of(map.bias.data(), head, 1, 0, map.out);
  for (int r = 0; r < rows; ++r) std::copy_n(bias, map.out, y + static_cast<long>(r) * map.out);
  kernels_.multiply(x, map.in, 1, rows, map.in, row_of(map.weight.data(), head, map.in, 0, map.out), map.out,
                    map.out, y, map.out, true);
}

// Leaves the tokens' steps, and their inputs and gradients at every map.
void CpuTtt::learn(const Block& block) {
  const int f = config_.head_width;
  const int head = block.head;
  std::vector<CpuInnerMap>& maps = block.cache.maps;
  float* keys = row_of(maps[0].inputs.data(), head, kTttTokens, block.token, f);
  float* target = block.scratch.target.data();
  alignas(64) float steps[kTttTokens] = {};
  for (int r = 0; r < block.rows; ++r) {
    const Bf16* row = block.projected + r * block.stride + head * f;
    float* key = keys + static_cast<long>(r) * f;
    turn(row + config_.query_width(), block.token + r, key);
    kernels_.widen(row + config_.query_width() + config_.kv_width(), f, target + static_cast<long>(r) * f);
    for (int i = 0; i < f; ++i) target[static_cast<long>(r) * f + i] -= key[i];
    const int logit = config_.query_width() + 2 * config_.kv_width() + head;
    steps[r] = to_float(block.projected[r * block.stride + logit]) + block.layer.step_bias[head];
  }
  kernels_.sigmoid(steps, kTttTokens);
  for (int r = 0; r < block.rows; ++r) {
    block.cache.steps.data()[head * kTttTokens + block.token + r] =
        static_cast<float>(config_.inner_step()) * steps[r];
  }

  float* z = block.scratch.y.data();
  float* slopes = block.scratch.slopes.data();  // of the one map that has a gelu behind it
  for (std::size_t m = 0; m < maps.size(); ++m) {
    apply(maps[m], head, row_of(maps[m].inputs.data(), head, kTttTokens, block.token, maps[m].in), block.rows,
          z);
    if (m + 1 == maps.size()) break;
    const long numbers = static_cast<long>(block.rows) * maps[m].out;
    kernels_.gelu(z, numbers, slopes);
    std::copy_n(z, numbers, row_of(maps[m + 1].inputs.data(), head, kTttTokens, block.token, maps[m + 1].in));
  }
  float* gradients = row_of(maps.back().gradients.data(), head, kTttTokens, block.token, f);
  for (int r = 0; r < block.rows; ++r) {
    const long at = static_cast<long>(r) * f;
    kernels_.layer_norm_gradient(z + at, block.layer.scale.data() + head * f,
                                 block.layer.shift.data() + head * f, target + at, f, config_.norm_epsilon,
                                 gradients + at);
  }
  if (maps.size() == 1) return;
  const CpuInnerMap& above = maps[1];
  float* below = row_of(maps[0].gradients.data(), head, kTttTokens, block.token, above.in);
  kernels_.multiply(gradients, above.out, 1, block.rows, above.out,
                    row_of(above.transpose.data(), head, above.out, 0, above.in), above.in, above.in, below,
                    above.in, false);
  kernels_.multiply_elements(slopes, static_cast<long>(block.rows) * above.in, below);
}

// x <- u_t(x) for the rows of scratch.x.
void CpuTtt::answer(const Block& block) {
  const float* steps = block.cache.steps.data() + block.head * kTttTokens;
  for (std::size_t m = 0; m < block.cache.maps.size(); ++m) {
    const CpuInnerMap& map = block.cache.maps[m];
    const float* x = block.scratch.x.data();
    float* y = block.scratch.y.data();
    apply(map, block.head, x, block.rows, y);
    const float* inputs = row_of(map.inputs.data(), block.head, kTttTokens, 0, map.in);
    const float* gradients = row_of(map.gradients.data(), block.head, kTttTokens, 0, map.out);
    for (int r = 0; block.learns && r < block.rows; ++r) {
      const int token = block.token + r;
      const float scale = -ramp(block.layer, token);
      float factors[kTttTokens];
      for (int s = 0; s <= token; ++s) {
        const float dot =
            kernels_.dot(x + static_cast<long>(r) * map.in, inputs + static_cast<long>(s) * map.in, map.in);
        factors[s] = scale * steps[s] * (dot + 1.0F);
      }
      kernels_.multiply(factors, 0, 1, 1, token + 1, gradients, map.out, map.out,
                        y + static_cast<long>(r) * map.out, map.out, true);
    }
    if (m + 1 < block.cache.maps.size()) kernels_.gelu(y, static_cast<long>(block.rows) * map.out, nullptr);
    std::swap(block.scratch.x, block.scratch.y);
  }
}

// The state becomes that of the last token.
void CpuTtt::commit(const TttLayer& layer, CpuTttCache& cache, int head, Scratch& scratch) {
  const float scale = -ramp(layer, kTttTokens - 1);
  float etas[kTttTokens];
  for (int s = 0; s < kTttTokens; ++s) etas[s] = scale * cache.steps.data()[head * kTttTokens + s];
  for (CpuInnerMap& map : cache.maps) {
    const float* inputs = row_of(map.inputs.data(), head, kTttTokens, 0, map.in);
    const float* gradients = row_of(map.gradients.data(), head, kTttTokens, 0, map.out);
    float* scaled = scratch.x.data();
    for (int s = 0; s < kTttTokens; ++s) {
      for (int i = 0; i < map.in; ++i) scaled[s * map.in + i] = etas[s] * inputs[s * map.in + i];
    }
    kernels_.multiply(scaled, 1, map.in, map.in, kTttTokens, gradients, map.out, map.out,
                      row_of(map.weight.data(), head, map.in, 0, map.out), map.out, true);
    // The same products in the same order, hence the same bits as transposing the weights.
    if (map.transpose.size() > 0) {
      kernels_.multiply(gradients, 1, map.out, map.out, kTttTokens, scaled, map.in, map.in,
                        row_of(map.transpose.data(), head, map.out, 0, map.in), map.in, true);
    }
    kernels_.multiply(etas, 0, 1, 1, kTttTokens, gradients, map.out, map.out,
                      row_of(map.bias.data(), head, 1, 0, map.out), map.out, true);
  }
}

}  // namespace silt::model::cpu
