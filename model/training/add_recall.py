#!/usr/bin/env python3
"""Give a weight file recall (model/recall.h), or take it away.

    add_recall.py IN.safetensors OUT.safetensors --slots-log2 N [--gate GATE]
    add_recall.py IN.safetensors OUT.safetensors --slots-log2 0

N is the size of each source's memory: 8 << N bytes. GATE is what `silt-eval fit-recall` wrote; without it the
gate begins with the program's own values. Recall that IN already has is replaced. Standard library only. To fit
a gate on streams of the training data that the net has not seen, two processor cores, a few minutes:

    add_recall.py NET.safetensors UNFITTED.safetensors --slots-log2 17
    silt-eval fit-recall --weights UNFITTED.safetensors --limit-tokens 20000 --threads 2 --out GATE STREAM...
    add_recall.py NET.safetensors OUT.safetensors --slots-log2 17 --gate GATE
"""
import argparse
import json
import os
import struct

import weight_file

SLOTS, GATE = "recall_slots_log2", "recall.gate"


def write(path, metadata, tensors):
    """Tensors in the order given, which has to align each: (name, dtype, shape, bytes)."""
    header, offset = {"__metadata__": metadata}, 0
    for name, dtype, shape, raw in tensors:
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [offset, offset + len(raw)]}
        offset += len(raw)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path + ".new", "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for _, _, _, raw in tensors:
            f.write(raw)
    os.replace(path + ".new", path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weights")
    parser.add_argument("out")
    parser.add_argument("--slots-log2", type=int, required=True)
    parser.add_argument("--gate")
    arguments = parser.parse_args()
    metadata, found = weight_file.read(arguments.weights)
    metadata.pop(SLOTS, None)
    found.pop(GATE, None)
    tensors = [(name, *tensor) for name, tensor in found.items()]
    if arguments.slots_log2 > 0:
        metadata[SLOTS] = str(arguments.slots_log2)
    if arguments.slots_log2 > 0 and arguments.gate:
        with open(arguments.gate, "rb") as f:
            gate = f.read()
        tensors.insert(0, (GATE, "F32", [len(gate) // 4], gate))  # in front every type stays aligned
    write(arguments.out, metadata, tensors)


if __name__ == "__main__":
    main()
