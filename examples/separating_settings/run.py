"""What tells methods apart: matching methods on harder dictionaries, and metrics on clouds that share one thing each.

python examples/separating_settings/run.py                # everything, a quarter of an hour on two cores
python examples/separating_settings/run.py rsa cka        # these metrics again, the other numbers stay
python examples/separating_settings/run.py --settings wound circle   # all metrics on these settings
python examples/separating_settings/run.py --render       # write the tables of README.md from results.json
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import stats
from scipy.spatial.distance import pdist
from separating_report import REFERENCE, readme
from torch import Tensor

import geomsim
from geomsim.parallel import cores
from geomsim_synthetic import correspondence_recovery, from_setting, preset
from geomsim_synthetic.separating import SEPARATING, sight

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
README = HERE / "README.md"

PRESETS = ("easy", "busy", "absorbing", "tangled")
METHODS = ("max", "mutual", "hungarian")
QUALITIES = ("precision", "recall")
SEEDS = 20
MIN_WEIGHT = 0.3
DATA_SETS, PAIRS, DRAWS, LEVEL = 40, 200, 99, 0.05
# Metrics whose scores take hundredths of a second and more see fewer pairs and draws.
DEAR = ("geometry-score", "gromov-wasserstein", "mapper-fused", "mapper-gromov", "mapper-hypergraph", "rtd")
FEWER = {"pairs": 40, "draws": 19}
WITH_REFERENCE = ("circle", "noisy-circle")


@dataclass(frozen=True)
class LongestLoop(geomsim.UnpairedMetric[Tensor]):
    """How much the longest bar of H1 differs, in units of each side's diameter; a plain reference by ripser."""

    larger_means = "farther"
    score_range = (0.0, 1.0)
    unchanged_by = frozenset({"rotation", "scaling", "translation"})

    def prepare(self, points: Tensor) -> Tensor:
        """Length of the longest bar over the largest distance of two rows; 0 where there is no loop."""
        return torch.tensor(longest_loop(points.double().numpy()), dtype=torch.float64)

    def score(self, left: Tensor, right: Tensor) -> Tensor:
        """The absolute difference."""
        return (left - right).abs()


def longest_loop(points: np.ndarray[Any, Any]) -> float:
    """The longest bar of H1 of the Vietoris-Rips filtration, over the diameter."""
    from ripser import ripser

    bars = ripser(points, maxdim=1)["dgms"][1]
    return float((bars[:, 1] - bars[:, 0]).max() / pdist(points).max()) if len(bars) else 0.0


def matching(name: str, seeds: int = SEEDS) -> dict[str, Any]:
    """Precision and recall of each method on a preset, with intervals over seeds, and how far two methods are apart."""
    found: dict[str, dict[str, list[float]]] = {method: {quality: [] for quality in QUALITIES} for method in METHODS}
    for seed in range(seeds):
        two = from_setting(preset(name), seed=seed)
        codes = two.left.true_codes(), two.right.true_codes()
        for method in METHODS:
            judged = correspondence_recovery(geomsim.pair(*codes, method=method, min_weight=MIN_WEIGHT), two.truth)
            for quality in QUALITIES:
                found[method][quality].append(getattr(judged, quality))
    return {method: {quality: summary(found[method][quality]) for quality in QUALITIES} for method in METHODS}


def summary(values: Sequence[float]) -> dict[str, Any]:
    """Mean with a 95% interval (Student's t), the range, and the values."""
    half = float(stats.t.ppf(0.975, len(values) - 1) * stats.sem(values))
    mean = float(np.mean(values))
    return {
        "mean": mean, "low": mean - half, "high": mean + half,
        "smallest": min(values), "largest": max(values), "by_seed": list(values),
    }  # fmt: skip


def sights(setting_name: str, metrics: Sequence[str]) -> dict[str, Any]:
    """What each metric sees of a setting; without names all that are installed, and where there are circles ripser."""
    setting = SEPARATING[setting_name]
    wanted: dict[str, str | geomsim.Metric[Any]] = {name: name for name in metrics or geomsim.metrics()}
    if setting.name in WITH_REFERENCE and not metrics:
        wanted[REFERENCE] = LongestLoop()
    found = {}
    for name, metric in wanted.items():
        effort = FEWER if name in DEAR else {"pairs": PAIRS, "draws": DRAWS}
        found[name] = sight(setting, metric, data_sets=DATA_SETS, level=LEVEL, **effort).to_dict()
    return found


def stored() -> dict[str, Any]:
    """What was measured so far."""
    found: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    return found


def store_matching() -> None:
    """Measure the matching methods on all presets."""
    found = {name: matching(name) for name in PRESETS}
    _write({**stored(), "matching": {"seeds": SEEDS, "min_weight": MIN_WEIGHT, "presets": found}})


def store_sights(name: str, metrics: Sequence[str], found: dict[str, Any]) -> None:
    """Keep what the metrics saw of a setting; without names, what other metrics saw before is forgotten."""
    results = stored()
    before = results.get("separating", {}).get("settings", {})
    whole = {**(before.get(name, {}) if metrics else {}), **found}
    # As when all are measured at once: by name, and what is no metric of the package last.
    whole = {metric: whole[metric] for metric in sorted(whole, key=lambda each: (each == REFERENCE, each))}
    after = {**before, name: whole}
    ordered = {each: after[each] for each in SEPARATING if each in after}
    results["separating"] = {
        "data_sets": DATA_SETS, "pairs": PAIRS, "draws": DRAWS, "level": LEVEL,
        "fewer": {**FEWER, "metrics": list(DEAR)}, "settings": ordered,
    }  # fmt: skip
    _write(results)
    print(name, {metric: round(seen["value"], 2) for metric, seen in found.items()}, flush=True)


def _write(results: dict[str, Any]) -> None:
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("metrics", nargs="*", help="measure these metrics only, and keep all other numbers")
    parser.add_argument("--settings", nargs="*", choices=list(SEPARATING), help="measure on these settings only")
    parser.add_argument("--render", action="store_true", help="measure nothing, only write README.md")
    chosen = parser.parse_args()
    if not chosen.render:
        if not chosen.metrics and chosen.settings is None:
            store_matching()
        names = list(SEPARATING) if chosen.settings is None else chosen.settings
        with ProcessPoolExecutor(cores(), multiprocessing.get_context("spawn"), torch.set_num_threads, (1,)) as pool:
            jobs = [pool.submit(sights, name, chosen.metrics) for name in names]
            for name, job in zip(names, jobs, strict=True):
                store_sights(name, chosen.metrics, job.result())
    README.write_text(readme(stored()))


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
