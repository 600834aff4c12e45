#!/usr/bin/env python3
"""Write model/unicode_class_table.inc: the letters, numbers and white space of Unicode, as ranges.

    make_unicode_table.py [--check RANGES.json] > model/unicode_class_table.inc

Standard library only. The pre-tokeniser's classes are those of the regular expression that the tokenizer
was trained with: \\p{L}, \\p{N} and \\s (the White_Space property). The Unicode version is that of the
Python that runs this; the table in the tree is of 14.0.0. --check compares with ranges that another
implementation reported ({"letter": [[first, last], ...], "number": ..., "space": ...}) and says where
they differ.
"""
import argparse
import json
import sys
import unicodedata

CLASSES = {"L": "letter", "N": "number", "S": "space"}
SPACES = {*range(0x09, 0x0E), 0x85}


def class_of(code):
    category = unicodedata.category(chr(code))
    if category[0] == "Z" or code in SPACES:
        return "S"
    return category[0] if category[0] in "LN" else ""


def ranges():
    """Maximal runs of one class: [first, last, class]."""
    out = []
    for code in range(0x110000):
        kind = class_of(code)
        if out and out[-1][1] == code - 1 and out[-1][2] == kind:
            out[-1][1] = code
        elif kind:
            out.append([code, code, kind])
    return out


def check(table, path):
    reported = json.load(open(path))
    differ = 0
    for kind, name in CLASSES.items():
        ours = {c for first, last, k in table if k == kind for c in range(first, last + 1)}
        theirs = {c for first, last in reported[name] for c in range(first, last + 1)}
        for code in sorted(ours ^ theirs):
            differ += 1
            print(f"U+{code:04X} {name}: {'ours' if code in ours else 'theirs'} only", file=sys.stderr)
    print(f"{differ} differences from {path}", file=sys.stderr)
    return differ


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--check", metavar="RANGES.json")
    a = p.parse_args()
    table = ranges()
    if a.check:
        sys.exit(1 if check(table, a.check) else 0)
    print(f"// Made by model/training/make_unicode_table.py from Unicode {unicodedata.unidata_version}; do not edit.")
    print("// {first, last, class}: L letter, N number, S white space; everything else is of class other.")
    line = ""
    for first, last, kind in table:
        entry = f"{{{first:#x},{last:#x},{kind}}},"
        if len(line) + len(entry) > 110:
            print(line)
            line = ""
        line += entry
    print(line)


if __name__ == "__main__":
    main()
