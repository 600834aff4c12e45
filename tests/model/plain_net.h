// A net in double precision, as its definition says: a whole sequence at once, no cache, no mini-batches.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "tests/model/random_net.h"

namespace silt::model {

class PlainNet {
 public:
  using Row = std::vector<double>;
  using Rows = std::vector<Row>;

  // Of the tensors of random_net().
  explicit PlainNet(const ModelConfig& config) : c_(config) {}
  virtual ~PlainNet() = default;

  // nll of tokens[i + 1] after tokens[0..i], from W_0 on.
  Row nll(const std::vector<Token>& tokens);

 protected:
  virtual void run_block(const std::string& block, int layer, Rows& h) = 0;

  std::vector<float> tensor(const std::string& name) const { return random_tensor(c_, name); }
  Rows norm(const Rows& h, const std::string& name) const;
  Rows times(const Rows& x, const std::string& name, int out) const;
  static void add(Rows& h, const Rows& y);
  Rows swiglu(const Rows& x, const std::string& prefix, int width) const;
  // Turns the head that begins at row[at].
  void turn(Row& row, std::size_t at, std::size_t position) const;

  const ModelConfig c_;
};

}  // namespace silt::model
