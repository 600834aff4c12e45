#include "model/net.h"

#include <array>
#include <initializer_list>
#include <string>

#include "model/recall_gate.h"

namespace silt::model {
namespace {

// Loads tensors of one model, with a shape check that names the tensor.
class Loader {
 public:
  Loader(const TensorSource& source, Backend& backend) : source_(source), backend_(backend) {}

  Result<std::unique_ptr<MatrixSource>> source(const std::string& name, int in, int out) const {
    SILT_ASSIGN(std::unique_ptr<MatrixSource> matrix, source_.matrix(name));
    if (matrix->in() != in || matrix->out() != out) {
      return data_loss("tensor " + name + " is " + std::to_string(matrix->in()) + " x " +
                       std::to_string(matrix->out()) + ", the configuration needs " + std::to_string(in) +
                       " x " + std::to_string(out));
    }
    return matrix;
  }

  // Joins `names` along their columns: parts [in, out of each].
  Result<MatrixPtr> matrix(const std::string& block, std::initializer_list<const char*> names, int in,
                           std::initializer_list<int> outs, MatrixUse use) const {
    std::vector<std::unique_ptr<MatrixSource>> owned;
    std::vector<const MatrixSource*> parts;
    auto out = outs.begin();
    for (const char* name : names) {
      SILT_ASSIGN(std::unique_ptr<MatrixSource> part, source(block + name, in, *out++));
      parts.push_back(part.get());
      owned.push_back(std::move(part));
    }
    return backend_.pack(parts, use);
  }

  Result<std::vector<float>> vector(const std::string& name, int size) const {
    SILT_ASSIGN(std::vector<float> values, source_.vector(name));
    if (values.size() != static_cast<std::size_t>(size)) {
      return data_loss("tensor " + name + " has " + std::to_string(values.size()) +
                       " values, the configuration needs " + std::to_string(size));
    }
    return values;
  }

  Status upload(const std::string& name, Buffer& to) const {
    SILT_ASSIGN(const std::unique_ptr<MatrixSource> from, source(name, to.rows(), to.cols()));
    std::vector<float> values(static_cast<std::size_t>(to.rows()) * to.cols());
    for (int row = 0; row < to.rows(); ++row) {
      from->read_row(row, values.data() + static_cast<std::size_t>(row) * to.cols());
    }
    backend_.upload(to, values);
    return Status::ok();
  }

  Status upload_vector(const std::string& name, Buffer& to) const {
    SILT_ASSIGN(const std::vector<float> values, vector(name, to.rows() * to.cols()));
    backend_.upload(to, values);
    return Status::ok();
  }

