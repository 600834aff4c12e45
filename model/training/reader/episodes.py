"""Episodes (skills/episodes.py) as token files with a role for each token, in two steps around silt-tokenize:

    python3 -m reader.episodes split FILE.jsonl FOLDER [COUNT]    -> FOLDER/NAME.txt, NAME.ends, NAME.segments
    silt-tokenize WEIGHTS OUT FOLDER/NAME.txt                     -> OUT/NAME.u16, NAME.ends (of segments)
    python3 -m reader.episodes join FOLDER/NAME.segments OUT/NAME -> NAME.roles, NAME.skills; NAME.ends becomes those of episodes

Long logs (skills/recall.py) get NAME.told as well: for each question the tokens, counted over the file, at which it, its
answer and what follows begin, and the token behind which its fact has been told. Segments are tokenised one by one, as the
engine does: a prompt is encoded apart from what is generated after it.
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
            after = iter(episode.get("after", ()))
            notes = (f":{next(after)}" if role == "ask" and "after" in episode else "" for _, role in parts)
            segments.write(" ".join([episode["skill"], *(f"{ROLES[role]}{note}" for (_, role), note in zip(parts, notes))]) + "\n")


def join(segments, base):
    base = pathlib.Path(base)
    ends = np.loadtxt(base.with_suffix(".ends"), np.int64, ndmin=1)
    sizes = np.diff(np.concatenate([[0], ends]))
    lines = [line.split() for line in pathlib.Path(segments).read_text().splitlines()]
    episodes = [[int(role.split(":")[0]) for role in line[1:]] for line in lines]
    base.with_suffix(".skills").write_text("\n".join(line[0] for line in lines) + "\n")
    roles = np.array([role for episode in episodes for role in episode], np.uint8)
    assert roles.size == sizes.size, "segments and token file are not of one run"
    np.repeat(roles, sizes).tofile(base.with_suffix(".roles"))
    last = np.cumsum([len(episode) for episode in episodes]) - 1
    np.savetxt(base.with_suffix(".ends"), ends[last], "%d")
    told = asked_after(lines, ends)
    if told:
        np.savetxt(base.with_suffix(".told"), told, "%d")
    print(len(episodes), "episodes", ends[-1], "tokens; by role", np.bincount(roles, sizes, 3).astype(int).tolist())


def asked_after(lines, ends):
    """Rows of NAME.told; ends: of all segments, in tokens."""
    rows, first = [], 0
    for line in lines:
        for i, role in enumerate(line[1:]):
            if ":" in role:
                at = first + i
                rows.append([ends[at - 1], ends[at], ends[at + 1], ends[first + int(role.split(":")[1])]])
        first += len(line) - 1
    return rows


if __name__ == "__main__":
    if sys.argv[1] == "split":
        split(sys.argv[2], sys.argv[3], int(sys.argv[4]) if len(sys.argv) > 4 else 1 << 60)
    else:
        join(sys.argv[2], sys.argv[3])
