"""Cuts a smaller net out of a weight file, for tools that watch every access of a GPU and are a thousand times slower.

    cut_weights.py FROM TO

The width and the kind of every part stay, so that the same kernels run on less: one head, one block before those that
learn, narrow layers, 512 tokens, a window of two mini-batches.
"""
import json
import struct
import sys

VOCABULARY = 512
BYTES_TOKENS = 257  # the start token and the bytes; every later token is one merge
KEPT_PREFIX = 1
HEADS, MLP_WIDTH, FAST_WIDTH = 1, 64, 128


def read(path):
    with open(path, "rb") as file:
        size = struct.unpack("<Q", file.read(8))[0]
        header = json.loads(file.read(size))
        data = file.read()
    metadata = header.pop("__metadata__")
    parts = {}
    for name, tensor in header.items():
        begin, end = tensor["data_offsets"]
        parts[name] = (tensor["dtype"], tensor["shape"], data[begin:end])
    return metadata, parts


def new_name(name, dropped):
    """None: its block is left out."""
    if not name.startswith("blocks."):
        return name
    _, block, rest = name.split(".", 2)
    if int(block) < KEPT_PREFIX:
        return name
    return f"blocks.{int(block) - dropped}.{rest}" if int(block) >= KEPT_PREFIX + dropped else None


def cut(parts, name, rows=None, columns=None):
    """Keeps the first of both; a vector has rows only."""
    if name not in parts:
        return
    dtype, shape, data = parts[name]
    row = len(data) // shape[0]
    rows = rows or shape[0]
    kept = row if columns is None else row // shape[1] * columns
    cut_data = b"".join(data[i * row:i * row + kept] for i in range(rows))
    parts[name] = (dtype, [rows] if len(shape) == 1 else [rows, columns or shape[1]], cut_data)


def cut_vocabulary(parts):
    offsets = struct.unpack(f"<{len(parts['tokenizer.offsets'][2]) // 4}i", parts["tokenizer.offsets"][2])
    cut(parts, "embedding", VOCABULARY)
    cut(parts, "embedding.scale", VOCABULARY)
    cut(parts, "tokenizer.offsets", VOCABULARY + 1)
    cut(parts, "tokenizer.merges", VOCABULARY - BYTES_TOKENS)
    cut(parts, "tokenizer.bytes", offsets[VOCABULARY])


def cut_blocks(parts, head_width):
    attention = HEADS * head_width
    for name in list(parts):
        part = name.split(".", 2)[-1]
        if part in ("attention.q", "attention.k", "attention.v"):
            cut(parts, name, columns=attention)
        elif part in ("mlp.gate", "mlp.up"):
            cut(parts, name, columns=MLP_WIDTH)
        elif part in ("fast.gate", "fast.up"):
            cut(parts, name, columns=FAST_WIDTH)
        elif part in ("attention.o", "attention.o.scale"):
            cut(parts, name, attention)
        elif part in ("mlp.down", "mlp.down.scale"):
            cut(parts, name, MLP_WIDTH)
        elif part in ("fast.down", "fast.down.scale", "fast.step", "fast.decay"):
            cut(parts, name, FAST_WIDTH)


def write(path, metadata, parts):
    header, at = {"__metadata__": metadata}, 0
    for name, (dtype, shape, data) in parts.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + len(data)]}
        at += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for _, _, data in parts.values():
            file.write(data)


def main():
    metadata, parts = read(sys.argv[1])
    learning = int(metadata["fast_layers"])
    dropped = int(metadata["layers"]) - learning - KEPT_PREFIX
    parts = {new_name(name, dropped): part for name, part in parts.items() if new_name(name, dropped)}
    cut_vocabulary(parts)
    cut_blocks(parts, int(metadata["head_width"]))
    metadata |= {"layers": str(learning + KEPT_PREFIX), "vocabulary": str(VOCABULARY), "heads": str(HEADS),
                 "kv_heads": str(HEADS), "mlp_width": str(MLP_WIDTH), "fast_width": str(FAST_WIDTH),
                 "window_tokens": str(2 * int(metadata["minibatch_tokens"]))}
    write(sys.argv[2], metadata, parts)


if __name__ == "__main__":
    main()
