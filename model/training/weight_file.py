"""Weight files of silt, written and read: the layout, the tensor names and the metadata are those at the top of
model/weights_file.h. Standard library only, but for write_safetensors() and values(), which take and give numpy arrays.

The same tensors and metadata give the same bytes.
"""
import array
import json
import math
import os
import struct


def bf16_to_floats(data):
    bits = array.array("H", data)
    return array.array("f", struct.pack(f"<{len(bits)}I", *(b << 16 for b in bits)))


def quantise_rows(values, rows):
    """int8 bytes and float32 scales; the largest magnitude of each row maps to 127."""
    cols = len(values) // rows
    out, scales = bytearray(), array.array("f")
    for r in range(rows):
        row = values[r * cols:(r + 1) * cols]
        scales.append(max(map(abs, row)) / 127 or 1.0)
        out += struct.pack(f"{cols}b", *(max(-127, min(127, round(v / scales[r]))) for v in row))
    return bytes(out), scales


class WeightFile:
    """Tensors of one file, by name, until write()."""

    def __init__(self, int8):
        self.int8 = int8
        self.tensors = {}

    def add(self, name, dtype, shape, data):
        self.tensors[name] = (dtype, list(shape), bytes(data))

    def matrix(self, name, shape, data):
        """Row-major bfloat16 bytes; stored as they are, or as int8 with a scale a row."""
        if not self.int8:
            return self.add(name, "BF16", shape, data)
        quantised, scales = quantise_rows(bf16_to_floats(data), shape[0])
        self.add(name, "I8", shape, quantised)
        self.floats(name + ".scale", scales)

    def floats(self, name, values):
        self.add(name, "F32", [len(values)], array.array("f", values).tobytes())

    def integers(self, name, shape, values):
        self.add(name, "I32", shape, array.array("i", values).tobytes())

    def write(self, path, metadata):
        """Writes all tensors, those of the widest elements first, and returns the file's size."""
        width = {"F32": 4, "I32": 4, "BF16": 2, "I8": 1, "U8": 1}
        names = sorted(self.tensors, key=lambda n: (-width[self.tensors[n][0]], n))
        header, position = {"__metadata__": metadata}, 0
        for n in names:
            dtype, shape, data = self.tensors[n]
            assert len(data) == width[dtype] * math.prod(shape), n
            header[n] = {"dtype": dtype, "shape": shape, "data_offsets": [position, position + len(data)]}
            position += len(data)
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-(len(text) + 8) % 64)
        with open(path + ".tmp", "wb") as f:
            f.write(struct.pack("<Q", len(text)) + text)
            for n in names:
                f.write(self.tensors[n][2])
        os.replace(path + ".tmp", path)
        return 8 + len(text) + position


def read(path):
    """(metadata, {tensor name: (dtype, shape, bytes)}) of a weight file, in its order."""
    with open(path, "rb") as f:
        data = f.read()
    begin = 8 + struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:begin])
    metadata = header.pop("__metadata__")
    entries = sorted(header.items(), key=lambda item: item[1]["data_offsets"])
    cut = lambda offsets: data[begin + offsets[0]:begin + offsets[1]]
    return metadata, {name: (e["dtype"], e["shape"], cut(e["data_offsets"])) for name, e in entries}


def values(tensors, name):
    """A tensor of read() as a numpy array of float32: int8 rows with their scales, as the engine decodes them."""
    import numpy as np

    dtype, shape, raw = tensors[name]
    if dtype == "I8":
        return np.frombuffer(raw, np.int8).reshape(shape).astype(np.float32) * values(tensors, name + ".scale")[:, None]
    flat = {"BF16": bf16_to_floats, "F32": lambda data: np.frombuffer(data, np.float32)}[dtype](raw)
    return np.array(flat, np.float32).reshape(shape)


def piece_lengths(tensors):
    """Bytes of each token of the tokenizer in the tensors of read()."""
    offsets = array.array("i", tensors["tokenizer.offsets"][2])
    return [after - before for before, after in zip(offsets, offsets[1:])]


def byte_of_letter():
    """tokenizer.json writes each byte as one printable letter; this is the inverse of that table."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    rest = [b for b in range(256) if b not in printable]
    return {chr(b): b for b in printable} | {chr(256 + i): b for i, b in enumerate(rest)}


def add_tokenizer(tok, vocabulary, out):
    model, letters = tok["model"], byte_of_letter()
    special = {t["id"] for t in tok["added_tokens"]}
    pieces = [b""] * vocabulary
    for text, t in model["vocab"].items():
        if t not in special:
            pieces[t] = bytes(letters[c] for c in text)
    merges = []
    for merge in model["merges"]:
        left, right = merge if isinstance(merge, list) else merge.split(" ")
        merges += [model["vocab"][left], model["vocab"][right], model["vocab"][left + right]]
    offsets = [0]
    for piece in pieces:
        offsets.append(offsets[-1] + len(piece))
    joined = b"".join(pieces)
    out.add("tokenizer.bytes", "U8", [len(joined)], joined)
    out.integers("tokenizer.offsets", [vocabulary + 1], offsets)
    out.integers("tokenizer.merges", [len(merges) // 3, 3], merges)


def write_safetensors(path, metadata, tensors, int8=False, tokenizer=None):
    """Writes a file from arrays by tensor name, and returns its size.

    Anything that numpy.asarray takes: integers become I32; of floats, matrices become BF16, to nearest even, or
    with `int8` I8 with a scale a row, and vectors F32. `tokenizer` is a parsed tokenizer.json, or the tensors of
    read() of a file whose tokenizer is taken over. Metadata values are turned into text."""
    import numpy as np

    out = WeightFile(int8)
    for name, values in tensors.items():
        values = np.asarray(values)
        if np.issubdtype(values.dtype, np.integer):
            out.integers(name, values.shape, values.ravel().tolist())
            continue
        values = np.ascontiguousarray(values, "<f4")
        assert np.all(np.isfinite(values)), name
        if values.ndim == 1:
            out.floats(name, values)
        else:
            bits = values.view("<u4")
            out.matrix(name, values.shape, ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype("<u2").tobytes())
    if tokenizer is not None and "tokenizer.bytes" in tokenizer:
        for name in ("tokenizer.bytes", "tokenizer.offsets", "tokenizer.merges"):
            out.add(name, *tokenizer[name])
    elif tokenizer is not None:
        add_tokenizer(tokenizer, int(metadata["vocabulary"]), out)
    return out.write(path, {key: str(value) for key, value in metadata.items()})
