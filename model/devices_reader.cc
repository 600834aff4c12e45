#include <algorithm>
#include <utility>

#include "model/lane_reader.h"

namespace silt::model {
namespace {

class DevicesReader final : public Reader {
 public:
  using Reader::score;

  DevicesReader(std::vector<DeviceReader> devices, std::unique_ptr<Reader> host)
      : devices_(std::move(devices)), host_(std::move(host)) {}

  Status score(std::span<const TextLane> texts) override {
    std::vector<TextLane> on_device;
    for (std::size_t i = 0; i < devices_.size(); ++i) {
      on_device.clear();
      for (const TextLane& text : texts) {
        if (text.weights != nullptr && is_on(*text.weights, devices_[i].device)) on_device.push_back(text);
      }
      if (!on_device.empty()) SILT_TRY(score_on(devices_[i], on_device));
    }
    std::vector<TextLane> anywhere;
    for (const TextLane& text : texts) {
      if (text.weights == nullptr || text.weights->held == nullptr) anywhere.push_back(text);
    }
    while (!anywhere.empty()) {
      DeviceReader* const device = first_sound();
      if (device == nullptr) return host_->score(anywhere);
      const Status scored = score_on(*device, anywhere);
      if (!device->lost) return scored;
    }
    return Status::ok();
  }

  Result<std::vector<Token>> generate(const std::shared_ptr<const FastWeights>& weights, std::span<const Token> prompt,
                                      const GenerateOptions& options) override {
    if (weights == nullptr || weights->held == nullptr) return host_->generate(weights, prompt, options);
    for (DeviceReader& device : devices_) {
      if (is_on(*weights, device.device)) return device.reader->generate(weights, prompt, options);
    }
    return unavailable("the GPU that held these weights is not in use here");
  }

 private:
  static bool is_on(const FastWeights& weights, int device) { return weights.held != nullptr && weights.held->device() == device; }

  Status score_on(DeviceReader& device, std::span<const TextLane> texts) {
    const Status scored = device.reader->score(texts);
    device.lost |= scored.code() == Code::kUnavailable;
    return scored;
  }
  DeviceReader* first_sound() {
    const auto found = std::ranges::find_if(devices_, [](const DeviceReader& device) { return !device.lost; });
    return found == devices_.end() ? nullptr : &*found;
  }

  std::vector<DeviceReader> devices_;
  std::unique_ptr<Reader> host_;
};

}  // namespace

std::unique_ptr<Reader> make_devices_reader(std::vector<DeviceReader> devices, std::unique_ptr<Reader> host) {
  return std::make_unique<DevicesReader>(std::move(devices), std::move(host));
}

}  // namespace silt::model
