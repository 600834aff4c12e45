#!/usr/bin/env python3
"""Record what nets of TTT layers answer, for the engine's tests to compare with.

    record_golden_mixers.py OUT.json [--numpy]
    record_golden_mixers.py --weights FILE.safetensors --ids FILE.u16 --nll-out FILE.f32

The first form invents one small net of each kind, by a formula that the tests repeat, and records surprise with and
without learning and check values of the final states: from mixers.py in JAX, in float32 at "highest" matrix
precision, or with --numpy from tests/training/mixers_numpy.py in float64. The second runs a trained weight file over
uint16 token ids with learning, in JAX float32, and writes the float32 surprise of all ids but the first.
"""
import argparse
import json
import pathlib
import sys
import types

import numpy as np

import mixer_tensors
import weight_file

STEPS = 4  # mini-batches of the engine, of 32 tokens
SAMPLES = 16
CONFIG = types.SimpleNamespace(n_layer=2, d=32, n_head=2, hd=16, ff=64, vocab=64, theta=10000.0, eps=1e-5)


def described(cfg, kind):
    """Every tensor of a net: name, shape, mean and deviation of its values."""
    heads, f, w = cfg.n_head, cfg.hd, cfg.n_head * cfg.hd
    hidden = f if kind == "linear" else 4 * f
    dense = lambda name, rows, cols: (name, [rows, cols], 0, rows ** -0.5)
    about = lambda name, mean, size: (name, [size], mean, 0.1)
    out = [("embedding", [cfg.vocab, cfg.d], 0, 0.5), about("final_norm", 1, cfg.d)]
    for n in range(cfg.n_layer):
        b, t = f"blocks.{n}.", f"blocks.{n}.ttt."
        out += [about(b + "ttt_norm", 1, cfg.d), about(b + "mlp_norm", 1, cfg.d)]
        out += [dense(b + "mlp.gate", cfg.d, cfg.ff), dense(b + "mlp.up", cfg.d, cfg.ff),
                dense(b + "mlp.down", cfg.ff, cfg.d)]
        out += [dense(t + name, cfg.d, w) for name in ("q", "k", "v")] + [dense(t + "o", w, cfg.d)]
        out += [dense(t + "lr_weight", cfg.d, heads), about(t + "lr_bias", 0, heads)]
        out += [about(t + "position_scale", 0, 16), about(t + "ln_scale", 1, w), about(t + "ln_shift", 0, w)]
        out += [about(t + "post_norm_scale", 1, w), about(t + "post_norm_shift", 0, w)]
        out += [(t + "w1", [heads * f, hidden], 0, f ** -0.5), about(t + "c1", 0, heads * hidden)]
        if kind == "mlp":
            out += [(t + "w2", [heads * hidden, f], 0, hidden ** -0.5), about(t + "c2", 0, heads * f)]
    return [{"name": name, "shape": shape, "mean": mean, "deviation": float(f"{deviation:.6g}")}
            for name, shape, mean, deviation in out]


def uniform(name, size):
    """`size` numbers in [-1, 1): a linear congruential generator seeded with the FNV-1a hash of the name."""
    state = 0x811C9DC5
    for byte in name.encode():
        state = (state ^ byte) * 0x01000193 & 0xFFFFFFFF
    out = np.empty(size)
    for i in range(size):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        out[i] = (state >> 8) / 2 ** 23 - 1
    return out


