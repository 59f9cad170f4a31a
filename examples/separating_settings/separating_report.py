"""README.md of the separating settings, from their results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from geomsim_synthetic.separating import SEPARATING

_MARKS = {"sees": "✓", "misses": "✗", "between": "~"}
_MEASURES = {"power": "power", "auc": "told apart"}
_NAMED = 3
#: Measured with the metrics, and none of them.
REFERENCE = "longest-loop"

_HEAD = """\
# Settings that tell methods apart

Each setting plants one thing that two sides share and asks who finds it. No metric sees everything: each of them misses
something here that another one sees. The clouds come from `geomsim_synthetic.separating`:

```python
import geomsim
from geomsim_synthetic.separating import separating_case

case = separating_case("wound", seed=0)
geomsim.compare(case.left, case.right, "cka").p_value  # .41: no linear map leads from an angle to its double
geomsim.compare(case.left, case.right, "mutual-knn").p_value  # .001
```

`python examples/separating_settings/run.py` measures all of this again and writes this page; with names of metrics it
measures these and leaves the other numbers as they are.
"""

_HOW_MATCHING = """\
## Matching methods

Presets of `geomsim_synthetic.preset`, true codes, pairs with r of at least {min_weight}. Over {seeds} seeds: mean, [95%
interval of the mean], and (lowest to highest seed). With the first three presets true codes leave nothing to disagree
about. With "tangled" (groups of features that fire almost together, splits and twins, firings that each network misses)
methods part ways: `max` lets many left rows take one right row and pays in precision, `mutual` drops every row whose
choice is not returned and pays in recall, and `hungarian` settles the conflicts: it finds most, some of it wrong. For
each two methods the ranges over all seeds do not touch in precision or in recall.
"""

_HOW_METRICS = """\
## Metrics

Power (paired metrics): the share of {data_sets} data sets in which a shuffle of the rows ({draws} draws) gives
p <= {level}, with the interval of Clopper and Pearson. Told apart (unpaired metrics; all metrics in {told_apart}, where
no row has a partner that a shuffle could take away): the chance that a pair that shares something scores closer than a
control pair that does not, over {pairs} pairs of each, with the interval of Newcombe (2006); .5 is chance. All metrics
by their defaults.

{dear} take long: they were measured with {fewer_pairs} pairs and {fewer_draws} draws, and their intervals are wider.

