"""What a state keeps: long streams by tenths, a lost window, a return from a foreign stretch, facts after a while.

    python3 -m reader.lasting --weights FILE.safetensors --out RESULTS.json [--long LONG.npz...] [--homes HOMES.npz --foreign NAME]
                              [--facts FACTS.npz]

LONG and HOMES are archives of reader.streams, FACTS one of reader.facts. The figures are JAX's, of the net alone.
"""

import argparse
import functools
import json
import math
import time

import jax
import jax.numpy as jnp
import numpy as np

from . import measure, net, weights
from .measure import side_by_side

PIECE = 16384            # tokens read at once
OVERLAP = 2048           # read again in front of each piece, neither learned nor scored: fills the windows of all layers
BEFORE = 24576           # tokens of a stream that are learned before its state is put to a test
AFTER = (128, 512, 2048)  # tokens over which a changed state is compared: a mini-batch, a window, four


class Reading:
    """Reads lanes side by side, piece by piece, with their fast weights carried from piece to piece.

    Between pieces the window is read again under the weights of then, where the engine keeps the keys that it has."""

    def __init__(self, c, params, how):
        self.c, self.params = c, params
        self.step = jax.jit(functools.partial(net.read, c, how=how))
        ones = lambda tokens: jnp.ones(tokens[:, 1:].shape, jnp.float32)
        self.score = jax.jit(lambda P, tokens: net.read(c, P, tokens, ones(tokens), None, False, how)[0])

    def none(self, lanes):
        """The deltas of nothing learned."""
        return {t: jnp.zeros((lanes, *self.params["fast"][t].shape), jnp.float32) for t in net.learned(self.c)}

    def read(self, tokens, counts=None, delta=None, context=0):
        """tokens [L, N + 1], of each lane counts[l] to be read (all of N); the first `context` of them neither learned nor
        scored. Returns nll [L, N - context] as numpy, 0 where a lane has ended, and the deltas at the end."""
        lanes, total = tokens.shape[0], tokens.shape[1] - 1
        counts = np.full(lanes, total) if counts is None else np.asarray(counts)
        delta = self.none(lanes) if delta is None else delta
        padded = total + -total % (PIECE if total > PIECE else 512)  # few shapes: each is compiled
        tokens = np.pad(tokens, ((0, 0), (0, padded - total)))
        inner = (np.arange(padded)[None] < counts[:, None]).astype(np.float32)
        inner[:, :context] = 0
        out, begin = [], 0
        while begin < padded:
            end, start = min(begin + PIECE, padded), max(0, begin - OVERLAP)
            w = inner[:, start:end].copy()
            w[:, :begin - start] = 0
            nll, _, _, delta = self.step(self.params, jnp.asarray(tokens[:, start:end + 1]), jnp.asarray(w), delta)
            out.append(np.asarray(nll, np.float64)[:, begin - start:] * w[:, begin - start:])
            begin = end
        return np.concatenate(out, 1)[:, context:total], delta


