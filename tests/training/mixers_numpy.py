"""The mixers of model/training/mixers.py once more, in numpy: a transcription of its dual form, operation by
operation, and the plain definition that it must equal, token by token. Runs in the dtype of its arguments."""

import math
import types

import numpy as np

MINIBATCH, WIDEN = 16, 4
STEP = {"linear": 1.0, "mlp": 0.1}
STATE = {"linear": ("w1", "c1"), "mlp": ("w1", "c1", "w2", "c2")}


def config(**changed):
    """A tiny net."""
    values = dict(n_layer=2, d=24, n_head=3, hd=8, ff=40, vocab=96, theta=10000.0, eps=1e-5)
    return types.SimpleNamespace(**(values | changed))


def random_net(rng, cfg, kind):
    """Float32 values with nothing at a special place: no zero bias, no unit gain."""
    d, heads, f = cfg.d, cfg.n_head, cfg.hd
    hidden = f if kind == "linear" else WIDEN * f
    dense = lambda rows, cols: rng.normal(size=(rows, cols)) * rows ** -0.5
    around = lambda centre, *shape: centre + 0.1 * rng.normal(size=shape)

    def layer():
        ttt = {"q": dense(d, heads * f), "k": dense(d, heads * f), "v": dense(d, heads * f),
               "o": dense(heads * f, d), "lr_weight": dense(d, heads), "lr_bias": around(0, heads),
               "position_scale": around(0, MINIBATCH), "ln_scale": around(1, heads, f), "ln_shift": around(0, heads, f),
               "post_norm_scale": around(1, heads * f), "post_norm_shift": around(0, heads * f),
               "w1": 0.3 * rng.normal(size=(heads, f, hidden)), "c1": around(0, heads, hidden)}
        if kind == "mlp":
            ttt |= {"w2": 0.2 * rng.normal(size=(heads, hidden, f)), "c2": around(0, heads, f)}
        return {"ln1": around(1, d), "ttt": ttt, "ln2": around(1, d),
                "gate": dense(d, cfg.ff), "up": dense(d, cfg.ff), "down": dense(cfg.ff, d)}

    single = lambda tree: {k: single(v) if isinstance(v, dict) else v.astype(np.float32) for k, v in tree.items()}
    net = single({"embed": 0.5 * rng.normal(size=(cfg.vocab, d)), "lnf": around(1, d)})
    return net | {"blocks": [single(layer()) for _ in range(cfg.n_layer)]}


def cast(tree, dtype):
    if isinstance(tree, dict):
        return {k: cast(v, dtype) for k, v in tree.items()}
    return [cast(v, dtype) for v in tree] if isinstance(tree, list) else tree.astype(dtype)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def turn(x, theta):
    f = x.shape[-1]
    inverse = theta ** (-np.arange(0, f, 2) / f)
    angle = np.arange(MINIBATCH)[:, None] * inverse[None]
    cosine, sine = np.cos(angle).astype(x.dtype), np.sin(angle).astype(x.dtype)
    low, high = np.split(x, 2, -1)
    return np.concatenate([low * cosine - high * sine, high * cosine + low * sine], -1)


def normalise(x, eps):
    centred = x - np.mean(x, -1, keepdims=True)
    deviation = np.sqrt(np.mean(centred * centred, -1, keepdims=True) + eps)
    return centred / deviation, deviation


def output_gradient(u, target, scale, shift, eps):
    xhat, deviation = normalise(u, eps)
    e = (xhat * scale + shift - target) * scale
    return (e - np.mean(e, -1, keepdims=True) - xhat * np.mean(e * xhat, -1, keepdims=True)) / deviation


def gelu_tanh(z):
    a, b = math.sqrt(2 / math.pi), 0.044715
    t = np.tanh(a * (z + b * z * z * z))
    return 0.5 * z * (1 + t), 0.5 * (1 + t) + 0.5 * z * (1 - t * t) * a * (1 + 3 * b * z * z)


def transposed(a):
    return np.swapaxes(a, -1, -2)


def linear_step(state, q, k, target, eta, ln):
    w, c = state
    g = output_gradient(k @ w + c[:, None], target, *ln)
    z = q @ w + c[:, None] - (eta * (q @ transposed(k))) @ g - eta @ g
    last = eta[:, -1, :, None] * g
    return (w - transposed(k) @ last, c - np.sum(last, 1)), z