✓ sees it: power or chance of at least .8. ✗ misses it: power of at most .2, chance of .4 to .6. ~ is neither; with a
chance below .4, pairs that share nothing score closer. In settings whose rows do not correspond, the power of a paired
metric is its false positives. `longest-loop` is no metric of the package but a plain reference: the difference of the
longest bar of H1, by ripser, in units of the diameter. An empty cell was not measured.
"""

_HOW_BOTH = """\
For each metric one setting that it misses, with metrics that see it, and one that it sees, with how many of the other
metrics miss it: of all its settings the one that the most others see, and the one that the most others miss.
"""


def readme(results: Mapping[str, Any]) -> str:
    """The page."""
    matching, separating = results["matching"], results["separating"]
    settings = separating["settings"]
    parts = [
        _HEAD,
        _HOW_MATCHING.format(**matching),
        matching_table(matching["presets"]),
        _HOW_METRICS.format(
            **separating,
            told_apart=", ".join(name for name in settings if SEPARATING[name].told_apart),
            dear=", ".join(f"`{metric}`" for metric in separating["fewer"]["metrics"]),
            fewer_pairs=separating["fewer"]["pairs"],
            fewer_draws=separating["fewer"]["draws"],
        ),
        overview(settings),
        _HOW_BOTH,
        both_ways(settings),
        *(part for name, found in settings.items() for part in described(name, found)),
    ]
    return "\n".join(f"{part.rstrip()}\n" for part in parts)


def matching_table(presets: Mapping[str, Any]) -> str:
    """Preset and method against precision and recall."""
    lines = [
        [f"`{preset}`", f"`{method}`", *(spread(found) for found in qualities.values())]
        for preset, methods in presets.items()
        for method, qualities in methods.items()
    ]
    return markdown(["preset", "method", "precision", "recall"], lines)


def spread(found: Mapping[str, Any]) -> str:
    """Mean, interval and range.

    >>> spread({"mean": 0.5, "low": 0.4, "high": 0.6, "smallest": 0.25, "largest": 1.0})
    '.500 [.400, .600] (.250 to 1.000)'
    """
    mean, low, high, smallest, largest = (
        short(found[name], 3) for name in ("mean", "low", "high", "smallest", "largest")
    )
    return f"{mean} [{low}, {high}] ({smallest} to {largest})"


def overview(settings: Mapping[str, Mapping[str, Any]]) -> str:
    """Metric against setting."""
    lines = [
        [f"`{metric}`", *(cell(found[metric]) if metric in found else "" for found in settings.values())]
        for metric in [*metrics_of(settings), REFERENCE]
    ]
    return markdown(["metric", *settings], lines)


def metrics_of(settings: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """All that were measured anywhere, by name."""
    return sorted({name for found in settings.values() for name in found} - {REFERENCE})


def both_ways(settings: Mapping[str, Mapping[str, Any]]) -> str:
    """For each metric where it fails and another succeeds, and where it succeeds and others fail."""
    lines = []
    for metric in metrics_of(settings):
        others = {
            verdict: {
                name: [other for other, seen in found.items()
                       if seen["verdict"] == verdict and other not in (metric, REFERENCE)]
                for name, found in settings.items()
            }
            for verdict in ("sees", "misses")
        }  # fmt: skip
        own = {name: found[metric] for name, found in settings.items() if metric in found}
        missed = [name for name, seen in own.items() if seen["verdict"] == "misses" and others["sees"][name]]
        seen = [name for name, seen in own.items() if seen["verdict"] == "sees" and others["misses"][name]]
        cells = ["none of these", "none of these"]
        if missed:
            chosen = max(missed, key=lambda name: len(others["sees"][name]))
            cells[0] = f"{chosen}, {short(own[chosen]['value'])}: {_some(others['sees'][chosen])}"
        if seen:
            chosen = max(seen, key=lambda name: len(others["misses"][name]))
            measured = [other for other in settings[chosen] if other not in (metric, REFERENCE)]
            count = f"{len(others['misses'][chosen])} of {len(measured)}"
            cells[1] = f"{chosen}, {short(own[chosen]['value'])}: missed by {count}"
        lines.append([f"`{metric}`", *cells])
    return markdown(["metric", "misses, and who sees it", "sees, and how many others miss it"], lines)


def _some(names: Sequence[str]) -> str:
    """The first three."""
    listed = ", ".join(f"`{name}`" for name in names[:_NAMED])
    return listed + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")


def described(name: str, found: Mapping[str, Any]) -> list[str]:
    """A setting in words, and every metric with its interval."""
    setting = SEPARATING[name]
    lines = [
        [
            f"`{metric}`", _MARKS[seen["verdict"]], _MEASURES[seen["measure"]], short(seen["value"]),
            f"[{short(seen['low'])}, {short(seen['high'])}]", str(seen["refused"] or ""),
        ]
        for metric, seen in found.items()
    ]  # fmt: skip
    return [
        f"### {name}\n\n*Shared:* {setting.what}\n\n*Who sees it:* {setting.why}",
        markdown(["metric", "", "measure", "value", "95% interval", "refused"], lines),
    ]


def cell(seen: Mapping[str, Any]) -> str:
    """Mark and value."""
    return f"{_MARKS[seen['verdict']]} {short(seen['value'])}"


def short(value: float, digits: int = 2) -> str:
    """A share without its leading zero.

    >>> short(0.254), short(1.0)
    ('.25', '1.00')
    """
    return f"{value:.{digits}f}".removeprefix("0") if value < 1.0 else f"{value:.{digits}f}"


def markdown(header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table."""
    return "\n".join("| " + " | ".join(line) + " |" for line in [header, ["---"] * len(header), *lines])
