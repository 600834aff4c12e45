"""Records what the training code itself answers, for the engine's tests, as ../record_golden.py does from PyTorch:

    python3 -m reader.golden --weights FILE.safetensors --tokens IDS.u16 --out stream_jax.json

In float32 at the highest matrix precision, where training computes in bfloat16. Fields: tests/model/golden/README.md.
"""

import argparse
import json

import jax
import jax.numpy as jnp
import numpy as np

from . import net, weights

CHUNKS, SAMPLES = 8, 64


def checks(name, values, change):
    values, change = np.asarray(values, np.float64).ravel(), np.asarray(change, np.float64).ravel()
    stride = values.size // SAMPLES
    return {"name": name, "sum": values.sum(), "sum_of_squares": (values * values).sum(), "change_sum": change.sum(),
            "change_sum_of_squares": (change * change).sum(), "stride": stride, "samples": values[:stride * SAMPLES:stride].tolist()}


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--weights", required=True)
    p.add_argument("--tokens", required=True)
    p.add_argument("--out", required=True)
    a = p.parse_args()
    jax.config.update("jax_default_matmul_precision", "highest")
    net.BF16 = jnp.float32
    c, params, _ = weights.load(a.weights)
    params = jax.tree.map(jnp.asarray, params)
    ids = np.fromfile(a.tokens, np.uint16)[:CHUNKS * c.minibatch + 1].astype(np.int32)
    ones = jnp.ones((1, len(ids) - 1), jnp.float32)
    read = lambda learn: net.read(c, params, jnp.asarray(ids)[None], ones, None, learn, "blocks")
    nats, _, norms, delta = read(True)
    frozen = read(False)[0]
    fast = [checks(f"blocks.{c.prefix_layers + i}.fast.{t}", params["fast"][t][i] + delta[t][0, i], delta[t][0, i])
            for i in range(c.fast_layers) for t in net.FAST]
    numbers = lambda x: np.asarray(x[0], np.float64).tolist()
    with open(a.out, "w") as file:
        json.dump({"recorded_from": "JAX, float32", "tokens": ids.tolist(), "minibatch_tokens": c.minibatch, "learning_nats": numbers(nats),
                   "frozen_nats": numbers(frozen), "gradient_norms": numbers(norms), "fast_weights": fast}, file, indent=0)
    print("nats a token", float(nats.mean()), "not learning", float(frozen.mean()))


if __name__ == "__main__":
    main()
