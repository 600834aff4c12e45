#!/usr/bin/env python3
"""Record what the JAX prototype and the `tokenizers` library answer, for tests to compare with.

    record_golden.py --prototype DIR --weights FILE.safetensors --golden DIR --out DIR [--dev DIR]

DIR of --prototype holds ttt_e2e.py and tok.json. Needs jax, numpy and tokenizers; an accelerator helps.
Written to --out, in this order, so that a run cut short leaves whole files:
  tokenizer_torture.ids    per case of golden/tokenizer_torture.txt: count, then ids, all uint16
  unicode_classes.json     which code points the reference's regular expression takes for which class
  stream.json              float32 ("highest" matrix precision) answers for golden/stream.log: per-token nats
                           with and without learning, gradient norms, check values of the fast weights
and with --dev (streams cut and tokenised as the prototype's prep.py and reader.py do):
  dev.json                 per stream: bytes, tokens, scored tokens, bits per byte by mode
  dev_tokens.bin           uint16 token ids, all streams joined in the order of dev.json
  dev_bf16.bin, dev_f32.bin, dev_off.bin   float32 nats: learning in the prototype's precision, learning in
                           float32, not learning in the prototype's precision
"""
import argparse
import functools
import glob
import json
import math
import os
import struct
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np
from tokenizers import Regex, Tokenizer, pre_tokenizers, __version__ as tokenizers_version

START = time.time()
GOLDEN_CHUNKS = 8
SAMPLES = 64
FAST = ("gate", "up", "down")
# Development streams, as the prototype's prep.py lists them: name -> glob below --dev.
DEV = {"HDFS_20000": "**/HDFS_20000.log", "auth_log": "**/auth.log", "BGL_2k": "logs/loghub-2k/**/BGL_2k.log",
       "OpenSSH_2k": "logs/loghub-2k/**/OpenSSH_2k.log", "HealthApp": "**/HealthApp_20000*",
       "nezha": "anomaly-labelled/nezha/rca_data/2023-01-29/*.tsv", "ci_leak": "**/leak.log",
       "ci_crash": "**/mochitest-crash.log", "mesos": "tickets/**/mesos.csv", "runbooks": "docs/gitlab*/**/*.md",
       "kernel": "anomaly-labelled/syzkaller*/**", "k8s": "logs/loki-pattern/**/*kubernetes*"}


def log(*what):
    print(f"[{time.time() - START:6.1f}s]", *what, flush=True)


def load_weights(path):
    """The prototype's parameter tree, from a silt weight file."""
    data = open(path, "rb").read()
    n = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + n])
    meta = header.pop("__metadata__")

    def tensor(name):
        e = header[name]
        raw = data[8 + n + e["data_offsets"][0]:8 + n + e["data_offsets"][1]]
        if e["dtype"] == "BF16":
            return (np.frombuffer(raw, np.uint16).astype(np.uint32) << 16).view(np.float32).reshape(e["shape"])
        return np.frombuffer(raw, np.float32).reshape(e["shape"])

    layers, fast = int(meta["layers"]), int(meta["fast_layers"])
    every = {"ln1": "attention_norm", "ln2": "mlp_norm", "q": "attention.q", "k": "attention.k", "v": "attention.v",
             "o": "attention.o", "gate": "mlp.gate", "up": "mlp.up", "down": "mlp.down"}
    stack = lambda name, blocks: jnp.asarray(np.stack([tensor(f"blocks.{i}.{name}") for i in blocks]))
    top = range(layers - fast, layers)
    rule = {kind: stack("fast." + kind, top) for kind in ("step", "decay")}
    return meta, {
        "embed": jnp.asarray(tensor("embedding")), "lnf": jnp.asarray(tensor("final_norm")),
        "blocks": {k: stack(v, range(layers)) for k, v in every.items()},
        "lnfast": stack("fast_norm", top), "W0": {t: stack("fast." + t, top) for t in FAST},
        **{kind: {t: v[:, i][:, None, None] for i, t in enumerate(FAST)} for kind, v in rule.items()}}


