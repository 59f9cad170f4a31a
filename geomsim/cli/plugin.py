"""`geomsim plugin new` and `geomsim plugin check`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import cyclopts
from cyclopts import Parameter

from geomsim.cards import Promise
from geomsim.catalog import load_file
from geomsim.cli.console import DONE, FAILED, Common, plain_table

_UNTRIED = "-"

plugin = cyclopts.App(name="plugin", help="Write a new metric package, or check one against the contract.")


@plugin.command
def new(name: str, /, *, into: Path | None = None, common: Common = Common()) -> int:
    """Write a complete package with a metric that passes every check as it stands.

    Parameters
    ----------
    name
        the metric's name: lower-case words with hyphens.
    into
        the folder to write; `geomsim-NAME` here by default.
    """
    from geomsim.scaffold import new_plugin

    target = into or Path(f"geomsim-{name}")
    if common.dry_run:
        return common.plan(f"would write a package to {target}", would_write=[target])
    written = new_plugin(name, target)
    common.emit(
        {"written": [str(path) for path in written]},
        *(f"wrote {path}" for path in written),
        f"Next: pip install -e {target} && geomsim plugin check {name}",
    )
    return DONE


@plugin.command
def check(
    name: str,
    /,
    *,
    measure: bool = True,
    plugin: Annotated[list[Path] | None, Parameter(negative="")] = None,
    common: Common = Common(),
) -> int:
    """Try every promise on a metric and print its card. Exit code 1 where one is broken, with the smallest example.

    Parameters
    ----------
    name
        an installed metric's name.
    measure
        also measure the metric on synthetic truth, which holds promises of its own (p-values, chance, direction);
        a few seconds for most metrics. `geomsim validate NAME` measures more.
    plugin
        a Python file that calls `geomsim.register("NAME", MyMetric)`; may be given again.
    """
    from geomsim.testing import CHECKS, metric_card

    for file in plugin or []:
        load_file(file)
    if common.dry_run:
        return common.plan("would check: " + "; ".join(CHECKS), bytes=0, details={"would_check": list(CHECKS)})
    card = metric_card(name, measure="quick" if measure else None, seed=common.start)
    rows = [[_state(promise), promise.name, promise.evidence] for promise in card.promises]
    broken = [promise.name for promise in card.broken]
    promises = f"{len(broken)} promise{'s' if len(broken) > 1 else ''}"
    tried = sum(_state(promise) != _UNTRIED for promise in card.promises)
    kept = f"{name} keeps all {tried} promises that were tried"
    verdict = f"{name} breaks {promises}: {'; '.join(broken)}" if broken else kept
    parameters = ", ".join(f"{key}={value}" for key, value in card.parameters.items())
    common.emit(
        card.to_dict(),
        plain_table(f"{name} ({parameters})" if parameters else name, ["", "promise", "evidence"], rows),
        *(f"{found.name}: {found.summary}" for found in card.measured),
        *(f"known fault: {fault}: {evidence}" for fault, evidence in card.faults.items()),
        verdict,
    )
    return FAILED if broken else DONE


def _state(promise: Promise) -> str:
    """In a word, as pages of cards have it: what could not be tried is neither kept nor broken."""
    if promise.evidence.startswith("not tried"):
        return _UNTRIED
    return "kept" if promise.kept else "BROKEN"
