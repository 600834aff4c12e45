"""The outer optimiser: Muon for matrices of the blocks, AdamW for the rest, Adam for the inner rule's own numbers."""

import jax
import jax.numpy as jnp
import optax

from . import net


def kind_of(path, value):
    names = [str(getattr(key, "key", key)) for key in path]
    if "inner" in names:
        return "inner"
    inside = names[0] in ("blocks", "fast") and value.ndim == 3 and min(value.shape[1:]) >= 64
    return "matrix" if inside else "rest"


def labels(params):
    return jax.tree_util.tree_map_with_path(kind_of, params)


def orthogonal(momentum=0.95):
    """Muon: Nesterov momentum, then Newton-Schulz; scaled so that a step's size does not depend on the shape."""
    def init(params):
        return jax.tree.map(jnp.zeros_like, params)

    def update(gradients, state, params=None):
        state = jax.tree.map(lambda m, g: momentum * m + (1 - momentum) * g, state, gradients)
        ahead = jax.tree.map(lambda m, g: momentum * m + (1 - momentum) * g, state, gradients)
        out = jax.tree.map(lambda g: net.newton_schulz(g) * (max(g.shape[1:]) ** 0.5 * 0.2), ahead)
        return out, state

    return optax.GradientTransformation(init, update)


def make(name, weight_decay=0.1):
    """Updates are for a learning rate of 1: the caller multiplies by the schedule's value."""
    adam = lambda: optax.chain(optax.scale_by_adam(0.9, 0.95), optax.add_decayed_weights(weight_decay))
    matrices = optax.chain(orthogonal(), optax.add_decayed_weights(weight_decay)) if name == "muon" else adam()
    kinds = {"matrix": matrices, "rest": adam(), "inner": optax.chain(optax.scale_by_adam(0.9, 0.95), optax.scale(10.0))}
    return optax.chain(optax.clip_by_global_norm(1.0), optax.multi_transform(kinds, labels))


def schedule(done, peak, warm=0.05, last=0.02):
    """Learning rate at a share `done` of the run: linear to the peak, then a cosine."""
    import math
    if done < warm:
        return peak * max(done / warm, 0.02)
    return peak * (last + (1 - last) * 0.5 * (1 + math.cos(math.pi * (done - warm) / (1 - warm))))
