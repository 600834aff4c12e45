// Isolation probes by likelihood: a text that one source learned by heart is to every other source what it would be had
// it never been written. What callers see of other tenants is tests/serve/tenants_test.cc.
#include "model/reader.h"
#include "tests/daemon/learn_bench.h"

namespace silt::learn {
namespace {

constexpr std::string_view kCanary = "canary 4f9-marigold-77 sings at the north door";

class IsolationTest : public LearnTest {
 protected:
  void plant(const std::string& name) {
    store::StreamAppend stream;
    stream.source = source(name);
    for (int i = 0; i < 200; ++i) {
      store::RecordView record;
      record.arrival_us = 1'700'000'000'000'000 + i * 100'000LL;
      record.text = kCanary;
      stream.records.push_back(record);
    }
    ASSERT_TRUE(store_->append({.streams = {stream}, .cursors = {}}).is_ok());
    store_->fold(stream.source);
  }
  // Of the canary under what the source has learned, exactly.
  std::vector<float> nats(const std::string& name) {
    std::vector<model::Token> tokens;
    (*model_)->tokenizer().encode(kCanary, tokens);
    std::vector<float> out;
    const auto weights = snapshots_->get(source(name))->weights;
    EXPECT_NE(weights, nullptr);
    EXPECT_TRUE(model::Reader::create(*model_, {"ref", 1}).value()->score(weights, {}, tokens, out).is_ok());
    return out;
  }
  static float total(const std::vector<float>& nats) {
    float sum = 0;
    for (const float each : nats) sum += each;
    return sum;
  }
};

TEST_F(IsolationTest, ACanaryOfOneSourceIsUnknownToTheOthers) {
  policy_.burst_tokens = 1'000'000;
  write("mine", 1, 200);
  run_to_end({"mine"});
  const std::vector<float> alone = nats("mine");
  const std::string learned_alone = learned("mine");
  store_ = std::make_unique<testing::MemoryStore>();
  write("mine", 1, 200);
  plant("other");  // read in the same turns
  run_to_end({"mine", "other"});
  EXPECT_EQ(nats("mine"), alone);
  EXPECT_EQ(learned("mine"), learned_alone);
  EXPECT_LT(total(nats("other")), total(alone) / 2);  // it was learned: else this would prove nothing
}

}  // namespace
}  // namespace silt::learn