def by_tenths(reading, archive):
    """{stream: bits per byte of each tenth of its tokens}."""
    streams = measure.load_streams(archive)
    tokens, counts = side_by_side([ids for ids, _ in streams.values()])
    nll, _ = reading.read(tokens, counts)
    out = {}
    for row, count, (name, (_, sizes)) in zip(nll, counts, streams.items()):
        edges = [count * i // 10 for i in range(11)]
        out[name] = [round(row[a:b].sum() / math.log(2) / sizes[1 + a:1 + b].sum(), 4) for a, b in zip(edges, edges[1:])]
    return out


def cuts_of(streams, foreign):
    """(name, place) of the cuts through the home streams: one each BEFORE tokens, four of a stream at most."""
    return [(name, at) for name, (ids, _) in streams.items() if name != foreign
            for at in range(BEFORE, len(ids) - AFTER[-1] - 1, BEFORE)[:4]]


def losses(reading, archive, foreign):
    """Nats over the next AFTER tokens from a state as it is, without its window, after `foreign`, and unlearned.

    {"cuts": [[name, place]], what: [[nats of each AFTER] of each cut]}."""
    streams = measure.load_streams(archive)
    cuts, last = cuts_of(streams, foreign), AFTER[-1]
    ids = [streams[name][0] for name, _ in cuts]
    cut = lambda begin, end: np.stack([row[at + begin:at + end] for row, (_, at) in zip(ids, cuts)])
    _, delta = reading.read(cut(-BEFORE, 1))
    other = streams[foreign][0]
    away = np.broadcast_to(other, (len(cuts), len(other)))
    _, moved = reading.read(away, delta=delta)
    after_foreign = np.concatenate([away[:, -OVERLAP:], cut(0, last + 1)], 1)
    runs = {"as it is": (cut(-OVERLAP, last + 1), delta, OVERLAP), "without its window": (cut(0, last + 1), delta, 0),
            "after the foreign text": (after_foreign, moved, OVERLAP), "unlearned, without a window": (cut(0, last + 1), None, 0)}
    out = {"cuts": cuts, "foreign tokens": len(other)}
    for what, (tokens, state, context) in runs.items():
        nll, _ = reading.read(tokens, delta=state, context=context)
        out[what] = [[round(float(row[:count].sum()), 3) for count in AFTER] for row in nll]
    return out


def summary(table):
    """What each change costs: mean over cuts of the relative change, and the change of the sum over all cuts."""
    kept = np.array(table["as it is"])
    changed = {what: np.array(rows) for what, rows in table.items() if what not in ("cuts", "foreign tokens", "as it is")}
    return {what: {"median": np.round(np.median(rows / kept - 1, 0), 4).tolist(), "pooled": np.round(rows.sum(0) / kept.sum(0) - 1, 4).tolist()}
            for what, rows in changed.items()}


ITEMS = 4  # questions ranked at once


def ranks(reading, params, file, items, tail):
    """Rank of the true value of each item among its candidates by surprise behind the question, under these parameters.

    tail: the tokens that the window holds. Nothing is learned from the question."""
    room, out = len(tail) + reading.c.minibatch, []
    for at in range(0, len(items), ITEMS):
        pairs = [(file["prompt", i], value) for i in items[at:at + ITEMS] for value in file["values", i]]
        tokens = np.zeros((ITEMS * len(file["values", items[0]]), room + 1), np.int32)
        for lane, (prompt, value) in zip(tokens, pairs):
            row = np.concatenate([tail, prompt, value])
            lane[:len(row)] = row
        nll = np.asarray(reading.score(params, jnp.asarray(tokens)), np.float64)
        ends = [len(tail) + len(prompt) + len(value) - 1 for prompt, value in pairs]
        cost = [line[end - len(value):end].sum() for line, end, (_, value) in zip(nll, ends, pairs)]
        for one in np.array(cost).reshape(-1, len(file["values", items[0]])):
            out.append(1 + int((one[1:] <= one[0]).sum()))
    return out


def facts(reading, archive):
    """First-rank share and mean reciprocal rank by (distance, tellings) of each way of knowing."""
    c, params, file = reading.c, reading.params, load_facts(archive)
    tokens, counts = side_by_side([file["log", i] for i in range(file["logs"])])
    _, delta = reading.read(tokens, counts)
    nothing, results = np.zeros(0, np.int32), {}
    for log in range(file["logs"]):
        items = [i for i in range(file["items"]) if file["item"][i, 0] == log]
        near = [i for i in items if file["item"][i, 1] == 0]
        tail = file["log", log][-c.window:]
        learned = {**params, "fast": {**params["fast"], **{t: params["fast"][t] + v[log] for t, v in delta.items()}}}
        ways = {"learned": (learned, items, nothing), "reset": (params, items, nothing),
                "learned, with its window": (learned, near, tail), "not learning, with its window": (params, near, tail)}
        for way, (weights_now, some, window) in ways.items():
            for i, rank in zip(some, ranks(reading, weights_now, file, some, window)):
                results.setdefault((way, *file["item"][i, 1:].tolist()), []).append(rank)
    return [{"way": way, "distance": distance, "seen": seen, "n": len(some), "first": round(float(np.mean(np.array(some) == 1)), 4),
             "mrr": round(float(np.mean(1 / np.array(some))), 4)} for (way, distance, seen), some in sorted(results.items())]


def load_facts(archive):
    """The archive of reader.facts: logs, and of each item its prompt and its values, the true one first."""
    with np.load(archive) as found:
        file = {"item": found["item"], "items": len(found["item"]), "logs": len(found["log_ends"])}
        cut = lambda name: np.split(found[name].astype(np.int32), found[name + "_ends"][:-1])
        file.update({("log", i): row for i, row in enumerate(cut("log"))})
        segments, at = cut("segment"), 0
        for i, count in enumerate(found["candidates"]):
            file["prompt", i], file["values", i] = segments[at], segments[at + 1:at + 1 + count]
            at += 1 + count
    return file


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--weights", required=True)
    p.add_argument("--out", required=True)
    p.add_argument("--long", nargs="*", default=[])
    p.add_argument("--homes")
    p.add_argument("--foreign", help="the stream of HOMES that is read in between")
    p.add_argument("--facts")
    p.add_argument("--attention", default="cudnn", choices=("cudnn", "blocks"))
    a = p.parse_args()
    c, params, _ = weights.load(a.weights)
    params = jax.tree.map(jnp.asarray, params)
    reading, results = Reading(c, params, a.attention), {}

    def add(name, make):
        begin = time.time()
        results[name] = make()
        print(f"{name}: {time.time() - begin:.0f} s", json.dumps(results[name]), flush=True)
        with open(a.out, "w") as file:
            json.dump(results, file)

    if a.homes:
        add("losses", lambda: losses(reading, a.homes, a.foreign))
        add("cost of a change", lambda: summary(results["losses"]))
    if a.facts:
        add("facts", lambda: facts(reading, a.facts))
    for archive in a.long:
        add("tenths of " + archive.rsplit("/", 1)[-1], lambda: by_tenths(reading, archive))


if __name__ == "__main__":
    main()
