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


def incidents_of(labels, templates, gap=50):
    """Labelled lines, those of one template no more than `gap` lines apart together: lists of indices."""
    incidents, last = [], {}
    for i, template in enumerate(templates):
        if not labels[i]:
            continue
        if template in last and i - last[template][-1] <= gap:
            last[template].append(i)
        else:
            last[template] = [i]
            incidents.append(last[template])
    return incidents
