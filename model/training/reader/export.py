"""Makes a silt weight file of trained parameters:

    python3 -m reader.export --tokenizer TOKENIZER.json --pretokenizer NAME --out FILE.safetensors [--weights DIR/NAME] [--int8]

Without --weights the net is empty: a carrier of the tokenizer, for silt-tokenize. Layout: model/weights_file.h.
"""

import argparse
import json
import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import export_prototype as layout  # noqa: E402

from . import config, store  # noqa: E402

METADATA = {
    "format": "silt-1",
    "architecture": "silt-reader: RMSNorm, half-split rotary, sliding window, SwiGLU, tied embedding; "
                    "fast SwiGLU in parallel with the static one in the last blocks",
    "tokenizer": "byte-bpe", "start_token": "0", "licence": "Apache-2.0",
    "data": "public logs, tickets and documents under Apache-2.0, MIT, MPL-2.0 or BSD licences; documentation of Debian "
            "packages under their own free licences; generated worlds. Listed in docs/model.md",
    "provenance": "trained from scratch by silt; no other model's weights or outputs were used",
    "training_objective": "mean next-token loss, each mini-batch scored before the inner step that learns from it, "
                          "exact second-order outer gradient",
}
BLOCK = {"attention_norm": "attention_norm", "q": "attention.q", "k": "attention.k", "v": "attention.v", "o": "attention.o",
         "mlp_norm": "mlp_norm", "gate": "mlp.gate", "up": "mlp.up", "down": "mlp.down"}
EMPTY = config.Config(layers=2, fast_layers=1, width=64, heads=1, head_width=64, mlp_width=64, fast_width=64, window=128)


def quantised(values):
    """int8 rows and their float32 scales; the largest magnitude of a row maps to 127."""
    scale = np.abs(values).max(1) / 127
    scale[scale == 0] = 1
    return np.clip(np.rint(values / scale[:, None]), -127, 127).astype(np.int8), scale.astype(np.float32)


def add(out, name, values):
    values = np.asarray(values, np.float32)
    if values.ndim < 2:
        out.floats(name, values.tolist())
    elif out.int8:
        ints, scale = quantised(values)
        out.add(name, "I8", values.shape, ints.tobytes())
        out.floats(name + ".scale", scale.tolist())
    else:
        out.add(name, "BF16", values.shape, store.to_bf16(values).tobytes())


def add_reader(out, c, params):
    add(out, "embedding", params["embedding"])
    add(out, "final_norm", params["final_norm"])
    for n in range(c.layers):
        for ours, theirs in BLOCK.items():
            add(out, f"blocks.{n}.{theirs}", params["blocks"][ours][n])
    for i in range(c.fast_layers):
        block = f"blocks.{c.prefix_layers + i}."
        add(out, block + "fast_norm", params["fast_norm"][i])
        for t in layout.FAST_ORDER:
            add(out, block + "fast." + t, params["fast"][t][i])
        inner = params["inner"]
        out.floats(block + "fast.step", [float(np.exp(inner["log_step"][t][i])) for t in layout.FAST_ORDER])
        out.floats(block + "fast.decay", [float(1 / (1 + np.exp(-inner["decay"][t][i]))) for t in layout.FAST_ORDER])


def empty(c):
    shapes = {"q": (64, 64), "k": (64, 64), "v": (64, 64), "o": (64, 64), "gate": (64, 64), "up": (64, 64), "down": (64, 64),
              "attention_norm": (64,), "mlp_norm": (64,)}
    fast = {t: np.zeros((1, 64, 64)) for t in layout.FAST_ORDER}
    scalar = {t: np.zeros(1) for t in layout.FAST_ORDER}
    return {"embedding": np.zeros((c.vocabulary, 64)), "final_norm": np.ones(64), "fast_norm": np.ones((1, 64)), "fast": fast,
            "blocks": {name: np.ones((c.layers, *shape)) for name, shape in shapes.items()},
            "inner": {"log_step": scalar, "decay": scalar}}


def shape_metadata(c):
    numbers = {"layers": c.layers, "fast_layers": c.fast_layers, "width": c.width, "heads": c.heads, "kv_heads": c.heads,
               "head_width": c.head_width, "mlp_width": c.mlp_width, "fast_width": c.fast_width, "vocabulary": c.vocabulary,
               "minibatch_tokens": c.minibatch, "window_tokens": c.window, "rope_theta": c.rope_theta,
               "norm_epsilon": c.epsilon, "clip_norm": c.clip}
    return {"mixer": c.mixer, "rule": c.rule, **{name: f"{value:g}" if isinstance(value, float) else str(value)
                                                 for name, value in numbers.items()}}


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--tokenizer", required=True)
    p.add_argument("--pretokenizer", required=True)
    p.add_argument("--out", required=True)
    p.add_argument("--weights")
    p.add_argument("--int8", action="store_true")
    a = p.parse_args()
    tokenizer = json.loads(pathlib.Path(a.tokenizer).read_text())
    out, notes = layout.Output(a.int8), {}
    if a.weights:
        params, saved = store.load(*a.weights.rsplit("/", 1))
        c = config.Config(**saved["config"])
        notes = {"training_steps": str(saved["steps"]), "training_tokens": str(saved["tokens"]),
                 "training_seconds": f"{saved['seconds']:.0f}", "training_hardware": saved["hardware"],
                 "training_seed": str(saved["run"]["seed"])}
    else:
        c = EMPTY.with_(vocabulary=len(tokenizer["model"]["vocab"]))
        params = empty(c)
    add_reader(out, c, params)
    layout.add_tokenizer(tokenizer, c.vocabulary, out)
    size = out.write(a.out, {**METADATA, "pretokenizer": a.pretokenizer, **notes, **shape_metadata(c)})
    print(f"{a.out}: {size:,} bytes, {len(out.tensors)} tensors")


if __name__ == "__main__":
    main()
