// What is put right in a surface plan, and what is not.
#include "daemon/answer/surface_repair.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace silt::answer {
namespace {

const std::vector<std::string> kSources = {"host:/var/log/hdfs-2k.log"};

struct Case {
  const char* question;
  const char* surface;
  const char* whole;
};

TEST(WithAllNames, PutsBackTheOneThatIsMissing) {
  for (const Case& one : std::initializer_list<Case>{
           {"Combien de \"Received disconnect\" depuis 10.9.8.7 ?", "count phrase:\"Received disconnect\"",
            "count id:10.9.8.7 phrase:\"Received disconnect\""},
           {"how many errors on db-3, I mean db-3", "count word:errors", "count id:db-3 word:errors"},
           {"errors of DB-3's disk", "count word:errors", "count id:DB-3 word:errors"},
           {"les erreurs d'10.9.8.7", "count word:erreurs", "count id:10.9.8.7 word:erreurs"},
           {"/dev/sda1 errors", "count word:errors", "count id:/dev/sda1 word:errors"},
           {"show db-3", "find", "find id:db-3"}}) {
    EXPECT_EQ(with_all_names(one.question, one.surface, kSources), one.whole) << one.question;
  }
}

TEST(WithAllNames, LeavesAloneWhatHasThemAll) {
  for (const auto& [question, surface] : std::initializer_list<std::pair<const char*, const char*>>{
           {"errors of DB-3 today", "count id:db-3 word:errors in:today"},
           {"\u00bfdb-3 se reinici\u00f3?", "find id:db-3"},
           {"\u00ab 10.9.8.7 \u00bb", "find id:10.9.8.7"},
           {"tail -3 des erreurs", "last word:erreurs limit:3"},
           {"die Top-5 Adressen", "top field:ip limit:5"},
           {"Muster #42", "count pattern:42"},
           {"errors since 10:15 or in 3.5 hours", "count word:errors since:10:15"},
           {"errors in hdfs-2k.log", "count word:errors source:hdfs-2k.log"}}) {
    EXPECT_EQ(with_all_names(question, surface, kSources), surface) << question;
  }
}

TEST(WithAllNames, RefusesWhereTheirPlaceIsNotCertain) {
  for (const auto& [question, surface] : std::initializer_list<std::pair<const char*, const char*>>{
           {"errors of db-3 and db-31", "count word:errors"},  // two
           {"count \"disk full\"", "count word:count"},
           {"lignes \u00ab disk full \u00bb", "count word:lignes"},
           {"lines of pattern #42", "count word:lines"},
           {"errors in hdfs-2k.log", "count word:errors"},
           {"errors of 10.1.2.3 or 10.1.2.34", "count id:10.1.2.34 word:errors"},
           {"errors except of 10.1.2.3", "count word:errors"},
           {"Fehler ohne db-3", "count word:Fehler"},
           {"how long from login to db-3", "between word:login"},
           {"what is new on db-3", "digest"},
           {"explain db-3", "explain"}}) {
    EXPECT_EQ(with_all_names(question, surface, kSources), std::nullopt) << question;
  }
}

TEST(ReachesBack, ByANumberThatNobodySaid) {
  for (const auto& [question, surface] : std::initializer_list<std::pair<const char*, const char*>>{
           {"combien il y a eu", "count since:-3w"},
           {"depuis 10.9.8.7", "count since:-10h"},
           {"errors of db-3", "count since:-3h"},
           {"errors an hour back", "count since:-1h until:now"}}) {
    EXPECT_TRUE(reaches_back_by_itself(question, surface)) << question;
  }
  for (const auto& [question, surface] : std::initializer_list<std::pair<const char*, const char*>>{
           {"errors in the last 3 hours", "count since:-3h"},
           {"Fehler seit -3h", "count since:-3h"},
           {"\u00bf3 horas atr\u00e1s?", "find since:-3h until:now"},
           {"errors in the last hour", "count since:-1h"},
           {"errors since 10:00", "count since:10:00"}}) {
    EXPECT_FALSE(reaches_back_by_itself(question, surface)) << question;
  }
}

}  // namespace
}  // namespace silt::answer
