#include "tests/model/plain_net.h"

#include <cmath>

namespace silt::model {

PlainNet::Row PlainNet::nll(const std::vector<Token>& tokens) {
  Rows h;
  const std::vector<float> embedding = tensor("embedding");
  for (const Token token : tokens) {
    const float* row = &embedding[static_cast<std::size_t>(token * c_.width)];
    h.emplace_back(row, row + c_.width);
  }
  for (int layer = 0; layer < c_.layers; ++layer) {
    run_block("blocks." + std::to_string(layer) + ".", layer, h);
  }
  const Rows x = norm(h, "final_norm");
  std::vector<double> result;
  for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
    double sum = 0;
    double target = 0;
    for (int v = 0; v < c_.vocabulary; ++v) {
      double logit = 0;
      for (int d = 0; d < c_.width; ++d) {
        logit += x[i][static_cast<std::size_t>(d)] * embedding[static_cast<std::size_t>(v * c_.width + d)];
      }
      sum += std::exp(logit);
      if (v == tokens[i + 1]) target = logit;
    }
    result.push_back(std::log(sum) - target);
  }
  return result;
}

PlainNet::Rows PlainNet::norm(const Rows& h, const std::string& name) const {
  const std::vector<float> gain = tensor(name);
  Rows x = h;
  for (Row& row : x) {
    double mean = 0;
    for (const double value : row) mean += value * value / static_cast<double>(row.size());
    for (std::size_t d = 0; d < row.size(); ++d) row[d] *= gain[d] / std::sqrt(mean + c_.norm_epsilon);
  }
  return x;
}

PlainNet::Rows PlainNet::times(const Rows& x, const std::string& name, int out) const {
  const std::vector<float> w = tensor(name);
  Rows y(x.size(), Row(static_cast<std::size_t>(out), 0.0));
  for (std::size_t i = 0; i < x.size(); ++i) {
    for (std::size_t k = 0; k < x[i].size(); ++k) {
      for (std::size_t o = 0; o < y[i].size(); ++o) y[i][o] += x[i][k] * w[k * y[i].size() + o];
    }
  }
  return y;
}

void PlainNet::add(Rows& h, const Rows& y) {
  for (std::size_t i = 0; i < h.size(); ++i) {
    for (std::size_t d = 0; d < h[i].size(); ++d) h[i][d] += y[i][d];
  }
}

PlainNet::Rows PlainNet::swiglu(const Rows& x, const std::string& prefix, int width) const {
  Rows gate = times(x, prefix + ".gate", width);
  const Rows up = times(x, prefix + ".up", width);
  for (std::size_t i = 0; i < gate.size(); ++i) {
    for (std::size_t f = 0; f < gate[i].size(); ++f) {
      gate[i][f] = gate[i][f] / (1 + std::exp(-gate[i][f])) * up[i][f];
    }
  }
  return times(gate, prefix + ".down", c_.width);
}

void PlainNet::turn(Row& row, std::size_t at, std::size_t position) const {
  const auto half = static_cast<std::size_t>(c_.head_width / 2);
  for (std::size_t j = 0; j < half; ++j) {
    const double angle = static_cast<double>(position) *
                         std::pow(c_.rope_theta, -2.0 * static_cast<double>(j) / c_.head_width);
    const double a = row[at + j];
    const double b = row[at + half + j];
    row[at + j] = a * std::cos(angle) - b * std::sin(angle);
    row[at + half + j] = b * std::cos(angle) + a * std::sin(angle);
  }
}

}  // namespace silt::model
