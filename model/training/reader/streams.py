"""Token files of streams as one archive for measure.py:  python3 -m reader.streams TOKENIZER OUT.npz FOLDER [BYTES]

TOKENIZER is a tokenizer.json or a weight file. FOLDER holds NAME.u16 of each stream, one document each (silt-tokenize).
With BYTES, only the tokens of about the first so many bytes: nets of different tokenizers are then compared on the same bytes.
"""

import json
import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import weight_file  # noqa: E402


def piece_bytes(path):
    """Bytes of each token: every letter of a piece stands for one byte; special tokens have none."""
    if str(path).endswith(".safetensors"):
        return np.array(weight_file.piece_lengths(weight_file.read(path)[1]), np.int64)
    tokenizer = json.loads(pathlib.Path(path).read_text())
    sizes = np.zeros(max(tokenizer["model"]["vocab"].values()) + 1, np.int64)
    special = {token["id"] for token in tokenizer["added_tokens"]}
    for piece, token in tokenizer["model"]["vocab"].items():
        sizes[token] = 0 if token in special else len(piece)
    return sizes


def main():
    sizes = piece_bytes(sys.argv[1])
    limit = int(sys.argv[4]) if len(sys.argv) > 4 else None
    out = {}
    for file in sorted(pathlib.Path(sys.argv[3]).glob("*.u16")):
        ids = np.fromfile(file, np.uint16)
        if limit:
            ids = ids[:int(np.searchsorted(np.cumsum(sizes[ids]), limit)) + 1]
        out[file.stem + ".ids"], out[file.stem + ".bytes"] = ids, sizes[ids].astype(np.uint8)
        print(file.stem, ids.size, "tokens", round(sizes[ids].sum() / ids.size, 3), "bytes a token")
    np.savez(sys.argv[2], **out)


if __name__ == "__main__":
    main()