 private:
  const TensorSource& source_;
  Backend& backend_;
};

// Of the frozen matrices of a block.
MatrixUse use_in(int layer, const ModelConfig& config) {
  // The lowest adapted block ends the backward pass: nothing in it or below needs transposes.
  const bool backward = !config.has_ttt_layers() && layer > config.prefix_layers();
  return backward ? MatrixUse::kForwardAndBackward : MatrixUse::kForward;
}

Status load_block(const Loader& loader, const ModelConfig& config, int layer, Block& block) {
  const std::string name = "blocks." + std::to_string(layer) + ".";
  const MatrixUse use = use_in(layer, config);
  const int d = config.width;
  const int q = config.query_width();
  const int kv = config.kv_width();
  if (config.has_ttt_layers()) {
    SILT_ASSIGN(block.mixer_norm, loader.vector(name + "ttt_norm", d));
    SILT_ASSIGN(block.qkv, loader.matrix(name, {"ttt.q", "ttt.k", "ttt.v", "ttt.lr_weight"}, d,
                                         {q, kv, kv, config.heads}, use));
    SILT_ASSIGN(block.output, loader.matrix(name, {"ttt.o"}, q, {d}, use));
  } else {
    SILT_ASSIGN(block.mixer_norm, loader.vector(name + "attention_norm", d));
    SILT_ASSIGN(block.qkv,
                loader.matrix(name, {"attention.q", "attention.k", "attention.v"}, d, {q, kv, kv}, use));
    SILT_ASSIGN(block.output, loader.matrix(name, {"attention.o"}, q, {d}, use));
  }
  SILT_ASSIGN(block.mlp_norm, loader.vector(name + "mlp_norm", d));
  SILT_ASSIGN(block.gate_up,
              loader.matrix(name, {"mlp.gate", "mlp.up"}, d, {config.mlp_width, config.mlp_width}, use));
  SILT_ASSIGN(block.down, loader.matrix(name, {"mlp.down"}, config.mlp_width, {d}, use));
  return Status::ok();
}

FastStep step_of(const ModelConfig& config, const std::vector<float>& step, const std::vector<float>& decay) {
  const auto rate = [&](std::size_t i) { return FastStep::Rate{.decay = decay[i], .step = step[i]}; };
  const auto units = static_cast<std::size_t>(config.fast_width);
  if (config.learns_gate_up()) return {.gate = rate(0), .up = rate(1), .down = std::vector(units, rate(2))};
  FastStep out;
  for (std::size_t unit = 0; unit < units; ++unit) out.down.push_back(rate(unit));
  return out;
}

Status load_fast_block(const Loader& loader, const ModelConfig& config, int layer, Backend& backend,
                       const FastTensors& initial, FastBlock& fast) {
  const std::string name = "blocks." + std::to_string(layer) + ".";
  SILT_ASSIGN(fast.norm, loader.vector(name + "fast_norm", config.width));
  SILT_ASSIGN(const std::vector<float> step, loader.vector(name + "fast.step", config.fast_rates()));
  SILT_ASSIGN(const std::vector<float> decay, loader.vector(name + "fast.decay", config.fast_rates()));
  fast.step = step_of(config, step, decay);
  if (config.learns_gate_up()) {
    SILT_TRY(loader.upload(name + "fast.gate", *initial.gate));
    SILT_TRY(loader.upload(name + "fast.up", *initial.up));
  } else {
    const int f = config.fast_width;
    SILT_ASSIGN(fast.gate_up,
                loader.matrix(name, {"fast.gate", "fast.up"}, config.width, {f, f}, use_in(layer, config)));
  }
  SILT_TRY(loader.upload(name + "fast.down", *initial.down));
  fast.initial_pack = backend.allocate_fast_pack();
  backend.pack_fast(initial, *fast.initial_pack);
  return Status::ok();
}

Status load_ttt_layer(const Loader& loader, const ModelConfig& config, int index, const InnerModel& initial,
                      TttLayer& layer) {
  const std::string name = "blocks." + std::to_string(index) + ".ttt.";
  const int width = config.query_width();
  SILT_ASSIGN(layer.step_bias, loader.vector(name + "lr_bias", config.heads));
  SILT_ASSIGN(layer.position_scale, loader.vector(name + "position_scale", kTttTokens));
  SILT_ASSIGN(layer.scale, loader.vector(name + "ln_scale", width));
  SILT_ASSIGN(layer.shift, loader.vector(name + "ln_shift", width));
  SILT_ASSIGN(layer.post_scale, loader.vector(name + "post_norm_scale", width));
  SILT_ASSIGN(layer.post_shift, loader.vector(name + "post_norm_shift", width));
  for (std::size_t i = 0; i < initial.size(); ++i) {
    const std::string number = std::to_string(i + 1);
    SILT_TRY(loader.upload(name + "w" + number, *initial[i].weight));
    SILT_TRY(loader.upload_vector(name + "c" + number, *initial[i].bias));
  }
  return Status::ok();
}

// The parts of each mixer that learn; the rest of a block is load_block()'s.
Status load_e2e(const Loader& loader, Backend& backend, const FastWeights& initial, Net& net) {
  const ModelConfig& config = net.config;
  net.fast.resize(static_cast<std::size_t>(config.fast_layers));
  for (std::size_t i = 0; i < net.fast.size(); ++i) {
    SILT_TRY(load_fast_block(loader, config, config.prefix_layers() + static_cast<int>(i), backend,
                             initial.layers[i], net.fast[i]));
  }
  return Status::ok();
}

Status load_ttt(const Loader& loader, const FastWeights& initial, Net& net) {
  net.ttt.resize(static_cast<std::size_t>(net.config.layers));
  for (std::size_t i = 0; i < net.ttt.size(); ++i) {
    SILT_TRY(load_ttt_layer(loader, net.config, static_cast<int>(i), initial.inner[i], net.ttt[i]));
  }
  return Status::ok();
}

// A gate that nobody has fitted begins with the program's own values.
Result<std::vector<float>> load_recall_gate(const TensorSource& source) {
  Result<std::vector<float>> values = source.vector("recall.gate");
  if (values.status().code() == Code::kNotFound) return RecallGate().values();
  if (values.is_ok() && !RecallGate::valid(*values)) {
    return data_loss("tensor recall.gate holds what no gate can have learned; fit it again");
  }
  return values;
}

}  // namespace

std::unique_ptr<FastWeights> allocate_fast_weights(const ModelConfig& config, Backend& backend) {
  auto weights = std::make_unique<FastWeights>();
  const auto add = [&](int rows, int cols) {
    weights->buffers.push_back(backend.allocate(rows, cols, Role::kMaster));
    return weights->buffers.back().get();
  };
  for (int i = 0; i < config.fast_layers; ++i) {
    if (config.has_ttt_layers()) {
      const std::vector<int> widths = config.inner_widths();
      InnerModel& model = weights->inner.emplace_back();
      for (std::size_t map = 0; map + 1 < widths.size(); ++map) {
        Buffer* weight = add(config.heads * widths[map], widths[map + 1]);
        model.push_back({.weight = weight, .bias = add(config.heads, widths[map + 1])});
      }
      continue;
    }
    FastTensors layer;
    if (config.learns_gate_up()) {
      layer.gate = add(config.width, config.fast_width);
      layer.up = add(config.width, config.fast_width);
    }
    layer.down = add(config.fast_width, config.width);
    weights->layers.push_back(layer);
  }
  return weights;
}

void copy_fast_weights(const FastWeights& from, const FastWeights& to, Backend& backend) {
  for (std::size_t i = 0; i < from.buffers.size(); ++i) {
    backend.copy_rows(*from.buffers[i], 0, from.buffers[i]->rows(), *to.buffers[i], 0);
  }
}

Result<std::shared_ptr<Net>> Net::create(const TensorSource& source, const ModelConfig& config,
                                         Backend& backend) {
  const Loader loader(source, backend);
  auto net = std::make_shared<Net>();
  net->config = config;
  SILT_ASSIGN(const std::unique_ptr<MatrixSource> embedding,
              loader.source("embedding", config.vocabulary, config.width));
  net->embedding = backend.pack_embedding(*embedding);
  SILT_ASSIGN(net->final_norm, loader.vector("final_norm", config.width));
  net->blocks.resize(static_cast<std::size_t>(config.layers));
  for (int layer = 0; layer < config.layers; ++layer) {
    SILT_TRY(load_block(loader, config, layer, net->blocks[static_cast<std::size_t>(layer)]));
  }
  std::unique_ptr<FastWeights> initial = allocate_fast_weights(config, backend);
  SILT_TRY(config.has_ttt_layers() ? load_ttt(loader, *initial, *net)
                                   : load_e2e(loader, backend, *initial, *net));
  net->initial = std::move(initial);
  net->token_marks.resize(static_cast<std::size_t>(config.vocabulary));
  if (config.recall_slots_log2 > 0) {
    SILT_ASSIGN(net->recall_gate, load_recall_gate(source));
  }
  return net;
}

}  // namespace silt::model
