"""python3 -m skills.episodes --seeds A:B --out FILE.jsonl: episodes for training, a JSON object a line; see lessons.py.

Seeds below VALIDATION_SEED use the paraphrases for training, seeds from there on only the held-out ones.
"""

import argparse
import itertools
import json
import multiprocessing
import pathlib

from .lessons import Lessons

VALIDATION_SEED = 10_000_000
# Of one world: by tokens more than a half plans, a third answers from evidence, the rest recall.
RECIPE = ("plan",) * 30 + ("open",) * 20 + ("closed",) * 4


def episodes(seed):
    """All episodes of one seed as JSON lines."""
    lessons = Lessons(seed, held_out=seed >= VALIDATION_SEED)
    made = (getattr(lessons, skill)() for skill in RECIPE)
    return "".join(json.dumps(episode, ensure_ascii=False) + "\n" for episode in made if episode)


def main():
    parser = argparse.ArgumentParser(prog="skills.episodes", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", required=True, help="FIRST:LAST, the last not included")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args()
    seeds = range(*map(int, options.seeds.split(":")))
    if options.processes > 1:
        with multiprocessing.Pool(options.processes) as pool, open(options.out, "w", encoding="utf-8") as out:
            for text in pool.imap(episodes, seeds, chunksize=4):  # in order of seeds, whoever is first
                out.write(text)
        return
    with open(options.out, "w", encoding="utf-8") as out:
        for text in itertools.chain(map(episodes, seeds)):
            out.write(text)


if __name__ == "__main__":
    main()
