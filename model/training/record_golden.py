#!/usr/bin/env python3
"""Records what a second implementation of the reader answers, for the engine's tests to compare with.

    record_golden.py --weights FILE.safetensors --tokens IDS.u16 --out stream.json

A transcription of reader/net.py to PyTorch, in float64 and with its automatic derivatives: nothing of the engine's
own gradients goes in. Fields: tests/model/golden/README.md. Runs on a processor in a minute; Debian's python3-torch
and python3-numpy are enough. IDS.u16 is silt-tokenize's.
"""
import argparse
import math

import numpy as np
import torch
import torch.nn.functional as F

import golden_checks
import weight_file

FAST = ("gate", "up", "down")


def load(path):
    """(metadata, tensor name -> float64 tensor)"""
    metadata, tensors = weight_file.read(path)
    names = [name for name, (dtype, _, _) in tensors.items() if dtype in ("BF16", "F32", "I8")]
    return metadata, {name: torch.from_numpy(weight_file.values(tensors, name).astype(np.float64)) for name in names}


class Reader:
    def __init__(self, meta, tensors):
        number = lambda key: int(meta[key])
        self.t = tensors
        self.layers, self.fast_layers = number("layers"), number("fast_layers")
        self.learned = tuple(meta.get("fast_learns", " ".join(FAST)).split())
        self.b, self.k, self.heads, self.f = (number(key) for key in ("minibatch_tokens", "window_tokens", "heads", "head_width"))
        self.theta, self.eps, self.clip = (float(meta[key]) for key in ("rope_theta", "norm_epsilon", "clip_norm"))
        assert number("kv_heads") == self.heads and meta["mixer"] == "ttt-e2e"

    def rms(self, x, gain):
        return x * torch.rsqrt((x * x).mean(-1, keepdim=True) + self.eps) * gain

    def rope(self, x, positions):  # [T, H, f]
        angles = positions[:, None] * self.theta ** (-torch.arange(0, self.f, 2, dtype=torch.float64) / self.f)
        cos, sin = angles.cos()[:, None], angles.sin()[:, None]
        a, b = x.chunk(2, -1)
        return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)

    def attention(self, q, k, v):
        """The last q.shape[0] positions over all of k and v, a window back."""
        n, m = q.shape[0], k.shape[0]
        at_q, at_k = torch.arange(m - n, m, dtype=torch.float64), torch.arange(m, dtype=torch.float64)
        scores = torch.einsum("thf,shf->hts", self.rope(q, at_q), self.rope(k, at_k)) * self.f ** -0.5
        distance = at_q[:, None] - at_k[None]
        seen = (distance >= 0) & (distance < self.k)
        p = torch.softmax(scores.masked_fill(~seen, float("-inf")), -1)
        return torch.einsum("hts,shf->thf", p, v).reshape(n, -1)

    def mlp(self, x, gate, up, down):
        return (F.silu(x @ gate) * (x @ up)) @ down

    def block(self, n, h, cache, fast=None):
        """One block on the next tokens h. cache: (K, V) of those before, not rotated. Returns h and the new cache."""
        t = lambda name: self.t[f"blocks.{n}.{name}"]
        x = self.rms(h, t("attention_norm"))
        q, k, v = ((x @ t("attention." + name)).reshape(-1, self.heads, self.f) for name in "qkv")
        k, v = torch.cat([cache[0], k]), torch.cat([cache[1], v])
        h = h + self.attention(q, k, v) @ t("attention.o")
        out = self.mlp(self.rms(h, t("mlp_norm")), t("mlp.gate"), t("mlp.up"), t("mlp.down"))
        if fast is not None:
            out = out + self.mlp(self.rms(h, t("fast_norm")), *fast)
        return h + out, (k[-self.k:].detach(), v[-self.k:].detach())

    def nll(self, h, targets):
        logits = self.rms(h, self.t["final_norm"]) @ self.t["embedding"].T
        return F.cross_entropy(logits, targets, reduction="none")

    def read(self, tokens, learn):
        """tokens [T + 1] -> nats [T], gradient norms, fast weights at the end."""
        first = self.layers - self.fast_layers
        W0 = {(n, name): self.t[f"blocks.{n}.fast.{name}"] for n in range(first, self.layers) for name in self.learned}
        W = {key: value.clone().requires_grad_() for key, value in W0.items()}
        empty = torch.zeros(0, self.heads, self.f, dtype=torch.float64)
        caches = [(empty, empty)] * self.layers
        nats, norms = [], []
        for at in range(0, len(tokens) - 1, self.b):
            h = self.t["embedding"][tokens[at:at + self.b]]
            for n in range(self.layers):
                fast = [W.get((n, name), self.t.get(f"blocks.{n}.fast.{name}")) for name in FAST] if n >= first else None
                h, caches[n] = self.block(n, h, caches[n], fast)
            nll = self.nll(h, tokens[at + 1:at + 1 + self.b])
            nats += nll.tolist()
            if learn:
                g = dict(zip(W, torch.autograd.grad(nll.mean(), list(W.values()))))
                norm = math.sqrt(sum(float((v * v).sum()) for v in g.values()) + 1e-12)
                norms.append(norm)
                W = {key: self.step(key, W0[key], W[key].detach(), g[key] * min(1.0, self.clip / norm)) for key in W}
        return nats, norms, W0, W

    def step(self, key, initial, W, g):
        n, name = key
        step, decay = (self.t[f"blocks.{n}.fast.{rate}"] for rate in ("step", "decay"))
        if self.learned == FAST:
            step, decay = step[FAST.index(name)], decay[FAST.index(name)]
        else:  # of each hidden unit, a row of down
            step, decay = step[:, None], decay[:, None]
        return (initial + decay * (W - initial) - step * g).requires_grad_()


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--weights", required=True)
    p.add_argument("--tokens", required=True)
    p.add_argument("--out", required=True)
    a = p.parse_args()
    reader = Reader(*load(a.weights))
    ids = golden_checks.first_tokens(a.tokens, reader.b)
    tokens = torch.from_numpy(ids)
    nats, norms, W0, W = reader.read(tokens, True)
    frozen = reader.read(tokens, False)[0]
    learned = {key: w.detach().numpy() for key, w in W.items()}
    fast = [golden_checks.checks(f"blocks.{key[0]}.fast.{key[1]}", w, w - W0[key].numpy()) for key, w in learned.items()]
    golden_checks.write(a.out, "PyTorch, float64", ids, reader.b, nats, frozen, norms, fast)


if __name__ == "__main__":
    main()
