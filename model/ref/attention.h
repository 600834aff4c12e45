// Window attention of the reference backend: rotary positions relative to the window, an un-rotated
// cache, softmax over the last k positions, and the backward pass of the mini-batch's own rows.
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

#include "model/ops/config.h"
#include "model/ref/ops.h"

namespace silt::model::ref {

// Half-split rotary embedding: channels c and c + width/2 turn by position * theta^(-2c/width).
template <class T>
class Rotary {
 public:
  Rotary(int positions, int width, float theta) : half_(width / 2) {
    for (int position = 0; position < positions; ++position) {
      for (int c = 0; c < half_; ++c) {
        const double angle = position * std::pow(static_cast<double>(theta), -2.0 * c / width);
        cosines_.push_back(T(std::cos(angle)));
        sines_.push_back(T(std::sin(angle)));
      }
    }
  }

  // out = x turned to `position`; direction -1 turns back, which is also the gradient of turning.
  void turn(const T* x, int position, int direction, T* out) const {
    const T* cosine = cosines_.data() + static_cast<std::size_t>(position) * half_;
    const T* sine = sines_.data() + static_cast<std::size_t>(position) * half_;
    for (int c = 0; c < half_; ++c) {
      const T s = sine[c] * T(direction);
      const T low = x[c] * cosine[c] - x[half_ + c] * s;
      const T high = x[half_ + c] * cosine[c] + x[c] * s;
      out[c] = low;
      out[half_ + c] = high;
    }
  }

 private:
  int half_;
  std::vector<T> cosines_;  // [positions, width / 2]
  std::vector<T> sines_;
};

template <class T>
struct WindowCache {  // [k + b, kv_width], un-rotated
  std::vector<T> keys;
  std::vector<T> values;
};

template <class T>
struct ProbabilityTape {
  std::vector<T> probabilities;  // [b, heads, k + b]; zero where a row sees nothing
  int cached_valid = 0;
};

template <class T>
class Attention {
 public:
  explicit Attention(const ModelConfig& config)
      : c_(config),
        positions_(config.window_tokens + config.minibatch_tokens),
        scale_(T(1.0 / std::sqrt(static_cast<double>(config.head_width)))),
        rotary_(positions_, config.head_width, config.rope_theta) {}

  int positions() const { return positions_; }
  int qkv_width() const { return c_.query_width() + 2 * c_.kv_width(); }

  // Copies the k and v parts of qkv rows to cache rows `position`, `position` + 1, ...
  void store(const T* qkv, int rows, int position, WindowCache<T>& cache) const {
    for (int row = 0; row < rows; ++row) {
      const T* from = qkv + static_cast<std::size_t>(row) * qkv_width() + c_.query_width();
      const std::size_t to = static_cast<std::size_t>(position + row) * c_.kv_width();
      for (int i = 0; i < c_.kv_width(); ++i) {
        cache.keys[to + i] = from[i];
        cache.values[to + i] = from[c_.kv_width() + i];
      }
    }
  }

  void forward(const T* qkv, int rows, int first_row, WindowCache<T>& cache, int cached_valid, T* out,
               ProbabilityTape<T>* tape) {
    const int k = c_.window_tokens;
    store(qkv, rows, k + first_row, cache);
    if (tape != nullptr) {
      tape->probabilities.assign(static_cast<std::size_t>(rows) * c_.heads * positions_, T(0));
      tape->cached_valid = cached_valid;
    }
    const int group = c_.heads / c_.kv_heads;
    for (int kv_head = 0; kv_head < c_.kv_heads; ++kv_head) {
      turn_keys(cache, kv_head, k - cached_valid, k + first_row + rows);
      for (int row = 0; row < rows; ++row) {
        const int begin = first_visible(first_row + row, cached_valid);
        const int end = k + first_row + row + 1;
        for (int head = kv_head * group; head < (kv_head + 1) * group; ++head) {
          probabilities(qkv + static_cast<std::size_t>(row) * qkv_width() + head * c_.head_width, begin, end);
          T* to = out + static_cast<std::size_t>(row) * c_.query_width() + head * c_.head_width;
          mix_values(cache, kv_head, begin, end, to);
          if (tape != nullptr) {
            T* saved = &tape->probabilities[probability_row(row, head)];
            for (int j = begin; j < end; ++j) saved[j] = row_[static_cast<std::size_t>(j)];
          }
        }
      }
    }
  }

  // dqkv from dout; keys and values of cached rows are constants.
  void backward(const T* dout, const T* qkv, int rows, const WindowCache<T>& cache,
                const ProbabilityTape<T>& tape, T* dqkv) {
    const int k = c_.window_tokens;
    const int group = c_.heads / c_.kv_heads;
    for (std::size_t i = 0; i < static_cast<std::size_t>(rows) * qkv_width(); ++i) dqkv[i] = 0;
    for (int kv_head = 0; kv_head < c_.kv_heads; ++kv_head) {
      turn_keys(cache, kv_head, k - tape.cached_valid, k + rows);
      for (int row = 0; row < rows; ++row) {
        for (int head = kv_head * group; head < (kv_head + 1) * group; ++head) {
          backward_row(dout, qkv, row, head, kv_head, cache, tape, dqkv);
        }
      }
      for (int row = 0; row < rows; ++row) {  // keys were differentiated as turned: turn back
        T* dkey = key_gradient(dqkv, row, kv_head);
        rotary_.turn(dkey, k + row, -1, dkey);
      }
    }
  }

