#include "bench/products.h"

#include <algorithm>

#include "model/cpu/features.h"
#include "model/cpu/memory.h"
#include "model/cpu/thread_team.h"

namespace silt::bench {
namespace {

using model::ModelConfig;
using namespace model::cpu;  // NOLINT(google-build-using-namespace): this file is about its parts

double attention_flops(const ModelConfig& c, bool learn) {
  const double b = c.minibatch_tokens;
  const double q = c.query_width();
  const double forward = c.layers * 2 * (2.0 * b * c.window_tokens * q);  // q k^T and p v
  if (!learn) return forward;
  const double whole = 2 * (2.0 * b * c.window_tokens * q);  // dP, dQ
  const double own = 2 * (2.0 * b * (b / 2) * q);            // dK, dV
  return forward + (c.fast_layers - 1) * (whole + own);
}

class OwnProducts final : public Products {
 public:
  OwnProducts(const std::string& backend, int threads, const std::vector<ProductShape>& shapes)
      : name_("own " + backend), kernels_(kernels_of(backend.substr(4))), team_(threads), shapes_(shapes) {
    for (const ProductShape& s : shapes) {
      Operands o;
      o.a = Array<Bf16>(arena_, static_cast<std::size_t>(round_up(s.m, kRowPad)) * stride(s.k));
      o.c = Array<float>(arena_, static_cast<std::size_t>(round_up(s.m, kRowPad)) * s.n);
      std::fill_n(o.a.data(), o.a.size(), Bf16{0x3f80});
      for (int i = 0; i < s.count; ++i) {
        o.b.emplace_back(arena_, s.k, s.n, false);
        std::fill_n(o.b.back().blocks.data(), o.b.back().blocks.size(), Bf16{0x3c00});
      }
      operands_.push_back(std::move(o));
    }
  }
  std::string name() const override { return name_; }

  void run(std::size_t index) override {
    const ProductShape& s = shapes_[index];
    Operands& o = operands_[index];
    for (const PackedMatrix& b : o.b) {
      team_.run([&](int member) {
        kernels_.enter();
        const Share share = share_of(b.panels, member, team_.size());
        for (int p = share.first; p < share.last; ++p) {
          kernels_.product(o.a.data(), stride(s.k), s.m, b.panel(p), s.k, o.c.data() + p * kBlock, s.n,
                           false);
        }
        kernels_.leave();
      });
    }
  }

 private:
  struct Operands {
    Array<Bf16> a;
    std::vector<PackedMatrix> b;
    Array<float> c;
  };
  static long stride(int k) { return k * 2 % 2048 == 0 ? k + kBlock : k; }

  const std::string name_;
  const Kernels kernels_;
  Arena arena_;
  ThreadTeam team_;
  const std::vector<ProductShape> shapes_;
  std::vector<Operands> operands_;
};

}  // namespace

std::vector<ProductShape> step_products(const ModelConfig& c) {
  const int b = c.minibatch_tokens;
  const int d = c.width;
  const int q = c.query_width();
  const int qkv = q + 2 * c.kv_width();
  const int fast = c.fast_layers;
  const int above = fast - 1;  // fast layers that a gradient goes through
  const int gate_up = c.learns_gate_up() ? fast : 0;
  std::vector<ProductShape> all = {
      {"qkv", b, d, qkv, c.layers},
      {"output", b, q, d, c.layers},
      {"gate|up", b, d, 2 * c.mlp_width, c.layers},
      {"down", b, c.mlp_width, d, c.layers},
      {"fast gate|up", b, d, 2 * c.fast_width, fast},
      {"fast down", b, c.fast_width, d, fast},
      {"head", b, d, c.vocabulary, 1},
      {"head backward", b, c.vocabulary, d, 1},
      {"fast down backward", b, d, c.fast_width, std::max(gate_up, above)},
      {"gradient gate|up", d, b, 2 * c.fast_width, gate_up},
      {"gradient down", c.fast_width, b, d, fast},
      {"qkv backward", b, qkv, d, above},
      {"output backward", b, d, q, above},
      {"gate|up backward", b, 2 * c.mlp_width, d, above},
      {"down backward", b, d, c.mlp_width, above},
      {"fast gate|up backward", b, 2 * c.fast_width, d, above},
  };
  std::erase_if(all, [](const ProductShape& shape) { return shape.count == 0; });
  return all;
}

double flops_of(const std::vector<ProductShape>& shapes) {
  double total = 0;
  for (const ProductShape& s : shapes) total += s.flops();
  return total;
}

double read_flops(const ModelConfig& c) {
  std::vector<ProductShape> shapes = step_products(c);
  shapes.resize(7);  // the forward ones
  return flops_of(shapes) + attention_flops(c, false);
}

double learn_flops(const ModelConfig& c) {
  return flops_of(step_products(c)) + attention_flops(c, true);
}

std::unique_ptr<Products> own_products(const std::string& backend, int threads,
                                       const std::vector<ProductShape>& shapes) {
  return std::make_unique<OwnProducts>(backend, threads, shapes);
}

}  // namespace silt::bench
