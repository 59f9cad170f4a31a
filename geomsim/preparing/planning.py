"""What preparing a study would do: what it would read, fetch and write, and about how much that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from geomsim.preparing.blocks import FEATURES, NEURONS, Between, Within
from geomsim.preparing.checks import check_beforehand, remarks
from geomsim.preparing.config import Preparation, TextChoice, read_preparation
from geomsim.preparing.group_jobs import group_jobs_of
from geomsim.preparing.jobs import Reading, check_blocks, jobs_of, unknown_rows
from geomsim.preparing.located import Located
from geomsim.preparing.moving import moved
from geomsim.preparing.places import Model, models_of
from geomsim.preparing.reading import text_source
from geomsim.preparing.running import as_pair, readings_of
from geomsim.preparing.texts import open_text

_CHARACTERS_PER_TOKEN = 3.5  # of English text and code under usual vocabularies
_USUAL_L0 = 50
_BYTES_PER_NONZERO = 8
_FLOPS = 5e10  # of a few cores
HOW = (
    f"tokens: {_CHARACTERS_PER_TOKEN} characters each; bytes: {_BYTES_PER_NONZERO} for each non-zero of sparse codes "
    f"(k or the named l0 of a token, {_USUAL_L0} where neither is known), 4 for each number of dense ones; memory: the "
    "largest of a model in float32 with its dictionaries, and of two codes while they are paired; seconds: those of "
    f"reading alone, 2 operations for each weight and token at {_FLOPS:.0e} a second. What comparing takes depends on "
    "the metrics: run the study with few draws first"
)


class BlockPlan(NamedTuple):
    """One block: what it compares, and the pairs of spaces it makes."""

    block: Between | Within
    pairs: list[dict[str, Any]]

    @property
    def named(self) -> tuple[str, str, str, str, str]:
        """Which block, both models, role and rows."""
        block = self.block
        if isinstance(block, Within):
            return block.place, block.model, block.model, block.role, FEATURES
        return block.place, block.left, block.right, block.role, ", ".join(block.rows)


@dataclass(frozen=True)
class Plan:
    """What would be done; None for what only reading would tell.

    Parameters
    ----------
    config
        the configuration, its paths relative to the folder of what would be prepared.
    fetched
        hub names that are not on this machine.
    notes
        what a person should know before.
    """

    config: Mapping[str, Any]
    blocks: Sequence[BlockPlan]
    codes: Sequence[str]
    would_read: Sequence[str]
    fetched: Sequence[str]
    notes: Sequence[str]
    tokens: int | None
    bytes: int | None
    memory: int | None
    seconds: float | None
    how: str = field(default=HOW, repr=False)


def plan_study(config: Mapping[str, Any], base: Path, folder: Path) -> Plan:
    """What :func:`prepare_study` would do; reads headers and configurations on this machine, and nothing else.

    Raises what it would raise that can be known without weights and without the network.
    """
    preparation = read_preparation(config)
    models = models_of(preparation, base)
    check_blocks(preparation.between, models, fetched=False)
    jobs = jobs_of(preparation.between, models)
    groups = group_jobs_of(preparation.within, models, config, base)
    check_beforehand(preparation, jobs, groups, config, base)
    readings = readings_of(jobs, groups)
    stream_of = text_source(preparation.text, base)
    tokens = _tokens(preparation.text, stream_of)
    places = [place for model in models.values() for place in model.features]
    located = [model.located for model in models.values()] + [place.located for place in places if place.located]
    on_hub = [model.located for model in models.values() if model.located.on_hub]
    without_weights = {each.named for each in on_hub if not each.has_weights}
    by_block = [
        BlockPlan(block, [as_pair(job, config, base, folder, preparation.text) for job in jobs if job.block is block])
        for block in preparation.between
    ]
    # Which rows a group has, its top tokens tell; how many couples there are is known.
    by_block += [
        BlockPlan(
            block,
            [
                pair for job in groups if job.block is block
                for pair in job.pairs({name: [0] for name in job.names})
            ],
        )
        for block in preparation.within
    ]  # fmt: skip
    sizes = [_codes_bytes(reading, tokens, preparation.text) for reading in readings]
    known = None if None in sizes else sum(size for size in sizes if size is not None)
    return Plan(
        moved(config, base, folder), by_block,
        codes=[reading.file for reading in readings],
        would_read=list(dict.fromkeys([preparation.text.source, *(each.named for each in located)])),
        fetched=[each.named for each in _once(located) if each.path is None or each.named in without_weights],
        notes=[*remarks(preparation, jobs, models), *_unknown(preparation, models)],
        tokens=tokens,
        bytes=known,
        memory=_memory(readings, models, sizes),
        seconds=_seconds(readings, models, tokens, preparation.text),
    )  # fmt: skip


def _once(located: Sequence[Located]) -> list[Located]:
    return list({each.named: each for each in located}.values())


def _unknown(preparation: Preparation, models: Mapping[str, Model]) -> list[str]:
    return [
        f"models.{name}: how many blocks it has is known once its configuration is here, so pairs of its neurons are "
        "not counted (neurons = [0, 1, ...] names them)"
        for name in unknown_rows(preparation.between, models)
    ]


def _tokens(text: TextChoice, source: str) -> int | None:
    """About how many tokens the text has, from the sizes of files alone."""
    import dataclasses

    documents, in_bytes = open_text(source, dataclasses.replace(text, documents=None)).size()
    if in_bytes is None:
        return None
    share = 1.0
    if text.documents is not None:
        if not documents:
            return None
        share = min(1.0, text.documents / documents)
    return round(share * in_bytes / _CHARACTERS_PER_TOKEN)


def _codes_bytes(reading: Reading, tokens: int | None, text: TextChoice) -> int | None:
    if tokens is None:
        return None
    if reading.place.rows == NEURONS:
        width = reading.place.header.latents
        return None if width is None else 4 * width * min(tokens, text.neuron_tokens)
    return int(tokens * (reading.place.header.k or _USUAL_L0) * _BYTES_PER_NONZERO)


def _memory(readings: Sequence[Reading], models: Mapping[str, Model], sizes: Sequence[int | None]) -> int | None:
    """The largest of what must be held at one time."""
    needed = []
    for name in {reading.place.model for reading in readings}:
        model = models[name]
        of_dictionaries = [place.header.bytes for place in model.features]
        if model.facts.parameters is None or None in of_dictionaries:
            return None
        needed.append(4 * model.facts.parameters + sum(size for size in of_dictionaries if size is not None))
    if None in sizes or not needed:
        return None
    largest = sorted((size for size in sizes if size is not None), reverse=True)[:2]
    return max(max(needed), 2 * sum(largest))


def _seconds(
    readings: Sequence[Reading], models: Mapping[str, Model], tokens: int | None, text: TextChoice
) -> float | None:
    passes = {(each.place.model, each.windows, each.place.rows) for each in readings}
    operations = 0.0
    for name, _, rows in passes:
        parameters = models[name].facts.parameters
        if parameters is None or tokens is None:
            return None
        operations += 2 * parameters * (tokens if rows == FEATURES else min(tokens, text.neuron_tokens))
    return operations / _FLOPS


def pairs_of(plan: Plan) -> list[dict[str, Any]]:
    """All pairs that would be prepared, in their order."""
    return [pair for block in plan.blocks for pair in block.pairs]