 private:
  int first_visible(int row, int cached_valid) const {
    return std::max(row + 1, c_.window_tokens - cached_valid);
  }
  std::size_t probability_row(int row, int head) const {
    return (static_cast<std::size_t>(row) * c_.heads + head) * positions_;
  }
  T* key_gradient(T* dqkv, int row, int kv_head) const {
    return dqkv + static_cast<std::size_t>(row) * qkv_width() + c_.query_width() + kv_head * c_.head_width;
  }

  // turned_[channel, position] for one head: scores then run along positions.
  void turn_keys(const WindowCache<T>& cache, int kv_head, int begin, int end) {
    turned_.resize(static_cast<std::size_t>(c_.head_width) * positions_);
    key_.resize(static_cast<std::size_t>(c_.head_width));
    for (int j = begin; j < end; ++j) {
      const T* key = &cache.keys[static_cast<std::size_t>(j) * c_.kv_width() + kv_head * c_.head_width];
      rotary_.turn(key, j, 1, key_.data());
      for (int c = 0; c < c_.head_width; ++c) {
        turned_[static_cast<std::size_t>(c) * positions_ + j] = key_[static_cast<std::size_t>(c)];
      }
    }
  }

  // row_[j] = softmax over [begin, end) of the query (at position end - 1) with the turned keys.
  void probabilities(const T* query, int begin, int end) {
    query_.resize(static_cast<std::size_t>(c_.head_width));
    row_.resize(static_cast<std::size_t>(positions_));
    rotary_.turn(query, end - 1, 1, query_.data());
    for (int j = begin; j < end; ++j) row_[static_cast<std::size_t>(j)] = 0;
    T* scores = row_.data();
    for (int c = 0; c < c_.head_width; ++c) {
      const T q = query_[static_cast<std::size_t>(c)] * scale_;
      const T* keys = turned_.data() + static_cast<std::size_t>(c) * positions_;
      for (int j = begin; j < end; ++j) scores[j] += q * keys[j];
    }
    T sum;
    log_sum_exp_row(scores + begin, end - begin, sum);
    for (int j = begin; j < end; ++j) scores[j] /= sum;
  }

  void mix_values(const WindowCache<T>& cache, int kv_head, int begin, int end, T* out) const {
    for (int c = 0; c < c_.head_width; ++c) out[c] = 0;
    for (int j = begin; j < end; ++j) {
      const T p = row_[static_cast<std::size_t>(j)];
      const T* value =
          cache.values.data() + static_cast<std::size_t>(j) * c_.kv_width() + kv_head * c_.head_width;
      for (int c = 0; c < c_.head_width; ++c) out[c] += p * value[c];
    }
  }

  void backward_row(const T* dout, const T* qkv, int row, int head, int kv_head, const WindowCache<T>& cache,
                    const ProbabilityTape<T>& tape, T* dqkv) {
    const int k = c_.window_tokens;
    const int width = c_.head_width;
    const int begin = first_visible(row, tape.cached_valid);
    const int end = k + row + 1;
    const T* p = &tape.probabilities[probability_row(row, head)];
    const T* dy = dout + static_cast<std::size_t>(row) * c_.query_width() + head * width;
    dscores_.resize(static_cast<std::size_t>(positions_));
    T dot = 0;  // sum of p dp
    for (int j = begin; j < end; ++j) {
      const T* value = &cache.values[static_cast<std::size_t>(j) * c_.kv_width() + kv_head * width];
      T dp = 0;
      for (int c = 0; c < width; ++c) dp += dy[c] * value[c];
      dscores_[static_cast<std::size_t>(j)] = dp;
      dot += p[j] * dp;
    }
    const std::size_t query_at = static_cast<std::size_t>(row) * qkv_width() + head * width;
    rotary_.turn(qkv + query_at, k + row, 1, query_.data());
    T* dquery = dqkv + query_at;
    for (int j = begin; j < end; ++j) {
      const T ds = p[j] * (dscores_[static_cast<std::size_t>(j)] - dot) * scale_;
      for (int c = 0; c < width; ++c) dquery[c] += ds * turned_[static_cast<std::size_t>(c) * positions_ + j];
      if (j < k) continue;
      T* dkey = key_gradient(dqkv, j - k, kv_head);
      T* dvalue = dkey + c_.kv_width();
      for (int c = 0; c < width; ++c) {
        dkey[c] += ds * query_[static_cast<std::size_t>(c)];
        dvalue[c] += p[j] * dy[c];
      }
    }
    rotary_.turn(dquery, k + row, -1, dquery);
  }

  ModelConfig c_;
  int positions_;
  T scale_;
  Rotary<T> rotary_;
  std::vector<T> turned_, key_, query_, row_, dscores_;  // scratch
};

}  // namespace silt::model::ref
