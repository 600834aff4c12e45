"""Episodes (skills/episodes.py) as token files with a role for each token, in two steps around silt-tokenize:

    python3 -m reader.episodes split FILE.jsonl FOLDER [COUNT]    -> FOLDER/NAME.txt, NAME.ends, NAME.segments
    silt-tokenize WEIGHTS OUT FOLDER/NAME.txt                     -> OUT/NAME.u16, NAME.ends (of segments)
    python3 -m reader.episodes join FOLDER/NAME.segments OUT/NAME -> NAME.roles, NAME.skills; NAME.ends becomes those of episodes

Segments are tokenised one by one, as the engine does: a prompt is encoded apart from what is generated after it.
"""

import json
import pathlib
import sys

import numpy as np

ROLES = {"stream": 0, "ask": 1, "answer": 2}


def split(source, folder, count):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    name = folder / pathlib.Path(source).stem
    size = 0
    with open(source) as lines, open(name.with_suffix(".txt"), "wb") as text, open(name.with_suffix(".ends"), "w") as ends, \
            open(name.with_suffix(".segments"), "w") as segments:
        for _, line in zip(range(count), lines):
            episode = json.loads(line)
            parts = episode["segments"]
            for part, role in parts:
                data = part.encode()
                size += len(data)
                text.write(data)
                ends.write(f"{size}\n")
            segments.write(" ".join([episode["skill"], *(str(ROLES[role]) for _, role in parts)]) + "\n")


def join(segments, base):
    base = pathlib.Path(base)
    ends = np.loadtxt(base.with_suffix(".ends"), np.int64, ndmin=1)
    sizes = np.diff(np.concatenate([[0], ends]))
    lines = [line.split() for line in pathlib.Path(segments).read_text().splitlines()]
    episodes = [[int(role) for role in line[1:]] for line in lines]
    base.with_suffix(".skills").write_text("\n".join(line[0] for line in lines) + "\n")
    roles = np.array([role for episode in episodes for role in episode], np.uint8)
    assert roles.size == sizes.size, "segments and token file are not of one run"
    np.repeat(roles, sizes).tofile(base.with_suffix(".roles"))
    last = np.cumsum([len(episode) for episode in episodes]) - 1
    np.savetxt(base.with_suffix(".ends"), ends[last], "%d")
    print(len(episodes), "episodes", ends[-1], "tokens; by role", np.bincount(roles, sizes, 3).astype(int).tolist())


if __name__ == "__main__":
    if sys.argv[1] == "split":
        split(sys.argv[2], sys.argv[3], int(sys.argv[4]) if len(sys.argv) > 4 else 1 << 60)
    else:
        join(sys.argv[2], sys.argv[3])
