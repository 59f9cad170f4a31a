"""`geomsim demo`: the whole way, from two models to p-values, on what is at hand."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

import geomsim
from geomsim.cli.console import DONE, FAILED, PARTLY, Common
from geomsim.cli.demo_outcome import demo_metrics

_MODELS = Path(geomsim.__file__).parent.parent / "examples" / "code_models"


def demo(
    *,
    out: Path = Path("geomsim-demo"),
    models: Path | None = None,
    synthetic: Annotated[bool, Parameter(negative="")] = False,
    draws: int = 999,
    all_metrics: Annotated[bool, Parameter(negative="")] = False,
    common: Common = Common(),
) -> int:
    """Go the whole way offline: read two models, pair their features, compare, judge, write it all down.

    With the example models of the source checkout the text is the standard library of this Python, held-out files
    only. Installed without them, synthetic models with a known truth take their place, and the demo says so.

    Parameters
    ----------
    out
        the folder for results, pictures, the summary page, and the files that reproduce them.
    models
        the folder with the example models.
    synthetic
        use the synthetic models even where the real ones are at hand.
    draws
        random orders per comparison.
    all_metrics
        compare by every installed metric, which takes minutes; by default by one of each family, and by whatever other
        packages than geomsim offer.
    """
    folder = models or _MODELS
    real = not synthetic and (folder / "left" / "config.json").exists()
    if models is not None and not real and not synthetic:
        raise geomsim.GeomsimError(f"{folder} holds no example models (expected {folder / 'left' / 'config.json'})")
    if common.dry_run:
        kind = f"the models in {folder}" if real else "synthetic models"
        return common.plan(
            f"would run on {kind} and write below {out}/",
            would_read=[folder] if real else [],
            would_write=[out],
            details={"models": kind},
        )
    started = time.perf_counter()
    if real:
        from geomsim.cli.demo_models import run
    else:
        common.note(
            "The example models are not here (they come with the source checkout): this runs on synthetic truth."
        )
        from geomsim.cli.demo_synthetic import run
    found = run(folder, out, demo_metrics(all_metrics), draws, common)
    seconds = round(time.perf_counter() - started)
    common.emit({**found.record, "seconds": seconds}, *found.pictures, f"Done in {seconds} seconds.")
    if not found.study.failed:
        return DONE
    return FAILED if len(found.study.failed) == len(found.study.cells) else PARTLY
