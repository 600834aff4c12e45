// Arithmetic on rows of floats, with the same bits on every machine: no library functions, no fused
// multiplications, sums in a fixed order. Lengths are multiples of 16 where nothing else is said.
// Pure functions, safe from any thread.
#pragma once

#include <cstdint>

namespace silt::model {

constexpr int kWordLimit = 8191;  // of what quantise() makes: 14 bits

// words = x / step, rounded to nearest even; returns step, which maps the largest magnitude to kWordLimit.
float quantise(const float* x, int n, std::int16_t* words);

// y = (x - mean) / sqrt(variance + epsilon) * gain + bias; y may be x.
void layer_norm(const float* x, const float* gain, const float* bias, int n, float epsilon, float* y);

// The exact GELU, x times the normal distribution function at x, to 2e-7; in place.
void gelu(float* x, int n);

// x = exp(x - max) / sum, in place. n is a multiple of 4.
void softmax(float* x, int n);

float dot(const float* a, const float* b, int n);

// y += factor x
void add_scaled(float factor, const float* x, int n, float* y);

}  // namespace silt::model
