// Exported states: what is not whole, or not of whom it should be, is refused.
#include "daemon/learn/state_file.h"

#include <gtest/gtest.h>

#include "daemon/store/sha256.h"

namespace silt::learn {
namespace {

StateSigner signer(const std::string& key) {
  const auto signature = [key](std::string_view bytes) { return store::sha256_string(key + std::string(bytes)) + store::sha256_string(key); };
  return {[signature](std::string_view bytes) -> Result<std::string> { return signature(bytes); },
          [signature](std::string_view bytes, std::string_view given) { return signature(bytes) == given; }};
}

const StateFile kFile{"shop", "till", 17, 400, 5, "cpu", "abc", "what it learned"};

TEST(StateFile, ComesBackAsItWas) {
  const StateSigner mine = signer("mine");
  for (const StateSigner* by : {static_cast<const StateSigner*>(nullptr), &mine}) {
    const auto read = decode_state_file(*encode_state_file(kFile, by), by);
    ASSERT_TRUE(read.is_ok()) << read.status().to_string();
    EXPECT_EQ(read->tenant, kFile.tenant);
    EXPECT_EQ(read->source, kFile.source);
    EXPECT_EQ(read->version, kFile.version);
    EXPECT_EQ(read->learned_seq, kFile.learned_seq);
    EXPECT_EQ(read->backend, kFile.backend);
    EXPECT_EQ(read->weights, kFile.weights);
    EXPECT_EQ(read->blob, kFile.blob);
  }
  EXPECT_TRUE(decode_state_file(*encode_state_file(kFile, &mine), nullptr).is_ok());  // who asks for no signature takes any
}

TEST(StateFile, OfAnotherOrNobodyIsRefused) {
  const StateSigner mine = signer("mine"), other = signer("other");
  EXPECT_EQ(decode_state_file(*encode_state_file(kFile, nullptr), &mine).status().code(), Code::kPermissionDenied);
  EXPECT_EQ(decode_state_file(*encode_state_file(kFile, &other), &mine).status().code(), Code::kPermissionDenied);
}

TEST(StateFile, AnyChangedByteIsFound) {
  const StateSigner mine = signer("mine");
  const std::string whole = *encode_state_file(kFile, &mine);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string bytes = whole;
    bytes[i] = static_cast<char>(bytes[i] ^ 1);
    EXPECT_FALSE(decode_state_file(bytes, &mine).is_ok()) << i;
    EXPECT_FALSE(decode_state_file(whole.substr(0, i), &mine).is_ok()) << i;
  }
  EXPECT_EQ(decode_state_file("", nullptr).status().code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace silt::learn
