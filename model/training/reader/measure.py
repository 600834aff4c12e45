"""Prequential bits per byte of streams, by JAX: the figures that choose between nets before the engine confirms them."""

import functools
import math
import time

import jax
import jax.numpy as jnp
import numpy as np

from . import baselines, net


def nll_of(c, params, tokens, how="cudnn", learn=True):
    """tokens [B, T + 1] -> nll [B, T], whole: T a multiple of the window."""
    if c.mixer == "ttt-e2e":
        return net.read(c, params, tokens, jnp.ones_like(tokens[:, 1:], jnp.float32), None, learn, how)[0]
    return baselines.read(c, params, tokens, how)


def load_streams(path):
    """FILE.npz of streams.py -> {name: (ids, bytes of each token)}."""
    with np.load(path) as file:
        return {key[:-4]: (file[key].astype(np.int32), file[key[:-4] + ".bytes"].astype(np.int64))
                for key in file.files if key.endswith(".ids")}


def side_by_side(rows, multiple=1):
    """Token streams of different lengths as one array [rows, N + 1], N a multiple, padded with zeros; and how many tokens of
    each are to be read, the first being context."""
    counts = [len(row) - 1 for row in rows]
    longest = max(counts)
    tokens = np.zeros((len(rows), longest + -longest % multiple + 1), np.int32)
    for lane, row in zip(tokens, rows):
        lane[:len(row)] = row
    return tokens, counts


def streams_table(c, params, path, how="cudnn", learn=True):
    """Bits per byte of each stream of FILE.npz, and of its second half.

    The streams are read as one batch, padded to the longest; the first token is context."""
    streams = load_streams(path)
    tokens, _ = side_by_side([ids for ids, _ in streams.values()], max(c.window, 1024))
    f = jax.jit(functools.partial(nll_of, c, how=how, learn=learn))
    nll = np.asarray(f(params, jnp.asarray(tokens)), np.float64)
    table = {}
    for row, (name, (ids, sizes)) in zip(nll, streams.items()):
        n = len(ids) - 1
        bits, half = row[:n] / math.log(2), n // 2
        table[name] = [round(bits.sum() / sizes[1:].sum(), 4), round(bits[half:].sum() / sizes[1 + half:].sum(), 4)]
    table["mean"] = [round(float(np.mean([v[i] for v in table.values()])), 4) for i in (0, 1)]
    return table


def answers_table(c, params, batches, how="cudnn"):
    """batches of (skills, tokens [B, T + 1], roles [B, T + 1]): by skill, how many answers greedy decoding gets right.

    An answer is right when each of its tokens is the likeliest after the ones before it, which is what greedy
    decoding without a grammar would write. Learning is on stream tokens alone."""
    f = jax.jit(lambda tokens, inner: net.read(c, params, tokens, inner, None, True, how)[1])
    right, asked = {}, {}
    for skills, tokens, roles in batches:
        hits = np.asarray(f(jnp.asarray(tokens), jnp.asarray((roles[:, 1:] == 0).astype(np.float32))))
        for skill, hit, answer in zip(skills, hits, roles[:, 1:] == 2):
            edges = np.flatnonzero(np.diff(np.concatenate([[0], answer.astype(np.int8), [0]])))
            for begin, end in edges.reshape(-1, 2):
                asked[skill] = asked.get(skill, 0) + 1
                right[skill] = right.get(skill, 0) + int(hit[begin:end].all())
    return {skill: [round(right[skill] / asked[skill], 4), asked[skill]] for skill in asked}


POSITIONS, BUCKET = 131072, 4096


class Positions:
    """Bits per byte by position: the first 131,072 tokens of every stream that has as many, averaged over streams."""

    def __init__(self, c, path, how="cudnn", learn=True):
        streams = {name: both for name, both in load_streams(path).items() if len(both[0]) > POSITIONS}
        self.names = list(streams)
        self.tokens = jnp.asarray(np.stack([ids[:POSITIONS + 1] for ids, _ in streams.values()]))
        sizes = np.stack([sizes[1:POSITIONS + 1] for _, sizes in streams.values()])
        self.bytes = sizes.reshape(len(streams), -1, BUCKET).sum(2)
        self.read = jax.jit(functools.partial(nll_of, c, how=how, learn=learn))

    def curve(self, params):
        """(bits per byte of each bucket, seconds that reading took once compiled)."""
        self.read(params, self.tokens).block_until_ready()
        begin = time.time()
        nll = np.asarray(self.read(params, self.tokens), np.float64)
        seconds = time.time() - begin
        bits = nll.reshape(len(self.names), -1, BUCKET).sum(2) / math.log(2)
        return [round(float(v), 4) for v in (bits / self.bytes).mean(0)], round(seconds, 3)


def with_step(params, step):
    """The same net under plain clipped SGD with one step for all tensors and no decay: learning only at test time."""
    inner = params["inner"]
    return {**params, "inner": {**inner, "log_step": {t: jnp.full_like(v, math.log(step)) for t, v in inner["log_step"].items()},
                                "decay": {t: jnp.full_like(v, 20.0) for t, v in inner["decay"].items()}}}
