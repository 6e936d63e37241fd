"""Pictures that are changed so little that nobody sees it, and so purposefully that a network reads something else.

All sizes are in grey levels: a change of ε moves no value of the picture by more than ε of its 256 levels. The attacks
ask for nothing but a gradient, so they are the same for every network.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Gradient = Callable[[np.ndarray, np.ndarray, bool], np.ndarray]
"""float32 pictures (n, …) from 0 to 255, classes (n,), whether they are wanted -> gradient of the loss, (n, …)."""


def margin_gradient(scores: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """What the loss says to the scores: its derivative with respect to them.

    The loss is log Σ exp(other scores) − (score of the class). It grows and falls with the cross-entropy, and its
    gradient has the same sign everywhere; but it does not vanish where the softmax is sure to the last digit.

    Args:
        scores: logits, (n, classes).
        classes: (n,) class numbers.

    Returns:
        float32 (n, classes): −1 at the class, a softmax over the others elsewhere.
    """
    rows = np.arange(len(scores))
    others = scores.astype(np.float64)
    others[rows, classes] = -np.inf
    powers = np.exp(others - others.max(axis=1, keepdims=True))
    result = powers / powers.sum(axis=1, keepdims=True)
    result[rows, classes] = -1
    return result.astype(np.float32)


def within(changed: np.ndarray, pictures: np.ndarray, epsilon: float) -> np.ndarray:
    """Brought back to what is allowed: at most ε from the picture, and from black to white."""
    pictures = pictures.astype(np.float32)
    return np.clip(np.clip(changed, pictures - epsilon, pictures + epsilon), 0, 255)


def fast_gradient_sign(
    gradient: Gradient, pictures: np.ndarray, classes: np.ndarray, epsilon: float, wanted: bool = False
) -> np.ndarray:
    """FGSM of Goodfellow, Shlens and Szegedy 2015: one step of ε for every pixel, up or down as the gradient says.

    Args:
        gradient: of the network, see `Gradient`.
        pictures: (n, …) grey levels from 0 to 255.
        classes: (n,) the class to get away from, or with `wanted` the one to get to.
        epsilon: in grey levels.

    Returns:
        float32 (n, …), grey levels.
    """
    pictures = pictures.astype(np.float32)
    direction = -1 if wanted else 1
    return within(pictures + direction * epsilon * np.sign(gradient(pictures, classes, wanted)), pictures, epsilon)


def iterated(
    gradient: Gradient,
    pictures: np.ndarray,
    classes: np.ndarray,
    epsilon: float,
    steps: int,
    wanted: bool = False,
    told: Callable[[int], None] = lambda step: None,
) -> np.ndarray:
    """The iterated form of Kurakin, Goodfellow and Bengio 2017: small steps, each with a gradient of its own.

    A step is 2.5 ε / steps, so that the edge of what is allowed is reached from anywhere (Madry et al. 2018).

    Args:
        gradient, pictures, classes, epsilon, wanted: as for `fast_gradient_sign`.
        steps: how many; one is `fast_gradient_sign`.
        told: called after each step with its number, from 1.

    Returns:
        float32 (n, …), whole grey levels.
    """
    pictures = pictures.astype(np.float32)
    size = epsilon if steps == 1 else 2.5 * epsilon / steps
    changed = pictures
    for step in range(1, steps + 1):
        slope = np.sign(gradient(changed, classes, wanted))
        changed = within(changed + (-size if wanted else size) * slope, pictures, epsilon)
        told(step)
    # A picture has whole grey levels. Where picture and ε are whole, rounding stays within what is allowed.
    return np.rint(changed)


def random_change(pictures: np.ndarray, epsilon: float, seed: int = 0) -> np.ndarray:
    """As large a change at every pixel as that of FGSM, up or down by the throw of a coin; float32 (n, …)."""
    coin = np.random.default_rng(seed).choice(np.array([-1, 1], np.float32), pictures.shape)
    return within(pictures + epsilon * coin, pictures, epsilon)
