"""Parameters in files: bfloat16 in pieces of a limited size with an index, as they travel from the GPU machine."""

import json
import pathlib

import numpy as np

PIECE_BYTES = 15 << 20


def flatten(tree, prefix=""):
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from flatten(value, prefix + name + "/")
        else:
            yield prefix + name, np.asarray(value, np.float32)


def to_bf16(values):
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype(np.uint16)


def from_bf16(bits):
    return (bits.astype(np.uint32) << 16).view(np.float32)


def save(folder, name, params, notes):
    """NAME.json and NAME.0, NAME.1, ...: small tensors (under 4096 values) in float32, the rest in bfloat16."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    blob, index = bytearray(), []
    for key, value in flatten(params):
        small = value.size < 4096
        index.append([key, list(value.shape), "f32" if small else "bf16", len(blob)])
        blob += value.tobytes() if small else to_bf16(value).tobytes()
    for i in range(0, len(blob), PIECE_BYTES):
        (folder / f"{name}.{i // PIECE_BYTES}").write_bytes(blob[i:i + PIECE_BYTES])
    (folder / f"{name}.json").write_text(json.dumps({"tensors": index, "bytes": len(blob), **notes}))


def load(folder, name):
    """(params as nested dicts of float32 arrays, notes)."""
    folder = pathlib.Path(folder)
    notes = json.loads((folder / f"{name}.json").read_text())
    pieces = (notes["bytes"] + PIECE_BYTES - 1) // PIECE_BYTES
    blob = b"".join((folder / f"{name}.{i}").read_bytes() for i in range(pieces))
    params = {}
    for key, shape, kind, at in notes.pop("tensors"):
        count = int(np.prod(shape))
        raw = np.frombuffer(blob, np.float32 if kind == "f32" else np.uint16, count, at)
        *path, leaf = key.split("/")
        node = params
        for part in path:
            node = node.setdefault(part, {})
        node[leaf] = (raw if kind == "f32" else from_bf16(raw)).reshape(shape).copy()
    return params, notes
