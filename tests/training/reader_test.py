"""The parts of the trainer that need no GPU: data lanes, parameter files, token files of episodes, export."""

import pathlib
import json
import tempfile
import unittest

import paths  # noqa: F401  (puts model/training on the path)

try:
    import numpy as np
except ImportError:
    np = None

if np is not None:
    from reader import config, data, episodes, export, store, streams


def write_group(folder, name, documents):
    ids = np.concatenate([np.array(document, np.uint16) for document in documents])
    ids.tofile(folder / f"{name}.u16")
    ends = np.cumsum([len(document) for document in documents])
    (folder / f"{name}.ends").write_text("".join(f"{end}\n" for end in ends))


@unittest.skipIf(np is None, "needs numpy")
class ReaderTest(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)

    def batches(self, **options):
        # One document whose tokens count up: what follows what can be read off.
        write_group(self.folder, "worlds-000", [range(60000)])
        return data.Batches(self.folder, 8, 256, 5, window=64, **options)

    def test_lanes_read_on_where_they_stopped(self):
        batches = self.batches()
        before, kept, again = batches.next()[0], 0, 0
        for _ in range(30):
            tokens, inner, outer, keep, store_state = batches.next()
            for i in range(8):
                self.assertTrue((np.diff(tokens[i]) == 1).sum() >= 254)  # at most one jump of a lane
                self.assertEqual(store_state[i], 1)
                self.assertTrue((inner[i] == outer[i]).all())
                unread = int((inner[i] == 0).sum())
                self.assertIn(unread, (0, 64))
                self.assertTrue((inner[i][:unread] == 0).all())
                if keep[i] and tokens[i][unread] == before[i][-1]:
                    kept += 1
                    again += unread > 0
            before = tokens
        self.assertGreater(kept, 8 * 30 * 0.7)
        self.assertGreater(again, kept * 0.4)
        self.assertLess(again, kept * 0.9)

    def test_without_carrying_every_sequence_starts_afresh(self):
        batches = self.batches(carry=False)
        for _ in range(5):
            self.assertEqual(batches.next()[3].sum(), 0)

    def test_episodes_are_learned_from_their_stream_alone(self):
        ids = np.arange(3000, dtype=np.uint16)
        ids.tofile(self.folder / "episodes.u16")
        np.repeat(np.array([0, 1, 2] * 10, np.uint8), 100).tofile(self.folder / "episodes.roles")
        (self.folder / "episodes.ends").write_text("".join(f"{end}\n" for end in range(300, 3001, 300)))
        batches = self.batches(episodes="episodes", episode_share=1.0, answer_weight=3.0)
        tokens, inner, outer, _, store_state = batches.next()
        self.assertEqual(store_state.sum(), 0)
        role = tokens[:, 1:] // 100 % 3
        self.assertTrue((inner == (role == 0)).all())
        self.assertTrue((outer == np.array([1, 0, 3])[role]).all())

    def test_parameters_come_back(self):
        random = np.random.default_rng(1)
        params = {"a": {"matrix": random.normal(size=(300, 70))}, "small": np.array([1 / 3, -2.5])}
        store.save(self.folder, "net", params, {"note": 7})
        loaded, notes = store.load(self.folder, "net")
        self.assertEqual(notes["note"], 7)
        np.testing.assert_array_equal(loaded["small"], params["small"].astype(np.float32))
        error = np.abs(loaded["a"]["matrix"] / params["a"]["matrix"] - 1).max()
        self.assertLessEqual(error, 2 ** -8)
        self.assertGreater(error, 2 ** -11)  # it is bfloat16

    def test_segments_get_their_roles(self):
        lines = [{"segments": [["abc", "stream"], ["de", "ask"], ["f", "answer"]], "skill": "plan"},
                 {"segments": [["gh", "ask"], ["ijk", "answer"]], "skill": "open"}]
        source = self.folder / "some.jsonl"
        source.write_text("".join(json.dumps(line) + "\n" for line in lines))
        episodes.split(source, self.folder / "out", 10)
        self.assertEqual((self.folder / "out/some.txt").read_text(), "abcdefghijk")
        # As if each byte were a token.
        np.frombuffer(b"abcdefghijk", np.uint8).astype(np.uint16).tofile(self.folder / "some.u16")
        (self.folder / "some.ends").write_text((self.folder / "out/some.ends").read_text())
        episodes.join(self.folder / "out/some.segments", self.folder / "some")
        self.assertEqual((self.folder / "some.roles").read_bytes(), bytes([0, 0, 0, 1, 1, 2, 1, 1, 2, 2, 2]))
        self.assertEqual((self.folder / "some.ends").read_text().split(), ["6", "11"])
        self.assertEqual((self.folder / "some.skills").read_text().split(), ["plan", "open"])

    def test_export_names_every_tensor_and_the_rule(self):
        c = config.Config(layers=3, fast_layers=1, width=8, heads=2, head_width=4, mlp_width=16, fast_width=8, vocabulary=32, window=128)
        shapes = {"q": (8, 8), "k": (8, 8), "v": (8, 8), "o": (8, 8), "gate": (8, 16), "up": (8, 16), "down": (16, 8),
                  "attention_norm": (8,), "mlp_norm": (8,)}
        ones = {t: np.ones(1) for t in export.FAST}
        params = {"embedding": np.ones((32, 8)), "final_norm": np.ones(8), "fast_norm": np.ones((1, 8)),
                  "blocks": {name: np.full((3, *shape), i + 1.0) for i, (name, shape) in enumerate(shapes.items())},
                  "fast": {t: np.ones((1, 8, 8)) for t in export.FAST},
                  "inner": {"log_step": {t: np.log(v * 0.5) for t, v in ones.items()}, "decay": {t: v * 0 for t, v in ones.items()}}}
        tensors = export.reader_tensors(c, params)
        self.assertEqual(len(tensors), 2 + 3 * 9 + 6)
        np.testing.assert_allclose(tensors["blocks.2.fast.step"], [0.5] * 3)
        np.testing.assert_allclose(tensors["blocks.2.fast.decay"], [0.5] * 3)
        self.assertEqual(tensors["blocks.1.attention.v"][0, 0], 3)
        metadata = export.shape_metadata(c)
        self.assertEqual((metadata["mixer"], metadata["minibatch_tokens"], metadata["clip_norm"]), ("ttt-e2e", 128, "1"))

    def test_pieces_are_as_long_as_their_letters(self):
        path = self.folder / "tokenizer.json"
        path.write_text(json.dumps({"model": {"vocab": {"<s>": 0, "a": 1, "\u0120the": 2}}, "added_tokens": [{"id": 0}]}))
        self.assertEqual(streams.piece_bytes(path).tolist(), [0, 1, 4])


if __name__ == "__main__":
    unittest.main()
