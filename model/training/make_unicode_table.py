#!/usr/bin/env python3
"""Write model/unicode_class_table.inc: the letters, numbers and white space of Unicode, as ranges.

    make_unicode_table.py unicode_classes.json > model/unicode_class_table.inc

Standard library only. The pre-tokeniser's classes must be exactly those of the regular expressions that the
tokenizer was trained with (\\p{L}, \\p{N}, \\s), so the table is made from what that library answered for every
code point (record_unicode_classes.py writes unicode_classes.json: {"letter": [[first, last], ...], "number": ...,
"space": ...}). Checked here against this Python's unicodedata: every code point that its Unicode version knows
must be of the same class, so that only later additions can differ. The table in the tree is Unicode 16.0.0.
"""
import json
import sys
import unicodedata

CLASSES = {"letter": "L", "number": "N", "space": "S"}
CONTROL_SPACES = {*range(0x09, 0x0E), 0x85}  # White_Space beyond category Z


def known_class(code):
    """This Python's class of a code point; None where its Unicode version has no character."""
    category = unicodedata.category(chr(code))
    if category == "Cn":
        return None
    if category[0] == "Z" or code in CONTROL_SPACES:
        return "S"
    return category[0] if category[0] in "LN" else ""


def main():
    reported = json.load(open(sys.argv[1]))
    table = sorted([first, last, kind] for name, kind in CLASSES.items() for first, last in reported[name])
    assert all(a[1] < b[0] for a, b in zip(table, table[1:])), "ranges overlap"
    classes = {c: kind for first, last, kind in table for c in range(first, last + 1)}
    wrong = [c for c in range(0x110000) if known_class(c) not in (None, classes.get(c, ""))]
    if wrong:
        sys.exit(f"{len(wrong)} code points differ from Unicode {unicodedata.unidata_version}, first U+{wrong[0]:04X}")
    later = sum(known_class(c) is None for c in classes)
    print(f"agrees with Unicode {unicodedata.unidata_version}, {later} later characters", file=sys.stderr)

    print("// Made by model/training/make_unicode_table.py from Unicode 16.0.0; do not edit.")
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
