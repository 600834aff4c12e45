"""Makes a silt weight file of trained parameters:

    python3 -m reader.export --tokenizer TOKENIZER.json --pretokenizer NAME --out FILE.safetensors [--weights DIR/NAME] [--int8]
        [--metadata KEY=VALUE]...

TOKENIZER may be another weight file, whose tokenizer is taken over. Without --weights the net is empty: a carrier of the
tokenizer, for silt-tokenize. --metadata adds what was measured of the net, such as planner_languages="es fr"
(docs/plan-grammar.md). Layout: model/weights_file.h.
"""

import argparse
import json
import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import mixer_tensors  # noqa: E402
import weight_file  # noqa: E402

from . import config, store  # noqa: E402

METADATA = {
    "format": "silt-1",
    "architecture": "silt-reader: see model/net.h",
    "tokenizer": "byte-bpe", "start_token": "0", "licence": "Apache-2.0",
    "data": "public logs, tickets and documents under Apache-2.0, MIT, MPL-2.0 or BSD licences; documentation of Debian "
            "packages under their own free licences; generated worlds. Listed in docs/model.md",
    "provenance": "trained from scratch by silt; no other model's weights or outputs were used",
}
BLOCK = {"attention_norm": "attention_norm", "q": "attention.q", "k": "attention.k", "v": "attention.v", "o": "attention.o",
         "mlp_norm": "mlp_norm", "gate": "mlp.gate", "up": "mlp.up", "down": "mlp.down"}
FAST = ("gate", "up", "down")
EMPTY = config.Config(layers=2, fast_layers=1, width=64, heads=1, head_width=64, mlp_width=64, fast_width=64, window=128)


OBJECTIVE = {
    "ttt-e2e": "mean next-token loss, each mini-batch scored before the inner step that learns from it, exact second-order outer "
               "gradient",
    "ttt-linear": "mean next-token loss", "ttt-mlp": "mean next-token loss",
}


def training_metadata(folder, name):
    """What people want to know of the training, of all its runs: those that it went on from come first.

    A run goes on from another one of the same folder, or from what a weight file says of itself (notes["before"])."""
    notes = json.loads((pathlib.Path(folder) / f"{name}.json").read_text())
    start = notes["run"].get("start")
    before = notes.get("before") or (training_metadata(folder, start.rsplit("/", 1)[1]) if start else {})
    own = {"training_steps": notes["steps"], "training_tokens": notes["tokens"], "training_seconds": round(notes["seconds"]),
           "training_seed": notes["run"]["seed"]}
    joined = {key: ", then ".join([before[key], str(value)] if key in before else [str(value)]) for key, value in own.items()}
    return {**joined, "training_hardware": notes["hardware"], "training_objective": OBJECTIVE[notes["config"]["mixer"]]}


def read_tokenizer(path):
    """(what write_safetensors takes as tokenizer, vocabulary) of a tokenizer.json or of a weight file."""
    if path.endswith(".safetensors"):
        metadata, tensors = weight_file.read(path)
        return tensors, int(metadata["vocabulary"])
    tokenizer = json.loads(pathlib.Path(path).read_text())
    return tokenizer, len(tokenizer["model"]["vocab"])


def reader_tensors(c, params):
    """Tensor name -> array, of a ttt-e2e net."""
    out = {"embedding": params["embedding"], "final_norm": params["final_norm"]}
    for n in range(c.layers):
        for ours, theirs in BLOCK.items():
            out[f"blocks.{n}.{theirs}"] = params["blocks"][ours][n]
    for i in range(c.fast_layers):
        block = f"blocks.{c.prefix_layers + i}."
        out[block + "fast_norm"] = params["fast_norm"][i]
        for t in FAST:
            out[block + "fast." + t] = params["fast"][t][i]
        rates = lambda name: np.concatenate([np.atleast_1d(v[i]) for t in FAST if (v := params["inner"][name].get(t)) is not None])
        out[block + "fast.step"] = np.exp(rates("log_step"))
        out[block + "fast.decay"] = 1 / (1 + np.exp(-rates("decay")))
    return out


