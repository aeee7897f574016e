"""A calibrated linear classifier over sparse rows: fit it, ask it, keep it in two plain files."""

import json
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.sparse import csr_matrix
from scipy.special import logsumexp
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import LinearSVC

Solve = Callable[[csr_matrix, NDArray[np.intp]], tuple[NDArray[np.float32], NDArray[np.float32]]]

_PARTS = 4
_THREADS = 2
_OTHERS = -1
_SEED = 20
# A third of the default's steps, and the same answers: docs/nlu.md.
_TOLERANCE = 0.1
# How much of the margin of labels taken together joins that of each: docs/nlu.md.
_SHARE = 0.5


@dataclass(frozen=True)
class LinearModel:
    """One weight per feature and label, and the sharpness that turns margins into probabilities.

    `weights` has a row per feature, contiguous, so that a text touches only the rows of its own
    n-grams. Rasa's own logistic regression multiplies (and first copies) the whole matrix.
    """

    labels: tuple[str, ...]
    weights: NDArray[np.float32]  # (features, labels), C order
    bias: NDArray[np.float32]  # (labels,)
    sharpness: float

    def probabilities(
        self, columns: NDArray[np.int32], values: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        """Return one probability per label for the features of a text; they sum to 1."""
        margins = self.bias + values @ self.weights.take(columns, axis=0)
        scaled = margins.astype(np.float64) * self.sharpness
        chances = np.exp(scaled - scaled.max())
        return chances / chances.sum()

    def save(self, directory: Path) -> None:
        """Write arrays and labels without pickle: a model file must not be able to run code."""
        np.savez(directory / "weights.npz", weights=self.weights, bias=self.bias)
        described = {"labels": self.labels, "sharpness": self.sharpness}
        (directory / "labels.json").write_text(json.dumps(described), encoding="utf-8")

    @classmethod
    def load(cls, directory: Path) -> "LinearModel":
        """Read what `save` wrote. Raises OSError, KeyError or ValueError if it is not that."""
        described = json.loads((directory / "labels.json").read_text(encoding="utf-8"))
        with np.load(directory / "weights.npz", allow_pickle=False) as arrays:
            weights, bias = arrays["weights"], arrays["bias"]
        return cls(tuple(described["labels"]), weights, bias, float(described["sharpness"]))


def fit(
    rows: csr_matrix,
    labels: list[str],
    *,
    penalty: float,
    sharpness: float | None = None,
    together: Collection[str] = (),
) -> LinearModel:
    """Fit a model whose probabilities mean what they say on texts it has not seen.

    `rows` are read as float64, which costs a copy of any other; they may be put in order.
    `penalty` is the C of the support vector machine: higher trusts the examples more. `sharpness`
    is measured if it is not given, on a part held out from a fit of its own, because margins on
    fitted texts flatter. `together` are labels that are also told as one from all others; what
    speaks for them as one speaks half as much for each. Raises ValueError with fewer than two
    labels.
    """
    names = np.unique(labels)
    if len(names) < 2:  # noqa: PLR2004 - one label is nothing to tell apart
        raise ValueError("a classifier needs at least two labels")
    truth = np.searchsorted(names, labels)
    # In the form that the solver asks for: it would sort rows in place, in every thread at once.
    rows = rows.astype(np.float64, copy=False)
    rows.sum_duplicates()
    with ThreadPoolExecutor(_THREADS) as threads:
        as_one = np.isin(names, list(together))
        solve = partial(_solve_as_one, partial(_solve, threads, penalty=penalty), as_one)
        if sharpness is None:
            sharpness = _calibrate(rows, truth, solve)
        weights, bias = solve(rows, truth)
    return LinearModel(tuple(str(name) for name in names), weights, bias, sharpness)


def _solve_as_one(
    solve: Solve, as_one: NDArray[np.bool_], rows: csr_matrix, truth: NDArray[np.intp]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Solve all labels, then those marked as one against the rest, and join the answers."""
    weights, bias = solve(rows, truth)
    if as_one.any() and not as_one.all():
        theirs, their_bias = solve(rows, as_one[truth].astype(np.intp))
        weights[:, as_one] += _SHARE * theirs[:, [1]]
        bias[as_one] += _SHARE * their_bias[1]
    return weights, bias


def _solve(
    threads: ThreadPoolExecutor, rows: csr_matrix, truth: NDArray[np.intp], *, penalty: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return weights and bias of each label against the rest, a share of the labels in each thread.

    The solver leaves the interpreter free.
    """
    labels = np.unique(truth)

    def share(some: NDArray[np.intp]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Solve some labels; all others are one more, whose answer nobody needs."""
        grouped = np.where(np.isin(truth, some), truth, _OTHERS)
        machine = LinearSVC(C=penalty, tol=_TOLERANCE, random_state=_SEED).fit(rows, grouped)
        weights, bias = machine.coef_[-len(some) :], machine.intercept_[-len(some) :]
        return weights.astype(np.float32), bias.astype(np.float32)

    solved = list(threads.map(share, np.array_split(labels, min(_THREADS, len(labels)))))
    weights = np.vstack([weights for weights, _ in solved])
    return np.ascontiguousarray(weights.T), np.concatenate([bias for _, bias in solved])


def _calibrate(rows: csr_matrix, truth: NDArray[np.intp], solve: Solve) -> float:
    """Find the sharpness from one part that the others have not seen."""
    parts = min(_PARTS, int(np.bincount(truth).min()))
    known = held_out = np.arange(len(truth))
    if parts > 1:  # a label with one example cannot be held out
        folds = StratifiedKFold(parts, shuffle=True, random_state=_SEED).split(rows, truth)
        known, held_out = next(folds)
    weights, bias = solve(rows[known], truth[known])
    margins = np.asarray(rows[held_out] @ weights + bias, dtype=np.float64)
    return _sharpness(margins, truth[held_out])


def _sharpness(margins: NDArray[np.float64], truth: NDArray[np.intp]) -> float:
    """Find the factor under which the true labels are least surprising."""
    chosen = margins[np.arange(len(truth)), truth]

    def surprise(factor: float) -> float:
        return float(np.mean(logsumexp(margins * factor, axis=1) - chosen * factor))

    return float(minimize_scalar(surprise, bounds=(0.1, 30.0), method="bounded").x)
