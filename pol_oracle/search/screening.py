"""A state's exact accuracy, mostly from torch: where its choice is clear it stands, else the canonical logits decide.

The canonical choice is the first class of the greatest logit. Torch rounds in another order, so its logits deviate.
Take a sample's deviation r and margin m relative to its greatest absolute logit in torch: where m > 2 r, both choose
alike. For the unknown r stands a tolerance: SAFETY times the greatest r of the samples evaluated both ways. These are
some drawn in private, those with the narrowest margins, and all within the tolerance, until it stops growing.

Why that is enough for an ordinary state. A logit depends continuously on thousands of roundings, each of its own sign,
so r is light-tailed over samples: the greatest of 4,096 was at most 4 times the greatest of 32, in fresh and in
trained networks. SAFETY leaves a factor of 64 beyond that, and is cheap: margins spread evenly, so that twice the
tolerance makes about one more sample in a thousand canonical. FLOOR is for networks that hardly round where we look
(dead features). A random walk over the longest sum of any model, 4,608 terms, added up over 18 layers, stays below
sqrt(4608) * 18 * 2**-24, and that is less than 2**-13.

Why it is not enough for a state built by somebody else. A network can have channels that one test sample alone wakes,
and that cancel huge equal numbers. What they leave is rounding; torch's choice may be clear and wrong, and the draw
hardly ever meets that sample. Training on from such a state need not undo it. So the screen only sorts out candidates:
whatever is claimed or judged is counted by the :class:`~pol_oracle.canonical.evaluate.Evaluator`, and nobody but the
search imports the screen.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import structlog
import torch
from numpy.typing import NDArray

from pol_oracle.canonical.evaluate import Evaluator
from pol_oracle.canonical.models.model import CLASSES, IMAGE_SHAPE
from pol_oracle.canonical.state import State

from .torch_models import build_module, exact_float32, images_to_torch, load_state, pick_device

Bytes = NDArray[np.uint8]
Bits = NDArray[np.bool_]
Logits = NDArray[np.float32]
Indices = NDArray[np.int64]

SAFETY = 256.0
FLOOR = 2.0**-13
DRAWN = NARROWEST = 16  # samples evaluated both ways in any case; together one canonical pass or a few
TORCH_FLOATS = 1 << 25  # activations of one batch: more falls out of a CPU's caches
TORCH_LEAST, TORCH_MOST = 64, 200  # samples of one batch
CANONICAL_BATCH = 256  # samples between two calls of ``progress``

log = structlog.get_logger(__name__)


class ScreeningEvaluator:
    """Counts what :meth:`Evaluator.correct` counts, in little more time than torch needs.

    Never the ground of a claim, see above. Not for two threads at once.

    Args:
        evaluator: decides what torch cannot.
        device: where torch computes; by default CUDA if present.
        draws: draws the samples to compare; by default from the system's entropy, so that nobody can foresee them.
    """

    def __init__(
        self, evaluator: Evaluator, device: torch.device | None = None, draws: np.random.Generator | None = None
    ) -> None:
        self._evaluator = evaluator
        self._device = device or pick_device()
        self._draws = draws or np.random.default_rng()
        self._module = build_module(evaluator.model).to(self._device).eval()
        floats = sum(operation.size for operation in evaluator.program.operations)
        self._batch = min(TORCH_MOST, max(TORCH_LEAST, TORCH_FLOATS // floats))

    def correct(
        self, state: State, images: Bytes, labels: Bytes, progress: Callable[[int], None] | None = None
    ) -> Bits:
        """Says which samples a state classifies correctly, canonically.

        Args:
            state: the weights.
            images: uint8 [n, 32, 32, 3].
            labels: uint8 [n].
            progress: called with the number of samples that torch has seen, after every batch of its; then with n
                after every canonical one. Counts from 0 again if all samples have to be evaluated canonically.

        Returns:
            bool [n], as of :meth:`Evaluator.correct`.

        Raises:
            InputError: another model or other shapes.
        """
        tell = progress or (lambda done: None)
        if len(images) > DRAWN + NARROWEST and self._suits(state, images, labels):
            logits = self._approximate(state, images, tell)
            choices = self._choose(state, images, logits, lambda: tell(len(images)))
            if choices is not None:
                return np.equal(choices, labels)
        return self._evaluator.correct(state, images, labels, progress)

    def _suits(self, state: State, images: Bytes, labels: Bytes) -> bool:
        """False for infinities and NaNs, near which nothing is continuous, and for what the evaluator will refuse."""
        right = state.model.name == self._evaluator.model.name and images.shape[1:] == IMAGE_SHAPE
        return right and labels.shape == images.shape[:1] and state.finite

    def _approximate(self, state: State, images: Bytes, tell: Callable[[int], None]) -> Logits:
        """Torch's logits, float32 [n, 10]."""
        load_state(self._module, state)
        logits = np.empty((len(images), CLASSES), np.float32)
        with torch.inference_mode(), exact_float32():
            for at in range(0, len(images), self._batch):
                batch = np.array(images[at : at + self._batch])  # a copy: torch wants its memory writable
                logits[at : at + len(batch)] = self._module(images_to_torch(batch, self._device)).cpu().numpy()
                tell(at + len(batch))
        return logits

    def _choose(self, state: State, images: Bytes, logits: Logits, tell: Callable[[], None]) -> Indices | None:
        """The canonical choices, int64 [n]; None where a logit that is not finite leaves nothing to compare."""
        if not np.isfinite(logits).all():
            return None
        choices: Indices = logits.argmax(1)
        margins = relative_margins(logits)
        known, tolerance = np.zeros(len(images), np.bool_), FLOOR
        drawn = self._draws.choice(len(images), DRAWN, replace=False)
        wanted = np.union1d(drawn, np.argsort(margins)[:NARROWEST])
        while wanted.size:
            exact = self._evaluate(state, images, wanted, tell)
            if not np.isfinite(exact).all():
                return None
            choices[wanted], known[wanted] = exact.argmax(1), True
            tolerance = max(tolerance, SAFETY * float(relative_deviations(logits[wanted], exact).max()))
            wanted = np.flatnonzero(~known & (margins <= 2 * tolerance))
        log.debug("counted accuracy", samples=len(images), canonical=int(known.sum()), tolerance=tolerance)
        return choices

    def _evaluate(self, state: State, images: Bytes, wanted: Indices, tell: Callable[[], None]) -> Logits:
        """Canonical logits of the samples wanted."""
        parts = []
        for at in range(0, wanted.size, CANONICAL_BATCH):
            parts.append(self._evaluator.logits(state, images[wanted[at : at + CANONICAL_BATCH]]))
            tell()
        return np.concatenate(parts)


def relative_margins(logits: Logits) -> NDArray[np.float64]:
    """Returns how far the best logit is above the second, relative to the greatest absolute value; 0 if all are 0.

    Args:
        logits: float32 [n, 10], finite.

    Returns:
        float64 [n].
    """
    ordered = np.sort(logits.astype(np.float64), 1)
    return _relative(ordered[:, -1] - ordered[:, -2], logits)


def relative_deviations(approximate: Logits, exact: Logits) -> NDArray[np.float64]:
    """Returns the greatest difference of each sample's logits, relative to the greatest approximate absolute value.

    Args:
        approximate: float32 [n, 10], finite.
        exact: float32 [n, 10], finite.

    Returns:
        float64 [n]; infinite where only the exact logits are not all 0.
    """
    return _relative(np.abs(approximate.astype(np.float64) - exact).max(1), approximate)


def _relative(values: NDArray[np.float64], logits: Logits) -> NDArray[np.float64]:
    """Values [n] by their samples' greatest absolute logits; 0 / 0 is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(values == 0, 0, values / np.abs(logits).max(1))
