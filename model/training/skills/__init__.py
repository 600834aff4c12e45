"""Episodes that teach the reader to plan, to answer from evidence and to recall. See docs/plan-grammar.md."""
