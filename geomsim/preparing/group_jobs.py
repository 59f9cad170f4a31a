"""Groups of features of one dictionary against each other: the blocks [[within]] as pairs of a study."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geomsim.contract import PairedMetric
from geomsim.errors import GeomsimError, InvalidConfig
from geomsim.preparing.blocks import FEATURES, TOKENS, Within, slug
from geomsim.preparing.dependencies import Dependencies
from geomsim.preparing.jobs import SPACES, Reading
from geomsim.preparing.ledger import Ledger
from geomsim.preparing.places import Model, Place
from geomsim.preparing.reading import space_file, tokens_file
from geomsim.sides import named_rows
from geomsim.space import Space
from geomsim.study_config import asked_of, chosen_for, metric_of

if TYPE_CHECKING:
    from geomsim.row_groups import Group
    from geomsim.subspaces import Theme

_NULL = "random-group"


@dataclass(frozen=True)
class GroupJob:
    """The groups of one dictionary, each two of which are compared."""

    block: Within
    reading: Reading
    names: tuple[str, ...]
    choices: Mapping[str, Any]

    @property
    def place(self) -> Place:
        """Whose rows they are."""
        return self.reading.place

    def labels(self, left: str, right: str) -> dict[str, Any]:
        """The columns of the table that say what is compared."""
        return {
            "role": self.block.role, "rows": self.place.rows, "left_model": self.place.model,
            "right_model": self.place.model, "left_layer": self.place.layer, "right_layer": self.place.layer,
            "units": TOKENS, "left_group": left, "right_group": right,
        }  # fmt: skip

    def pairs(
        self, rows_of: Mapping[str, Sequence[int]], pool: Sequence[int] | None = None
    ) -> Iterator[dict[str, Any]]:
        """Each two groups as a pair of the study; random groups are made of the pool, or of all rows."""
        for left, right in combinations(self.names, 2):
            sides = {"left": left, "right": right}
            files = {side: group_file(self.place, self.block, name) for side, name in sides.items()}
            empty = {side: not len(rows_of[name]) for side, name in sides.items()}
            yield {
                **self.labels(left, right),
                **{side: space_file(self.place) if empty[side] else files[side] for side in sides},
                "within": {
                    "space": space_file(self.place), **{side: list(rows_of[name]) for side, name in sides.items()},
                    **({} if pool is None else {"pool": list(pool)}),
                },
                **self.choices,
            }  # fmt: skip


def group_jobs_of(
    blocks: Sequence[Within], models: Mapping[str, Model], config: Mapping[str, Any], base: Path
) -> list[GroupJob]:
    """All blocks, layer by layer. Raises InvalidConfig, naming the block, for layers, themes and metrics that it has
    not.
    """
    found = []
    for block in blocks:
        try:
            names = tuple(_themes(block, base))
            choices = _choices(block, config)
        except GeomsimError as error:
            raise error.within(block.place) from None
        places = {place.layer: place for place in models[block.model].features}
        for layer in places if block.layers == "all" else block.layers:
            if layer not in places:
                raise InvalidConfig(
                    f"{block.place}: model {block.model!r} has no {FEATURES} at layer {layer!r}; it has "
                    f"{', '.join(map(str, places)) or 'none'}"
                )
            found.append(GroupJob(block, Reading(places[layer]), names, choices))
    return found


def write_groups(
    job: GroupJob, ledger: Ledger, needs: Dependencies, base: Path
) -> tuple[dict[str, list[int]], list[int] | None]:
    """The rows of each group, which are written as a space of their own for the report, and of the pool, None for all.

    A latent that is never active is in no theme, and its direction is where training left it: it is not in the pool.
    """
    from geomsim.activations.latent_tokens import read_top_tokens
    from geomsim.concept_groups import theme_groups

    tokens = read_top_tokens(ledger.path(tokens_file(job.place))).strings
    groups: dict[str, Group] = theme_groups(tokens, _themes(job.block, base), **job.block.options)
    space = Space(ledger.path(space_file(job.place)))
    for name, group in groups.items():
        file = group_file(job.place, job.block, name)
        digest = needs.group(job.reading, group.rows)
        if len(group) and not ledger.has(file, digest):
            with ledger.making({file: digest}):
                named_rows(space, f"{space.name}, {name}", group.rows).save(ledger.path(file))
    active = [row for row, strings in enumerate(tokens) if strings]
    return {name: np.asarray(group.rows).tolist() for name, group in groups.items()}, (
        None if len(active) == len(tokens) else active
    )


def group_file(place: Place, block: Within, name: str) -> str:
    """Where the rows of a group go."""
    return f"{SPACES}/{place.slug}-{slug(block.place)}-{slug(name)}.npz"


def _themes(block: Within, base: Path) -> dict[str, Theme]:
    from geomsim.subspaces import read_themes

    themes = read_themes(None if block.themes is None else base / block.themes)
    for name in block.groups or ():
        if name not in themes:
            raise InvalidConfig(f"there is no theme {name!r}; the file has {', '.join(themes)}")
    return {name: themes[name] for name in block.groups or themes}


def _choices(block: Within, config: Mapping[str, Any]) -> dict[str, Any]:
    """What is asked of groups: unpaired metrics, and whether two random groups are as alike unless it says else."""
    from geomsim.catalog import metrics as metric_names

    chosen = chosen_for(block.choices, config)
    asked = list(chosen["metrics"] if "metrics" in chosen else metric_names())
    paired = [choice for choice in asked if isinstance(metric_of(asked_of(choice, chosen)[0]), PairedMetric)]
    if paired and "metrics" in block.choices:
        raise InvalidConfig(
            f"groups of one space do not correspond row by row, and {paired[0]!r} compares rows that do; take unpaired "
            "metrics"
        )
    unpaired = [choice for choice in asked if choice not in paired]
    if not unpaired:
        raise InvalidConfig("groups of one space need unpaired metrics, and the study names none: metrics = [...] here")
    return {"null": _NULL, **block.choices, "metrics": unpaired, "buckets": False, "subspaces": False}
