"""Token streams for training: lanes that read on where they stopped, so that learned state can be carried along.

A folder holds NAME.u16 (token ids) and NAME.ends (ends of its documents, in tokens), from silt-tokenize; and for
episodes also NAME.roles (one byte a token: 0 stream, 1 ask, 2 answer).
"""

import pathlib

import numpy as np

STREAM, ASK, ANSWER = 0, 1, 2
# Share of each group among the lanes' picks; groups that a corpus lacks are left out.
WEIGHTS = {"train-anomaly-labelled-otrf-security": .08, "train-anomaly-labelled-syzkaller-kernel-crashes": .04,
           "train-anomaly-labelled-treeherder-ci": .14, "train-docs-elastic-examples-readmes": .01,
           "train-docs-gitlab-com-runbooks": .05, "train-docs-kafka": .03, "train-docs-rsyslog": .03,
           "train-logs-elastic-examples": .08, "train-tickets-jira-gpt2sp": .10, "docs": .12, "worlds": .32}


def group_of(name):
    return "worlds" if name.startswith("world") else "docs" if name.startswith("docs-") else name.rstrip("0123456789").rstrip("-")


def joined(files):
    """Token files as one: (ids, where each document begins, where it ends)."""
    parts, ends, total = [], [], 0
    for file in files:
        ids = np.fromfile(file, np.uint16)
        parts.append(ids)
        ends.append(np.loadtxt(file.with_suffix(".ends"), np.int64, ndmin=1) + total)
        total += ids.size
    ends = np.concatenate(ends)
    return np.concatenate(parts), np.concatenate([[0], ends[:-1]]), ends


class Group:
    """Documents of one group, joined."""

    def __init__(self, files):
        self.ids, self.starts, self.ends = joined(files)

    def pick(self, rng):
        """A position, uniformly over tokens, and its document's end. Short documents are read with those behind them."""
        at = int(rng.integers(0, self.ids.size))
        i = int(np.searchsorted(self.ends, at, "right"))
        return at, int(self.ends[i])


def load(folder, exclude=()):
    files = {}
    for file in sorted(pathlib.Path(folder).glob("*.u16")):
        if not file.with_suffix(".roles").exists():
            files.setdefault(group_of(file.stem), []).append(file)
    return {name: Group(some) for name, some in files.items() if name in WEIGHTS and name not in exclude}


class Lane:
    """One endless stream: a document from a random place to its end, then another. A second one waits: see swap()."""

    def __init__(self, groups, weights, rng):
        self.groups, self.weights, self.rng = groups, weights, rng
        self.names = list(groups)
        self.jump()
        self.parked = self.group, self.at, self.end
        self.jump()

    def swap(self):
        """Goes to the document that waited, at the place where it was left; the present one waits instead."""
        self.parked, (self.group, self.at, self.end) = (self.group, self.at, self.end), self.parked

    def jump(self):
        self.group = self.groups[self.names[self.rng.choice(len(self.names), p=self.weights)]]
        self.at, self.end = self.group.pick(self.rng)

    def take(self, count):
        """The next tokens, from further documents when this one ends."""
        parts, left = [], count
        while left:
            n = min(left, self.end - self.at)
            parts.append(self.group.ids[self.at:self.at + n])
            self.at += n
            left -= n
            if left:
                if self.end < self.group.ids.size and self.end - self.group.starts[np.searchsorted(self.group.ends, self.end)] < count:
                    i = int(np.searchsorted(self.group.ends, self.end, "right"))  # a short document: go on with the next
                    self.at, self.end = int(self.group.starts[i]), int(self.group.ends[i])
                else:
                    self.jump()
        return np.concatenate(parts)


class Episodes:
    """Stream, learn, then ask: packed one behind the other into whole sequences."""

    def __init__(self, folder, name, rng):
        files = [pathlib.Path(folder) / f"{name}.u16"]
        if not files[0].exists():  # made in parts: NAME-000, NAME-001, ...
            files = sorted(pathlib.Path(folder).glob(name + "-*.u16"))
        self.ids, starts, ends = joined(files)
        self.roles = np.concatenate([np.fromfile(file.with_suffix(".roles"), np.uint8) for file in files])
        self.spans = np.stack([starts, ends], 1)
        self.rng = rng
        self.order, self.next = rng.permutation(len(self.spans)), 0

    def sequence(self, count):
        """ids and roles, `count` each; what does not fit at the end is cut off."""
        ids, roles, total = [], [], 0
        while total < count:
            if self.next == len(self.order):
                self.order, self.next = self.rng.permutation(len(self.spans)), 0
            begin, end = self.spans[self.order[self.next]]
            self.next += 1
            ids.append(self.ids[begin:end])
            roles.append(self.roles[begin:end])
            total += end - begin
        return np.concatenate(ids)[:count], np.concatenate(roles)[:count]


