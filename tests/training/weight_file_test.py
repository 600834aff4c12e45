"""Weight files written from arrays, and the names of the mixers' tensors in them."""

import json
import pathlib
import struct
import tempfile
import unittest

import paths

try:
    import numpy as np

    import mixer_tensors
    import mixers_numpy as mixers
    import weight_file
except ImportError:
    np = None


def read(path):
    data = pathlib.Path(path).read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    metadata = header.pop("__metadata__")
    types_of = {"F32": "<f4", "BF16": "<u2", "I8": "i1", "I32": "<i4", "U8": "u1"}
    return metadata, {name: np.frombuffer(data[8 + size + t["data_offsets"][0]:8 + size + t["data_offsets"][1]],
                                          types_of[t["dtype"]]).reshape(t["shape"]) for name, t in header.items()}


def stacked(trees):
    return {k: stacked([t[k] for t in trees]) if isinstance(v, dict) else np.stack([t[k] for t in trees])
            for k, v in trees[0].items()}


@unittest.skipIf(np is None, "numpy is not installed")
class WeightFiles(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = folder.name + "/net.safetensors"

    def test_arrays_are_rounded_to_nearest_even(self):
        values = np.array([[1.0, 1 + 2 ** -8, 1 + 3 * 2 ** -8], [-1 - 2 ** -8 - 2 ** -20, 3e-39, 0]], np.float32)
        weight_file.write_safetensors(self.path, {"layers": 3}, {"m": values, "v": values[0], "i": np.arange(3)})
        metadata, tensors = read(self.path)
        self.assertEqual(metadata, {"layers": "3"})
        expected = [[0x3F80, 0x3F80, 0x3F82], [0xBF81, 0x0021, 0]]
        np.testing.assert_array_equal(tensors["m"], np.array(expected, np.uint16))
        np.testing.assert_array_equal(tensors["v"], values[0])
        np.testing.assert_array_equal(tensors["i"], [0, 1, 2])

    def test_int8_keeps_each_row_within_half_a_step(self):
        values = np.random.default_rng(3).normal(size=(5, 40)).astype(np.float32)
        weight_file.write_safetensors(self.path, {}, {"m": values}, int8=True)
        _, tensors = read(self.path)
        scale = tensors["m.scale"][:, None]
        self.assertEqual(np.abs(tensors["m"].astype(int)).max(1).tolist(), [127] * 5)
        self.assertTrue(np.all(np.abs(tensors["m"] * scale - values) <= 0.51 * scale + np.abs(values) * 2 ** -8))

    def test_a_mixers_net_comes_back_from_its_tensors(self):
        cfg = mixers.config(ff=64)
        for kind in ("linear", "mlp"):
            net = mixers.random_net(np.random.default_rng(1), cfg, kind)
            params = net | {"blocks": stacked(net["blocks"])}
            flat = mixer_tensors.tensors(cfg, kind, params)
            self.assertEqual({v.ndim for v in flat.values()}, {1, 2})
            back = mixer_tensors.parameters(cfg, kind, flat)
            compare = lambda a, b: [compare(v, b[k]) if isinstance(v, dict) else np.testing.assert_array_equal(v, b[k])
                                    for k, v in a.items()]
            compare(params, back)
            self.assertEqual(flat["blocks.1.ttt.w1"].shape[0], cfg.n_head * cfg.hd)

    def test_idle_hidden_units_change_nothing(self):
        cfg = mixers.config(ff=40)
        self.assertEqual(mixer_tensors.metadata(cfg, "linear")["mlp_width"], 64)
        net = mixers.cast(mixers.random_net(np.random.default_rng(1), cfg, "linear"), np.float64)
        flat = mixer_tensors.tensors(cfg, "linear", net | {"blocks": stacked(net["blocks"])})
        self.assertEqual(flat["blocks.0.mlp.down"].shape, (64, cfg.d))
        filled = mixer_tensors.parameters(cfg, "linear", flat)
        pick = lambda tree, n: {k: pick(v, n) if isinstance(v, dict) else v[n] for k, v in tree.items()}
        filled["blocks"] = [pick(filled["blocks"], n) for n in range(cfg.n_layer)]
        tokens = np.random.default_rng(2).integers(0, cfg.vocab, 33)
        expected, _ = mixers.net_nll(cfg, "linear", net, tokens)
        np.testing.assert_allclose(mixers.net_nll(cfg, "linear", filled, tokens)[0], expected, rtol=1e-12)


if __name__ == "__main__":
    unittest.main()