def forward(M, c, P, tokens, learn, dtype):
    """reader.py's forward pass; also returns each step's gradient norm and the final fast weights."""
    T = tokens.shape[0] - 1
    blocks = {k: v if k.startswith("ln") else v.astype(dtype) for k, v in P["blocks"].items()}
    E = P["embed"].astype(dtype)
    cut = lambda lo, hi: {k: v[lo:hi] for k, v in blocks.items()}
    h = E[tokens[:-1]]
    h, _ = jax.lax.scan(lambda h, bw: (M.low_block(c, h, bw, None), None), h, cut(0, c.n_low))
    n = T // c.b
    top, W0 = cut(c.n_low, c.n_layer), P["W0"]
    cache0 = tuple(jnp.zeros((c.n_fast, c.k, c.n_kv, c.hd), h.dtype) for _ in range(2))

    def step(carry, xs):
        W, cache, i = carry
        hs, targets = xs
        valid = jnp.arange(c.k) >= c.k - i * c.b
        f = lambda W: M.top_chunk(c, top, None, P["lnfast"], P["lnf"], E, W, cache, hs, targets, jnp.ones((c.b,)), valid)
        norm = jnp.float32(0)
        if learn:
            (_, (cache, nll)), g = jax.value_and_grad(f, has_aux=True)(W)
            norm = jnp.sqrt(sum(jnp.sum(v * v) for v in g.values()) + 1e-12)
            scale = jnp.minimum(1.0, 1.0 / norm)
            W = {k: W0[k] + P["decay"][k] * (W[k] - W0[k]) - P["step"][k] * (g[k] * scale) for k in W}
        else:
            _, (cache, nll) = f(W)
        return (W, cache, i + 1), (nll, norm)

    (W, _, _), (nll, norms) = jax.lax.scan(step, (W0, cache0, jnp.int32(0)),
                                           (h.reshape(n, c.b, c.d), tokens[1:].reshape(n, c.b)))
    return nll.reshape(T), norms, W


def record_tokenizer(tokenizer, golden, out):
    cases = open(f"{golden}/tokenizer_torture.txt", "rb").read().decode().split("\x1e")[:-1]
    tokenizer.encode_special_tokens = True  # "<s>" in a text is text
    with open(f"{out}/tokenizer_torture.ids", "wb") as f:
        for case in cases:
            ids = tokenizer.encode(case).ids
            f.write(struct.pack(f"<{len(ids) + 1}H", len(ids), *ids))
    tokenizer.encode_special_tokens = False
    classes = {"tokenizers": tokenizers_version}
    for name, pattern in (("letter", r"\p{L}"), ("number", r"\p{N}"), ("space", r"\s")):
        classes[name] = matched_ranges(pre_tokenizers.Split(Regex(pattern + "+"), "removed"))
    json.dump(classes, open(f"{out}/unicode_classes.json", "w"))
    log(len(cases), "torture cases; tokenizers", tokenizers_version, {k: len(v) for k, v in classes.items() if k != "tokenizers"})


def matched_ranges(splitter, block=0x1000):
    """Runs of code points that `splitter` removes, found block by block."""
    ranges = []
    for first in range(0, 0x110000, block):
        if 0xD800 <= first < 0xE000:  # surrogates are no characters
            continue
        points = range(first, min(first + block, 0xD800 if first < 0xD800 else 0x110000))
        kept = set()
        for _, (begin, end) in splitter.pre_tokenize_str("".join(map(chr, points))):
            kept.update(range(begin, end))
        for i, point in enumerate(points):
            if i in kept:
                continue
            if ranges and ranges[-1][1] == point - 1:
                ranges[-1][1] = point
            else:
                ranges.append([point, point])
    return ranges


def tensor_checks(name, values, initial):
    """Sums over all elements in float64, and elements at i * stride."""
    flat, change = values.astype(np.float64).ravel(), (values.astype(np.float64) - initial).ravel()
    stride = flat.size // SAMPLES
    return {"name": name, "sum": flat.sum(), "sum_of_squares": (flat * flat).sum(), "change_sum": change.sum(),
            "change_sum_of_squares": (change * change).sum(), "stride": stride,
            "samples": [float(v) for v in values.ravel()[:stride * SAMPLES:stride]]}


