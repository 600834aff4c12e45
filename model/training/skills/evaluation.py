"""python3 -m skills.evaluation --out DIR: eval_plans.jsonl, eval_open.jsonl and eval_closed.jsonl.

Held-out paraphrases about worlds whose seeds no training uses. Each item is an object a line:
  plans   {"prompt", "answer": surface plan, "plan": query plan, "question", "now_us", "sources", "kind", "language", "form", "typo"}
  open    {"prompt", "answer", "values", "lines", "question", "kind", "language", "form"}
  closed  {"world", "source", "line_count", "prompt", "answer", "decoys": 99 others, "seen", "distance", "language", "form"}
A closed item is asked after the reader has read (and learned from) the first line_count lines of closed/WORLD/SOURCE, which lie
beside the list.
"""

import argparse
import collections
import json
import pathlib
import random

from worlds import phrases
from worlds.plan import format_plan
from worlds.words import TEAMS
from worlds.world import SEEN, World

from . import asking, markers
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


class RecallWorld(World):
    """Tells its facts within its first part and then goes on for more than the longest distance."""

    def _plan_bindings(self):
        rng = self._rng
        self.told = []
        machine = next(machine for machine in self.machines if machine.archetype == "binding")
        for distance in DISTANCES:
            for seen in SEEN:
                for _ in range(FACTS):
                    self.told.append((machine, machine.make_id(), "%s-%d" % (rng.choice(TEAMS), rng.randint(1, 400)), seen, distance))


def _tell(world, source, fact, spots):
    """Puts the lines of a fact in front of the lines at `spots`; each shows the time of its place."""
    machine, key, value, _, _ = fact
    step = machine.steps["tell"]
    at = {}
    for spot in spots:
        stamp = source.stamp
        line = {"0": key, "1": value, "t": stamp.render(source.clock[spot]), "h": step.component.hosts[0],
                "p": source.envelope.process_pool[0]}
        at.setdefault(spot, []).append(step.bound % line)
    return at


def closed_world(seed):
    """(text of the source, items): facts are told among the lines of one source and asked from its end."""
    rng = random.Random("closed %d" % seed)
    world = RecallWorld(seed, 3_400_000)
    world.run(ledger=[])
    machine = world.told[0][0]
    source = machine.steps["tell"].component.source
    records = [line.split("\n")[0] for line in source.lines][:DISTANCES[-1] + 2500]
    starts = [index for index, line in enumerate(source.lines[:len(records)]) if line[:1] not in (" ", "\t")]
    clock_at = dict(zip(starts, source.clock))
    if len(records) < DISTANCES[-1] + 2000 or len(starts) < 0.5 * len(records):
        return None
    source.clock = [clock_at.get(index, source.clock[0]) for index in range(len(records))]
    end = len(records)
    inserted = collections.defaultdict(list)
    for fact in world.told:
        last = end - 1 - fact[4]
        first = max(0, last - 400)
        for spot, lines in _tell(world, source, fact, [rng.randint(first, last - 1) for _ in range(fact[3] - 1)] + [last]).items():
            inserted[spot] += lines
    text = []
    for index, record in enumerate(records):
        text.append(record)
        extra = inserted.get(index, [])
        rng.shuffle(extra)
        text += extra
    return source.name, "\n".join(text) + "\n", len(text), [(fact, _question(rng, fact), _decoys(rng, fact, world)) for fact in world.told]


def _question(rng, fact):
    machine, key, _, _, _ = fact
    language, number, phrase = phrases.choose(rng, "recall", True)
    step = machine.steps["tell"]
    return language, "recall/%s/%d" % (language, number), phrase.format(noun=machine.noun, verb=step.verb, id=key, key=machine.keys["word"])


def _decoys(rng, fact, world):
    """99 other values of the kind, those told about other things first."""
    others = {other[2] for other in world.told} - {fact[2]}
    chosen = rng.sample(sorted(others), min(len(others), 40))
    while len(chosen) < 99:
        value = "%s-%d" % (rng.choice(TEAMS), rng.randint(1, 400))
        if value != fact[2] and value not in chosen:
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
                out.append({"world": seed, "source": name, "line_count": line_count, "prompt": markers.recall_prompt(question), "answer": fact[2],
                            "decoys": decoys, "seen": fact[3], "distance": fact[4], "language": language, "form": form})
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