def mlp_step(state, q, k, target, eta, ln):
    w1, c1, w2, c2 = state
    x2, slope = gelu_tanh(k @ w1 + c1[:, None])
    g2 = output_gradient(x2 @ w2 + c2[:, None], target, *ln)
    g1 = (g2 @ transposed(w2)) * slope
    y2, _ = gelu_tanh(q @ w1 + c1[:, None] - (eta * (q @ transposed(k))) @ g1 - eta @ g1)
    z = y2 @ w2 + c2[:, None] - (eta * (y2 @ transposed(x2))) @ g2 - eta @ g2
    last = eta[:, -1, :, None]
    last1, last2 = last * g1, last * g2
    return (w1 - transposed(k) @ last1, c1 - np.sum(last1, 1),
            w2 - transposed(x2) @ last2, c2 - np.sum(last2, 1)), z


def model(state, z):
    """u(z) of one head, z [f], and what its gradient needs: each layer's input, and the slope between them."""
    if len(state) == 2:
        return z @ state[0] + state[1], (z,), None
    hidden, slope = gelu_tanh(z @ state[0] + state[1])
    return hidden @ state[2] + state[3], (z, hidden), slope


def primal_step(state, q, k, target, eta, ln):
    """The definition: gradients at the mini-batch's start, one explicit model for each token."""
    heads, scale, shift, eps = len(q), ln[0], ln[1], ln[2]
    after, z = [a.copy() for a in state], np.empty_like(q)
    for h in range(heads):
        start = [a[h] for a in state]
        gradients = []
        for s in range(MINIBATCH):
            u, inputs, slope = model(start, k[h, s])
            g = output_gradient(u, target[h, s], scale[h, 0], shift[h, 0], eps)
            if slope is None:
                gradients.append((np.outer(inputs[0], g), g))
            else:
                below = (start[2] @ g) * slope
                gradients.append((np.outer(inputs[0], below), below, np.outer(inputs[1], g), g))
        for t in range(MINIBATCH):
            now = [a - sum(eta[h, t, s] * gradients[s][i] for s in range(t + 1)) for i, a in enumerate(start)]
            z[h, t] = model(now, q[h, t])[0]
        for i, a in enumerate(now):
            after[i][h] = a
    return tuple(after), z


def ttt_layer(cfg, kind, params, x, state, learn=True, primal=False):
    heads, f = cfg.n_head, cfg.hd
    n = x.shape[0] // MINIBATCH
    assert n * MINIBATCH == x.shape[0]
    project = lambda name: x @ params[name]
    split = lambda a: a.reshape(n, MINIBATCH, heads, -1).transpose(0, 2, 1, 3)
    q, k, v = (split(project(name)) for name in ("q", "k", "v"))
    gate = sigmoid(split(project("lr_weight") + params["lr_bias"]))[..., 0]
    ramp = np.maximum(0, 1 / np.arange(1, MINIBATCH + 1, dtype=x.dtype) + params["position_scale"])
    base = STEP[kind] / f if learn else 0.0
    ln = (params["ln_scale"][:, None], params["ln_shift"][:, None], cfg.eps)
    inner = primal_step if primal else linear_step if kind == "linear" else mlp_step
    outputs = []
    for i in range(n):
        qi, ki = turn(q[i], cfg.theta), turn(k[i], cfg.theta)
        eta = np.tril(base * ramp[:, None] * gate[i][:, None, :])
        state, u = inner(state, qi, ki, v[i] - ki, eta, ln)
        outputs.append(qi + normalise(u, cfg.eps)[0] * ln[0] + ln[1])
    y = np.stack(outputs).transpose(0, 2, 1, 3).reshape(n * MINIBATCH, heads * f)
    y = normalise(y, cfg.eps)[0] * params["post_norm_scale"] + params["post_norm_shift"]
    return y @ params["o"], state


def initial_state(kind, params):
    return tuple(params[name] for name in STATE[kind])


def rms(x, weight, eps):
    return x / np.sqrt(np.mean(x * x, -1, keepdims=True) + eps) * weight


def net_nll(cfg, kind, net, tokens, learn=True, primal=False):
    """Surprise of tokens[1:] and the state of every layer afterwards."""
    h, states = net["embed"][tokens[:-1]], []
    for p in net["blocks"]:
        start = initial_state(kind, p["ttt"])
        y, state = ttt_layer(cfg, kind, p["ttt"], rms(h, p["ln1"], cfg.eps), start, learn, primal)
        h = h + y
        x = rms(h, p["ln2"], cfg.eps)
        gate = x @ p["gate"]
        h = h + (gate * sigmoid(gate) * (x @ p["up"])) @ p["down"]
        states.append(state)
    logits = rms(h, net["lnf"], cfg.eps) @ net["embed"].T
    top = np.max(logits, -1, keepdims=True)
    logsumexp = np.log(np.sum(np.exp(logits - top), -1)) + top[:, 0]
    return logsumexp - np.take_along_axis(logits, tokens[1:, None], 1)[:, 0], states
