"""How a ranking meets its labels. Lines of equal scores stand in no order: what depends on one is its expected value."""

import itertools
import math


def tie_groups(scores):
    """Indices by falling score, those of equal scores together."""
    order = sorted(range(len(scores)), key=lambda i: -scores[i])
    return [list(group) for _, group in itertools.groupby(order, key=lambda i: scores[i])]


def auc(scores, labels):
    """The chance that a labelled one is above an unlabelled one; equal scores count half."""
    positives = sum(labels)
    pairs, above, won = positives * (len(labels) - positives), 0, 0.0
    for group in tie_groups(scores):
        hits = sum(labels[i] for i in group)
        won += (len(group) - hits) * (above + hits / 2)
        above += hits
    return won / pairs if pairs else math.nan


def average_precision(scores, labels):
    """The mean, over the labelled, of the precision at their score (equal scores are taken together)."""
    found, seen, total = 0, 0, 0.0
    for group in tie_groups(scores):
        hits = sum(labels[i] for i in group)
        found, seen = found + hits, seen + len(group)
        total += hits * found / seen
    return total / found if found else math.nan


def budget(count, fraction):
    """How many may be looked at: a fraction, rounded up."""
    return math.ceil(count * fraction - 1e-9)


def recall_in_top(scores, incidents, fraction):
    """Expected part of the incidents (lists of indices) of which one index or more is among the top fraction."""
    left, found = budget(len(scores), fraction), 0.0
    undecided = [set(incident) for incident in incidents]
    for group in tie_groups(scores):
        if left == 0:
            break
        taken, size, later = min(left, len(group)), len(group), []
        for incident in undecided:
            tied, missed = len(incident.intersection(group)), 1.0
            for k in range(tied):
                missed *= max(0, size - taken - k) / (size - k)
            found += 1 - missed
            if not tied:
                later.append(incident)
        undecided, left = later, left - taken
    return found / len(incidents) if incidents else math.nan


def bursts(labels, templates, gap=50):
    """The burst that each line is of: lines of one template and label, each no more than `gap` lines after the one before."""
    last, out, count = {}, [], 0
    for i, key in enumerate(zip(templates, labels)):
        at, burst = last.get(key, (-math.inf, None))
        if i - at > gap:
            burst, count = count, count + 1
        last[key] = i, burst
        out.append(burst)
    return out


def members(groups, labels):
    """The labelled indices of each group that has any."""
    lists = {}
    for i, group in enumerate(groups):
        if labels[i]:
            lists.setdefault(group, []).append(i)
    return list(lists.values())
