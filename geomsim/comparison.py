"""One metric on two spaces: score, null, p-value, warnings, provenance. How `geomsim.compare` gets from points to p."""

from __future__ import annotations

import html
import importlib.metadata
import math
import operator
import platform
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geomsim.catalog import instance_of, name_of, origin_of
from geomsim.contract import Explanation, Metric, PairedMetric
from geomsim.errors import (
    DegenerateSpace,
    GeomsimError,
    GeomsimWarning,
    InapplicableNull,
    InvalidConfig,
    InvalidPairing,
)
from geomsim.nulls import Chance, Null, Trial, null_for
from geomsim.orders import Restriction
from geomsim.pairing import Pairing
from geomsim.progress import track
from geomsim.space import Space, group_numbers
from geomsim.tables import plain

if TYPE_CHECKING:
    from torch import Tensor

Points = Space | ArrayLike | Any  # also torch tensors and paths


@dataclass(frozen=True, eq=False)
class Comparison:
    """What :func:`compare` found. `z` is in standard deviations of the null; for a metric where larger means farther,
    closer than chance is a negative z. `n_rows` is the number of pairs, or of rows of the smaller side if unpaired.
    """

    score: float
    p_value: float | None
    null: NDArray[np.float64] | None
    null_mean: float | None
    null_sd: float | None
    metric: str
    n_rows: int
    warnings: tuple[str, ...]
    larger_means: Literal["closer", "farther"]
    parameters: Mapping[str, Any]
    null_kind: str | None
    draws: int | None
    seed: int
    left: str
    right: str
    seconds: float
    facts: Mapping[str, Any] = field(default_factory=dict)
    explanation: Explanation | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    best: float | None = None

    @property
    def corrected(self) -> float | None:
        """Chance-corrected score (s - E0) / (best - E0): 0 is chance and 1 identity, whatever the metric's direction.

        E0 is the mean by chance of reordered rows; None for other nulls, for metrics without a best score, and where
        chance alone reaches the best score.
        """
        if self.p_value is None or self.null_mean is None or self.best is None:
            return None
        room = self.best - self.null_mean
        return (
            None
            if abs(room) <= 1e-9 * max(abs(self.best), abs(self.null_mean))
            else (self.score - self.null_mean) / room
        )

    @property
    def z(self) -> float | None:
        """(score - null mean) / null sd, or None where the null has no spread."""
        if self.null_mean is None or not self.null_sd:
            return None
        return (self.score - self.null_mean) / self.null_sd

    @property
    def p_text(self) -> str:
        """The p-value in words; "p <= 0.001" where no draw came as close as the observed score."""
        if self.p_value is None:
            return "no p-value"
        if self.draws and self.p_value <= 1 / (self.draws + 1) + 1e-12:
            return f"p <= {self.p_value:.2g}"
        return f"p = {self.p_value:.2g}"

    def to_dict(self) -> dict[str, Any]:
        """Everything but the draws and the explanation's tables, ready for JSON."""
        return {
            "left": self.left,
            "right": self.right,
            "metric": self.metric,
            "parameters": dict(self.parameters),
            "larger_means": self.larger_means,
            "n_rows": self.n_rows,
            "score": self.score,
            "corrected": self.corrected,
            "null": self.null_kind,
            "null_mean": self.null_mean,
            "null_sd": self.null_sd,
            "z": self.z,
            "p_value": self.p_value,
            "draws": self.draws,
            "seed": self.seed,
            "seconds": self.seconds,
            "facts": dict(self.facts),
            "warnings": list(self.warnings),
            "provenance": dict(self.provenance),
        }

    def __repr__(self) -> str:
        chance = "" if self.null_mean is None else f", chance {self.null_mean:.4g}"
        spread = "" if not self.null_sd else f" (sd {self.null_sd:.2g})"
        note = f", {len(self.warnings)} warning{'s' * (len(self.warnings) > 1)}" if self.warnings else ""
        return f"Comparison({self.metric} = {self.score:.4g}{chance}{spread}, {self.p_text}, n = {self.n_rows}{note})"

    def _repr_html_(self) -> str:
        cells = {
            "metric": f"{self.metric} ({self.larger_means} is larger)",
            "spaces": f"{self.left or 'left'} and {self.right or 'right'}, {self.n_rows} rows",
            "score": f"{self.score:.4g}",
            "by chance": "" if self.null_mean is None else f"{self.null_mean:.4g} (sd {self.null_sd or 0:.2g})",
            "null": f"{self.null_kind or 'none'}" + (f", {self.draws} draws, seed {self.seed}" if self.draws else ""),
            "p-value": self.p_text,
            "warnings": "; ".join(self.warnings) or "none",
        }
        rows = "".join(
            f"<tr style='text-align:left'><th>{html.escape(key)}</th><td>{html.escape(value)}</td></tr>"
            for key, value in cells.items()
        )
        return f"<table>{rows}</table>"


