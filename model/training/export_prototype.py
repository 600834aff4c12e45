#!/usr/bin/env python3
"""Turn the JAX prototype's weights and tokenizer into one silt weight file.

    export_prototype.py INDEX.json W0.bin W1.bin W2.bin TOK.json OUT.safetensors [--int8]

Standard library only. The layout, the tensor names and the metadata are those at the top of
model/weights_file.h. Matrices keep the prototype's bfloat16 bits, or with --int8 become int8 with one
scale a row; norms, steps and decays become float32. The output depends on the inputs alone.
"""
import argparse
import json
import math
import sys

from weight_file import WeightFile, add_tokenizer, bf16_to_floats

METADATA = {
    "format": "silt-1",
    "architecture": "silt-reader: RMSNorm, half-split rotary, sliding window, SwiGLU, tied embedding; "
                    "fast SwiGLU in parallel with the static one in the last blocks",
    "mixer": "ttt-e2e",
    "rule": "clipped-sgd",
    "clip_norm": "1",
    "tokenizer": "byte-bpe",
    "pretokenizer": "silt-pre-1",
    "start_token": "0",
    "training_steps": "398",
    "training_tokens": "104333312",
    "training_seconds": "450",
    "training_hardware": "one NVIDIA H200",
    "training_seed": "0",
    "training_objective": "mean next-token loss over 4,096-token streams, each mini-batch scored before the "
                          "inner step that learns from it, exact second-order outer gradient",
    "data": "public logs, tickets and documents under Apache-2.0, MIT, MPL-2.0 or BSD licences, mostly English: "
            "Kafka and web server logs, CI build logs, kernel crash consoles, Windows event JSON, 13 issue "
            "trackers, operations documents and runbooks",
    "licence": "Apache-2.0",
    "provenance": "silt prototype, trained from scratch; no other model's weights or outputs were used",
}
# Prototype name of each stacked tensor -> name within a block. Norms are the ones without a dot.
EVERY_BLOCK = {"ln1": "attention_norm", "q": "attention.q", "k": "attention.k", "v": "attention.v",
               "o": "attention.o", "ln2": "mlp_norm", "gate": "mlp.gate", "up": "mlp.up", "down": "mlp.down"}
FAST_ORDER = ("gate", "up", "down")


class Prototype:
    """Tensors of the prototype by name and layer."""

    def __init__(self, index, blob):
        self.cfg = index["cfg"]
        self.blob = blob
        self.tensors = {name: (shape, begin) for name, shape, begin in index["tensors"]}

    def layer(self, name, n):
        shape, begin = self.tensors[name]
        size = 2 * math.prod(shape[1:])
        return shape[1:], self.blob[begin + n * size:begin + (n + 1) * size]

    def whole(self, name):
        shape, begin = self.tensors[name]
        return shape, self.blob[begin:begin + 2 * math.prod(shape)]


def add_net(proto, out):
    cfg = proto.cfg
    out.matrix("embedding", *proto.whole("base/embed"))
    out.floats("final_norm", bf16_to_floats(proto.whole("base/lnf")[1]))
    for n in range(cfg["n_layer"]):
        for ours, theirs in ((f"blocks.{n}.{v}", f"base/blocks/{k}") for k, v in EVERY_BLOCK.items()):
            shape, data = proto.layer(theirs, n)
            if len(shape) == 2:
                out.matrix(ours, shape, data)
            else:
                out.floats(ours, bf16_to_floats(data))
    for i in range(cfg["n_fast"]):
        block = f"blocks.{cfg['n_layer'] - cfg['n_fast'] + i}."
        out.floats(block + "fast_norm", bf16_to_floats(proto.layer("ad/lnfast", i)[1]))
        for t in FAST_ORDER:
            out.matrix(block + "fast." + t, *proto.layer("ad/W0/" + t, i))
        logits = {kind: [bf16_to_floats(proto.layer(f"ad/inner/{kind}/{t}", i)[1])[0] for t in FAST_ORDER]
                  for kind in ("loglr", "decay")}
        out.floats(block + "fast.step", [math.exp(v) for v in logits["loglr"]])
        out.floats(block + "fast.decay", [1 / (1 + math.exp(-v)) for v in logits["decay"]])


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("index")
    p.add_argument("weights", nargs=3)
    p.add_argument("tokenizer")
    p.add_argument("output")
    p.add_argument("--int8", action="store_true", help="int8 matrices with row scales")
    a = p.parse_args()
    assert sys.byteorder == "little"
    index = json.load(open(a.index))
    proto = Prototype(index, b"".join(open(w, "rb").read() for w in a.weights))
    cfg = proto.cfg
    out = WeightFile(a.int8)
    add_net(proto, out)
    add_tokenizer(json.load(open(a.tokenizer)), cfg["vocab"], out)
    shape = {"layers": "n_layer", "fast_layers": "n_fast", "width": "d", "heads": "n_head", "kv_heads": "n_kv",
             "head_width": "hd", "mlp_width": "ff", "fast_width": "fast_ff", "vocabulary": "vocab",
             "minibatch_tokens": "b", "window_tokens": "k", "rope_theta": "theta", "norm_epsilon": "eps"}
    size = out.write(a.output, METADATA | {ours: str(cfg[theirs]) for ours, theirs in shape.items()})
    print(f"{a.output}: {size:,} bytes, {len(out.tensors)} tensors")


if __name__ == "__main__":
    main()