def record_stream(M, c, P, tokenizer, golden, out):
    text = open(f"{golden}/stream.log", "rb").read().decode()
    ids = tokenizer.encode(text).ids[:GOLDEN_CHUNKS * c.b + 1]
    assert len(ids) == GOLDEN_CHUNKS * c.b + 1
    tokens = jnp.asarray(ids, jnp.int32)
    run = jax.jit(functools.partial(forward, M, c), static_argnames=("learn", "dtype"))
    with jax.default_matmul_precision("highest"):
        nll, norms, W = run(P, tokens, learn=True, dtype=jnp.float32)
        off, _, _ = run(P, tokens, learn=False, dtype=jnp.float32)
    checks = [tensor_checks(f"blocks.{c.n_low + i}.fast.{t}", np.asarray(W[t][i]), np.asarray(P["W0"][t][i], np.float64))
              for i in range(c.n_fast) for t in FAST]
    number = lambda v: float(f"{float(v):.8g}")
    json.dump({"tokens": ids, "minibatch_tokens": c.b, "learning_nats": [number(v) for v in nll],
               "frozen_nats": [number(v) for v in off], "gradient_norms": [number(v) for v in norms],
               "fast_weights": checks}, open(f"{out}/stream.json", "w"), indent=0)
    log("stream: nats a token", float(nll.mean()), "not learning", float(off.mean()), "norms", [number(v) for v in norms])


def dev_streams(tokenizer, root, c):
    """name, bytes and tokens of the whole stream, and the token ids that reader.py scores, plus the first."""
    for name, pattern in DEV.items():
        text = ""
        for f in sorted(f for f in glob.glob(f"{root}/{pattern}", recursive=True) if os.path.isfile(f)):
            text += open(f, "rb").read().decode("utf-8", "replace")
            if len(text) > 3_000_000:
                break
        text = text[:3_000_000]
        parts = [text[i:i + 20000] for i in range(0, len(text), 20000)]
        ids = np.array([t for e in tokenizer.encode_batch_fast(parts) for t in e.ids], np.uint16)
        length = min(ids.size - 1, 262144) // c.k * c.k
        for limit in (262144, 131072, 65536, 32768):
            if length >= limit:
                length = limit
                break
        yield {"name": name, "bytes": len(text.encode()), "tokens": int(ids.size), "scored": length}, ids[:length + 1]


def record_dev(M, c, P, tokenizer, root, out, seconds):
    streams = list(dev_streams(tokenizer, root, c))
    np.concatenate([ids for _, ids in streams]).tofile(f"{out}/dev_tokens.bin")
    log("tokenised", [(s["name"], s["tokens"], s["scored"]) for s, _ in streams])
    for mode, learn, dtype in (("bf16", True, jnp.bfloat16), ("f32", True, jnp.float32), ("off", False, jnp.bfloat16)):
        run = jax.jit(functools.partial(forward, M, c), static_argnames=("learn", "dtype"))
        with open(f"{out}/dev_{mode}.bin", "wb") as f:
            for s, ids in streams:
                if time.time() - START > seconds:
                    log("out of time before", mode, s["name"])
                    return
                with jax.default_matmul_precision("highest" if mode == "f32" else "default"):
                    nll, _, _ = run(P, jnp.asarray(ids, jnp.int32), learn=learn, dtype=dtype)
                np.asarray(nll, np.float32).tofile(f)
                f.flush()
                bits = lambda v: float(np.mean(v, dtype=np.float64) / math.log(2) * s["tokens"] / s["bytes"])
                s[mode] = bits(np.asarray(nll))
                log(mode, s["name"], s["scored"], f"{s[mode]:.4f} bits a byte")
                json.dump([d for d, _ in streams], open(f"{out}/dev.json", "w"), indent=1)


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--prototype", required=True)
    p.add_argument("--weights", required=True)
    p.add_argument("--golden", required=True)
    p.add_argument("--out", required=True)
    p.add_argument("--dev")
    p.add_argument("--seconds", type=float, default=440, help="start no further stream after this time")
    a = p.parse_args()
    sys.path.insert(0, a.prototype)
    import ttt_e2e as M

    meta, P = load_weights(a.weights)
    n = lambda key: int(meta[key])
    c = M.Cfg(n_layer=n("layers"), d=n("width"), n_head=n("heads"), n_kv=n("kv_heads"), hd=n("head_width"),
              ff=n("mlp_width"), vocab=n("vocabulary"), theta=float(meta["rope_theta"]), eps=float(meta["norm_epsilon"]),
              n_fast=n("fast_layers"), fast_ff=n("fast_width"), b=n("minibatch_tokens"), k=n("window_tokens"))
    tokenizer = Tokenizer.from_file(f"{a.prototype}/tok.json")
    log("jax", jax.__version__, jax.devices())
    record_tokenizer(tokenizer, a.golden, a.out)
    record_stream(M, c, P, tokenizer, a.golden, a.out)
    if a.dev:
        record_dev(M, c, P, tokenizer, a.dev, a.out, a.seconds)


if __name__ == "__main__":
    main()
