"""One way to compute a claim: what is read, who is paired, which pairs count, the metric, chance, and p."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args, get_type_hints

from geomsim import InvalidConfig
from geomsim_audit.published_metrics import corrected_name, fault_of, made, measures

Reading = Literal["input", "output"]
PairingRule = Literal["many-to-one", "first-seen", "strongest", "mutual", "one-to-one", "greedy", "hungarian"]
NullKind = Literal["none", "shuffle", "pooled", "random-features", "random-subset"]
Formula = Literal["b/m", "(b+1)/(m+1)"]
Tests = Literal["alone", "holm"]


@dataclass(frozen=True)
class Procedure:
    """How a number and its p-value are made.

    Parameters
    ----------
    layer
        "input": the dictionary of layer l reads entry l of ``hidden_states``, the block's input; "output": what it was
        trained on.
    pairing
        "many-to-one": each left latent takes its best right one; of these, "first-seen" keeps the first that names a
        right latent (before `min_r` is asked for), "strongest" the one with the largest r; the others are the methods
        of :func:`geomsim.pair`.
    min_r
        smallest correlation of a pair; None for no such threshold.
    max_false
        pairs count whose best r is above that of shifted documents, with at most this share of them false
        (Benjamini-Hochberg over the left latents); None for not asking. For a share, which is compared with chance as a
        whole, a partner counts with an r that at most this share of the latents has by chance.
    min_firings, min_cofirings
        tokens on which latents must fire, each and both together.
    metric
        of :data:`geomsim_audit.published_metrics.PUBLISHED`, or an installed one.
    null
        "shuffle": right rows in random order; "pooled": the shuffles of all claims by this metric in one pool;
        "random-features": right rows drawn from the whole dictionary; "random-subset": as many other pairs, for a
        theme; "none": no chance level at all.
    draws
        of the null.
    p
        "b/m", which can be 0, or "(b+1)/(m+1)".
    tests
        "alone": each p for itself; "holm": corrected over all claims of the recipe.
    """

    layer: Reading = "output"
    pairing: PairingRule = "strongest"
    min_r: float | None = None
    max_false: float | None = 0.05
    min_firings: int = 100
    min_cofirings: int = 20
    metric: str = "debiased-cka"
    null: NullKind = "shuffle"
    draws: int = 999
    p: Formula = "(b+1)/(m+1)"
    tests: Tests = "holm"

    def __post_init__(self) -> None:
        hints = get_type_hints(Procedure)
        for name in ("layer", "pairing", "null", "p", "tests"):
            allowed = get_args(hints[name])
            if getattr(self, name) not in allowed:
                raise InvalidConfig(f"{name} = {getattr(self, name)!r}: it is one of {', '.join(allowed)}")
        for name, least in (("min_firings", 1), ("min_cofirings", 0), ("draws", 1)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise InvalidConfig(f"{name} = {value!r}: a whole number of at least {least} is needed")
        for name, low in (("min_r", -1.0), ("max_false", 0.0)):
            value = getattr(self, name)
            if value is None:
                continue
            if not isinstance(value, int | float) or isinstance(value, bool) or not low < value < 1:
                raise InvalidConfig(f"{name} = {value!r}: a number above {low:g} and below 1 is needed")
        if not isinstance(self.metric, str):
            raise InvalidConfig(f"metric = {self.metric!r}: the name of a metric is needed")
        made(self.metric)


STEPS: Mapping[str, tuple[str, ...]] = {
    "layer": ("layer",),
    "pairing": ("pairing",),
    "threshold": ("min_r", "max_false", "min_firings", "min_cofirings"),
    "metric": ("metric",),
    "null": ("null",),
    "p": ("p", "draws"),
    "tests": ("tests",),
}
"""What is corrected, one after the other, and which parameters that is."""

SHARE_STEPS = ("layer", "threshold", "null", "p", "tests")
"""Those that a share depends on: it knows no metric, and asks for each latent's best partner alone."""

KEYS = tuple(each.name for each in fields(Procedure))

# What a paper is taken to have done where the recipe does not say otherwise.
_UNSAID: Mapping[str, Any] = {
    "layer": "output", "pairing": "many-to-one", "min_r": None, "max_false": None, "min_firings": 1,
    "min_cofirings": 1, "null": "shuffle", "draws": 999, "p": "b/m", "tests": "alone",
}  # fmt: skip


def published_procedure(told: Mapping[str, Any]) -> Procedure:
    """The procedure of a paper: what the recipe says, and the usual where it says nothing."""
    _refuse_unknown(told, "published")
    if "metric" not in told:
        raise InvalidConfig("published: metric is missing; which one did the paper use?")
    return Procedure(**{**_UNSAID, **told})


def corrected_procedure(published: Procedure, told: Mapping[str, Any]) -> Procedure:
    """The corrected procedure: each known fault put right, and what the recipe says of it."""
    _refuse_unknown(told, "corrected")
    given = {
        "metric": corrected_name(published.metric),
        "null": "random-subset" if published.null == "random-subset" else "shuffle",
        # That a correlation is no accident does not make it large: the threshold of the paper stays.
        "min_r": published.min_r,
        # More draws than 999 are no fault.
        "draws": max(999, published.draws),
    }
    corrected = Procedure(**{**given, **told})
    _refuse_faults(corrected)
    return corrected


def _refuse_faults(corrected: Procedure) -> None:
    """A corrected procedure that has a fault would find anything."""
    faults = {
        "p": {"b/m": "p can be 0"},
        "null": {
            "none": "there would be nothing to compare with",
            "pooled": "it is the chance of other numbers",
            "random-features": "it is the chance of other pairs",
        },
    }
    for name, values in faults.items():
        value = getattr(corrected, name)
        if value in values:
            raise InvalidConfig(f"corrected: {name} = {value!r} is itself a fault: {values[value]}")
    if not measures(corrected.metric):
        raise InvalidConfig(f"corrected: metric = {corrected.metric!r} is itself a fault: {fault_of(corrected.metric)}")


def ladder(published: Procedure, corrected: Procedure, steps: Sequence[str] = tuple(STEPS)) -> dict[str, Procedure]:
    """As published; with one correction alone, for each of the steps that changes something; with all.

    >>> published = published_procedure({"metric": "svcca-of-one-component", "tests": "holm"})
    >>> list(ladder(published, corrected_procedure(published, {})))
    ['as published', 'pairing', 'threshold', 'metric', 'p', 'all corrected']
    """
    rungs = {"as published": published}
    for step in steps:
        changed = replace(published, **{name: getattr(corrected, name) for name in STEPS[step]})
        if changed != published:
            rungs[step] = changed
    return {**rungs, "all corrected": corrected}


def changes(published: Procedure, other: Procedure) -> str:
    """What differs, in words.

    >>> changes(Procedure(p="b/m", min_r=0.1), Procedure())
    'min_r 0.1 -> none, p b/m -> (b+1)/(m+1)'
    """

    def told(value: Any) -> str:
        return "none" if value is None else str(value)

    pairs = ((name, getattr(published, name), getattr(other, name)) for name in KEYS)
    return ", ".join(f"{name} {told(old)} -> {told(new)}" for name, old, new in pairs if old != new)


def _refuse_unknown(told: Mapping[str, Any], table: str) -> None:
    unknown = sorted(set(told) - set(KEYS))
    if unknown:
        raise InvalidConfig(f"{table}: there is no {', '.join(unknown)}; it takes {', '.join(KEYS)}")
