#include "cli/json_view.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <map>

namespace silt::cli {
namespace {

namespace json = boost::json;

json::object parsed(const std::string& text) {
  EXPECT_EQ(text.back(), '\n');
  EXPECT_EQ(text.find('\n'), text.size() - 1);  // one line
  return json::parse(text).as_object();
}

TEST(Json, SourcesHaveTheNumbersThatScriptsRelyOn) {
  silt::v1::ListSourcesResponse response;
  auto* source = response.add_sources();
  source->set_tenant("default");
  source->set_source("web:/a.log");
  source->set_lines(10);
  source->set_bytes(1000);
  source->set_journal_seq(10);
  source->set_folded_seq(9);
  source->set_learned_seq(8);
  source->set_learned_lines(7);
  (*source->mutable_skipped())["empty"] = 1;
  source->set_bits_per_byte(0.5);
  source->set_bits_per_byte_window(0.25);
  source->set_state_version(3);
  source->set_state_digest("ab");
  source->set_backlog(2);
  const json::object first = parsed(to_json(response)).at("sources").as_array().at(0).as_object();
  EXPECT_EQ(first.at("tenant").as_string(), "default");
  EXPECT_EQ(first.at("source").as_string(), "web:/a.log");
  EXPECT_EQ(first.at("lines").to_number<int>(), 10);
  EXPECT_EQ(first.at("bytes").to_number<int>(), 1000);
  EXPECT_EQ(first.at("journal_seq").to_number<int>(), 10);
  EXPECT_EQ(first.at("folded_seq").to_number<int>(), 9);
  EXPECT_EQ(first.at("learned_seq").to_number<int>(), 8);
  EXPECT_EQ(first.at("learned_lines").to_number<int>(), 7);
  EXPECT_EQ(first.at("skipped").at("empty").to_number<int>(), 1);
  EXPECT_EQ(first.at("bits_per_byte").at("window").to_number<double>(), 0.25);
  EXPECT_EQ(first.at("bits_per_byte").at("total").to_number<double>(), 0.5);
  EXPECT_EQ(first.at("state_version").to_number<int>(), 3);
  EXPECT_EQ(first.at("state_digest").as_string(), "ab");
  EXPECT_EQ(first.at("backlog").to_number<int>(), 2);
  EXPECT_TRUE(first.at("last_arrival").is_null());
}

// What a message has, its JSON has: a field that is added to the API must be added here.
void expect_whole(const google::protobuf::Message& message, const json::object& object,
                  const std::map<std::string, std::string>& elsewhere = {}) {
  const auto* type = message.GetDescriptor();
  for (int i = 0; i < type->field_count(); ++i) {
    const auto other = elsewhere.find(type->field(i)->name());
    const std::string name = other == elsewhere.end() ? type->field(i)->name() : other->second;
    EXPECT_TRUE(object.contains(name)) << type->full_name() << "." << name;
  }
}

json::object first_of(const std::string& text, const char* list) {
  return parsed(text).at(list).as_array().at(0).as_object();
}

TEST(Json, NothingOfAMessageIsLeftOut) {
  silt::v1::ListSourcesResponse sources;
  sources.add_sources();
  expect_whole(sources.sources(0), first_of(to_json(sources), "sources"),
               {{"bits_per_byte_window", "bits_per_byte"}});
  silt::v1::ListGapsResponse gaps;
  gaps.add_gaps();
  expect_whole(gaps.gaps(0), first_of(to_json(gaps), "gaps"));
  silt::v1::GetStatusResponse status;
  status.add_connectors();
  status.set_learner_state("running");  // as who sees all tenants is told
  expect_whole(status.connectors(0), first_of(to_json(status), "connectors"));
  expect_whole(status, parsed(to_json(status)));
  expect_whole(silt::v1::RenameSourceResponse(), parsed(to_json(silt::v1::RenameSourceResponse())));
  expect_whole(silt::v1::DeleteSourceResponse(), parsed(to_json(silt::v1::DeleteSourceResponse())));
  silt::v1::ResetStateResponse reset;
  reset.add_resets();
  expect_whole(reset, parsed(to_json(reset)));
  expect_whole(reset.resets(0), first_of(to_json(reset), "resets"));
  silt::v1::ListVersionsResponse versions;
  versions.add_sources()->add_versions();
  expect_whole(versions, parsed(to_json(versions)));
  expect_whole(versions.sources(0), first_of(to_json(versions), "sources"));
  expect_whole(versions.sources(0).versions(0),
               first_of(to_json(versions), "sources").at("versions").as_array().at(0).as_object());
  expect_whole(silt::v1::RollbackStateResponse(), parsed(to_json(silt::v1::RollbackStateResponse())));
  expect_whole(silt::v1::PinVersionResponse(), parsed(to_json(silt::v1::PinVersionResponse())));
  silt::v1::ForgetResponse forgotten;
  forgotten.add_sources();
  expect_whole(forgotten, parsed(to_json(forgotten)));
  expect_whole(forgotten.sources(0), first_of(to_json(forgotten), "sources"));
  silt::v1::DiffVersionsResponse diff;
  diff.add_changes();
  expect_whole(diff, parsed(to_json(diff)));
  expect_whole(diff.changes(0), first_of(to_json(diff), "changes"));
  silt::v1::ListAuditResponse audit;
  audit.add_entries();
  expect_whole(audit, parsed(to_json(audit)));
  expect_whole(audit.entries(0), first_of(to_json(audit), "entries"));
  const std::map<std::string, std::string> bits = {{"adapted_bits_per_byte", "bits_per_byte"},
                                                   {"frozen_bits_per_byte", "bits_per_byte"},
                                                   {"source_bits_per_byte", "bits_per_byte"}};
  silt::v1::ExplainResponse explained;
  explained.add_tokens();
  expect_whole(explained.tokens(0), first_of(to_json(explained), "tokens"));
  expect_whole(explained, parsed(to_json(explained)), bits);
  Answer answer;
  answer.final.add_versions();
  answer.evidence.emplace_back();
  expect_whole(answer.final, parsed(to_json(answer)));
  expect_whole(answer.final.versions(0), first_of(to_json(answer), "versions"));
  expect_whole(answer.plan, parsed(to_json(answer)).at("plan").as_object());
  expect_whole(answer.evidence[0], first_of(to_json(answer), "evidence"),
               {{"span_begin", "span"}, {"span_end", "span"}});
}

TEST(Json, LongTextsAreNotCut) {
  const std::string longer(70'000, 'x');
  Answer answer;
  answer.final.set_answer(longer);
  answer.evidence.emplace_back().set_text(longer);
  answer.evidence[0].set_source(longer);
  EXPECT_EQ(parsed(to_json(answer)).at("answer").as_string(), longer);
  EXPECT_EQ(first_of(to_json(answer), "evidence").at("text").as_string(), longer);
  EXPECT_EQ(first_of(to_json(answer), "evidence").at("source").as_string(), longer);
}

TEST(Json, AnyBytesMakeValidJsonAndNoneAreLost) {
  Answer answer;
  answer.evidence.emplace_back();
  answer.evidence[0].set_text("\"\xff\x00\x1b\\");
  answer.evidence[0].set_text(std::string("\"\xff\0\x1b\\", 5));
  answer.evidence[0].set_sha256("\x01\xab");
  answer.final.set_answer("caf\xe9");
  const json::object object = parsed(to_json(answer));
  EXPECT_EQ(object.at("answer").as_string(), "caf\xef\xbf\xbd");
  const json::object record = object.at("evidence").as_array().at(0).as_object();
  EXPECT_EQ(record.at("text").as_string(), std::string("\"\xef\xbf\xbd\0\x1b\\", 7));
  EXPECT_EQ(record.at("text_base64").as_string(), "Iv8AG1w=");
  EXPECT_EQ(record.at("sha256").as_string(), "01ab");
}

TEST(Json, GoodTextHasNoSecondForm) {
  Answer answer;
  answer.evidence.emplace_back();
  answer.evidence[0].set_text("plain");
  const json::object object = parsed(to_json(answer));
  EXPECT_FALSE(object.at("evidence").as_array().at(0).as_object().contains("text_base64"));
  EXPECT_EQ(object.at("abstained").as_bool(), false);
}

}  // namespace
}  // namespace silt::cli
