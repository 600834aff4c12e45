"""python3 -m anomaly.evaluate --weights FILE --log NAME.txt --labels NAME.labels --tokens NAME.u16 --adapted A --frozen F

Prints a markdown table: how well the scores of scores.py, and trivial ones beside them, rank the labelled lines of a log.
  silt-tokenize FILE DIR NAME.txt                                               writes DIR/NAME.u16
  silt-eval bpb --weights FILE --nll-out A NAME.txt                             the surprise while learning
  silt-eval bpb --weights FILE --no-learn --no-recall --nll-out F NAME.txt      the surprise under W_0 alone
Scores and metrics were fixed before any figure was seen, and no threshold is chosen. A line's surprise is the sum over its tokens.
Where labels are of groups (labelled.py), a group's score is the highest of its lines', and the figures are of groups. The
combination is the mean of the causal ranks of frozen, adapted, novelty and rate change. Incidents are labelled lines of one
template, no more than 50 lines apart; one is found if any of its lines is. A log read in part is judged in that part only.
"""

import argparse
import array
import json
import pathlib
import struct

from . import metrics, scores

FRACTIONS = (0.001, 0.01)


def piece_lengths(path):
    """Bytes of each token of a weight file's tokenizer."""
    with open(path, "rb") as file:
        size = struct.unpack("<Q", file.read(8))[0]
        begin, end = json.loads(file.read(size))["tokenizer.offsets"]["data_offsets"]
        file.seek(8 + size + begin)
        offsets = array.array("i", file.read(end - begin))
    return [after - before for before, after in zip(offsets, offsets[1:])]


def by_group(values, groups):
    """The highest value of each group, in the order of their first lines."""
    highest = {}
    for value, group in zip(values, groups):
        highest[group] = max(value, highest.get(group, value))
    return list(highest.values())


def table(lines, labels, groups, adapted, frozen):
    """Markdown. `groups` names each line's group, or is None where lines are judged."""
    named = scores.detectors(lines, adapted, frozen)
    incidents = metrics.incidents_of(labels, [scores.template(line) for line in lines])
    if groups is not None:
        labels, named = by_group(labels, groups), [(name, by_group(values, groups)) for name, values in named]
    singles = [[i] for i, label in enumerate(labels) if label]
    best = ["%.3f" % metrics.recall_in_top(labels, singles, fraction) for fraction in FRACTIONS]
    head = ["AUC", "AP", *("recall in top %g%%" % (100 * fraction) for fraction in FRACTIONS)]
    rows = [["best possible", "1", "1", *best]]
    rows += [[name, *("%.3f" % value for value in (metrics.auc(values, labels), metrics.average_precision(values, labels),
                                                     *(metrics.recall_in_top(values, singles, fraction) for fraction in FRACTIONS)))]
             for name, values in named]
    if groups is None:
        head.append("incidents in top 1%")
        rows[0].append("%.3f" % min(1, metrics.budget(len(labels), 0.01) / max(1, len(incidents))))
        for row, (_, values) in zip(rows[1:], named):
            row.append("%.3f" % metrics.recall_in_top(values, incidents, 0.01))
    unit = "lines" if groups is None else "groups of %d lines" % len(lines)
    extra = ", %d incidents" % len(incidents) if groups is None else ""
    text = ["%d %s, %d labelled%s" % (len(labels), unit, len(singles), extra), ""]
    return "\n".join(text + ["| %s |" % " | ".join(row) for row in [["score", *head], ["---"] * (len(head) + 1), *rows]])


def floats(path):
    values = array.array("f")
    values.frombytes(path.read_bytes())
    return values


def main():
    parser = argparse.ArgumentParser(prog="anomaly.evaluate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("weights", "log", "labels", "tokens", "adapted", "frozen"):
        parser.add_argument("--" + name, type=pathlib.Path, required=True)
    options = parser.parse_args()
    lines = scores.lines_of(options.log.read_bytes())
    rows = [row.split("\t") for row in options.labels.read_text().splitlines()]
    if len(rows) != len(lines):
        parser.error("%d labels for %d lines" % (len(rows), len(lines)))
    ids = array.array("H", options.tokens.read_bytes())
    pieces = piece_lengths(options.weights)
    lengths = [pieces[token] for token in ids]
    adapted, frozen = (scores.nats_of_lines(lines, lengths, floats(path)) for path in (options.adapted, options.frozen))
    read = min(len(adapted), len(frozen))
    if read < len(lines):
        print("The first %d of %d lines." % (read, len(lines)))
    groups = [row[1] for row in rows[:read]] if len(rows[0]) > 1 else None
    print(table(lines[:read], [int(row[0]) for row in rows[:read]], groups, adapted[:read], frozen[:read]))


if __name__ == "__main__":
    main()
