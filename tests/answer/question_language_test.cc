#include "daemon/answer/question_language.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace silt::answer {
namespace {

void expect_all(Language language, const std::vector<std::string>& questions) {
  for (const std::string& question : questions) EXPECT_EQ(question_language(question), language) << question;
}

TEST(QuestionLanguage, IsToldBySmallWordsAndLetters) {
  expect_all(Language::kGerman, {"Wie viele Fehler gab es gestern?", "welcher Benutzer war das",
                                 "Letzte Meldung von db-3 über \"disk full\"?", "Was ist seit 9 Uhr los?"});
  expect_all(Language::kFrench, {"Combien d'erreurs hier ?", "Quelle est la dernière panne de db-3 ?",
                                 "Montre-moi les erreurs de l’hôte web-1", "qui a redémarré le service"});
  expect_all(Language::kSpanish, {"¿Cuántos errores hubo ayer?", "cuantas veces fallo el disco",
                                  "Muestra las últimas líneas de db-3", "¿Algo raro?"});
}

TEST(QuestionLanguage, IsEnglishOfForeignNamesAndQuotes) {
  expect_all(Language::kEnglish,
             {"How often did Müller log in?", "When did user José Núñez fail on São-Paulo-3?",
              "Which lines say \"Wie viele Fehler gab es gestern\"?", "count \"¿Cuántos errores hubo?\"",
              "list errors of chateau-d'if and café", "Did the die test die in des-1?", "show logs de la-3",
              "What was the last error of l'oreal-db?"});
}

TEST(QuestionLanguage, IsEnglishWhenUnsure) {
  expect_all(Language::kEnglish,
             {"", "?", "error 500", "die", "Fehler", "de la", "\xff\xc3 \xbf", "sshd 10.0.0.1"});
}

TEST(QuestionLanguage, HasCodes) {
  EXPECT_EQ(language_of_code("en"), Language::kEnglish);
  EXPECT_EQ(language_of_code("de"), Language::kGerman);
  EXPECT_EQ(language_of_code("fr"), Language::kFrench);
  EXPECT_EQ(language_of_code("es"), Language::kSpanish);
  EXPECT_FALSE(language_of_code(""));
  EXPECT_FALSE(language_of_code("DE"));
}

}  // namespace
}  // namespace silt::answer