class Batches:
    """Batches of `lanes` sequences of T + 1 tokens.

    Each lane either reads on with its state, swaps to its other document with its state (as an interleaved source does;
    every second swap is a return), or starts afresh. Reading on, it mostly re-reads the last window first, unlearned and unscored; else
    the window starts empty, which is how a state without its window comes back. With episodes, a share of the sequences
    asks: half of them under the state of the lane, half under W_0.
    """

    FRESH, SWAP, OVERLAP = 0.10, 0.12, 0.65

    def __init__(self, folder, lanes, T, seed, exclude=(), episodes=None, episode_share=0.0, answer_weight=1.0, carry=True, window=512):
        groups = load(folder, exclude)
        weights = np.array([WEIGHTS[name] for name in groups])
        weights /= weights.sum()
        self.rng = np.random.default_rng(seed)
        self.lanes = [Lane(groups, weights, np.random.default_rng([seed, i])) for i in range(lanes)]
        self.last = [None] * lanes
        self.T, self.carry, self.window = T, carry, window
        self.episodes = Episodes(folder, episodes, self.rng) if episodes else None
        self.share, self.answer_weight = episode_share, answer_weight

    def next(self):
        """tokens [B, T+1] int32, inner weights and outer weights [B, T], keep [B] (1: with the state of before), and
        store [B] (1: the state afterwards is the lane's; 0: the lane keeps what it had)."""
        B, T = len(self.lanes), self.T
        tokens = np.empty((B, T + 1), np.int32)
        inner, outer = np.ones((B, T), np.float32), np.ones((B, T), np.float32)
        keep, store = np.zeros(B, np.float32), np.ones(B, np.float32)
        for i, lane in enumerate(self.lanes):
            if self.episodes and self.rng.random() < self.share:
                tokens[i], roles = self.episodes.sequence(T + 1)
                inner[i] = roles[1:] == STREAM
                outer[i] = np.where(roles[1:] == ANSWER, self.answer_weight, (roles[1:] == STREAM).astype(np.float32))
                keep[i], store[i] = self.rng.random() < 0.5, 0
                continue
            luck = self.rng.random()
            on = self.carry and self.last[i] is not None and luck >= self.FRESH
            again = 0
            if not on:
                lane.jump()
            elif luck < self.FRESH + self.SWAP:
                lane.swap()
            elif self.rng.random() < self.OVERLAP:
                again = self.window
                inner[i, :again] = outer[i, :again] = 0
            ids = lane.take(T - again if on else T + 1)
            if on:
                ids = np.concatenate([self.last[i][-(again + 1):], ids])
                keep[i] = 1
            tokens[i], self.last[i] = ids, ids[-(self.window + 1):].copy()
        return tokens, inner, outer, keep, store


def validation(folder, name, T, batch, limit):
    """Batches of (skills, tokens, roles) for measure.answers_table: one episode a sequence, cut at T."""
    base = pathlib.Path(folder) / name
    ids, starts, ends = joined([base.with_suffix(".u16")])
    roles = np.fromfile(base.with_suffix(".roles"), np.uint8)
    skills = base.with_suffix(".skills").read_text().split()
    chosen = [i for i in range(len(ends)) if ends[i] - starts[i] <= T][:limit]
    for at in range(0, len(chosen) - batch + 1, batch):
        tokens, role = np.zeros((batch, T + 1), np.int32), np.full((batch, T + 1), ASK, np.uint8)
        for row, i in enumerate(chosen[at:at + batch]):
            n = ends[i] - starts[i]
            tokens[row, 1:n + 1], role[row, 1:n + 1] = ids[starts[i]:ends[i]], roles[starts[i]:ends[i]]
        yield [skills[i] for i in chosen[at:at + batch]], tokens, role
