// TTT layers of the reference backend, in the dual form of ttt_mixer.h, one row after the other.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "model/ops/config.h"
#include "model/ref/attention.h"
#include "model/ref/ops.h"
#include "model/ops/ttt_mixer.h"

namespace silt::model::ref {

// x = (x - mean) / sqrt(variance + epsilon); returns that deviation.
template <class T>
T normalise_row(T* x, int width, float epsilon) {
  Wide<T> sum = 0;
  for (int i = 0; i < width; ++i) sum += x[i];
  const T mean = T(sum / Wide<T>(width));
  Wide<T> squares = 0;
  for (int i = 0; i < width; ++i) {
    x[i] -= mean;
    squares += x[i] * x[i];
  }
  const T deviation = T(std::sqrt(squares / Wide<T>(width) + Wide<T>(epsilon)));
  for (int i = 0; i < width; ++i) x[i] /= deviation;
  return deviation;
}

// The tanh form of gelu, z (1 + tanh y) / 2 = z sigmoid(2 y) with y = a (z + b z^3), and its slope.
template <class T>
struct Gelu {
  explicit Gelu(T z) {
    const T a = T(2 * std::sqrt(2 / 3.14159265358979323846));
    const T b = T(0.044715);
    const T s = sigmoid(a * (z + b * z * z * z));
    value = z * s;
    slope = s + z * s * (T(1) - s) * a * (T(1) + T(3) * b * z * z);
  }
  T value, slope;
};

// One linear map of the inner models, and what the open mini-batch's tokens left at it.
template <class T>
struct InnerMap {
  int in = 0;
  int out = 0;
  std::vector<T> weight, bias;  // [heads, in, out], [heads, out]
  std::vector<T> inputs;        // [heads, kTttTokens, in]
  std::vector<T> gradients;     // [heads, kTttTokens, out], of the outputs

  const T* weights_of(int head) const { return weight.data() + static_cast<std::size_t>(head) * in * out; }
  T* input(int head, int token) {
    return &inputs[(static_cast<std::size_t>(head) * kTttTokens + token) * in];
  }
  T* gradient(int head, int token) {
    return &gradients[(static_cast<std::size_t>(head) * kTttTokens + token) * out];
  }
};

template <class T>
struct InnerModels {
  std::vector<InnerMap<T>> maps;
  std::vector<T> steps;  // [heads, kTttTokens]: inner_step * sigmoid(logit + bias)
  int open = 0;          // tokens of the open mini-batch
};

template <class T>
class Ttt {
 public:
  explicit Ttt(const ModelConfig& config)
      : c_(config), rotary_(kTttTokens, config.head_width, config.rope_theta) {}

  InnerModels<T> allocate() const {
    InnerModels<T> models;
    const std::vector<int> widths = c_.inner_widths();
    const auto tokens = static_cast<std::size_t>(c_.heads) * kTttTokens;
    for (std::size_t i = 0; i + 1 < widths.size(); ++i) {
      InnerMap<T> map;
      map.in = widths[i];
      map.out = widths[i + 1];
      map.inputs.resize(tokens * map.in);
      map.gradients.resize(tokens * map.out);
      models.maps.push_back(std::move(map));
    }
    models.steps.resize(tokens);
    return models;
  }

  // projected [rows, projected_width] -> out [rows, heads * head_width]
  void mix(const T* projected, int rows, const TttLayer& layer, bool learns, InnerModels<T>& models, T* out) {
    for (int row = 0; row < rows; ++row) {
      for (int head = 0; head < c_.heads; ++head) mix_head(projected, head, layer, learns, models, out);
      normalise_row(out, c_.query_width(), c_.norm_epsilon);
      for (int i = 0; i < c_.query_width(); ++i)
        out[i] = out[i] * T(layer.post_scale[i]) + T(layer.post_shift[i]);
      if (++models.open == kTttTokens) {
        if (learns) commit(layer, models);
        models.open = 0;
      }
      projected += c_.projected_width();
      out += c_.query_width();
    }
  }

 private:
  static T ramp(const TttLayer& layer, int token) {
    const T value = T(1) / T(token + 1) + T(layer.position_scale[static_cast<std::size_t>(token)]);
    return real_part(value) > 0 ? value : T(0);
  }

  void mix_head(const T* projected, int head, const TttLayer& layer, bool learns, InnerModels<T>& models,
                T* out) {
    const int f = c_.head_width;
    const int token = models.open;
    const T* q = projected + head * f;
    const T* k = q + c_.query_width();
    const T* v = k + c_.kv_width();
    const T logit = projected[c_.query_width() + 2 * c_.kv_width() + head];
    x_.resize(static_cast<std::size_t>(f));
    rotary_.turn(k, token, 1, x_.data());
    if (learns) {
      models.steps[static_cast<std::size_t>(head * kTttTokens + token)] =
          T(c_.inner_step()) * sigmoid(logit + T(layer.step_bias[static_cast<std::size_t>(head)]));
      learn(v, head, layer, models);
    }
    T* result = out + head * f;
    rotary_.turn(q, token, 1, result);
    x_.assign(result, result + f);
    answer(head, ramp(layer, token), learns, models);  // leaves u_t(q_t) in x_
    normalise_row(x_.data(), f, c_.norm_epsilon);
    for (int i = 0; i < f; ++i) {
      const auto at = static_cast<std::size_t>(head * f + i);
      result[i] += x_[static_cast<std::size_t>(i)] * T(layer.scale[at]) + T(layer.shift[at]);
    }
  }

