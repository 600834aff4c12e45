// What an answer looks like on a terminal, and that log text cannot act there.
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

#include "cli/answer_view.h"
#include "cli/sources_view.h"

namespace silt::cli {
namespace {

silt::v1::Citation citation() {
  silt::v1::Citation out;
  out.set_number(1);
  out.set_source("host:/var/log/dpkg.log");
  out.set_seq(1234);
  out.mutable_time()->set_seconds(1'795'294'475);
  out.set_text("install libssl3 3.0.15");
  out.set_span_begin(8);
  out.set_span_end(15);
  return out;
}

class View : public ::testing::Test {
 protected:
  void SetUp() override {
    ::setenv("TZ", "UTC", 1);
    ::tzset();
  }
};

TEST_F(View, ACitationNamesItsRecord) {
  EXPECT_EQ(render(citation(), Style{}),
            "[1] host:/var/log/dpkg.log #1234  2026-11-21 20:54:35  install libssl3 3.0.15");
}

TEST_F(View, TheCitedSpanIsHighlighted) {
  EXPECT_NE(render(citation(), Style{true}).find("install \x1b[1;33mlibssl3\x1b[0m 3.0.15"),
            std::string::npos);
}

TEST_F(View, ASpanOutsideTheTextIsHarmless) {
  silt::v1::Citation broken = citation();
  broken.set_span_begin(4'000'000'000U);
  broken.set_span_end(3);
  EXPECT_NE(render(broken, Style{}).find("install libssl3 3.0.15"), std::string::npos);
}

TEST_F(View, OfALongLineThePartAroundTheSpanIsShown) {
  silt::v1::Citation longer = citation();
  longer.set_text(std::string(5000, 'a') + "NEEDLE" + std::string(5000, 'b'));
  longer.set_span_begin(5000);
  longer.set_span_end(5006);
  const std::string text = render(longer, Style{});
  EXPECT_NE(text.find("aaaNEEDLEbbb"), std::string::npos);
  EXPECT_NE(text.find("(10006 bytes)"), std::string::npos);
  EXPECT_LT(text.size(), 500U);
}

TEST_F(View, HostileTextIsEscapedEverywhere) {
  Answer answer;
  silt::v1::AskResponse event;
  event.mutable_plan()->set_text("find \x1b[2J");
  answer.add(event);
  *event.mutable_evidence() = citation();
  event.mutable_evidence()->set_text("\x1b]0;owned\x07\n[2] forged #1");
  event.mutable_evidence()->set_source("evil\x1b[1m");
  answer.add(event);
  event.mutable_final()->set_answer("it says \x1b[31m\nsecond line");
  auto* version = event.mutable_final()->add_versions();
  version->set_source("evil\r");
  version->set_state_version(7);
  answer.add(event);
  const std::string text = render(answer, Style{});
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.find('\r'), std::string::npos);
  EXPECT_EQ(text.find("\n[2]"), std::string::npos);  // a record cannot forge a citation's line
  EXPECT_NE(text.find("\nsecond line\n"), std::string::npos);
  EXPECT_NE(text.find("states: evil\\x0d v7"), std::string::npos);
}

TEST_F(View, SaysWhatTheAnswerMayMiss) {
  Answer answer;
  answer.final.set_answer("3");
  answer.final.set_truncated(true);
  answer.final.set_citations_dropped(2);
  auto* version = answer.final.add_versions();
  version->set_source("web");
  version->set_learned_seq(5);
  version->set_folded_seq(7);
  version->set_journal_seq(10);
  const std::string text = render(answer, Style{});
  EXPECT_NE(text.find("3 newer records not read yet"), std::string::npos);
  EXPECT_NE(text.find("a limit was reached"), std::string::npos);
  EXPECT_NE(text.find("2 citations could not be verified"), std::string::npos);
}

TEST_F(View, SourcesAreATable) {
  silt::v1::ListSourcesResponse response;
  EXPECT_NE(render(response, Style{}).find("no sources yet"), std::string::npos);
  auto* source = response.add_sources();
  source->set_tenant("acme");
  source->set_source("web\x1b");
  source->set_lines(12'345);
  const std::string text = render(response, Style{});
  EXPECT_NE(text.find("acme: web\\x1b  12,345"), std::string::npos) << text;
}

}  // namespace
}  // namespace silt::cli