def layer_tensors(c, params):
    """Tensor name -> array, of a net of TTT layers; by the names of ../mixers.py."""
    blocks = params["blocks"]
    renamed = {"ln1": blocks["attention_norm"], "ln2": blocks["mlp_norm"], "gate": blocks["gate"], "up": blocks["up"],
               "down": blocks["down"], "ttt": blocks["mixer"]}
    net = {"embed": params["embedding"], "lnf": params["final_norm"], "blocks": renamed}
    return mixer_tensors.tensors(config.ttt_config(c), config.ttt_kind(c), net)


def empty(c):
    shapes = {"q": (64, 64), "k": (64, 64), "v": (64, 64), "o": (64, 64), "gate": (64, 64), "up": (64, 64), "down": (64, 64),
              "attention_norm": (64,), "mlp_norm": (64,)}
    fast = {t: np.zeros((1, 64, 64)) for t in FAST}
    scalar = {t: np.zeros(1) for t in FAST}
    return {"embedding": np.zeros((c.vocabulary, 64)), "final_norm": np.ones(64), "fast_norm": np.ones((1, 64)), "fast": fast,
            "blocks": {name: np.ones((c.layers, *shape)) for name, shape in shapes.items()},
            "inner": {"log_step": scalar, "decay": scalar}}


def shape_metadata(c):
    if c.mixer != "ttt-e2e":
        return mixer_tensors.metadata(config.ttt_config(c), config.ttt_kind(c))
    learns = {"fast_learns": "down"} if c.learns == "down" else {}
    return {**learns, "mixer": c.mixer, "rule": c.rule, "layers": c.layers, "fast_layers": c.fast_layers, "width": c.width, "heads": c.heads,
            "kv_heads": c.heads, "head_width": c.head_width, "mlp_width": c.mlp_width, "fast_width": c.fast_width,
            "vocabulary": c.vocabulary, "minibatch_tokens": c.minibatch, "window_tokens": c.window,
            "rope_theta": f"{c.rope_theta:g}", "norm_epsilon": f"{c.epsilon:g}", "clip_norm": f"{c.clip:g}"}


def with_measured(made, arguments):
    """The metadata with what KEY=VALUE arguments add; what the export says itself is not theirs to change."""
    out = dict(made)
    for argument in arguments:
        key, found, value = argument.partition("=")
        if not (key and found) or key in out:
            raise ValueError(f"--metadata {argument}: no KEY=VALUE, or the file has that key already")
        out[key] = value
    return out


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--tokenizer", required=True)
    p.add_argument("--pretokenizer", required=True)
    p.add_argument("--out", required=True)
    p.add_argument("--weights")
    p.add_argument("--int8", action="store_true")
    p.add_argument("--metadata", action="append", default=[], metavar="KEY=VALUE")
    a = p.parse_args()
    tokenizer, vocabulary = read_tokenizer(a.tokenizer)
    notes = {}
    if a.weights:
        params, saved = store.load(*a.weights.rsplit("/", 1))
        c = config.Config(**saved["config"])
        notes = training_metadata(*a.weights.rsplit("/", 1))
    else:
        c = EMPTY.with_(vocabulary=vocabulary)
        params = empty(c)
    tensors = (reader_tensors if c.mixer == "ttt-e2e" else layer_tensors)(c, params)
    made = {**METADATA, **notes, **shape_metadata(c), "pretokenizer": a.pretokenizer}
    metadata = with_measured(made, a.metadata)
    size = weight_file.write_safetensors(a.out, metadata, {name: np.asarray(v) for name, v in tensors.items()}, a.int8, tokenizer)
    print(f"{a.out}: {size:,} bytes, {len(tensors)} tensors")


if __name__ == "__main__":
    main()
