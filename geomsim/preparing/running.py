"""Preparing a study that begins at models, from its configuration to files and pairs of files."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from geomsim.errors import GeomsimWarning, InvalidPairing
from geomsim.preparing.blocks import FEATURES
from geomsim.preparing.checks import check_beforehand, remarks
from geomsim.preparing.config import Preparation, TextChoice, read_preparation
from geomsim.preparing.dependencies import Dependencies
from geomsim.preparing.fetching import fetch
from geomsim.preparing.group_jobs import GroupJob, group_jobs_of, write_groups
from geomsim.preparing.jobs import OWN_WINDOWS, Job, Reading, check_blocks, jobs_of
from geomsim.preparing.ledger import Ledger
from geomsim.preparing.matching import Pairer
from geomsim.preparing.moving import moved, moved_models
from geomsim.preparing.outcome import PreparedStudy
from geomsim.preparing.places import models_of
from geomsim.preparing.reading import Reader, contexts_file, space_file, tokens_file
from geomsim.study_config import CHOICES, check_pairs, subspaces_of
from geomsim.study_table import COLUMNS
from geomsim.study_toml import NotAFileError, study_toml
from geomsim.tables import plain, whole_file

STUDY_FILE = "study.toml"


def prepare_study(
    config: Mapping[str, Any],
    base: Path,
    folder: Path,
    *,
    resume: bool = True,
    device: str = "cpu",
    note: Callable[[str], object] = lambda text: None,
) -> PreparedStudy:
    """Make pairs of files of the models that a configuration names.

    Parameters
    ----------
    config
        of a study, checked by :func:`geomsim.study_config.read_config`.
    base
        the folder that its paths are relative to.
    folder
        where everything goes: codes, spaces, top tokens, contexts, pairings, and ``study.toml`` with all pairs.
    resume
        whether what is there, made of the same models, text, options and code, is found again.
    device
        where the models run.
    note
        is told, in a line each, what is being done.

    Raises
    ------
    InvalidConfig, InvalidModel, InvalidText
        for what is wrong with the configuration and what it names, naming the table.
    InvalidPairing
        where nothing can be paired at all.
    """
    preparation = read_preparation(config)
    fetch(preparation, base, note)
    models = models_of(preparation, base)
    check_blocks(preparation.between, models, fetched=True)
    jobs = jobs_of(preparation.between, models)
    groups = group_jobs_of(preparation.within, models, config, base)
    check_beforehand(preparation, jobs, groups, config, base)
    for warning in remarks(preparation, jobs, models):
        warnings.warn(warning, GeomsimWarning, stacklevel=2)
    windows = _windows(jobs)
    ledger = Ledger(folder, resume=resume)
    if len(ledger) and not resume:
        note(
            f"{len(ledger)} pieces that were prepared in {folder} before are made anew; to find them again, stop this "
            "run and add --resume"
        )
    needs = Dependencies(preparation, models, base, windows)
    reader = Reader(preparation.text, models, windows, ledger, needs, base, device, note)
    readings = readings_of(jobs, groups)
    names = list(dict.fromkeys(reading.place.model for reading in readings))
    pairs, of_models = (f"{n:,} {noun}{'s' * (n != 1)}" for n, noun in ((len(jobs), "pair"), (len(names), "model")))
    note(f"{pairs} of spaces, of {len(readings)} codes of {of_models}: {', '.join(names)}")
    tables = tables_of(readings)
    for name in names:
        of_model = [reading for reading in readings if reading.place.model == name]
        reader.codes(of_model)
        reader.spaces({reading.place.slug: reading.place for reading in of_model}.values())
        reader.tables(table for table in tables.values() if table.place.model == name)
        reader.close()
    Pairer(ledger, needs, tables, reader.text_of, {"text": preparation.text.source}).pair(jobs)
    grouped = [pair for group_job in groups for pair in group_job.pairs(*write_groups(group_job, ledger, needs, base))]
    return _outcome(config, preparation, base, folder, jobs, grouped, ledger, note)


def readings_of(jobs: Sequence[Job], groups: Sequence[GroupJob]) -> list[Reading]:
    """What is read, each once, model by model."""
    found = {reading.file: reading for job in jobs for reading in (job.coupling.left, job.coupling.right)}
    found |= {job.reading.file: job.reading for job in groups}
    order = {model: number for number, model in enumerate(dict.fromkeys(each.place.model for each in found.values()))}
    return sorted(found.values(), key=lambda each: (order[each.place.model], each.windows != OWN_WINDOWS))


def tables_of(readings: Sequence[Reading]) -> dict[str, Reading]:
    """For each place of features the reading that its top tokens and contexts are of: in its own windows, if any."""
    found: dict[str, Reading] = {}
    for reading in readings:
        if reading.place.rows == FEATURES:
            found.setdefault(reading.place.slug, reading)
    return found


def _windows(jobs: Sequence[Job]) -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    for job in jobs:
        if job.coupling.left.windows != OWN_WINDOWS:
            found.setdefault(job.coupling.left.windows, (job.left.model, job.right.model))
    return found


def _outcome(
    config: Mapping[str, Any],
    preparation: Preparation,
    base: Path,
    folder: Path,
    jobs: Sequence[Job],
    grouped: Sequence[Mapping[str, Any]],
    ledger: Ledger,
    note: Callable[[str], object],
) -> PreparedStudy:
    """The configuration with its pairs, written beside them."""
    pairs: list[Mapping[str, Any]] = []
    alone: list[str] = []
    for job in jobs:
        reason = ledger.nothing(job.file)
        if reason is None:
            pairs.append(as_pair(job, config, base, folder, preparation.text))
        else:
            named = ", ".join(f"{key} {value}" for key, value in job.labels.items())
            alone.append(f"{named}: {reason}")
            note(f"not paired: {alone[-1]}")
    pairs += grouped
    own = [moved(item, base, folder) for item in config.get("pairs") or ()]
    if not pairs and not own:
        raise InvalidPairing(f"nothing could be paired: {alone[0]}")
    whole = {
        **moved(config, base, folder), **moved_models(config, base, folder), "pairs": [*own, *pairs],
        "prepared_pairs": len(pairs),
    }  # fmt: skip
    check_pairs(whole, COLUMNS)
    engine = {key: value for key, value in whole.items() if key in ("seed", "groups", "pairs", *CHOICES)}
    try:
        content = study_toml(plain(engine))
    except NotAFileError as error:
        note(f"{error} is an object in Python, so {folder / STUDY_FILE} is not written")
    else:
        with whole_file(folder / STUDY_FILE) as part:
            part.write_text(content, encoding="utf-8")
    return PreparedStudy(folder, whole, {"not_paired": alone} if alone else {})


def as_pair(job: Job, config: Mapping[str, Any], base: Path, folder: Path, text: TextChoice) -> dict[str, Any]:
    """A pairing as a pair of the study."""
    entry: dict[str, Any] = job.labels
    entry |= {side: space_file(place) for side, place in (("left", job.left), ("right", job.right))}
    entry["pairing"] = job.file
    chosen = moved(job.block.choices, base, folder)
    if job.left.rows == FEATURES:
        for side, place in (("left", job.left), ("right", job.right)):
            entry |= {f"{side}_tokens": tokens_file(place)} if text.top_tokens else {}
            entry |= {f"{side}_contexts": contexts_file(place)} if text.contexts else {}
    elif subspaces_of({**config, **chosen}) is not None:
        chosen["subspaces"] = False  # neurons have no top tokens
    return {**entry, **chosen}
