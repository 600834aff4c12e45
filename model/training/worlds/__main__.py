"""python3 -m worlds --seed N --bytes M --out DIR: one world's sources, facts.jsonl and questions.jsonl."""

import argparse
import json
import pathlib
import random

from .ask import Asker, facts
from .world import World


def write_world(seed, size, out, question_count):
    world = World(seed, size)
    events = []
    sources = world.run(events)
    out.mkdir(parents=True, exist_ok=True)
    for source in sources:
        (out / source.name).write_bytes(source.text().encode())
    asker = Asker(random.Random("questions %d" % seed), world, events, sources)
    questions = list(asker.questions(question_count))
    for name, rows in (("facts.jsonl", facts(world, events)), ("questions.jsonl", questions), ("disagreements.jsonl", asker.dropped)):
        with open(out / name, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    return sum(source.bytes for source in sources), len(questions), len(asker.dropped)


def main():
    parser = argparse.ArgumentParser(prog="worlds", description=__doc__)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--bytes", type=int, default=1 << 20, help="of log lines in a world, about")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--worlds", type=int, default=1, help="more than one: each in a folder of its own, seeds N, N+1, ...")
    parser.add_argument("--questions", type=int, default=210, help="tried per world")
    options = parser.parse_args()
    for i in range(options.worlds):
        out = options.out if options.worlds == 1 else options.out / ("world-%d" % (options.seed + i))
        print("seed %d: %d bytes, %d questions, %d disagreements" % ((options.seed + i,) + write_world(
            options.seed + i, options.bytes, out, options.questions)))


if __name__ == "__main__":
    main()
