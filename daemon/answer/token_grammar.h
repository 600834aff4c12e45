// TokenGrammar: holds a reader to a byte automaton, for GenerateOptions::grammar.
//
// An automaton has a copyable State, bool step(State&, char) and bool step(State&, string_view), which say
// whether a text may go on so.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "model/tokenizer.h"

namespace silt::answer {

// The tokens of a vocabulary by the first byte of their piece: most bytes are refused, and with them
// most tokens. Immutable; `tokenizer` outlives it.
class TokenTable {
 public:
  explicit TokenTable(const model::Tokenizer& tokenizer) : tokenizer_(tokenizer) {
    for (model::Token token = 0; token < tokenizer.size(); ++token) {
      const std::string_view piece = tokenizer.piece(token);
      if (!piece.empty()) by_first_byte_[static_cast<unsigned char>(piece.front())].push_back(token);
    }
  }
  const model::Tokenizer& tokenizer() const { return tokenizer_; }
  const std::vector<model::Token>& starting_with(std::size_t byte) const { return by_first_byte_[byte]; }

 private:
  const model::Tokenizer& tokenizer_;
  std::array<std::vector<model::Token>, 256> by_first_byte_;
};

// Of one generated text: follows the tokens that were chosen and marks those that may come next. Both
// arguments outlive it.
template <class Automaton>
class TokenGrammar {
 public:
  TokenGrammar(const Automaton& automaton, const TokenTable& tokens)
      : automaton_(automaton), tokens_(tokens) {}

  void operator()(std::span<const model::Token> so_far, std::vector<bool>& allowed) {
    const model::Tokenizer& tokenizer = tokens_.tokenizer();
    for (; taken_ < so_far.size(); ++taken_) automaton_.step(state_, tokenizer.piece(so_far[taken_]));
    std::fill(allowed.begin(), allowed.end(), false);
    for (std::size_t byte = 0; byte < 256; ++byte) {
      typename Automaton::State first = state_;
      if (tokens_.starting_with(byte).empty() || !automaton_.step(first, static_cast<char>(byte))) continue;
      for (const model::Token token : tokens_.starting_with(byte)) {
        typename Automaton::State state = first;
        allowed[static_cast<std::size_t>(token)] = automaton_.step(state, tokenizer.piece(token).substr(1));
      }
    }
  }

 private:
  const Automaton& automaton_;
  const TokenTable& tokens_;
  typename Automaton::State state_;
  std::size_t taken_ = 0;
};

}  // namespace silt::answer