def compare(
    left: Points,
    right: Points,
    metric: str | Metric[Any] | type[Metric[Any]],
    *,
    pairing: Pairing | None = None,
    null: str | Null | None = "auto",
    draws: int = 999,
    seed: int = 0,
    groups: str | Sequence[Any] | NDArray[Any] | None = None,
) -> Comparison:
    """How alike two spaces are by one metric, and how surprising that is.

    Parameters
    ----------
    left, right
        spaces, arrays or tensors of shape (rows, width), or paths to them.
    metric
        an installed metric's name, an instance, or a class to be used with its defaults.
    pairing
        which rows belong together. Without one, equally many rows belong together in their order, and ids, where both
        sides have them, must agree row by row.
    null
        "auto" (shuffle for paired metrics, noise floor for unpaired ones), "shuffle", "exact", "noise-floor", None, or
        a :class:`geomsim.nulls.Null`.
    draws, seed
        how many random orders, and where their generator starts. The same seed gives the same p-value everywhere.
    groups
        which rows are not exchangeable one by one: "blocks" moves whole groups of the spaces (the default where there
        are groups), "within" moves rows inside their group only, "ignored" moves all rows freely; or one label per
        pair, whose blocks are moved whole.

    Raises
    ------
    InvalidSpace, InvalidPairing
        when points or pairs cannot be read or do not fit each other.
    InvalidConfig
        for a null or a word for groups that does not exist, and for draws or a seed that are no whole numbers.
    DegenerateSpace
        when the metric is undefined on a side; the message names the side.
    InapplicableNull
        when the null can say nothing about this metric.

    >>> import numpy as np, geomsim
    >>> points = np.random.default_rng(0).normal(size=(100, 8))
    >>> rotation = np.linalg.qr(np.random.default_rng(1).normal(size=(8, 8)))[0]
    >>> geomsim.compare(points, points @ rotation, "procrustes", draws=99)
    Comparison(procrustes = 1, chance 0.2..., p <= 0.01, n = 100)
    """
    started = time.perf_counter()
    chosen = instance_of(metric)
    name = name_of(chosen)
    model = null_for(null, chosen)
    draws = _whole(draws, "draws", 1, "; null=None does without draws")
    seed = _whole(seed, "seed", 0)
    spaces = [_opened(points, side) for side, points in zip(_SIDES, (left, right), strict=True)]
    notes: list[str] = []
    if pairing is None and isinstance(chosen, PairedMetric):
        _check_rows_correspond(spaces[0], spaces[1])
    if pairing is not None:
        spaces = list(pairing.apply(*spaces))
        notes.extend(_multiplicity_note(pairing, chosen))
    reordered = isinstance(chosen, PairedMetric) and model is not None
    labels, restriction = _exchangeable(groups, spaces[0], spaces[1]) if reordered else (None, "blocks")

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", GeomsimWarning)
        points = _tensors(spaces)
        states = [_prepare(chosen, side, space, rows) for side, space, rows in zip(_SIDES, spaces, points, strict=True)]
        score = _score(chosen, states[0], states[1], points[0])
        explanation = chosen.explain(*states)
        chance = Chance(kind="none")
        if model is not None:
            with track(draws, f"{name}: {model.name}") as advance:
                trial = Trial(
                    chosen, points[0], points[1], states[0], states[1], score, labels, restriction, draws, seed, advance
                )
                chance = model.judge(trial)
    for warning in caught:
        if issubclass(warning.category, GeomsimWarning):
            notes.append(str(warning.message))
        else:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    n_left, n_right = (space.n_rows for space in spaces)
    sizes = {} if n_left == n_right else {"left rows": n_left, "right rows": n_right}
    return Comparison(
        score=score,
        p_value=chance.p_value,
        null=chance.draws,
        null_mean=chance.mean,
        null_sd=chance.sd,
        metric=name,
        n_rows=min(n_left, n_right),
        warnings=tuple(dict.fromkeys([*notes, *chance.notes])),
        larger_means=chosen.larger_means,
        parameters=plain(chosen.parameters()),
        null_kind=None if model is None else chance.kind,
        draws=None if chance.draws is None else len(chance.draws),
        seed=seed,
        left=spaces[0].name,
        right=spaces[1].name,
        seconds=time.perf_counter() - started,
        facts=plain({**sizes, **(explanation.facts if explanation else {}), **chance.facts}),
        explanation=explanation,
        provenance={
            "left": plain(spaces[0].provenance),
            "right": plain(spaces[1].provenance),
            "pairing": plain(pairing.provenance) if pairing else {},
            "metric": origin_of(chosen),
            "versions": versions(),
        },
        best=_best(chosen),
    )


def versions() -> dict[str, str]:
    """The versions that a number depends on."""
    import scipy
    import torch

    return {
        "geomsim": importlib.metadata.version("geomsim"),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "torch": torch.__version__,
    }


