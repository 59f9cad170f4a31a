"""Many comparisons from one configuration: pairs of spaces x parts x metrics x nulls, in one tidy table.

The configuration is a mapping, or the path of a TOML file; :mod:`geomsim.study_config` shows one. One that begins at
models is prepared first, into files and pairs of files (:mod:`geomsim.preparing`).
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import is_dataclass, replace
from pathlib import Path
from typing import Any

from geomsim.catalog import name_of, origin_of
from geomsim.checkpoint import Checkpoint
from geomsim.comparison import versions
from geomsim.contract import PairedMetric
from geomsim.digests import NoDigestError, code_digest
from geomsim.errors import GeomsimError, InvalidConfig
from geomsim.pairing import Pairing
from geomsim.parallel import one_thread
from geomsim.preparing import PreparedStudy, alone_in, prepare_study
from geomsim.preparing.config import read_preparation
from geomsim.preparing.values import whole
from geomsim.progress import track
from geomsim.scheduler import cluster_in_use, run_tasks, using
from geomsim.sides import Sides
from geomsim.space import Space
from geomsim.states import States
from geomsim.study_cells import CellWork, Found, Planned, Question, Sources
from geomsim.study_config import PAIR_KEYS, begins_at_models, check_pairs, chosen_for
from geomsim.study_config import read_config as _read_config
from geomsim.study_outcome import Study as Study
from geomsim.study_parts import ALL, Part, parts_of
from geomsim.study_questions import Asked, models_of_cell, questions_of
from geomsim.study_references import REFERENCE
from geomsim.study_spaces import open_space
from geomsim.study_table import COLUMNS, Cell
from geomsim.tables import plain

_OPENED_BYTES = 1 << 30  # of spaces read from files that are kept for the next pair


def read_config(config: Mapping[str, Any] | str | Path) -> Mapping[str, Any]:
    """The configuration of a study, from a mapping or a TOML file, checked. Raises InvalidConfig."""
    settings = _read_config(config, COLUMNS)
    if begins_at_models(settings):
        try:
            check_pairs(settings, [REFERENCE])
            read_preparation(settings)
        except InvalidConfig as error:
            raise (error.within(str(config)) if isinstance(config, str | Path) else error) from None
    return settings


def run_study(
    config: Mapping[str, Any] | str | Path,
    *,
    seed: int | None = None,
    folder: str | Path | None = None,
    resume: bool = True,
    scheduler: str | None = None,
    device: str = "cpu",
) -> Study:
    """Compare every pair of spaces, whole and in parts, by every metric against every null.

    Parameters
    ----------
    config
        holds ``pairs`` (each with left, right, maybe pairing, left_tokens, right_tokens, left_contexts, right_contexts,
        subsets, and any labels), or models to make pairs of (:mod:`geomsim.preparing`), and may hold ``metrics``
        (names, tables with a name and parameters and maybe ``null``, ``draws``, ``interval`` and ``confidence`` of that
        metric's own, or instances; all installed ones by default), ``draws`` (999),
        ``seed`` (0), ``null`` ("auto"; a name, a list of them, "none" for none at all), ``groups``, ``interval`` and
        ``confidence`` as in :func:`geomsim.compare`, ``subspaces`` and ``buckets`` (:mod:`geomsim.study_config`). A
        pair may bear ``metrics``, ``null``, ``draws``, ``interval``, ``confidence``, ``subspaces`` and ``buckets`` of
        its own in their place. A side is a file of points or the directory of a sparse autoencoder, whose unit decoder
        rows are compared. In Python, spaces, pairings and top tokens may stand in place of paths.
    seed
        where it is given, takes the place of the configuration's.
    folder
        keeps each finished cell there, so that a study that was stopped goes on where it was; the results are the same
        as those of one run. A study that begins at models needs one: what is made of them lies in ``prepared`` there.
    resume
        False computes every cell anew, and keeps the new ones; likewise what is prepared.
    scheduler
        the address of a running Dask cluster, such as ``tcp://10.0.0.5:8786``. The cells of a study of several pairs
        are its tasks; those of one pair are computed here, and the draws of each shared out. Without one all is done
        on this machine. The results are the same, whichever it is and however many workers there are.
    device
        where the models of a study run that begins at models: cpu, cuda, cuda:1, ...

    Subspaces, subsets and buckets are judged by the null "random-subset" too: are these pairs more alike than as many
    random ones? A cell on which its metric or null is undefined, or whose subspace is empty, is kept with the reason in
    the column ``error``; anything else that is wrong raises, naming the cell.

    Raises
    ------
    InvalidConfig
        for unknown keys, no pairs, a pair without left or right, and a label that has the name of a column.
    GeomsimError
        when the scheduler does not answer, or its workers have other versions or die; finished cells are kept.

    >>> import numpy as np, geomsim
    >>> points = np.random.default_rng(0).normal(size=(80, 5))
    >>> study = geomsim.run_study({"pairs": [{"left": points, "right": points[:, ::-1]}], "metrics": ["procrustes"]})
    >>> print(study.table[["metric", "n", "p_value"]].to_string(index=False))
    metric      n  p_value
    procrustes 80    0.001
    """
    settings = read_config(config)
    base = Path(config).parent if isinstance(config, str | Path) else Path()
    if not begins_at_models(settings):
        return _compared(settings, settings["pairs"], base, seed, folder, resume, scheduler)
    if folder is None:
        raise InvalidConfig(
            "a study that begins at models writes what it makes of them: say where, run_study(config, folder=...)"
        )
    with alone_in(Path(folder) / "prepared") as there:
        prepared = prepare_from_models(settings, base, there, resume=resume, device=device)
        return run_prepared(prepared, seed=seed, folder=folder, resume=resume, scheduler=scheduler)


def prepare_from_models(
    settings: Mapping[str, Any],
    base: Path,
    folder: Path,
    *,
    resume: bool = True,
    device: str = "cpu",
    note: Callable[[str], object] = lambda text: None,
) -> PreparedStudy:
    """:func:`geomsim.preparing.prepare_study`, after a check that all metrics and nulls exist that are asked for."""
    check_asked(settings)
    return prepare_study(settings, base, folder, resume=resume, device=device, note=note)


def check_asked(settings: Mapping[str, Any]) -> None:
    """Raise where a metric, null or number of draws cannot be that a study, one of its blocks or pairs asks for."""
    tables = [("", settings)]
    for key, named in (("between", "between"), ("within", "within"), ("pairs", "pair")):
        tables += [(f"{named} {at}", item) for at, item in enumerate(settings.get(key) or (), 1)]
    for place, table in tables:
        try:
            for asked in questions_of(chosen_for(table, settings)):
                for name, least in (("draws", 1), ("seed", 0)):
                    whole(asked.options[name], name, least)
                models_of_cell(asked.nulls, asked.metric, Part())
        except GeomsimError as error:
            raise (error.within(place) if place else error) from None


def run_prepared(
    prepared: PreparedStudy,
    *,
    seed: int | None = None,
    folder: str | Path | None = None,
    resume: bool = True,
    scheduler: str | None = None,
    since: int | None = None,
    elsewhere: Callable[[], int] = lambda: 0,
) -> Study:
    """Compare what was prepared from models; parameters and errors are those of :func:`run_study`.

    Cells that were kept after `since` are not computed again: :func:`compare_from_the_end` may work on the others, and
    `elsewhere` says how many steps it has done.
    """
    settings = prepared.config
    study = _compared(settings, settings["pairs"], prepared.folder, seed, folder, resume, scheduler, since, elsewhere)
    return replace(study, notes=prepared.notes)


def compare_from_the_end(
    prepared: PreparedStudy,
    *,
    seed: int | None,
    folder: Path,
    resume: bool,
    since: int,
    advance: Callable[[int], object],
    goes_on: Callable[[], bool],
) -> None:
    """Fill `folder` with the cells of a study from its last pair on, while :func:`run_prepared` begins at the first.

    Parameters are the same. `advance` is told of steps, as many as the study has metrics for all pairs together; it
    ends where `goes_on` says so, which is asked after each cell.
    """
    settings = _seeded(prepared.config, seed)
    run = _Run(settings, base=prepared.folder, checkpoint=Checkpoint(folder, resume=resume, since=since))
    for number, item in reversed(list(enumerate(settings["pairs"]))):
        for _ in run.cells(number, item, advance):
            if not goes_on():
                return


def _compared(
    settings: Mapping[str, Any],
    pairs: Sequence[Mapping[str, Any]],
    base: Path,
    seed: int | None,
    folder: str | Path | None,
    resume: bool,
    scheduler: str | None,
    since: int | None = None,
    elsewhere: Callable[[], int] = lambda: 0,
) -> Study:
    """All cells of the pairs of a configuration that was checked."""
    settings = _seeded(settings, seed)
    run = _Run(
        settings,
        base=base,
        checkpoint=Checkpoint(None if folder is None else Path(folder), resume=resume, since=since),
    )
    with using(scheduler), track(run.n_steps, "study", elsewhere) as advance:
        cells = list(run.cells(0, pairs[0], advance)) if len(pairs) == 1 else run.cells_in_tasks(advance)
    return Study(cells, plain(settings), pairs=tuple(pairs), base=base)


def _seeded(settings: Mapping[str, Any], seed: int | None) -> Mapping[str, Any]:
    return settings if seed is None else {**settings, "seed": seed}


class _Run:
    """What the cells of one study share: metrics, opened files, prepared states, finished cells."""

    def __init__(self, settings: Mapping[str, Any], base: Path, checkpoint: Checkpoint) -> None:
        self._settings = settings
        self._base = base
        self._checkpoint = checkpoint
        # Before anything is compared: a metric that does not exist is told at once, whichever pair asks for it.
        self._asked = [self._questions(number, item) for number, item in enumerate(settings["pairs"])]
        self._states = States()
        self._work = CellWork(self._states, alone=len(settings["pairs"]) > 1)
        self._spaces: OrderedDict[Path, Space] = OrderedDict()
        self._pairings: dict[Path, Pairing] = {}

    @property
    def n_steps(self) -> int:
        """How many metrics are asked for, of all pairs together."""
        return sum(map(len, self._asked))

    def _questions(self, number: int, item: Mapping[str, Any]) -> list[Asked]:
        try:
            return questions_of(chosen_for(item, self._settings))
        except GeomsimError as error:
            raise (error.within(f"pair {number + 1}") if "metrics" in item else error) from None

    def cells(self, number: int, item: Mapping[str, Any], advance: Callable[[int], object]) -> Iterator[Cell]:
        """All cells of one pair of spaces, in this process; a cluster in use is given their draws.

        Advances by the number of metrics in all.
        """
        for planned in self._planned(number, item):
            found = planned.found
            if found is None:
                try:
                    found = self._work(planned.question, *planned.sources)
                except GeomsimError as error:
                    raise (error.within(planned.place) if planned.place else error) from None
                self._checkpoint.keep(planned.inputs, found)
            yield planned.filled(found)
            advance(planned.steps)

    def cells_in_tasks(self, advance: Callable[[int], object]) -> list[Cell]:
        """All cells of all pairs, as a task each. A cell is kept as soon as it is finished, whoever has not yet."""
        cells: list[Cell] = []
        waiting: dict[int, Planned] = {}

        def questions() -> Iterator[Question]:
            for number, item in enumerate(self._settings["pairs"]):
                for planned in self._planned(number, item):
                    cells.append(planned.cell)
                    if planned.found is not None:
                        cells[-1] = planned.filled(planned.found)
                        advance(planned.steps)
                        continue
                    _check_in_main_memory(planned)
                    question = replace(planned.question, number=len(cells) - 1)
                    waiting[question.number] = planned
                    yield question

        tasks = run_tasks(
            self._work,
            questions(),
            uses=lambda question: waiting[question.number].sources,
            what="cell",
            named=lambda question: waiting[question.number].place,
            finished=lambda question, found: self._checkpoint.keep(waiting[question.number].inputs, found),
        )
        # Once for all cells: to look for BLAS libraries takes longer than a small cell.
        with one_thread(), closing(tasks) as answers:
            for found in answers:
                # In the order of the questions, as a mapping keeps it.
                number = next(iter(waiting))
                planned = waiting.pop(number)
                cells[number] = planned.filled(found)
                advance(planned.steps)
        return cells

    def _planned(self, number: int, item: Mapping[str, Any]) -> Iterator[Planned]:
        """The cells of one pair of spaces, parts x metrics x nulls, with what was found of them before."""
        labels = plain({key: value for key, value in item.items() if key not in PAIR_KEYS})
        described = ", ".join(f"{key} {value}" for key, value in labels.items())
        where = [f"pair {number + 1}" + (f" ({described})" if labels else "")]
        if len(self._settings["pairs"]) == 1 and not labels:
            where = []  # there is no other, and the message may speak of the pairs of its pairing
        try:
            left, right, pairing = self._opened(item)
            parts = list(parts_of(item, left, right, pairing, chosen_for(item, self._settings), self._base))
        except GeomsimError as error:
            raise (error.within(where[0]) if where else error) from None
        named = [
            str(item[side]) if isinstance(item[side], str | Path) else space.name
            for side, space in (("left", left), ("right", right))
        ]
        family = f"pair {number + 1}" if "within" in item else _family(number, left, right, pairing)
        n_metrics = len(self._asked[number])
        for done, part in enumerate(parts):
            sources: Sources = (left, right, pairing, part.subset if part.groups is None else part.groups)
            for place, asked in enumerate(self._asked[number]):
                metric = asked.metric
                inside = [*where, *(name for name in (part.subspace, part.bucket) if name != ALL), name_of(metric)]
                at = done * n_metrics + place
                steps = (at + 1) // len(parts) - at // len(parts)
                try:
                    if "within" in item and isinstance(metric, PairedMetric):
                        raise InvalidConfig(
                            "groups of one space do not correspond row by row, and this metric compares rows that do; "
                            "take unpaired metrics, or geomsim.compare_groups with a correspondence"
                        )
                    models = models_of_cell(asked.nulls, metric, part)
                    for model in models:
                        cell = Cell(
                            labels, named[0], named[1], name_of(metric), plain(metric.parameters()), None, part.empty,
                            part.subspace, part.bucket, None if model is None else model.name,
                            0 if part.empty else None, family, number,
                        )  # fmt: skip
                        question = Question(0, metric, model, (name_of(metric), origin_of(metric)), asked.options)
                        inputs: Mapping[str, Any] = {}
                        found: Found | None = part.empty
                        if found is None:
                            sides = self._work.sides(sources)
                            cell = replace(cell, n=min(sides.left.n_rows, sides.right.n_rows))
                            inputs = self._inputs(question, sources, sides)
                            found = self._checkpoint.find(inputs)
                        last = model is models[-1]
                        yield Planned(cell, question, sources, inputs, ", ".join(inside), steps if last else 0, found)
                except GeomsimError as error:
                    raise error.within(", ".join(inside)) from None

    def _inputs(self, question: Question, sources: Sources, sides: Sides) -> dict[str, Any]:
        """Everything that a cell depends on; empty where nothing is kept."""
        if self._checkpoint.folder is None:
            return {}
        metric, null, couple = question.metric, question.null, sides.groups_of
        try:
            code: list[object] = [code_digest(type(metric)), None if null is None else code_digest(type(null))]
        except NoDigestError:
            code = [object()]  # has no digest either, so this cell is not kept
        return {
            **question.options,
            "metric": [*question.named, metric],
            "null": null if null is None or is_dataclass(null) else vars(null),
            "code": code,
            "sources": [self._checkpoint.key(source) for source in sources[:3]],
            "chosen": sides.chosen,
            **({} if couple is None else {"couple": [couple.left, couple.right, couple.pool]}),
            "devices": [str(getattr(space.points, "device", "cpu")) for space in (sides.left, sides.right)],
            "versions": versions(),
        }

    def _opened(self, item: Mapping[str, Any]) -> tuple[Space, Space, Pairing | None]:
        pairing = item.get("pairing")
        if isinstance(pairing, str | Path):
            path = self._base / pairing
            if path not in self._pairings:
                self._pairings[path] = Pairing.open(path)
            pairing = self._pairings[path]
        if not isinstance(pairing, Pairing | None):
            raise InvalidConfig(f"pairing is a Pairing or the path of one, got {type(pairing).__name__}")
        if "within" in item:
            space = self._space(item["within"]["space"])
            return space, space, None
        return self._space(item["left"]), self._space(item["right"]), pairing

    def _space(self, points: Any) -> Space:
        if isinstance(points, Space):
            return points
        if not isinstance(points, str | Path):
            return Space(points)
        path = self._base / points
        if path not in self._spaces:
            self._spaces[path] = open_space(path, called=str(points))
        self._spaces.move_to_end(path)
        # The newest stay, however large: a pair needs two.
        while len(self._spaces) > 2 and sum(s.points.nbytes for s in self._spaces.values()) > _OPENED_BYTES:
            self._spaces.popitem(last=False)
        return self._spaces[path]


def _check_in_main_memory(planned: Planned) -> None:
    devices = {str(getattr(space.points, "device", "cpu")) for space in planned.sources[:2]} - {"cpu"}
    if devices and cluster_in_use() is not None:
        raise InvalidConfig(
            f"{planned.place}: points are on {', '.join(devices)}, and workers of a cluster have devices of their own. "
            "Leave out either the device or the scheduler"
        )


def _family(number: int, left: Space, right: Space, pairing: Pairing | None) -> str:
    """Cells over the same rows: those of one pair of spaces, and of all pairs over the same tokens.

    Rows with equal ids on both sides are the same things on both (tokens); the rows of dictionaries have names of
    their own.
    """
    if pairing is None and left.ids is not None and left.ids == right.ids:
        groups = None if left.groups is None else left.groups.tolist()
        return "rows " + hashlib.sha256(repr((left.ids, groups)).encode()).hexdigest()[:8]
    return f"pair {number + 1}"
