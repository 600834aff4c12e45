"""python3 -m worlds.corpus --first N --bytes TOTAL --out DIR: training text, one file per source of each world.

Worlds of seeds N, N+1, ... until TOTAL bytes are written; sizes from 64 KiB to 1 MiB, as many small as large ones. The
same arguments give the same bytes.
"""

import argparse
import pathlib
import random

from .world import World

SMALLEST, LARGEST = 1 << 16, 1 << 20


def world_size(seed):
    return int(SMALLEST * (LARGEST / SMALLEST) ** random.Random("size %d" % seed).random())


def write_corpus(first, total, out):
    """Returns the seed after the last one that was used, and the bytes written."""
    out.mkdir(parents=True, exist_ok=True)
    written, seed = 0, first
    while written < total:
        for source in World(seed, world_size(seed)).run():
            data = source.text().encode()
            (out / ("world-%d-%s.txt" % (seed, source.name.replace("/", "_")))).write_bytes(data)
            written += len(data)
        seed += 1
    return seed, written


def main():
    parser = argparse.ArgumentParser(prog="worlds.corpus", description=__doc__)
    parser.add_argument("--first", type=int, default=0, help="seed of the first world")
    parser.add_argument("--bytes", type=int, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    options = parser.parse_args()
    print("up to seed %d, not included: %d bytes" % write_corpus(options.first, options.bytes, options.out))


if __name__ == "__main__":
    main()
