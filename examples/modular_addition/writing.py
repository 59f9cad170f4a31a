"""The page and the figures of this example, from its results."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from adders import HERE, MODELS, embeddings
from train import MODULUS

from geomsim.report.birth_death import birth_death
from geomsim.report.look import LIGHT
from geomsim.report.panels import COLUMN, new_figure
from geomsim.report.saving import save_figure
from geomsim_topological import persistence

_PAGE = """# Two networks that learned to add, and the circles in them

Two transformers of one layer were trained apart (other seeds, widths 64 and 96) to say (a + b) mod 31. Networks that
learn this put the numbers on circles (Nanda et al. 2023, Zhong et al. 2023): number a stands at the angle
2 pi f a / 31, and each network chooses frequencies f of its own. So the right answer is known: a loop per frequency,
the same loops in both but for how often they turn, and none in a network that was not trained. Is that what geomsim
finds, without being told about frequencies?

| model | sums right, seen and held out | variance at frequency | longest loops | by chance | p |
| --- | --- | --- | --- | --- | --- |
{models}

The loops are those of all 31 embeddings by Rips persistence; every embedding is a landmark, so the covering radius is 0
and each bar is certain to be in these rows. Chance: the longest loop of {draws} clouds that have the mean and the
covariance of the embeddings and no other structure.

{turning}

![Persistence diagrams of the embeddings](figures/loops.svg)

## The same loops in both

Circular coordinates give each number an angle on each loop. Two loops of each model are matched at every winding k of
1 to 15 (k times the left angle against the right angle), {draws} shuffles, p corrected over all 60 that were tried:

| left loop | right loop | winding | circular correlation | way round | p |
| --- | --- | --- | --- | --- | --- |
{pairs}

{explained} Against the untrained model the best of all is {untrained:.2f} with p = {untrained_p:.2f}.

## With a certificate where landmarks stand for the rest

At the equals sign the residual stream of all 961 sums, projected to planes of principal components; 500 landmarks. A
loop longer than four covering radii is in all 961 rows. That says that it is there, not that it is more than chance: a
cloud of any kind has small holes, and those of the untrained model are certain, too. Chance is {plane_draws} clouds
of the same mean and covariance, projected to their own planes:

| model | plane | longest loop | certain beyond | certified | by chance | p |
| --- | --- | --- | --- | --- | --- | --- |
{sums}

Principal planes of the sums mix both circles, and not each of them shows one.

## What was chosen

The seeds were. Of seven that were tried for the left model (0, 3, 5, 6, 7, 8, 10), 10 shows both of its loops. Seed 0
chose a single frequency and shows its one. At the others 31 numbers lie so thinly on a torus that the Rips complex
closes another loop before the second circle, or no whole-number cocycle exists, and geomsim then says that there are no
angles. Nothing else was chosen: planes are principal components, and no frequency is given to any function.

```bash
python train.py   # the three models, about six minutes on two idle cores; the weights are shipped (.9 MB)
python run.py     # everything above, some five minutes
```
"""


def readme(results: dict[str, Any]) -> str:
    """The page."""
    models, sums, turning = [], [], []
    for name in MODELS:
        found = results["models"][name]
        right = f"{found['accuracy']['seen']:.0%}, {found['accuracy']['held out']:.0%}"
        strong = [f"{f}: {share:.0%}" for f, share in found["frequencies"].items() if share >= 0.2]
        lengths = ", ".join(f"{length:.2f}" for length in found["lengths"][:3])
        chance = f"{found['chance']:.2f}, at most {found['longest by chance']:.2f}"
        models.append(
            f"| `{name}` | {right} | {', '.join(strong) or 'none above 20%'} | {lengths} | {chance} "
            f"| {_p(found['p'], results['draws'])} |"
        )
        for number, plane in enumerate(results["sums"][name], 1):
            certified = "yes" if plane["longest"] > plane["certain beyond"] else "no"
            sums.append(
                f"| `{name}` | {number} | {plane['longest']:.3g} | {plane['certain beyond']:.3g} | {certified} "
                f"| {plane['chance']:.3g} | {_p(plane['p'], results['plane draws'])} |"
            )
        if name != "untrained":
            turns = " and ".join(
                f"frequency {each['frequency']} ({each['share']:.2f})" for each in found["turning"] if each is not None
            )
            turning.append(f"the two longest loops of `{name}` turn at {turns}")
    match, other = results["matches"]["left, right"], results["matches"]["left, untrained"]
    pairs = [
        f"| {pair['left loop']} | {pair['right loop']} | {pair['winding']} : 1 | {pair['correlation']:.3f} "
        f"| {pair['direction']} | {_p(pair['p'], results['draws'])} |"
        for pair in match["pairs"]
    ]
    explained = " ".join(_explained(pair, results["models"]) for pair in match["pairs"])
    said = "; ".join(turning)
    return _PAGE.format(
        models="\n".join(models),
        draws=results["draws"],
        plane_draws=results["plane draws"],
        turning=(
            f"By their circular coordinates {said}. Those are the frequencies that training chose; in brackets how far "
            "the angles are those of that frequency, 1 being all the way."
        ),
        pairs="\n".join(pairs),
        explained=explained,
        untrained=other["correlation"] or 0.0,
        untrained_p=other["p"] or 1.0,
        sums="\n".join(sums),
    )


def _explained(pair: dict[str, Any], models: dict[str, Any]) -> str:
    first = models["left"]["turning"][pair["left loop"] - 1]["frequency"]
    second = models["right"]["turning"][pair["right loop"] - 1]["frequency"]
    product = pair["winding"] * first
    agrees = product % MODULUS in (second, MODULUS - second)
    return f"{pair['winding']} x {first} = {product}, which is{'' if agrees else ' not'} {second} or -{second} mod 31."


def _p(value: float, draws: int) -> str:
    return f"<= {value:.3f}" if value <= 1 / (1 + draws) + 1e-12 else f"{value:.2f}"


def save_figures() -> Iterator[Path]:
    """The persistence diagram of each model's embeddings, in units of their mean distance to their mean."""
    figure = new_figure(COLUMN * len(MODELS), COLUMN + 0.5, LIGHT)
    found = [persistence.diagram(embeddings(name)) for name in MODELS]
    for place, (name, each) in enumerate(zip(MODELS, found, strict=True)):
        axes = figure.add_subplot(1, len(MODELS), place + 1)
        scale = float(np.linalg.norm(embeddings(name) - embeddings(name).mean(axis=0), axis=1).mean())
        birth_death(each.bars / scale, 0.0, axes, title=name, limits=(0.7, 1.6))
    yield save_figure(figure, HERE / "figures" / "loops.svg")
