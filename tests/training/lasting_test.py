"""What lasting.py does around the net: cutting into pieces, carrying, comparing, ranking. The net is a stand-in here, and so
is JAX, which need not be installed: arrays are numpy's."""

import json
import pathlib
import sys
import tempfile
import types
import unittest
import unittest.mock

import paths  # noqa: F401  (puts model/training on the path)

try:
    import numpy as np
except ImportError:
    np = None


def stand_ins():
    """JAX, and what it would be needed for, by name."""
    jax, numpy = types.ModuleType("jax"), types.ModuleType("jax.numpy")
    for name in ("zeros", "ones", "asarray", "float32"):
        setattr(numpy, name, getattr(np, name))
    numpy.bfloat16 = np.float32
    jax.numpy, jax.lax, jax.jit = numpy, types.ModuleType("jax.lax"), lambda f: f
    return {"jax": jax, "jax.numpy": numpy, "jax.lax": jax.lax, "mixers": types.ModuleType("mixers")}


if np is not None:
    with unittest.mock.patch.dict(sys.modules, stand_ins()):  # other tests see nothing of it
        from reader import config, facts, lasting, net


def read(c, params, tokens, weights, delta=None, learn=True, how="cudnn"):
    """A net whose surprise is the token itself, and whose weights count the tokens that they learned from."""
    lanes = tokens.shape[0]
    learned = np.zeros(lanes) if delta is None else delta["gate"].reshape(lanes)
    learned = learned + weights.sum(1) if learn else learned
    return tokens[:, 1:].astype(float), None, None, {t: learned.reshape(lanes, 1, 1, 1) for t in net.FAST}


@unittest.skipIf(np is None, "needs numpy")
class LastingTest(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        net.read = read
        self.params = {"fast": {t: np.zeros((1, 1, 1), np.float32) for t in net.FAST}}
        self.reading = lasting.Reading(config.Config(), self.params, "none")

    def archive(self, **streams):
        path = self.folder / "streams.npz"
        ones = lambda count: np.ones(count, np.uint8)
        np.savez(path, **{f"{name}.ids": np.arange(count, dtype=np.uint16) for name, count in streams.items()},
                 **{f"{name}.bytes": ones(count) for name, count in streams.items()})
        return path

    def test_pieces_cover_every_token_once(self):
        tokens, counts = lasting.side_by_side([np.arange(50000), np.arange(40001) + 7])
        nll, delta = self.reading.read(tokens, counts)
        np.testing.assert_array_equal(nll[0], np.arange(1, 50000))
        np.testing.assert_array_equal(nll[1], np.concatenate([np.arange(8, 40008), np.zeros(9999)]))
        self.assertEqual(delta["gate"].ravel().tolist(), [49999, 40000])

    def test_context_is_neither_scored_nor_learned(self):
        nll, delta = self.reading.read(np.arange(3001)[None], context=1000)
        np.testing.assert_array_equal(nll[0], np.arange(1001, 3001))
        self.assertEqual(delta["gate"].ravel().tolist(), [2000])

    def test_every_changed_state_is_scored_on_the_same_tokens(self):
        table = lasting.losses(self.reading, self.archive(home=60000, away=3000), "away")
        self.assertEqual(table["cuts"], [("home", 24576), ("home", 49152)])
        for what in ("as it is", "without its window", "after the foreign text", "unlearned, without a window"):
            for (_, at), row in zip(table["cuts"], table[what]):
                self.assertEqual(row, [float(np.arange(at + 1, at + 1 + n).sum()) for n in lasting.AFTER], what)
        self.assertEqual(lasting.summary(table)["without its window"]["pooled"], [0, 0, 0])

    def test_tenths(self):
        (tenths,) = lasting.by_tenths(self.reading, self.archive(home=1001)).values()
        self.assertEqual(len(tenths), 10)
        self.assertAlmostEqual(tenths[0], np.arange(1, 101).sum() / np.log(2) / 100, 3)

    def test_facts_are_ranked_among_their_values(self):
        questions = [("w1", 0, 1, [5, 9, 3]), ("w1", 1000, 2, [1, 2, 3]), ("w2", 0, 5, [8, 1, 2])]
        with open(self.folder / "eval_closed.jsonl", "w") as file:
            for world, distance, seen, values in questions:
                answer, *decoys = (chr(value) for value in values)
                file.write(json.dumps({"world": world, "source": "s", "line_count": 1, "prompt": "ask", "answer": answer, "decoys": decoys,
                                       "distance": distance, "seen": seen}) + "\n")
        for world in ("w1", "w2"):
            (self.folder / "closed" / world).mkdir(parents=True)
            (self.folder / "closed" / world / "s").write_text("told\nnot read\n")
        facts.split(self.folder, self.folder, 2)
        for name in ("logs", "segments"):  # as if each byte were a token
            text = (self.folder / name).with_suffix(".txt").read_bytes()
            np.frombuffer(text, np.uint8).astype(np.uint16).tofile(self.folder / f"{name}.u16")
        facts.join(self.folder / "facts.json", self.folder, self.folder / "facts.npz")
        file = lasting.load_facts(self.folder / "facts.npz")
        self.assertEqual(bytes(file["log", 1].astype(np.uint8)), b"told\n")
        self.assertEqual(lasting.ranks(self.reading, self.params, file, [0, 1, 2], np.arange(512)), [2, 1, 3])
        table = {(row["way"], row["distance"], row["seen"]): row["first"] for row in lasting.facts(self.reading, self.folder / "facts.npz")}
        self.assertEqual(table["learned", 1000, 2], 1)
        self.assertEqual(table["reset", 0, 5], 0)
        self.assertNotIn(("learned, with its window", 1000, 2), table)


if __name__ == "__main__":
    unittest.main()
