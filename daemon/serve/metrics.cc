#include "daemon/serve/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <utility>
#include <vector>

namespace silt::serve {
namespace {

constexpr double kMsPerSecond = 1000, kBitsPerByte = 8;

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

// From a look at a status to a question about months of logs.
const prometheus::Histogram::BucketBoundaries kSeconds = {0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10};

class Page {
 public:
  void gauge(const std::string& name, const std::string& help, double value, Labels labels = {}) {
    ClientMetric metric;
    metric.gauge.value = value;
    add(name, help, MetricType::Gauge, std::move(metric), std::move(labels));
  }
  void counter(const std::string& name, const std::string& help, std::uint64_t value, Labels labels = {}) {
    ClientMetric metric;
    metric.counter.value = static_cast<double>(value);
    add(name, help, MetricType::Counter, std::move(metric), std::move(labels));
  }
  void add(std::vector<MetricFamily> families) {
    std::move(families.begin(), families.end(), std::back_inserter(families_));
  }
  std::string text() const {
    std::ostringstream out;
    prometheus::TextSerializer().Serialize(out, families_);
    return std::move(out).str();
  }

 private:
  void add(const std::string& name, const std::string& help, MetricType type, ClientMetric metric, Labels labels) {
    metric.label = std::move(labels);
    auto at = std::find_if(families_.begin(), families_.end(), [&](const MetricFamily& family) { return family.name == name; });
    if (at == families_.end()) at = families_.insert(at, MetricFamily{name, help, type, {}});
    at->metric.push_back(std::move(metric));
  }
  std::vector<MetricFamily> families_;
};

// What is summed up of an input: of its connector, and of the sources that came from it.
struct InputSums {
  std::string kind;
  bool works = false;
  std::uint64_t sources = 0, files_open = 0, bytes_read = 0, bytes_lost = 0, read_errors = 0, input_backlog_bytes = 0, lag_ms = 0;
  std::uint64_t records = 0, bytes = 0, backlog = 0, patterns = 0, learned = 0, steps = 0, gaps = 0, redactions = 0, stored_bytes = 0;
  std::int64_t last_arrival_s = 0;
  double bits = 0;  // weighted by bytes
};

using Inputs = std::map<std::string, InputSums>;  // by name

InputSums& sums_of(Inputs& inputs, const std::string& name) {
  const bool shown = inputs.contains(name) || inputs.size() < kInputsShownMax;
  return inputs[shown ? name : "(others)"];
}

void add_source(const silt::v1::Source& source, InputSums& to) {
  ++to.sources;
  to.records += source.lines();
  to.bytes += source.bytes();
  to.backlog += source.backlog();
  to.patterns += source.patterns();
  to.learned += source.learned_lines();
  to.steps += source.steps();
  to.gaps += source.gaps();
  to.bytes_lost += source.bytes_lost();
  to.redactions += source.redactions();
  to.stored_bytes += source.stored_bytes();
  to.last_arrival_s = std::max<std::int64_t>(to.last_arrival_s, source.last_arrival().seconds());
  to.bits += source.bits_per_byte() * static_cast<double>(source.bytes());
}

void add_connector(const silt::v1::ConnectorStatus& input, InputSums& to) {
  to.kind = input.kind();
  to.works = input.state() == "reading" || input.state() == "waiting";
  to.files_open += input.files_open();
  to.bytes_read += input.bytes_read();
  to.read_errors += input.read_errors();
  to.input_backlog_bytes += input.backlog_bytes();
  to.lag_ms = std::max<std::uint64_t>(to.lag_ms, input.lag_ms());
}

void print(const Inputs& inputs, Page& page) {
  for (const auto& [name, sums] : inputs) {
    const Labels labels = {{"input", name}, {"kind", sums.kind}};
    page.gauge("silt_input_up", "Whether the input is read: 1, or 0 while it fails, hangs or is paused.", sums.works ? 1 : 0, labels);
    page.gauge("silt_input_sources", "Sources that came from the input.", static_cast<double>(sums.sources), labels);
    page.gauge("silt_input_open_files", "Files, or connections, that the input holds open.", static_cast<double>(sums.files_open), labels);
    page.counter("silt_input_read_bytes_total", "Bytes that the input has read since siltd started.", sums.bytes_read, labels);
    page.counter("silt_input_lost_bytes_total", "Bytes that were known to be there and were never read.", sums.bytes_lost, labels);
    page.counter("silt_input_errors_total", "Reads that failed since siltd started.", sums.read_errors, labels);
    page.gauge("silt_input_backlog_bytes", "Bytes that the input has seen and not yet read.", static_cast<double>(sums.input_backlog_bytes), labels);
    page.gauge("silt_input_lag_seconds", "Since all that there was had been read, of inputs that ask for it.", static_cast<double>(sums.lag_ms) / kMsPerSecond, labels);
    page.counter("silt_records_total", "Records in the journal.", sums.records, labels);
    page.counter("silt_record_bytes_total", "Bytes of the texts of these records.", sums.bytes, labels);
    page.gauge("silt_backlog_records", "Records that the learner has not come to yet.", static_cast<double>(sums.backlog), labels);
    page.counter("silt_learned_records_total", "Records that the net has learned from.", sums.learned, labels);
    page.counter("silt_learning_steps_total", "Learning steps of all states.", sums.steps, labels);
    page.gauge("silt_patterns", "Kinds of lines.", static_cast<double>(sums.patterns), labels);
    page.counter("silt_gaps_total", "Places where something was lost before it was read.", sums.gaps, labels);
    page.counter("silt_redactions_total", "Secrets that were replaced before they were stored.", sums.redactions, labels);
    page.gauge("silt_stored_bytes", "Bytes of sealed segments on disk.", static_cast<double>(sums.stored_bytes), labels);
    page.gauge("silt_last_arrival_timestamp_seconds", "When the newest record arrived; 0: there is none.", static_cast<double>(sums.last_arrival_s), labels);
    page.gauge("silt_surprise_ratio", "Bits of surprise a bit of text, of all that was scored: bits per byte, by eight.",
               sums.bytes == 0 ? 0 : sums.bits / static_cast<double>(sums.bytes) / kBitsPerByte, labels);
  }
}

void print(const silt::v1::GetStatusResponse& status, Page& page) {
  page.gauge("silt_build_info", "Always 1; the labels say what runs.", 1,
             {{"version", status.version()}, {"backend", status.backend()}, {"model", status.model_fingerprint()}});
  page.gauge("process_start_time_seconds", "When siltd started.", static_cast<double>(status.started().seconds()));
  if (status.learner_state().empty()) return;  // what follows is of the whole daemon
  page.gauge("process_resident_memory_bytes", "Memory that siltd holds.", static_cast<double>(status.process_rss_bytes()));
  page.gauge("silt_learner_backlog_bytes", "Bytes of texts that the learner has not come to yet.", static_cast<double>(status.backlog_bytes()));
  page.gauge("silt_resident_states", "Learned states in memory.", static_cast<double>(status.resident_states()));
  page.gauge("silt_resident_state_bytes", "Bytes of these states.", static_cast<double>(status.resident_bytes()));
  page.gauge("silt_learned_tokens_per_second", "Tokens learned, over the last minute.", static_cast<double>(status.learned_tokens_per_s()));
  page.gauge("silt_learn_latency_median_seconds", "From a record's arrival until the net had read it, of turns' slowest records.",
             static_cast<double>(status.learn_latency_p50_ms()) / kMsPerSecond);
  page.gauge("silt_learn_latency_p99_seconds", "The same, of the slowest turn in a hundred.",
             static_cast<double>(status.learn_latency_p99_ms()) / kMsPerSecond);
  page.counter("silt_commits_total", "Commits of what was learned.", status.commits());
  page.gauge("silt_commit_seconds", "How long a commit took, on average since siltd started.",
             status.commits() == 0 ? 0 : static_cast<double>(status.commit_us()) / 1e6 / static_cast<double>(status.commits()));
  for (const auto& device : status.devices()) {
    const Labels labels = {{"device", device.name()}};
    page.gauge("silt_device_in_use", "0: the GPU was lost.", device.lost().empty() ? 1 : 0, labels);
    page.gauge("silt_device_states", "States that the GPU holds.", static_cast<double>(device.states()), labels);
    page.counter("silt_device_tokens_total", "Tokens that the GPU has read.", device.learned_tokens(), labels);
  }
}

void print(const Health& health, Page& page) {
  for (const Part& part : health.parts) {
    page.gauge("silt_part_ready", "Whether a part of siltd does what it is for.", part.alive && part.ready ? 1 : 0, {{"part", part.name}});
  }
}

}  // namespace

struct CallMeter::Families {
  prometheus::Registry registry;
  prometheus::Family<prometheus::Counter>& calls =
      prometheus::BuildCounter().Name("silt_calls_total").Help("Calls that ended, by how they ended.").Register(registry);
  prometheus::Family<prometheus::Histogram>& seconds =
      prometheus::BuildHistogram().Name("silt_call_duration_seconds").Help("How long calls were worked on.").Register(registry);
};

CallMeter::CallMeter() : families_(std::make_unique<Families>()) {}
CallMeter::~CallMeter() = default;

void CallMeter::note(std::string_view path, Code code, double seconds) {
  const std::string method(path.substr(1));
  families_->calls.Add({{"method", method}, {"code", std::string(code_name(code))}}).Increment();
  families_->seconds.Add({{"method", method}}, kSeconds).Observe(seconds);
}

std::string to_metrics(const silt::v1::GetStatusResponse& status, const silt::v1::ListSourcesResponse& sources,
                       const Health& health, const CallMeter* calls) {
  Inputs inputs;
  for (const silt::v1::ConnectorStatus& input : status.connectors()) add_connector(input, sums_of(inputs, input.name()));
  for (const silt::v1::Source& source : sources.sources()) add_source(source, sums_of(inputs, source.input()));
  Page page;
  print(status, page);
  print(health, page);
  print(inputs, page);
  if (calls != nullptr) page.add(calls->families_->registry.Collect());
  return page.text();
}

}  // namespace silt::serve