  // y_ = x W + c of one head
  void apply(const InnerMap<T>& map, int head, const T* x) {
    y_.resize(static_cast<std::size_t>(map.out));
    multiply<false>(x, 1, map.in, map.weights_of(head), map.out, y_.data());
    for (int i = 0; i < map.out; ++i)
      y_[static_cast<std::size_t>(i)] += map.bias[static_cast<std::size_t>(head * map.out + i)];
  }

  // Leaves the token's input and gradient at every map; x_ comes in as its turned key.
  void learn(const T* value, int head, const TttLayer& layer, InnerModels<T>& models) {
    const int f = c_.head_width;
    const int token = models.open;
    target_.resize(static_cast<std::size_t>(f));
    for (int i = 0; i < f; ++i)
      target_[static_cast<std::size_t>(i)] = value[i] - x_[static_cast<std::size_t>(i)];
    slopes_.resize(models.maps.size());
    for (std::size_t i = 0; i < models.maps.size(); ++i) {
      InnerMap<T>& map = models.maps[i];
      std::copy(x_.begin(), x_.end(), map.input(head, token));
      apply(map, head, x_.data());
      x_ = y_;
      if (i + 1 == models.maps.size()) break;
      slopes_[i].resize(x_.size());
      for (std::size_t j = 0; j < x_.size(); ++j) {
        const Gelu<T> gelu(x_[j]);
        x_[j] = gelu.value;
        slopes_[i][j] = gelu.slope;
      }
    }
    output_gradient(head, layer, models.maps.back().gradient(head, token));
    for (std::size_t i = models.maps.size() - 1; i-- > 0;) {
      InnerMap<T>& above = models.maps[i + 1];
      const std::vector<T> back = transposed(above.weights_of(head), above.in, above.out);
      T* gradient = models.maps[i].gradient(head, token);
      multiply<false>(above.gradient(head, token), 1, above.out, back.data(), above.in, gradient);
      for (int j = 0; j < above.in; ++j) gradient[j] *= slopes_[i][static_cast<std::size_t>(j)];
    }
  }

  // Of 1/2 |LN(u) - target|^2 at u = x_.
  void output_gradient(int head, const TttLayer& layer, T* gradient) {
    const int f = c_.head_width;
    const T deviation = normalise_row(x_.data(), f, c_.norm_epsilon);
    Wide<T> sum = 0;
    Wide<T> along = 0;
    for (int i = 0; i < f; ++i) {
      const auto at = static_cast<std::size_t>(head * f + i);
      const T scale = T(layer.scale[at]);
      const T x = x_[static_cast<std::size_t>(i)];
      gradient[i] = (x * scale + T(layer.shift[at]) - target_[static_cast<std::size_t>(i)]) * scale;
      sum += gradient[i];
      along += gradient[i] * x;
    }
    const T mean = T(sum / Wide<T>(f));
    const T pull = T(along / Wide<T>(f));
    for (int i = 0; i < f; ++i) {
      gradient[i] = (gradient[i] - mean - x_[static_cast<std::size_t>(i)] * pull) / deviation;
    }
  }

  // x_ = u_t(x_)
  void answer(int head, T scale, bool learns, InnerModels<T>& models) {
    for (std::size_t i = 0; i < models.maps.size(); ++i) {
      InnerMap<T>& map = models.maps[i];
      apply(map, head, x_.data());
      for (int s = 0; learns && s <= models.open; ++s) {
        const T* input = map.input(head, s);
        T dot = 1;
        for (int j = 0; j < map.in; ++j) dot += x_[static_cast<std::size_t>(j)] * input[j];
        const T factor = scale * models.steps[static_cast<std::size_t>(head * kTttTokens + s)] * dot;
        const T* gradient = map.gradient(head, s);
        for (int j = 0; j < map.out; ++j) y_[static_cast<std::size_t>(j)] -= factor * gradient[j];
      }
      x_ = y_;
      if (i + 1 == models.maps.size()) return;
      for (T& value : x_) value = Gelu<T>(value).value;
    }
  }

  // The state becomes that of the last token.
  void commit(const TttLayer& layer, InnerModels<T>& models) {
    const T last = ramp(layer, kTttTokens - 1);
    for (InnerMap<T>& map : models.maps) {
      for (int head = 0; head < c_.heads; ++head) {
        T* weight = map.weight.data() + static_cast<std::size_t>(head) * map.in * map.out;
        T* bias = map.bias.data() + static_cast<std::size_t>(head) * map.out;
        for (int s = 0; s < kTttTokens; ++s) {
          const T eta = last * models.steps[static_cast<std::size_t>(head * kTttTokens + s)];
          const T* input = map.input(head, s);
          const T* gradient = map.gradient(head, s);
          for (int i = 0; i < map.in; ++i) {
            for (int j = 0; j < map.out; ++j) weight[i * map.out + j] -= eta * input[i] * gradient[j];
          }
          for (int j = 0; j < map.out; ++j) bias[j] -= eta * gradient[j];
        }
      }
    }
  }

  ModelConfig c_;
  Rotary<T> rotary_;
  std::vector<T> x_, y_, target_;  // scratch
  std::vector<std::vector<T>> slopes_;
};

}  // namespace silt::model::ref
