"""The mixers' dual form is their definition, token by token; learning is causal and can be switched off."""

import unittest

try:
    import numpy as np

    import mixers_numpy as mixers
except ImportError:
    np = None


@unittest.skipIf(np is None, "numpy is not installed")
class Mixers(unittest.TestCase):
    def setUp(self):
        self.cfg = mixers.config()
        self.tokens = np.random.default_rng(2).integers(0, self.cfg.vocab, 4 * mixers.MINIBATCH + 1)

    def nets(self):
        for kind in ("linear", "mlp"):
            net = mixers.random_net(np.random.default_rng(1), self.cfg, kind)
            with self.subTest(kind=kind):
                yield kind, mixers.cast(net, np.float64)

    def test_dual_form_is_the_definition(self):
        for kind, net in self.nets():
            dual, states = mixers.net_nll(self.cfg, kind, net, self.tokens)
            primal, plain_states = mixers.net_nll(self.cfg, kind, net, self.tokens, primal=True)
            np.testing.assert_allclose(dual, primal, rtol=0, atol=1e-12)
            for ours, theirs in zip(states, plain_states):
                for a, b in zip(ours, theirs):
                    np.testing.assert_allclose(a, b, rtol=0, atol=1e-12)

    def test_a_score_knows_no_later_token(self):
        for kind, net in self.nets():
            before, _ = mixers.net_nll(self.cfg, kind, net, self.tokens)
            changed = self.tokens.copy()
            changed[25] = (changed[25] + 1) % self.cfg.vocab  # score 24 is of it, those from 25 on know it
            after, _ = mixers.net_nll(self.cfg, kind, net, changed)
            np.testing.assert_array_equal(before[:24], after[:24])
            self.assertTrue(np.all(before[24:40] != after[24:40]))

    def test_without_learning_the_state_stays(self):
        for kind, net in self.nets():
            _, states = mixers.net_nll(self.cfg, kind, net, self.tokens, learn=False)
            for layer, state in zip(net["blocks"], states):
                for a, b in zip(mixers.initial_state(kind, layer["ttt"]), state):
                    np.testing.assert_array_equal(a, b)


if __name__ == "__main__":
    unittest.main()
