"""Records what the training code itself answers, for the engine's tests, as ../record_golden.py does from PyTorch:

    python3 -m reader.golden --weights FILE.safetensors --tokens IDS.u16 --out stream_jax.json

In float32 at the highest matrix precision, where training computes in bfloat16. Fields: tests/model/golden/README.md.
"""

import argparse
import pathlib
import sys

import jax
import jax.numpy as jnp
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import golden_checks  # noqa: E402

from . import net, weights  # noqa: E402


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
    ids = golden_checks.first_tokens(a.tokens, c.minibatch)
    ones = jnp.ones((1, len(ids) - 1), jnp.float32)
    read = lambda learn: net.read(c, params, jnp.asarray(ids, jnp.int32)[None], ones, None, learn, "blocks")
    nats, _, norms, delta = read(True)
    frozen = read(False)[0]
    fast = [golden_checks.checks(f"blocks.{c.prefix_layers + i}.fast.{t}", params["fast"][t][i] + delta[t][0, i], delta[t][0, i])
            for i in range(c.fast_layers) for t in net.learned(c)]
    numbers = lambda x: np.asarray(x[0], np.float64).tolist()
    golden_checks.write(a.out, "JAX, float32", ids, c.minibatch, numbers(nats), numbers(frozen), numbers(norms), fast)


if __name__ == "__main__":
    main()
