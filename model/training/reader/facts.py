"""Questions about facts that were read (skills/evaluation.py: eval_closed.jsonl) as one archive for lasting.py, in two
steps around silt-tokenize:

    python3 -m reader.facts split FOLDER OUT LOGS       -> OUT/logs.txt, OUT/segments.txt, their .ends, OUT/facts.json
    silt-tokenize WEIGHTS TOKENS OUT/logs.txt OUT/segments.txt
    python3 -m reader.facts join OUT/facts.json TOKENS FACTS.npz

LOGS is how many logs are used. Prompt and values are tokenised apart, as the engine does.
"""

import json
import pathlib
import sys

import numpy as np

from . import data


def write(path, texts):
    """Texts, one behind the other, and where each ends."""
    parts = [text.encode() for text in texts]
    path.with_suffix(".txt").write_bytes(b"".join(parts))
    path.with_suffix(".ends").write_text("".join(f"{end}\n" for end in np.cumsum([len(part) for part in parts])))


def split(folder, out, logs):
    folder, out = pathlib.Path(folder), pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    names, items, segments = [], [], []
    for line in (folder / "eval_closed.jsonl").read_text().splitlines():
        item = json.loads(line)
        name = (item["world"], item["source"], item["line_count"])
        if name not in names:
            if len(names) == logs:
                break
            names.append(name)
        values = [item["answer"] + "\n", *(decoy + "\n" for decoy in item["decoys"])]
        items.append([names.index(name), item["distance"], item["seen"], len(values)])
        segments += [item["prompt"], *values]
    texts = ((folder / "closed" / str(world) / source).read_text().split("\n")[:count] for world, source, count in names)
    write(out / "logs", ("\n".join(lines) + "\n" for lines in texts))
    write(out / "segments", segments)
    (out / "facts.json").write_text(json.dumps(items))
    print(len(names), "logs", len(items), "questions")


def join(facts, tokens, archive):
    items = np.array(json.loads(pathlib.Path(facts).read_text()))
    (log, _, log_ends), (segment, _, segment_ends) = (data.joined([pathlib.Path(tokens) / f"{name}.u16"]) for name in ("logs", "segments"))
    assert len(segment_ends) == items[:, 3].sum() + len(items), "facts and token files are not of one run"
    np.savez_compressed(archive, item=items[:, :3], candidates=items[:, 3], log=log, log_ends=log_ends, segment=segment,
                        segment_ends=segment_ends)


if __name__ == "__main__":
    if sys.argv[1] == "split":
        split(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    else:
        join(*sys.argv[2:5])