def invented(tensor):
    """float32 values with the tensor's mean and deviation; matrices rounded to bfloat16 as in a weight file."""
    values = tensor["mean"] + tensor["deviation"] * 3 ** 0.5 * uniform(tensor["name"], int(np.prod(tensor["shape"])))
    values = values.astype(np.float32)
    if len(tensor["shape"]) == 2:
        bits = values.view(np.uint32)
        values = ((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000).astype(np.uint32).view(np.float32)
    return values.reshape(tensor["shape"])


def invented_tokens(vocabulary, count):
    """Lines of seven tokens, of which one varies."""
    line = (uniform("line", 7) * vocabulary / 2 + vocabulary / 2).astype(int)
    varying = (uniform("field", count) * vocabulary / 2 + vocabulary / 2).astype(int)
    return [int(varying[i] if i % 7 == 3 else line[i % 7]) for i in range(count)]


def load_weights(path):
    """Configuration, kind and tensors of a weight file."""
    meta, found = weight_file.read(path)
    tensors = {name: weight_file.values(found, name) for name, (dtype, _, _) in found.items() if dtype in ("F32", "BF16", "I8")}
    number = lambda key: int(meta[key])
    cfg = types.SimpleNamespace(n_layer=number("layers"), d=number("width"), n_head=number("heads"),
                                hd=number("head_width"), ff=number("mlp_width"), vocab=number("vocabulary"),
                                theta=float(meta["rope_theta"]), eps=float(meta["norm_epsilon"]))
    return cfg, {mixer: kind for kind, mixer in mixer_tensors.MIXER.items()}[meta["mixer"]], tensors


def run_jax(cfg, kind, params, tokens, learn):
    import jax
    import jax.numpy as jnp

    import mixers

    run = jax.jit(lambda p, t: mixers.net_nll(cfg, kind, p, t, learn=learn, dtype=jnp.float32))
    with jax.default_matmul_precision("highest"):
        nll, state = run(jax.tree.map(jnp.asarray, params), jnp.asarray(tokens, jnp.int32))
    return np.asarray(nll), [np.asarray(part) for part in state]


def run_numpy(cfg, kind, params, tokens, learn):
    sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "tests" / "training"))
    import mixers_numpy

    pick = lambda tree, n: {k: pick(v, n) if isinstance(v, dict) else v[n] for k, v in tree.items()}
    net = params | {"blocks": [pick(params["blocks"], n) for n in range(cfg.n_layer)]}
    nll, states = mixers_numpy.net_nll(cfg, kind, mixers_numpy.cast(net, np.float64), np.asarray(tokens), learn)
    return nll, [np.stack(part) for part in zip(*states)]


def number(value):
    return float(f"{float(value):.9g}")


def record(cfg, kind, run):
    tensors = described(cfg, kind)
    params = mixer_tensors.parameters(cfg, kind, {t["name"]: invented(t) for t in tensors})
    tokens = invented_tokens(cfg.vocab, 32 * STEPS + 1)
    learning, state = run(cfg, kind, params, tokens, True)
    frozen, _ = run(cfg, kind, params, tokens, False)
    checks = []
    for name, values in zip(mixer_tensors.STATE[kind], state):
        for n in range(cfg.n_layer):
            flat = values[n].ravel()
            initial = params["blocks"]["ttt"][name][n].ravel()
            change = flat.astype(np.float64) - initial
            stride = max(1, flat.size // SAMPLES)
            checks.append({"name": f"blocks.{n}.ttt.{name}", "change_sum_of_squares": number(np.sum(change * change)),
                           "stride": stride, "samples": [number(v) for v in flat[::stride][:SAMPLES]]})
    print(kind, "nats a token", number(learning.mean()), "not learning", number(frozen.mean()))
    return {"mixer": mixer_tensors.MIXER[kind], "layers": cfg.n_layer, "width": cfg.d, "heads": cfg.n_head,
            "head_width": cfg.hd, "mlp_width": cfg.ff, "vocabulary": cfg.vocab, "rope_theta": cfg.theta,
            "norm_epsilon": cfg.eps, "tensors": tensors, "tokens": tokens,
            "learning_nats": [number(v) for v in learning], "frozen_nats": [number(v) for v in frozen],
            "state": checks}


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("out", nargs="?")
    p.add_argument("--numpy", action="store_true", help="record from the transcription in numpy")
    p.add_argument("--weights")
    p.add_argument("--ids")
    p.add_argument("--nll-out")
    a = p.parse_args()
    if a.weights:
        cfg, kind, tensors = load_weights(a.weights)
        ids = np.fromfile(a.ids, "<u2")
        ids = ids[:(ids.size - 1) // 16 * 16 + 1]
        nll, _ = run_jax(cfg, kind, mixer_tensors.parameters(cfg, kind, tensors), ids, True)
        nll.astype("<f4").tofile(a.nll_out)
        print(ids.size - 1, "tokens, nats a token", number(nll.mean()))
        return
    nets = [record(CONFIG, kind, run_numpy if a.numpy else run_jax) for kind in ("linear", "mlp")]
    with open(a.out, "w") as f:
        json.dump({"recorded_from": "numpy float64" if a.numpy else "jax float32", "nets": nets}, f, indent=None)
        f.write("\n")


if __name__ == "__main__":
    main()
