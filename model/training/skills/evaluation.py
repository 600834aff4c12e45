"""python3 -m skills.evaluation --out DIR: eval_plans.jsonl, eval_open.jsonl and eval_closed.jsonl.

Held-out paraphrases about worlds whose seeds no training uses. Each item is an object a line:
  plans   {"prompt", "answer": surface plan, "plan": query plan, "question", "now_us", "sources", "kind", "language", "form", "typo"}
  open    {"prompt", "answer", "values", "lines", "question", "kind", "language", "form"}
  closed  {"world", "source", "line_count", "prompt", "answer", "decoys": 99 others, "seen", "distance", "language", "form"}
A closed item is asked after the reader has read (and learned from) the first line_count lines of closed/WORLD/SOURCE, which lie
beside the list.
"""

import argparse
import json
import pathlib
import random

from worlds.plan import format_plan
from worlds.words import team_value
from worlds.world import SEEN, World

from . import asking, markers, recall
from .episodes import VALIDATION_SEED
from .lessons import Lessons
from .surface import resolve

FIRST_SEED = VALIDATION_SEED + 1_000_000
PER_WORLD = 5
DISTANCES = (0, 1000, 10_000)  # lines between the last telling and the question
FACTS = 4                      # of each count of tellings, in a world


def plans(count):
    out, seed = [], FIRST_SEED
    while len(out) < count:
        world, rng = World(seed, 20_000), random.Random("plans %d" % seed)
        sources = [source.name for source in world.run()]
        now_us = asking.now_of(seed)
        for made in asking.ask_many(rng, world, sources, PER_WORLD, held_out=True):
            plan = resolve(made["surface"], now_us, sources)
            out.append({"prompt": markers.plan_prompt(made["question"]), "answer": made["surface"], "plan": format_plan(plan), "now_us": now_us,
                        "sources": sources, "kind": plan.kind, **{key: made[key] for key in ("question", "language", "form", "typo")}})
        seed += 1
    return out[:count]


def open_book(count):
    out, seed = [], FIRST_SEED + 100_000
    while len(out) < count:
        lessons = Lessons(seed, held_out=True)
        for item in filter(None, (lessons.open_item() for _ in range(PER_WORLD))):
            out.append({"prompt": markers.open_prompt(item["lines"], item["question"]), "language": item["form"].split("/")[1], **item})
        seed += 1
    return out[:count]


def closed_world(seed):
    """(text of the source, items): facts are told among the lines of one source and asked from its end."""
    rng = random.Random("closed %d" % seed)
    world = recall.RecallWorld(seed, 3_400_000, [(seen, distance) for distance in DISTANCES for seen in SEEN for _ in range(FACTS)])
    world.run(ledger=[])
    source, records = recall.records_of(world, DISTANCES[-1] + 2500)
    if len(records) < DISTANCES[-1] + 2000:
        return None
    spots = []
    for fact in world.told:
        last = len(records) - 1 - fact.distance
        first = max(0, last - recall.NEAR)
        spots.append([rng.randint(first, last - 1) for _ in range(fact.seen - 1)] + [last])
    lines = [line for line, _ in recall.told_lines(rng, world, source, records, spots)]
    return source.name, "\n".join(lines) + "\n", len(lines), [(fact, recall.question(rng, fact, True), _decoys(rng, fact, world)) for fact in world.told]


def _decoys(rng, fact, world):
    """99 other values of the kind, those told about other things first."""
    others = {other.value for other in world.told} - {fact.value}
    chosen = rng.sample(sorted(others), min(len(others), 40))
    while len(chosen) < 99:
        value = team_value(rng)
        if value != fact.value and value not in chosen:
            chosen.append(value)
    return chosen


def closed(count, folder):
    out, seed = [], FIRST_SEED + 200_000
    while len(out) < count:
        made = closed_world(seed)
        if made:
            name, text, line_count, asked = made
            path = folder / str(seed)
            path.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(text.encode())
            for fact, (language, form, question), decoys in asked:
                out.append({"world": seed, "source": name, "line_count": line_count, "prompt": markers.recall_prompt(question),
                            "answer": fact.value, "decoys": decoys, "seen": fact.seen, "distance": fact.distance, "language": language, "form": form})
        seed += 1
    return out[:count]


def main():
    parser = argparse.ArgumentParser(prog="skills.evaluation", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--plans", type=int, default=500)
    parser.add_argument("--open", type=int, default=500)
    parser.add_argument("--closed", type=int, default=400)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for name, rows in (("plans", plans(options.plans)), ("open", open_book(options.open)), ("closed", closed(options.closed, options.out / "closed"))):
        with open(options.out / ("eval_%s.jsonl" % name), "w", encoding="utf-8") as file:
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        print("%s: %d" % (name, len(rows)))


if __name__ == "__main__":
    main()
