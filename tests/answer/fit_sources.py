#!/usr/bin/env python3
"""Fits the weights of daemon/answer/plan/signs.cc: which of several sources a question is about.

  answer_lab ROOT --sources --encoder WEIGHTS VECTORS < QUESTIONS.tsv > SET.jsonl      (one file a question set)
  fit_sources.py SET.jsonl=QUESTIONS.tsv [...]

A conditional logit: of the sources of a question the one it was written over should have the greatest sum. Each
set is also judged by weights of the other sets alone. Needs numpy.
"""
import collections, json, sys
import numpy as np

SIGNS = ["together", "fields", "nouns", "operand", "numbers", "name", "kind", "values", "outside", "patterns",
         "computed", "meaning", "confidence", "found", "lost"]
BEFORE = SIGNS[:12]
DECAY = 0.005  # of the squared weights, each in standard deviations of its sign

def read(lines, questions):
    """Per question: the signs of its sources, a row each, and which of them it was written over."""
    files = {}
    for line in open(questions):
        fields = line.rstrip("\n").split("\t")
        files[fields[0]] = fields[1].split(",")
    rows = collections.defaultdict(list)
    for line in open(lines):
        reply = json.loads(line)
        rows[reply["id"]].append((reply["source"] in files[reply["id"]], reply["signs"]))
    out = []
    for answers in rows.values():
        gold = np.array([float(is_gold) for is_gold, _ in answers])
        if gold.sum() > 0:
            out.append((np.array([signs for _, signs in answers]), gold / gold.sum()))
    return out

def shares(x, weights):
    odds = x @ weights
    odds = np.exp(odds - odds.max())
    return odds / odds.sum()

def fit(questions, names):
    """Newton's method with steps that never make it worse: the sum is concave."""
    at = [SIGNS.index(name) for name in names]
    spread = np.concatenate([x[:, at] for x, _ in questions]).std(axis=0) + 1e-6
    scaled = [(x[:, at] / spread, gold) for x, gold in questions]

    def worth(weights):
        likely = sum(np.sum(gold * np.log(shares(x, weights) + 1e-30)) for x, gold in scaled)
        return likely / len(scaled) - DECAY / 2 * weights @ weights

    weights = np.zeros(len(at))
    for _ in range(30):
        slope, bend = -DECAY * weights, DECAY * np.eye(len(at))
        for x, gold in scaled:
            p = shares(x, weights)
            mean = p @ x
            slope += x.T @ (gold - p) / len(scaled)
            bend += ((x.T * p) @ x - np.outer(mean, mean)) / len(scaled)
        step = np.linalg.solve(bend, slope)
        while worth(weights + step) < worth(weights) and np.abs(step).max() > 1e-6:
            step /= 2
        weights += step
    out = np.zeros(len(SIGNS))
    out[at] = weights / spread
    return out

def first_right(questions, weights):
    return sum(gold[np.argmax(x @ weights)] > 0 for x, gold in questions) / len(questions)

def main():
    sets = [read(*argument.split("=")) for argument in sys.argv[1:]]
    words = [sign for sign in SIGNS if sign != "meaning"]
    fits = {"before": BEFORE, "after": SIGNS, "before, words alone": [sign for sign in BEFORE if sign != "meaning"], "after, words alone": words}
    for title, names in fits.items():
        weights = fit([question for each in sets for question in each], names)
        print(title, ", ".join(f"{name} {weight:.2f}" for name, weight in zip(SIGNS, weights)))
        for i, each in enumerate(sets):
            others = [question for k, other in enumerate(sets) if k != i for question in other]
            line = f"  set {i}: n={len(each)} right source first {first_right(each, weights):.3f}"
            if others:
                line += f", by the other sets {first_right(each, fit(others, names)):.3f}"
            print(line)

if __name__ == "__main__":
    main()
