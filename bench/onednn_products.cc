#include "bench/products.h"

#ifdef SILT_ONEDNN

#include <cstdint>
#include <cstring>
#include <oneapi/dnnl/dnnl.hpp>

namespace silt::bench {
namespace {

using dnnl::memory;

class OneDnnProducts final : public Products {
 public:
  explicit OneDnnProducts(const std::vector<ProductShape>& shapes) : stream_(engine_) {
    for (const ProductShape& s : shapes) {
      const auto plain = [&](int rows, int cols, memory::data_type type) {
        return memory::desc({rows, cols}, type, memory::format_tag::ab);
      };
      const auto bf16 = memory::data_type::bf16;
      const memory::desc packed({s.k, s.n}, bf16, memory::format_tag::any);
      const dnnl::matmul::primitive_desc description(
          {plain(s.m, s.k, bf16), packed, plain(s.m, s.n, memory::data_type::f32)}, engine_);
      Shape shape{dnnl::matmul(description),
                  filled(description.src_desc(), 0x3f80),
                  memory(description.dst_desc(), engine_),
                  {}};
      for (int i = 0; i < s.count; ++i) shape.b.push_back(filled(description.weights_desc(), 0x3c00));
      shapes_.push_back(std::move(shape));
    }
  }
  std::string name() const override { return "oneDNN"; }

  void run(std::size_t index) override {
    Shape& s = shapes_[index];
    for (memory& b : s.b) {
      s.matmul.execute(stream_, {{DNNL_ARG_SRC, s.a}, {DNNL_ARG_WEIGHTS, b}, {DNNL_ARG_DST, s.c}});
    }
    stream_.wait();
  }

 private:
  struct Shape {
    dnnl::matmul matmul;
    memory a, c;
    std::vector<memory> b;
  };
  memory filled(const memory::desc& description, std::uint16_t value) {
    memory m(description, engine_);
    auto* data = static_cast<std::uint16_t*>(m.get_data_handle());
    for (std::size_t i = 0; i < description.get_size() / 2; ++i) data[i] = value;
    return m;
  }

  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream_;
  std::vector<Shape> shapes_;
};

}  // namespace

std::unique_ptr<Products> onednn_products(const std::vector<ProductShape>& shapes) {
  try {
    return std::make_unique<OneDnnProducts>(shapes);
  } catch (const dnnl::error&) {
    return nullptr;  // this CPU has no bfloat16 product in oneDNN
  }
}

}  // namespace silt::bench

#else

namespace silt::bench {

std::unique_ptr<Products> onednn_products(const std::vector<ProductShape>& /*shapes*/) {
  return nullptr;
}

}  // namespace silt::bench

#endif