_SIDES = ("left", "right")


def _whole(value: Any, name: str, least: int, hint: str = "") -> int:
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if number < least:
        raise InvalidConfig(f"{name} must be a whole number, at least {least}, got {value!r}{hint}")
    return number


def _opened(points: Points, side: str) -> Space:
    if isinstance(points, Space):
        return points
    try:
        return Space(points)
    except GeomsimError as error:
        raise error.within(side) from None


def _tensors(spaces: Sequence[Space]) -> tuple[Tensor, Tensor]:
    """The points of both sides as tensors of one type (the wider) on one device (the accelerator, if one is on it)."""
    import torch

    left, right = (space.tensor() for space in spaces)
    dtype = torch.promote_types(left.dtype, right.dtype)
    device = right.device if left.device.type == "cpu" else left.device
    return left.to(device, dtype), right.to(device, dtype)


def _prepare(metric: Metric[Any], side: str, space: Space, points: Tensor) -> Any:
    try:
        return metric.prepare(points)
    except DegenerateSpace as error:
        raise error.within(f"{side} space {space.name!r}" if space.name else f"{side} space") from None


def _score(metric: Metric[Any], left: Any, right: Any, points: Tensor) -> float:
    import torch

    if isinstance(metric, PairedMetric):
        value = metric.score(left, right, torch.arange(len(points), device=points.device))
    else:
        value = metric.score(left, right)  # type: ignore[attr-defined]
    score = float(value)
    if not math.isfinite(score):
        raise DegenerateSpace(f"{type(metric).__name__} gives {score}; a metric must raise where it is undefined")
    return score


def _best(metric: Metric[Any]) -> float | None:
    """The score of identical spaces, where it is known: the end of the range that means closest."""
    best = metric.score_range[1 if metric.larger_means == "closer" else 0]
    return best if math.isfinite(best) else None


def _check_rows_correspond(left: Space, right: Space) -> None:
    if left.n_rows != right.n_rows:
        raise InvalidPairing(
            f"left has {left.n_rows} rows and right has {right.n_rows}: say which belong together with pairing=..., "
            "for example Pairing.by_id(left, right) or geomsim.pair(left_codes, right_codes)"
        )
    if left.ids is not None and right.ids is not None and left.ids != right.ids:
        row = next(i for i, (a, b) in enumerate(zip(left.ids, right.ids, strict=True)) if a != b)
        raise InvalidPairing(
            f"the ids of left and right differ, first at row {row}: {left.ids[row]!r} and {right.ids[row]!r}. "
            "Use pairing=Pairing.by_id(left, right), or Pairing.identity(n) if the order is right and the ids are not"
        )


def _multiplicity_note(pairing: Pairing, metric: Metric[Any]) -> list[str]:
    if not isinstance(metric, PairedMetric):
        return []
    repeated = [
        f"{int((counts[rows] > 1).sum())} of {len(pairing)} pairs share their {side} row with another pair"
        for side, rows in (("left", pairing.left), ("right", pairing.right))
        if (counts := np.bincount(rows)).max() > 1
    ]
    if not repeated:
        return []
    return [
        f"{'; '.join(repeated)}: equal rows look like perfect neighbours, and shuffled copies stay equal. "
        "Compare with pairing.one_to_one() as well"
    ]


def _exchangeable(
    groups: str | Sequence[Any] | NDArray[Any] | None, left: Space, right: Space
) -> tuple[NDArray[np.int64] | None, Restriction]:
    """The labels that restrict a shuffle, and how."""
    if isinstance(groups, str) and groups == "ignored":
        return None, "blocks"
    if groups is not None and not isinstance(groups, str):
        labels = group_numbers(groups, "groups=")
        if len(labels) != left.n_rows:
            raise InapplicableNull(f"groups needs one label per pair, {left.n_rows}, got {len(labels)}")
        return labels, "blocks"
    if groups not in (None, "blocks", "within"):
        raise InvalidConfig(f"groups is 'blocks', 'within', 'ignored' or one label per pair, got {groups!r}")
    known = [_by_first_seen(space.groups) for space in (left, right) if space.groups is not None]
    if not known:
        if groups is None:
            return None, "blocks"
        raise InapplicableNull(f"groups={groups!r} was asked for, but neither space has groups")
    if len(known) == 2 and not np.array_equal(known[0], known[1]):
        row = int(np.argmax(known[0] != known[1]))
        raise InapplicableNull(
            f"the groups of left and right do not agree, first at row {row}: rows that belong together must "
            "belong to the same group. Give one label per pair with groups=..., or groups='ignored'"
        )
    return known[0], "within" if groups == "within" else "blocks"


def _by_first_seen(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Labels renumbered in the order in which they occur, so that equal partitions get equal labels."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse].astype(np.int64)
