// The arithmetic of the reference backend, in the plainest form that is still usable.
//
// T is float, double or std::complex<double>. Every function is analytic in its inputs (no abs, no
// comparison of values except through real parts), so that a complex step differentiates the whole
// net to machine precision. Every sum runs in index order, one accumulator per output element, so a
// row's bits depend on nothing but that row.
#pragma once

#include <cmath>
#include <complex>
#include <vector>

namespace silt::model::ref {

// Long sums of float are kept in double: the reference should not be what limits a comparison.
template <class T>
struct WideType {
  using type = T;
};
template <>
struct WideType<float> {
  using type = double;
};
template <class T>
using Wide = typename WideType<T>::type;

template <class T>
double real_part(const T& value) {
  return std::real(value);
}

// y = x W or y += x W, for x [rows, in], W [in, out], y [rows, out].
// The panel and the unrolling only help the compiler to keep a tile of sums in vector registers: each
// sum still runs over i in order, wherever its row or column lies.
template <bool kAdd, class T>
void multiply(const T* x, int rows, int in, const T* w, int out, T* y) {
  constexpr int kRows = 4;
  constexpr int kCols = 8;
  const auto store = [&](int row, int col, T sum) {
    T& to = y[static_cast<std::size_t>(row) * out + col];
    to = kAdd ? to + sum : sum;
  };
  const int full_rows = rows / kRows * kRows;
  const int full_cols = out / kCols * kCols;
  std::vector<T> panel(static_cast<std::size_t>(in) * kCols);
  for (int col = 0; col < full_cols && full_rows > 0; col += kCols) {
    for (int i = 0; i < in; ++i) {
      for (int c = 0; c < kCols; ++c) {
        panel[static_cast<std::size_t>(i) * kCols + c] = w[static_cast<std::size_t>(i) * out + col + c];
      }
    }
    for (int row = 0; row < full_rows; row += kRows) {
      T sums[kRows][kCols] = {};
      const T* from = x + static_cast<std::size_t>(row) * in;
      const T* weights = panel.data();
      for (int i = 0; i < in; ++i, weights += kCols) {
#pragma GCC unroll 4
        for (int r = 0; r < kRows; ++r) {
          const T value = from[static_cast<std::size_t>(r) * in + i];
#pragma GCC unroll 1
          for (int c = 0; c < kCols; ++c) sums[r][c] += value * weights[c];
        }
      }
      for (int r = 0; r < kRows; ++r) {
        for (int c = 0; c < kCols; ++c) store(row + r, col + c, sums[r][c]);
      }
    }
  }
  for (int row = 0; row < rows; ++row) {
    const T* from = x + static_cast<std::size_t>(row) * in;
    for (int col = row < full_rows ? full_cols : 0; col < out; ++col) {
      T sum = 0;
      for (int i = 0; i < in; ++i) sum += from[i] * w[static_cast<std::size_t>(i) * out + col];
      store(row, col, sum);
    }
  }
}

// g = x^T dy, for x [rows, in], dy [rows, out], g [in, out].
template <class T>
void outer_product(const T* x, const T* dy, int rows, int in, int out, T* g) {
  for (int i = 0; i < in; ++i) {
    T* to = g + static_cast<std::size_t>(i) * out;
    for (int col = 0; col < out; ++col) to[col] = 0;
    for (int row = 0; row < rows; ++row) {
      const T value = x[static_cast<std::size_t>(row) * in + i];
      const T* from = dy + static_cast<std::size_t>(row) * out;
      for (int col = 0; col < out; ++col) to[col] += value * from[col];
    }
  }
}

template <class T>
std::vector<T> transposed(const T* w, int in, int out) {
  std::vector<T> result(static_cast<std::size_t>(in) * out);
  for (int i = 0; i < in; ++i) {
    for (int o = 0; o < out; ++o) {
      result[static_cast<std::size_t>(o) * in + i] = w[static_cast<std::size_t>(i) * out + o];
    }
  }
  return result;
}

template <class T>
T inverse_rms(const T* h, int width, float epsilon) {
  Wide<T> sum = 0;
  for (int i = 0; i < width; ++i) sum += h[i] * h[i];
  return T(Wide<T>(1) / std::sqrt(sum / Wide<T>(width) + Wide<T>(epsilon)));
}

// x = gain h / rms(h)
template <class T>
void rms_norm_row(const T* h, const float* gain, int width, float epsilon, T* x) {
  const T scale = inverse_rms(h, width, epsilon);
  for (int i = 0; i < width; ++i) x[i] = T(gain[i]) * h[i] * scale;
}

// dh += (gain dx - h (sum gain dx h) / (width rms^2)) / rms
template <class T>
void rms_norm_backward_row(const T* h, const float* gain, const T* dx, int width, float epsilon, T* dh) {
  const T scale = inverse_rms(h, width, epsilon);
  T dot = 0;
  for (int i = 0; i < width; ++i) dot += T(gain[i]) * dx[i] * h[i];
  const T along = dot * scale * scale / T(width);
  for (int i = 0; i < width; ++i) dh[i] += scale * (T(gain[i]) * dx[i] - h[i] * along);
}

template <class T>
T sigmoid(T value) {
  return T(1) / (T(1) + std::exp(-value));
}

// act = silu(gate) up, for pre = [gate | up] of 2 width columns
template <class T>
void swiglu_row(const T* pre, int width, T* act) {
  for (int i = 0; i < width; ++i) act[i] = pre[i] * sigmoid(pre[i]) * pre[width + i];
}

template <class T>
void swiglu_backward_row(const T* pre, const T* dact, int width, T* dpre) {
  for (int i = 0; i < width; ++i) {
    const T s = sigmoid(pre[i]);
    dpre[i] = dact[i] * pre[width + i] * s * (T(1) + pre[i] * (T(1) - s));
    dpre[width + i] = dact[i] * pre[i] * s;
  }
}

// to = w0 + decay (w - w0) - step g
template <class T>
void update_row(const T* w, const T* w0, const T* g, int width, float decay, float step, T* to) {
  for (int i = 0; i < width; ++i) to[i] = w0[i] + T(decay) * (w[i] - w0[i]) - T(step) * g[i];
}

// Replaces logits by exp(logits - max) and returns log(sum of them) + max; `sum` gets the sum.
template <class T>
Wide<T> log_sum_exp_row(T* logits, int size, T& sum) {
  double highest = real_part(logits[0]);
  for (int i = 1; i < size; ++i) {
    if (real_part(logits[i]) > highest) highest = real_part(logits[i]);
  }
  Wide<T> total = 0;
  for (int i = 0; i < size; ++i) {
    logits[i] = std::exp(logits[i] - T(highest));
    total += logits[i];
  }
  sum = T(total);
  return std::log(total) + Wide<T>(highest);
}

}  // namespace silt::model::ref
