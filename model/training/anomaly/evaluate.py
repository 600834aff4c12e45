"""python3 -m anomaly.evaluate --weights FILE --log NAME.txt --labels NAME.labels --tokens NAME.u16 --adapted A --frozen F

Prints a markdown table: how well the scores of scores.py, and trivial ones beside them, rank the labelled lines of a log.
  silt-tokenize FILE DIR NAME.txt                                               writes DIR/NAME.u16
  silt-eval bpb --weights FILE --nll-out A NAME.txt                             the surprise while learning
  silt-eval bpb --weights FILE --no-learn --no-recall --nll-out F NAME.txt      the surprise under W_0 alone
Scores and their combination were fixed before any figure was seen, and no threshold is chosen. A line's surprise is the sum over its tokens.
Where labels are of groups (labelled.py), a group's score is the highest of its lines', and the figures are of groups. Where
they are of lines, a second table collapses bursts: lines of one template and label no more than 50 lines apart are a group.
A labelled burst is an incident, found if any of its lines is. The combination is the mean of the causal ranks of frozen,
adapted, novelty and rate change. A log read in part is judged in that part only.
"""

import argparse
import array
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import weight_file  # noqa: E402

from . import metrics, scores  # noqa: E402

FRACTIONS = (0.001, 0.01)


def by_group(values, groups):
    """The highest value of each group, in the order of their first lines."""
    highest = {}
    for value, group in zip(values, groups):
        highest[group] = max(value, highest.get(group, value))
    return list(highest.values())


def table(named, labels, incidents=()):
    """Markdown of the figures of (name, scores); with incidents, of their recall too."""
    singles = [[i] for i, label in enumerate(labels) if label]
    columns = {"recall in top %g%%" % (100 * fraction): (singles, fraction) for fraction in FRACTIONS}
    if incidents:
        columns["incidents in top 1%"] = incidents, 0.01
    best = [min(1, metrics.budget(len(labels), fraction) / max(1, len(wanted))) for wanted, fraction in columns.values()]
    rows = [["score", "AUC", "AP", *columns], ["---"] * (3 + len(columns)), ["best possible", "1", "1", *("%.3f" % value for value in best)]]
    for name, values in named:
        figures = [metrics.auc(values, labels), metrics.average_precision(values, labels)]
        figures += [metrics.recall_in_top(values, wanted, fraction) for wanted, fraction in columns.values()]
        rows.append([name, *("%.3f" % figure for figure in figures)])
    return "\n".join("| %s |" % " | ".join(row) for row in rows)


def report(lines, labels, groups, adapted, frozen):
    """Markdown: of the lines and of their bursts, or if `groups` names each line's group, of these."""
    named = scores.detectors(lines, adapted, frozen)
    text = []
    if groups is None:
        groups = metrics.bursts(labels, [scores.template(line) for line in lines])
        incidents = metrics.members(groups, labels)
        text += ["%d lines, %d labelled, %d incidents" % (len(lines), sum(labels), len(incidents)), "", table(named, labels, incidents), ""]
    of_groups = by_group(labels, groups)
    text += ["%d groups of %d lines, %d labelled" % (len(of_groups), len(lines), sum(of_groups)), ""]
    return "\n".join(text + [table([(name, by_group(values, groups)) for name, values in named], of_groups)])


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
    pieces = weight_file.piece_lengths(weight_file.read(options.weights)[1])
    lengths = [pieces[token] for token in ids]
    adapted, frozen = (scores.nats_of_lines(lines, lengths, floats(path)) for path in (options.adapted, options.frozen))
    read = min(len(adapted), len(frozen))
    if read < len(lines):
        print("The first %d of %d lines." % (read, len(lines)))
    groups = [row[1] for row in rows[:read]] if len(rows[0]) > 1 else None
    print(report(lines[:read], [int(row[0]) for row in rows[:read]], groups, adapted[:read], frozen[:read]))


if __name__ == "__main__":
    main()
