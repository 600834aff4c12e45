// Grounds a reading in one source: which records it means, which slot it asks for.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "daemon/answer/plan/fields.h"
#include "daemon/answer/plan/operand.h"
#include "daemon/answer/plan/planner.h"
#include "daemon/answer/plan/thesaurus.h"

namespace silt::answer::plan {

// Whether the slot holds how long something was, not when it was: by its unit, or by its name.
bool is_length_of_time(const search::SlotProfile& slot);

// What a reply shows of the patterns nearest to the topic.
std::vector<NearPattern> near_patterns(const TopicMatches& matches, std::size_t source);

class SourcePlanner {
 public:
  // `near`: what a scorer says of the profile's patterns, or empty.
  SourcePlanner(const language::Reading& reading, const search::Profile& profile, std::size_t index,
                std::vector<float> near);

  // What chooses among sources. By word of the question: how well the source has it anywhere, 0 to 1.
  std::map<std::size_t, float> words_held() const;
  // The greatest sum of weights, by word of the question, that one pattern holds; and that fields hold.
  float held_together(const std::map<std::size_t, float>& weights) const;
  float held_by_fields(const std::map<std::size_t, float>& weights) const;
  float operand_fit() const;  // of the best slot for what is asked for, 0 to 1; 0: nothing is
  bool is_outside() const;  // it has no record in the time asked about
  bool is_text() const { return prose_; }
  const FieldGrounding& fields() const { return fields_; }

  Candidate plan();

 private:
  float share_of(const PatternMatch& match, std::size_t i) const;
  void trim_operand();
  void split_topic();
  void ground_words();
  void claim(const std::string& key);
  bool says_phrase(const Stems& phrase, std::size_t at) const;
  bool in_compound(std::size_t t, std::string_view name) const;
  Wording wording_of(const PatternMatch& match, const std::vector<std::size_t>& words) const;
  void note_others();
  std::vector<std::uint32_t> words_wanted(const PatternMatch& match, const std::vector<std::size_t>& words) const;
  void give_back_operand();
  void rematch();
  void widen_prose();
  void add_meaning(std::vector<PatternMatch>& passages) const;
  void prefer_quantities(std::vector<PatternMatch>& passages) const;
  bool holds_alone(const std::string& word, const std::vector<std::size_t>& words) const;
  void join_phrases(const std::string& example, const std::vector<std::size_t>& words);
  bool timed_number();
  bool total_of_number();
  void ground_values();
  Topic pick(const std::vector<std::size_t>& words) const;
  void use_match(const PatternMatch& match, const TopicMatches& matches, const std::vector<std::size_t>& words);
  std::vector<std::uint32_t> patterns_in_scope() const;
  OperandChoice operand_for(OperandUse use) const;
  void measure();
  void exclude_negated();
  bool exclude(const std::string& word);
  bool exclude_behind(std::size_t i);
  void narrow_to_column();
  void note_near();

  void shape();
  bool settle_untimed();
  OperandChoice number_operand();
  void shape_numbers();
  bool most_of_number();
  void shape_groups();
  void shape_bounds();
  void shape_compare();
  void shape_duration();
  bool shape_span();
  bool shape_state();
  bool own_duration(std::uint32_t pattern, const std::string& word);
  std::vector<WordGroup> span_words(const PatternMatch& match) const;
  void shape_list();
  bool by_bucket();

  const language::Reading& reading_;
  const search::Profile& profile_;
  const std::vector<float> near_;
  Candidate out_;
  Topic topic_;
  std::vector<std::size_t> subject_, operand_;  // of topic_.words
  std::vector<std::size_t> operand_words_;      // of the reading
  bool claimed_ = false;
  bool prose_ = false;
  float field_weight_ = 0;
  std::vector<float> weight_, got_;             // per word of topic_
  FieldGrounding fields_;
  TopicMatches matches_;                        // of the subject
  std::vector<std::uint32_t> chosen_;           // patterns that the words mean
};

}  // namespace silt::answer::plan
