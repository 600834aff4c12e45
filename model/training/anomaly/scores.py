"""Scores of the lines of a log, higher for stranger. Each looks only at the line and those before it; none is fitted to anything."""

import bisect
import collections
import math
import re

WINDOW_LINES = 100
SEVERITY = re.compile(rb"error|fatal|fail|exception|panic|crash|abort|critical|severe|unexpected", re.IGNORECASE)
MASKS = ((re.compile(rb"(?:[A-Za-z]:)?(?:[/\\][^\s/\\:,;()\[\]{}\"'=]+){2,}"), b"<path>"),
         (re.compile(rb"0x[0-9A-Fa-f]+|\b(?=[A-Fa-f-]*[0-9])[0-9A-Fa-f][0-9A-Fa-f-]{5,}\b"), b"#"),
         (re.compile(rb"-?[0-9]+"), b"#"))


def lines_of(data):
    """The lines of a log's bytes with their newlines. A carriage return ends none."""
    lines = [line + b"\n" for line in data.split(b"\n")]
    return lines[:-1] + ([lines[-1][:-1]] if lines[-1] != b"\n" else [])


def template(line):
    """The line with paths, numbers and hexadecimal words of six digits or more (also with dashes, as UUIDs) masked."""
    for pattern, mask in MASKS:
        line = pattern.sub(mask, line)
    return line


def nats_of_lines(lines, lengths, nats):
    """Sums of the surprises of tokens, given by their lengths in bytes and in the log's order, for each line.

    A token counts to the line of its first byte. Where there are fewer nats than tokens, only the lines that are wholly
    covered are returned. ValueError if the tokens are not the log's.
    """
    if sum(lengths) != sum(map(len, lines)) or len(nats) > len(lengths):
        raise ValueError("the tokens are not those of this log: tokenize it again, with the weights that read it")
    sums, line, end, position = [0.0] * len(lines), 0, len(lines[0]) if lines else 0, 0
    for length, value in zip(lengths, nats):
        while position >= end:
            line += 1
            end += len(lines[line])
        sums[line] += value
        position += length
    return sums if len(nats) == len(lengths) else sums[:line + (position >= end)]


def rarity(templates):
    """1 for a template's first line, 1/2 for its second, 1/3 for its third, ..."""
    seen = collections.Counter()
    out = []
    for name in templates:
        seen[name] += 1
        out.append(1 / seen[name])
    return out


def rate_rise(templates, window=WINDOW_LINES):
    """ln((c + 1) / (m + 1)): c lines of the template among the last `window`, m its mean count in as many lines before those."""
    recent, before, out = collections.Counter(), collections.Counter(), []
    for i, name in enumerate(templates):
        recent[name] += 1
        if i >= window:
            old = templates[i - window]
            recent[old] -= 1
            before[old] += 1
        elapsed = i + 1 - window
        mean = before[name] * window / elapsed if elapsed > 0 else recent[name]
        out.append(math.log((recent[name] + 1) / (mean + 1)))
    return out


def causal_ranks(scores):
    """The part of the lines before that scored lower, equal ones counting half; one half for the first line."""
    past, out = [], []
    for score in scores:
        low, high = bisect.bisect_left(past, score), bisect.bisect_right(past, score)
        out.append((low + high) / 2 / len(past) if past else 0.5)
        past.insert(high, score)
    return out


def detectors(lines, adapted, frozen):
    """(name, score of each line) of silt's scores, of their fixed combination and of the trivial detectors."""
    templates = [template(line) for line in lines]
    new = rarity(templates)
    parts = [("frozen", frozen), ("adapted", adapted), ("novelty", new), ("rate change", rate_rise(templates))]
    ranks = [causal_ranks(scores) for _, scores in parts]
    return parts + [
        ("combination", [sum(of_line) / len(of_line) for of_line in zip(*ranks)]),
        ("frozen, per byte", [nats / len(line) for nats, line in zip(frozen, lines)]),
        ("adapted, per byte", [nats / len(line) for nats, line in zip(adapted, lines)]),
        ("severity words", [float(bool(SEVERITY.search(line))) for line in lines]),
        ("new pattern", [float(score == 1) for score in new]),
        ("line length", [float(len(line)) for line in lines]),
    ]
