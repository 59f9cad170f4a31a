"""Are p-values what they say? For every metric under its nulls, on data that share nothing; tables, no ratios.

Prints what `pytest tests/test_calibration.py --slow` asserts, from the same data and seeds: 500 data sets a case, the
share of p <= .05 with its 95% Clopper-Pearson interval, and the one-sided Kolmogorov-Smirnov test for p-values that are
too small. Then the law of null="exact", an approximation, at several numbers of rows. About ten minutes of one core.

python benchmarks/calibration.py                   # all
python benchmarks/calibration.py documents exact   # families that begin with these words
"""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from test_calibration import CASES, EXACT, Case, p_values

from geomsim_synthetic.cards.uniformity import false_positives, kolmogorov_smirnov, ranks
from geomsim_synthetic.cards.unrelated import heavy_tailed

DATASETS, FINE = 500, 1000
ROWS = (12, 20, 40, 100)
BY_ROWS = [
    replace(case, family=f"exact, n = {rows}", make=partial(heavy_tailed, rows=rows)) for rows in ROWS for case in EXACT
]


def line(case: Case, datasets: int, alphas: tuple[float, ...]) -> str:
    p = p_values(case, datasets, case.draws)
    steps = case.draws + 1 if case.draws else FINE
    rates = [false_positives(p, alpha) for alpha in alphas]
    excess, chance = kolmogorov_smirnov(ranks(p, steps), steps)
    cells = [
        case.family,
        case.called,
        f"{len(p)}",
        *(f"{rate.share:.3f} ({rate.low:.3f} to {rate.high:.3f})" for rate in rates),
        f"{excess:.3f}",
        f"{chance:.2g}" if chance > 1e-12 else "< 1e-12",
    ]
    return f"| {' | '.join(cells)} |"


def table(cases: list[Case], datasets: int, alphas: tuple[float, ...]) -> None:
    chosen = [case for case in cases if case.family.startswith(tuple(sys.argv[1:]) or "")]
    if not chosen:
        return
    heads = ["null and data", "metric", "data sets", *(f"p <= {alpha:g}" for alpha in alphas), "excess", "KS p"]
    print(f"| {' | '.join(heads)} |\n|{' --- |' * len(heads)}", flush=True)
    for case in chosen:
        print(line(case, datasets, alphas), flush=True)
    print()


if __name__ == "__main__":
    table([case for case in CASES if case not in EXACT], DATASETS, (0.05,))
    table(BY_ROWS, FINE, (0.05, 0.01))
