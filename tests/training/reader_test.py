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
    import weight_file
    from reader import config, data, episodes, export, growing, store, streams, weights


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

    def test_episodes_may_lie_in_parts(self):
        for part, first in (("000", 0), ("001", 50)):
            np.arange(first, first + 50, dtype=np.uint16).tofile(self.folder / f"some-{part}.u16")
            np.zeros(50, np.uint8).tofile(self.folder / f"some-{part}.roles")
            (self.folder / f"some-{part}.ends").write_text("20\n50\n")
        some = data.Episodes(self.folder, "some", np.random.default_rng(0))
        self.assertEqual(sorted(some.ids[begin] for begin, _ in some.spans), [0, 20, 50, 70])
        self.assertEqual(sorted(some.sequence(100)[0]), list(range(100)))

    def long_logs(self):
        """Two logs of 3,000 tokens, 1 to 6,000, each with 20 facts told at every 150th token; question k is made of tokens from 40,000 + 10 k."""
        ids, told, roles, ends = [], [], [], []
        for log in range(2):
            first, begin = 1 + 3000 * log, len(ids)
            ids += range(first, first + 3000)
            for fact in range(20):
                at, name = len(ids), 40000 + 10 * (20 * log + fact)
                ids += [name] * 9 + [name + 1] * 3
                told.append([at, at + 9, at + 12, begin + 150 * fact + 1])
            ends.append(len(ids))
        np.array(ids, np.uint16).tofile(self.folder / "recall-000.u16")
        np.zeros(len(ids), np.uint8).tofile(self.folder / "recall-000.roles")
        (self.folder / "recall-000.ends").write_text("".join(f"{end}\n" for end in ends))
        np.savetxt(self.folder / "recall-000.told", told, "%d")

    def test_long_logs_are_asked_only_about_what_the_lane_has_read_of_them(self):
        self.long_logs()
        write_group(self.folder, "worlds-000", [range(10000, 40000)])  # a log may wait while this is read, and the state be lost
        batches = data.Batches(self.folder, 4, 640, 5, window=64, answer_weight=3.0)
        read, asked, front, far = [set() for _ in range(4)], 0, 0, 0
        for _ in range(400):
            tokens, inner, outer, keep, _ = batches.next()
            for i, row in enumerate(tokens):
                read[i] = read[i] if keep[i] else set()
                is_asked = row[1:] >= 40000
                self.assertFalse((is_asked & (inner[i] > 0)).any())
                self.assertTrue((outer[i][is_asked] == np.where(row[1:][is_asked] % 10 == 1, 3.0, 0.0)).all())
                stream = row[(row < 40000) & np.concatenate([[True], inner[i] > 0])]
                if is_asked.any():
                    asked, front = asked + 1, front + int(is_asked[0])
                    known = read[i] | (set() if is_asked[0] else set(stream.tolist()))
                    for name in set(row[1:][is_asked] // 10 * 10):
                        fact = (int(name) - 40000) // 10
                        at = 1 + 3000 * (fact // 20) + 150 * (fact % 20)
                        self.assertIn(at, known)
                        far += max(token for token in known if token < 10000) - at > 640
                read[i] |= set(stream.tolist())
        self.assertGreater(asked, 100)
        self.assertGreater(front, asked * 0.2)
        self.assertLess(front, asked * 0.8)
        self.assertGreater(far, 100)

    def test_questions_know_where_their_facts_were_told(self):
        segments = [["ab", "stream"], ["c", "stream"], ["dd", "ask"], ["e", "answer"], ["ff", "ask"], ["g", "answer"]]
        line = {"segments": segments, "skill": "recall", "after": [1, 0]}
        source = self.folder / "recall.jsonl"
        source.write_text(2 * (json.dumps(line) + "\n"))
        episodes.split(source, self.folder / "out", 10)
        (self.folder / "recall.ends").write_text((self.folder / "out/recall.ends").read_text())  # each byte a token
        episodes.join(self.folder / "out/recall.segments", self.folder / "recall")
        self.assertEqual((self.folder / "recall.told").read_text().splitlines(),
                         ["3 5 6 3", "6 8 9 2", "12 14 15 12", "15 17 18 11"])

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

    def test_a_weight_file_comes_back_as_parameters(self):
        for learns in config.LEARNS:
            with self.subTest(learns):
                self.comes_back(learns)

    def comes_back(self, learns):
        c = config.Config(layers=3, fast_layers=1, width=8, heads=2, head_width=4, mlp_width=16, fast_width=8, vocabulary=32, window=128,
                          learns=learns)
        random = np.random.default_rng(3)
        draw = lambda *shape: random.normal(size=shape).astype(np.float32)
        shapes = {"q": (8, 8), "k": (8, 8), "v": (8, 8), "o": (8, 8), "gate": (8, 16), "up": (8, 16), "down": (16, 8),
                  "attention_norm": (8,), "mlp_norm": (8,)}
        params = {"embedding": draw(32, 8), "final_norm": draw(8), "fast_norm": draw(1, 8),
                  "blocks": {name: draw(3, *shape) for name, shape in shapes.items()}, "fast": {t: draw(1, 8, 8) for t in export.FAST}}
        rates = lambda: {"down": draw(1, 8)} if learns == "down" else {t: draw(1) for t in export.FAST}
        params["inner"] = {"log_step": rates(), "decay": rates()}
        path = str(self.folder / "net.safetensors")
        tokenizer = {"model": {"vocab": {"<s>": 0, "a": 1}, "merges": []}, "added_tokens": [{"id": 0}]}
        weight_file.write_safetensors(path, export.shape_metadata(c), export.reader_tensors(c, params), True, tokenizer)
        again, loaded, _ = weights.load(path)
        self.assertEqual(again, c)
        self.assertEqual(streams.piece_bytes(path).tolist()[:3], [0, 1, 0])
        for key, value in store.flatten(params):
            got = dict(store.flatten(loaded))[key]
            np.testing.assert_allclose(got, value, atol=0.02 * np.abs(value).max() + 1e-6, err_msg=key)
        # And a file that takes over the tokenizer has the same one.
        taken, vocabulary = export.read_tokenizer(path)
        self.assertEqual(vocabulary, 32)
        weight_file.write_safetensors(path + ".2", {"vocabulary": 32}, {}, False, taken)
        self.assertEqual(weight_file.read(path + ".2")[1]["tokenizer.bytes"], taken["tokenizer.bytes"])

    def test_a_net_grows_without_predicting_differently(self):
        random = np.random.default_rng(3)
        small = config.Config(layers=3, fast_layers=1, width=8, heads=2, head_width=4, fast_width=6)
        large = small.with_(learns="down", fast_width=14)
        draw = lambda *shape: random.normal(size=shape).astype(np.float32)
        inner = {name: {t: draw(1) for t in export.FAST} for name in ("log_step", "decay", "momentum")}
        blocks = {name: draw(3, 1, 1) for name in ("q", "o", "gate", "up", "down")}
        before = {"fast": {"gate": draw(1, 8, 6), "up": draw(1, 8, 6), "down": draw(1, 6, 8)}, "inner": inner, "blocks": blocks}
        after = growing.grown(small, before, large, 1)
        x, silu = draw(5, 8), lambda v: v / (1 + np.exp(-v))
        out = lambda fast: (silu(x @ fast["gate"][0]) * (x @ fast["up"][0])) @ fast["down"][0]
        np.testing.assert_allclose(out(after["fast"]), out(before["fast"]), rtol=1e-5)
        self.assertEqual({name: list(v) for name, v in after["inner"].items()}, {name: ["down"] for name in inner})
        np.testing.assert_allclose(after["inner"]["log_step"]["down"][0, :6], np.repeat(inner["log_step"]["down"], 6))
        decay = 1 / (1 + np.exp(-after["inner"]["decay"]["down"][0, 6:].astype(float)))
        half = np.log(0.5) / np.log(decay) * small.minibatch
        np.testing.assert_allclose([half[0], half[-1]], growing.NEW_HALF_LIVES, rtol=0.01)
        with self.assertRaises(SystemExit):
            growing.grown(large, after, small, 1)

    def test_new_blocks_and_hidden_units_add_nothing_yet(self):
        random = np.random.default_rng(4)
        small = config.Config(layers=3, fast_layers=1, width=8, heads=2, head_width=4, mlp_width=5)
        large = small.with_(layers=6, mlp_width=12)
        draw = lambda *shape: random.normal(size=shape).astype(np.float32)
        shapes = {"q": (8, 8), "o": (8, 8), "gate": (8, 5), "up": (8, 5), "down": (5, 8), "mlp_norm": (8,)}
        blocks = {name: draw(3, *shape) for name, shape in shapes.items()}
        after = growing.grown(small, {"blocks": blocks, "fast": {}, "inner": {}}, large, 1)["blocks"]
        came_from = [0, 0, 0, 1, 1, 2]  # two of the three new ones behind the first prefix block; the last block has the fast weights
        x, silu = draw(5, 8), lambda v: v / (1 + np.exp(-v))
        mlp = lambda blocks, i: (silu(x @ blocks["gate"][i]) * (x @ blocks["up"][i])) @ blocks["down"][i]
        for i, old in enumerate(came_from):
            self.assertTrue((after["q"][i] == blocks["q"][old]).all())
            self.assertEqual(after["gate"][i].shape, (8, 12))
            if i in (1, 2, 4):
                self.assertFalse(after["o"][i].any() or after["down"][i].any())
            else:
                self.assertTrue((after["o"][i] == blocks["o"][old]).all())
                np.testing.assert_allclose(mlp(after, i), mlp(blocks, old), rtol=1e-5)
        with self.assertRaises(SystemExit):
            growing.grown(small, {}, small.with_(width=16), 1)

    def test_runs_add_up_to_what_a_file_says_of_its_training(self):
        run = {"steps": 3, "tokens": 70, "seconds": 2.4, "hardware": "H", "config": {"mixer": "ttt-e2e"}}
        (self.folder / "a.json").write_text(json.dumps({**run, "run": {"seed": 0, "start": "x.safetensors"}, "before": {"training_steps": "1, then 2"}}))
        (self.folder / "b.json").write_text(json.dumps({**run, "run": {"seed": 5, "start": f"{self.folder}/a"}, "before": None}))
        metadata = export.training_metadata(self.folder, "b")
        self.assertEqual(metadata["training_steps"], "1, then 2, then 3, then 3")
        self.assertEqual(metadata["training_seconds"], "2, then 2")
        self.assertEqual(metadata["training_seed"], "0, then 5")

    def test_a_file_says_what_was_measured_of_its_net(self):
        made = {"format": "silt-1"}
        metadata = export.with_measured(made, ["planner_languages=es fr", "note=a=b", "empty="])
        self.assertEqual(metadata, {"format": "silt-1", "planner_languages": "es fr", "note": "a=b", "empty": ""})
        self.assertEqual(made, {"format": "silt-1"})
        for wrong in (["format=silt-2"], ["planner_languages"], ["=x"], ["a=1", "a=2"]):
            with self.assertRaises(ValueError):
                export.with_measured(made, wrong)

    def test_a_swap_comes_back_to_where_it_left(self):
        write_group(self.folder, "worlds-000", [range(0, 30000), range(30000, 60000)])
        lane = data.Lane(data.load(self.folder), np.array([1.0]), np.random.default_rng(2))
        before = lane.take(10)
        lane.swap()
        lane.take(500)
        lane.swap()
        self.assertEqual(lane.take(1)[0], before[-1] + 1)

    def test_pieces_are_as_long_as_their_letters(self):
        path = self.folder / "tokenizer.json"
        path.write_text(json.dumps({"model": {"vocab": {"<s>": 0, "a": 1, "\u0120the": 2}}, "added_tokens": [{"id": 0}]}))
        self.assertEqual(streams.piece_bytes(path).tolist(), [0, 1, 4])


if __name__ == "__main__":
    unittest.main()
