"""Token streams for training: lanes that read on where they stopped, so that learned state can be carried along.

A folder holds NAME.u16 (token ids) and NAME.ends (ends of its documents, in tokens), from silt-tokenize; and for
episodes also NAME.roles (one byte a token: 0 stream, 1 ask, 2 answer); long logs with questions about them NAME.told as well
(episodes.py).
"""

import pathlib

import numpy as np

STREAM, ASK, ANSWER = 0, 1, 2
NEAR = 300  # tokens: how far back "of late" reaches
# Share of each group among the lanes' picks; groups that a corpus lacks are left out. Long logs with questions are read for
# much longer than others: they are about a quarter of what is read.
WEIGHTS = {"train-anomaly-labelled-otrf-security": .08, "train-anomaly-labelled-syzkaller-kernel-crashes": .04,
           "train-anomaly-labelled-treeherder-ci": .14, "train-docs-elastic-examples-readmes": .01,
           "train-docs-gitlab-com-runbooks": .05, "train-docs-kafka": .03, "train-docs-rsyslog": .03,
           "train-logs-elastic-examples": .08, "train-tickets-jira-gpt2sp": .10, "docs": .12, "worlds": .32, "recall": .06}


def group_of(name):
    for prefix, group in (("world", "worlds"), ("docs-", "docs"), ("recall", "recall")):
        if name.startswith(prefix):
            return group
    return name.rstrip("0123456789").rstrip("-")


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


class AskedGroup:
    """Long logs, and questions about what was told in them."""

    def __init__(self, files):
        self.ids, self.starts, ends = joined(files)
        sizes = np.cumsum([0] + [file.stat().st_size // 2 for file in files])
        rows = [np.loadtxt(file.with_suffix(".told"), np.int64, ndmin=2) + before for file, before in zip(files, sizes)]
        asked = np.concatenate(rows)  # question, answer, end, told
        self.logs = []                # of each: where it begins and ends, and its questions by when they can be asked
        for begin, end in zip(self.starts, ends):
            own = asked[(asked[:, 0] >= begin) & (asked[:, 0] < end)]
            self.logs.append((int(begin), int(own[0, 0]), own[np.argsort(own[:, 3])]))
        self.ends = np.array([end for _, end, _ in self.logs])

    def pick(self, rng):
        """Where a log begins and ends: these are read from their beginning."""
        begin, end, _ = self.logs[rng.integers(0, len(self.logs))]
        return begin, end

    def questions(self, rng, at, room):
        """Questions about facts that the log now read at `at` has told, with their answers: ids and roles, of at most `room` tokens.
        Every second is drawn evenly, the others rather about what was told of late."""
        _, _, rows = self.logs[int(np.searchsorted(self.ends, at))]
        told = rows[rows[:, 3] <= at]
        ids, roles = [np.zeros(0, np.uint16)], []
        if len(told):
            near = 1 / (at - told[:, 3] + NEAR)
            order = rng.choice(len(told), len(told), False, 0.5 / len(told) + 0.5 * near / near.sum())
            for ask, answer, end, _ in told[order]:
                room -= end - ask
                if room < 0:
                    break
                ids.append(self.ids[ask:end])
                roles += [ASK] * (answer - ask) + [ANSWER] * (end - answer)
        return np.concatenate(ids), np.array(roles, np.uint8)


def load(folder, exclude=()):
    files = {}
    for file in sorted(pathlib.Path(folder).glob("*.u16")):
        if not file.with_suffix(".roles").exists() or file.with_suffix(".told").exists():
            files.setdefault(group_of(file.stem), []).append(file)
    kind = lambda name: AskedGroup if name == "recall" else Group
    return {name: kind(name)(some) for name, some in files.items() if name in WEIGHTS and name not in exclude}


class Lane:
    """One endless stream: a document from a random place to its end, then another. A second one waits: see swap()."""

    def __init__(self, groups, weights, rng):
        self.groups, self.weights, self.rng = groups, weights, rng
        self.names = list(groups)
        self.restart()

    def restart(self):
        """Two new documents; what questions there are about the old ones, a fresh state could not answer."""
        self.jump()
        self.parked = self.group, self.at, self.end
        self.jump()

    def swap(self):
        """Goes to the document that waited, at the place where it was left; the present one waits instead."""
        self.parked, (self.group, self.at, self.end) = (self.group, self.at, self.end), self.parked

    def jump(self):
        self.group = self.groups[self.names[self.rng.choice(len(self.names), p=self.weights)]]
        self.at, self.end = self.group.pick(self.rng)

    def asks(self):
        return isinstance(self.group, AskedGroup)

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

    FRESH, SWAP, OVERLAP = 0.08, 0.12, 0.65
    ASKED, ROOM = 0.9, 400  # of the sequences of long logs, and tokens for the questions in each

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
            self.read_on(i, lane, tokens, inner, outer, keep)
        return tokens, inner, outer, keep, store

    def read_on(self, i, lane, tokens, inner, outer, keep):
        """Fills in the lane's next sequence: of its stream, and in long logs of questions too, behind it or, in an empty window,
        in front."""
        T, luck = self.T, self.rng.random()
        on = self.carry and self.last[i] is not None and (luck >= self.FRESH or lane.asks())
        again = 0
        if not on:
            lane.restart()
        elif self.FRESH <= luck < self.FRESH + self.SWAP:
            lane.swap()
        elif self.rng.random() < self.OVERLAP:
            again = self.window
        before = self.last[i][-(again + 1):] if on else lane.take(1)
        asked, roles = np.zeros(0, np.uint16), np.zeros(0, np.uint8)
        if on and lane.asks() and self.rng.random() < self.ASKED:
            told_at = lane.at if not again else lane.at + T - again - self.ROOM
            asked, roles = lane.group.questions(self.rng, min(told_at, lane.end), self.ROOM)
        stream = lane.take(T - again - asked.size)
        weight = np.where(roles == ANSWER, self.answer_weight, 0.0)
        learned = np.ones(stream.size)
        if again:  # the questions come last
            ids, inner[i] = [before, stream, asked], np.concatenate([np.zeros(again), learned, np.zeros(asked.size)])
            outer[i] = np.concatenate([np.zeros(again), learned, weight])
        else:
            ids, inner[i] = [before, asked, stream], np.concatenate([np.zeros(asked.size), learned])
            outer[i] = np.concatenate([weight, learned])
        tokens[i], keep[i] = np.concatenate(ids), float(on)
        self.last[i] = np.concatenate([self.last[i] if on else before, stream])[-(self.window + 1):]


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
