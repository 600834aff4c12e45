"""python3 -m skills.recall --seeds A:B --out FILE.jsonl: long logs in which facts are told, asked long after; a JSON object a line.

An episode as those of lessons.py: first the log in pieces, then a question about each fact; "after" says for each question behind
which piece its fact has been told for the last time. For lanes that read on with their state (reader/data.py).
"""

import argparse
import bisect
import collections
import json
import pathlib
import random

from worlds import phrases
from worlds.words import team_value
from worlds.world import World

from . import markers

LINES, WORLD_BYTES = 1600, 1_000_000
TELLINGS = (1, 1, 1, 2, 2, 2, 2, 5, 5, 20)
FACTS = 64
NEAR = 400  # lines within which a fact is told several times

Fact = collections.namedtuple("Fact", "machine key value seen distance")


class RecallWorld(World):
    """Its run tells no facts; `told` has one of each (how often, how long before the question) of `plan`."""

    def __init__(self, seed, size, plan):
        super().__init__(seed, size)
        self._plan = plan

    def _plan_bindings(self):
        rng = self._rng
        machine = next(machine for machine in self.machines if machine.archetype == "binding")
        fact = lambda seen, distance: Fact(machine, machine.make_id(), team_value(rng), seen, distance)
        self.told = [fact(seen, distance) for seen, distance in self._plan]


def records_of(world, most):
    """The source whose machine tells the facts, with a clock for each record; and the first lines of its records, at most `most`;
    none where a record can seldom be told from the rest of the one before."""
    source = world.told[0].machine.steps["tell"].component.source
    records = [line.split("\n")[0] for line in source.lines][:most]
    starts = [index for index, line in enumerate(records) if line[:1] not in (" ", "\t")]
    if len(starts) < 0.5 * len(records):
        return source, []
    clock_at = dict(zip(starts, source.clock))
    source.clock = [clock_at.get(index, source.clock[0]) for index in range(len(records))]
    return source, records


def _line(source, fact, spot):
    """A line that tells a fact, with the time of the record that it follows."""
    step = fact.machine.steps["tell"]
    return step.bound % {"0": fact.key, "1": fact.value, "t": source.stamp.render(source.clock[spot]), "h": step.component.hosts[0],
                         "p": source.envelope.process_pool[0]}


def told_lines(rng, world, source, records, spots):
    """[(line, fact or None)]: the records, each fact behind those at its spots."""
    inserted = collections.defaultdict(list)
    for fact, places in zip(world.told, spots):
        for spot in places:
            inserted[spot].append((_line(source, fact, spot), fact))
    out = []
    for index, record in enumerate(records):
        out.append((record, None))
        extra = inserted.get(index, [])
        rng.shuffle(extra)
        out += extra
    return out


def question(rng, fact, held_out):
    """(language, form, question)."""
    language, number, phrase = phrases.choose(rng, "recall", held_out)
    words = {"noun": fact.machine.noun, "verb": fact.machine.steps["tell"].verb, "id": fact.key, "key": fact.machine.keys["word"]}
    return language, "recall/%s/%d" % (language, number), phrase.format(**words)


def episode(seed):
    """None where the world tells too little in one source."""
    rng = random.Random("recall %d" % seed)
    try:
        world = RecallWorld(seed, WORLD_BYTES, [(rng.choice(TELLINGS), 0) for _ in range(FACTS)])
        world.run(ledger=[])
    except StopIteration:  # no machine in it has facts
        return None
    source, records = records_of(world, LINES)
    if len(records) < LINES // 2:
        return None
    spots = []
    for fact in world.told:
        last = rng.randrange(len(records))
        spots.append([rng.randint(max(0, last - NEAR), last) for _ in range(fact.seen - 1)] + [last])
    lines = told_lines(rng, world, source, records, spots)
    last_at = {fact.key: index for index, (_, fact) in enumerate(lines) if fact}
    cuts = sorted({index + 1 for index in last_at.values()} | {len(lines)})
    pieces = ["".join(line + "\n" for line, _ in lines[begin:end]) for begin, end in zip([0] + cuts, cuts)]
    segments, after = [[piece, "stream"] for piece in pieces], []
    for fact in world.told:
        segments += [[markers.recall_prompt(question(rng, fact, False)[2]), "ask"], [fact.value + "\n", "answer"]]
        after.append(bisect.bisect_left(cuts, last_at[fact.key] + 1))
    return {"segments": segments, "skill": "recall", "after": after, "meta": {"seed": seed}}


def main():
    parser = argparse.ArgumentParser(prog="skills.recall", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", required=True, help="FIRST:LAST, the last not included")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    options = parser.parse_args()
    with open(options.out, "w", encoding="utf-8") as out:
        for made in filter(None, map(episode, range(*map(int, options.seeds.split(":"))))):
            out.write(json.dumps(made, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
