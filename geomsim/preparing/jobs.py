"""What is to be paired: each block of a study as couples of places, each paired in one or several ways."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from geomsim.errors import InvalidConfig
from geomsim.preparing.blocks import EITHER, FEATURES, KEPT, LEFT_OUT, NEURONS, TOKENS, Between, Method, slug
from geomsim.preparing.model_facts import ModelFacts
from geomsim.preparing.places import Model, Place, known_facts

CODES, SPACES, TOP_TOKENS, CONTEXTS, PAIRINGS = "codes", "spaces", "tokens", "contexts", "pairings"
OWN_WINDOWS = "own"


@dataclass(frozen=True)
class Reading:
    """One reading of a place: the codes of it, in the model's own windows or in those that it shares with another."""

    place: Place
    windows: str = OWN_WINDOWS

    @property
    def file(self) -> str:
        """The folder of codes, below what is prepared."""
        return f"{CODES}/{slug(self.windows)}/{self.place.slug}"


@dataclass(frozen=True)
class Coupling:
    """Two codes whose latents are correlated, once for all methods."""

    left: Reading
    right: Reading
    non_concepts: str
    units: str
    pool: str
    words: str
    correlating: tuple[tuple[str, int], ...]

    @property
    def key(self) -> tuple[Any, ...]:
        """Equal for couplings with the same candidates."""
        how = self.non_concepts, self.units, self.pool, self.words, self.correlating
        return self.left.file, self.right.file, *how


@dataclass(frozen=True)
class Job:
    """One pairing of two places."""

    block: Between
    coupling: Coupling
    method: Method
    direction: str

    @property
    def left(self) -> Place:
        """The left place."""
        return self.coupling.left.place

    @property
    def right(self) -> Place:
        """The right place."""
        return self.coupling.right.place

    @property
    def place(self) -> str:
        """Which block and which couple this is, for errors."""
        sides = (f"{side.model} {side.rows} of layer {side.layer}" for side in (self.left, self.right))
        return f"{self.block.place}, {' and '.join(sides)}"

    @property
    def labels(self) -> dict[str, Any]:
        """The columns of the table that say what is compared."""
        return {
            "role": self.block.role, "rows": self.left.rows, "left_model": self.left.model,
            "right_model": self.right.model, "left_layer": self.left.layer, "right_layer": self.right.layer,
            "method": self.method.label, "direction": self.direction, "non_concepts": self.coupling.non_concepts,
            "units": self.coupling.units,
        }  # fmt: skip

    @property
    def options(self) -> dict[str, Any]:
        """What decides the pairs beside the codes."""
        return {
            "method": self.method.name, "parameters": dict(self.method.parameters), "direction": self.direction,
            "non_concepts": self.coupling.non_concepts, "units": self.coupling.units, "pool": self.coupling.pool,
            "words": self.coupling.words, "correlating": dict(self.coupling.correlating),
            "min_weight": self.block.min_weight,
        }  # fmt: skip

    @property
    def file(self) -> str:
        """Where the pairing goes; blocks that pair the same places with the same options share it."""
        coupling = self.coupling
        parts = [f"{self.left.slug}-{slug(self.right.model)}_{slug(self.right.layer)}", slug(self.method.label)]
        parts += [self.direction] if self.direction != EITHER else []
        parts += ["concepts"] if coupling.non_concepts == LEFT_OUT else []
        parts += [coupling.units] if coupling.units != TOKENS else []
        usual = Between("", "", "")
        unusual = {
            "pool": coupling.pool != usual.pool and coupling.pool,
            "words": coupling.words != usual.words and coupling.words,
            "correlating": dict(coupling.correlating) != dict(usual.correlating) and dict(coupling.correlating),
            "min_weight": self.block.min_weight,
        }
        if any(value is not None and value is not False for value in unusual.values()):  # 0 is a weight
            parts.append(_short(unusual))
        return f"{PAIRINGS}/{'-'.join(parts)}.parquet"


def jobs_of(blocks: Sequence[Between], models: Mapping[str, Model]) -> list[Job]:
    """All pairings that the blocks ask for, in their order. Raises InvalidConfig, naming the block."""
    return [job for block in blocks for job in _of_block(block, models)]


def unknown_rows(blocks: Sequence[Between], models: Mapping[str, Model]) -> list[str]:
    """Names of models whose neurons are asked for, and nobody knows of how many blocks: their files do not say it."""
    names = dict.fromkeys(name for block in blocks if NEURONS in block.rows for name in (block.left, block.right))
    return [name for name in names if models[name].neurons is None]


def check_blocks(blocks: Sequence[Between], models: Mapping[str, Model], *, fetched: bool) -> None:
    """InvalidConfig where neurons of every block are asked for, and a configuration that is here does not count them.

    With `fetched` it is here of every model.
    """
    for name in unknown_rows(blocks, models):
        if fetched or known_facts(models[name].located) != ModelFacts():
            raise InvalidConfig(
                f"models.{name}: its config.json does not say, under any name that is known here, how many blocks the "
                "model has; name those whose neurons are to be read: neurons = [0, 1, ...]"
            )


def common_windows(left: Model, right: Model) -> str:
    """What the windows are called that two models share: couples with equal tokenizers and contexts share theirs.

    Where the files that would tell are not here, each couple of models has windows of its own.
    """
    sides = sorted({left.name: left, right.name: right}.items())
    cutting = sorted({_cutting(model) for _, model in sides})
    known = all(model.facts.tokenizer is not None and model.context is not None for _, model in sides)
    return "-".join(["common", _short(cutting) if known else "-".join(slug(name) for name, _ in sides)])


def _cutting(model: Model) -> str:
    """What decides how a model cuts text into windows."""
    bos = model.choice.options.get("bos")
    return f"{model.facts.tokenizer} {model.context}" + ("" if bos is None else f" bos {bos}")


def _short(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:8]


def _of_block(block: Between, models: Mapping[str, Model]) -> Iterator[Job]:
    left, right = models[block.left], models[block.right]
    windows = OWN_WINDOWS if block.units == TOKENS else common_windows(left, right)
    for rows in block.rows:
        sides = left.places(rows), right.places(rows)
        if sides[0] is None or sides[1] is None:
            continue  # counted as unknown
        at = [{place.layer: place for place in places} for places in sides if places is not None]
        for layers in block.couples(list(at[0]), list(at[1]), rows):
            readings = [Reading(places[layer], windows) for places, layer in zip(at, layers, strict=True)]
            kept = block.non_concepts if rows == FEATURES else (KEPT,)
            for non_concepts, method in product(kept, block.methods):
                coupling = Coupling(
                    readings[0], readings[1], non_concepts, block.units, block.pool, block.words,
                    tuple(block.correlating.items()),
                )  # fmt: skip
                for direction in block.directions if method.directed else (EITHER,):
                    yield Job(block, coupling, method, direction)
