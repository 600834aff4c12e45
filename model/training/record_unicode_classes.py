#!/usr/bin/env python3
"""Records which code points the tokenizer library's regular expressions take for which class:

    record_unicode_classes.py > unicode_classes.json

Needs the `tokenizers` package. make_unicode_table.py turns the result into model/unicode_class_table.inc.
"""
import json
import sys

from tokenizers import Regex, __version__, pre_tokenizers


def matched_ranges(splitter, block=0x1000):
    """Runs of code points that `splitter` removes, found block by block."""
    ranges = []
    for first in range(0, 0x110000, block):
        if 0xD800 <= first < 0xE000:  # surrogates are no characters
            continue
        points = range(first, min(first + block, 0xD800 if first < 0xD800 else 0x110000))
        kept = set()
        for _, (begin, end) in splitter.pre_tokenize_str("".join(map(chr, points))):
            kept.update(range(begin, end))
        for i, point in enumerate(points):
            if i in kept:
                continue
            if ranges and ranges[-1][1] == point - 1:
                ranges[-1][1] = point
            else:
                ranges.append([point, point])
    return ranges


if __name__ == "__main__":
    classes = {"tokenizers": __version__}
    for name, pattern in (("letter", r"\p{L}"), ("number", r"\p{N}"), ("space", r"\s")):
        classes[name] = matched_ranges(pre_tokenizers.Split(Regex(pattern + "+"), "removed"))
    json.dump(classes, sys.stdout)
