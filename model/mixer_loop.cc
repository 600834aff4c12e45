#include "model/mixer_loop.h"

#include <utility>

#include "model/inner_loop.h"
#include "model/ttt_loop.h"

namespace silt::model {

std::unique_ptr<MixerLoop> make_mixer_loop(std::shared_ptr<const Net> net, Backend& backend, bool frozen) {
  if (net->config.has_ttt_layers()) return std::make_unique<TttLoop>(std::move(net), backend, frozen);
  return std::make_unique<InnerLoop>(std::move(net), backend, frozen);
}

}  // namespace silt::model
