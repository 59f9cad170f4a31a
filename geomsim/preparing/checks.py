"""What is wrong with a study and would else be found after its models have been read."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from geomsim.errors import GeomsimError, InvalidConfig
from geomsim.preparing.blocks import FEATURES, LEFT_OUT, TOKENS
from geomsim.preparing.config import Preparation, TextChoice
from geomsim.preparing.group_jobs import GroupJob
from geomsim.preparing.jobs import Job
from geomsim.preparing.places import Model, same_tokenizer
from geomsim.preparing.reading import text_source
from geomsim.preparing.texts import open_text
from geomsim.study_config import subspaces_of
from geomsim.study_parts import check_subspaces
from geomsim.study_references import BASELINE, CROSS_MODEL, OTHER_DICTIONARY, SECOND_SEED


def check_beforehand(
    preparation: Preparation, jobs: Sequence[Job], groups: Sequence[GroupJob], config: Mapping[str, Any], base: Path
) -> None:
    """Raises InvalidText or InvalidConfig, naming the table: a text that is not there, top tokens that are needed and
    not made, themes that do not exist.
    """
    try:
        open_text(text_source(preparation.text, base), preparation.text)
    except GeomsimError as error:
        raise error.within("[text]") from None
    _check_top_tokens(preparation.text, jobs, groups, config)
    for block in {job.block.place: job.block for job in jobs if job.left.rows == FEATURES}.values():
        options = subspaces_of({**config, **block.choices})
        if options is not None:
            try:
                check_subspaces(options, base)
            except GeomsimError as error:
                raise error.within(
                    f"{block.place}: subspaces" if "subspaces" in block.choices else "[subspaces]"
                ) from None


def _check_top_tokens(
    text: TextChoice, jobs: Sequence[Job], groups: Sequence[GroupJob], config: Mapping[str, Any]
) -> None:
    if text.top_tokens:
        return
    if groups:
        raise InvalidConfig(
            f"{groups[0].block.place}: groups need the latents' top tokens, and [text] has top_tokens = 0"
        )
    for job in jobs:
        filtered = job.coupling.non_concepts == LEFT_OUT
        themes = job.left.rows == FEATURES and subspaces_of({**config, **job.block.choices}) is not None
        if filtered or themes:
            what = "non_concepts" if filtered else "subspaces"
            raise InvalidConfig(
                f"{job.block.place}: {what} need the latents' top tokens, and [text] has top_tokens = 0"
            )


def remarks(preparation: Preparation, jobs: Sequence[Job], models: Mapping[str, Model]) -> list[str]:
    """What a person should know who did not mean it so."""
    return [*_mistyped_roles(preparation), *_unlike_tokens(jobs, models)]


def _mistyped_roles(preparation: Preparation) -> list[str]:
    """A role may be any word, but only these are set beside scores."""
    known = (CROSS_MODEL, OTHER_DICTIONARY, SECOND_SEED, BASELINE)
    found = []
    for block in preparation.between:
        near = difflib.get_close_matches(block.role.lower(), known, n=1, cutoff=0.8)
        if near and block.role not in known:
            found.append(
                f"{block.place}: role {block.role!r} is no reference that is set beside scores, nor what they are "
                f"beside; did you mean {near[0]!r}?"
            )
    return found


def _unlike_tokens(jobs: Sequence[Job], models: Mapping[str, Model]) -> list[str]:
    """A warning for each block whose rows are tokens although its models cut text into different ones."""
    found = {}
    for job in jobs:
        if job.coupling.units == TOKENS and same_tokenizer(models, job.left.model, job.right.model) is False:
            found[job.block.place] = (
                f"{job.block.place}: {job.left.model} and {job.right.model} have different tokenizers, so only tokens "
                'of the same characters count, read behind other text; units = "words" compares them on (nearly) all '
                "of it"
            )
    return list(found.values())
