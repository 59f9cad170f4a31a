"""Metric cards: every promise of the contract and every measurement on synthetic truth, of one metric or many.

1. List the pieces: the promises of each metric, its probes for known faults, and the pieces of each section of
   :mod:`geomsim_synthetic.cards`. Each stands alone and depends on metric, settings and seed only.
2. Answer them on all cores or on a cluster; what is finished is kept, so that an interrupted run goes on.
3. Let each section judge its answers, and put the card together.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import closing, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from geomsim.cards import Card, Promise
from geomsim.catalog import origin_of
from geomsim.comparison import versions
from geomsim.conformance import parameters_of, promises_of
from geomsim.contract import Metric, PairedMetric
from geomsim.digests import NoDigestError, code_digest, digest_of
from geomsim.errors import GeomsimError, InvalidConfig
from geomsim.known_faults import known_faults, remarks
from geomsim.parallel import one_thread
from geomsim.progress import track
from geomsim.scheduler import run_tasks
from geomsim.tables import plain, write_json

Effort = Literal["quick", "full"]
SUFFIX = ".piece.json"
_PROMISES, _FAULTS = "promises", "known faults"


@dataclass(frozen=True)
class _Job:
    """One piece of one card."""

    card: str
    metric: Metric[Any]
    section: str
    what: str
    seed: int
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def named(self) -> str:
        return f"{self.card}, {self.what}"


def validate(
    metrics: Mapping[str, Metric[Any]],
    *,
    effort: Effort | None = "quick",
    seed: int = 0,
    folder: Path | None = None,
    resume: bool = True,
    scheduler: str | None = None,
) -> list[Card]:
    """The cards of these metrics, by name.

    Parameters
    ----------
    metrics
        name on the card, and the metric.
    effort
        "quick" or "full"; None tries the promises of the contract and looks for known faults, and measures nothing.
    seed
        where everything random starts; cards are reproducible from it but for what is measured of the machine.
    folder
        where finished pieces are kept; without one nothing is.
    resume
        take finished pieces from the folder, where code, parameters and versions are still the same.
    scheduler
        the address of a running Dask cluster; this process by default.

    Raises InvalidConfig for another effort and a seed below 0, GeomsimError for a damaged piece on disk, naming it.
    What a metric itself does wrong is on its card.
    """
    from geomsim_synthetic.cards import SECTIONS

    if effort not in (*get_args(Effort), None):
        efforts = ", ".join(map(repr, get_args(Effort)))
        raise InvalidConfig(f"how much to measure must be one of {efforts} and None, is {effort!r}")
    if seed < 0:
        raise InvalidConfig(f"seed must be at least 0, is {seed}")

    jobs = [job for name, metric in metrics.items() for job in _jobs(name, metric, effort, seed)]
    store = _Store(folder, resume)
    answers: dict[int, Any] = {place: store.find(job) for place, job in enumerate(jobs)}
    alone = {section.name for section in SECTIONS if section.alone}
    waiting = [(place, job) for place, job in enumerate(jobs) if answers[place] is None]
    with track(len(waiting), f"cards of {len(metrics)} metrics" if len(metrics) > 1 else "card") as advance:

        def finished(item: tuple[int, _Job], answer: Any) -> None:
            answers[item[0]] = answer
            store.keep(item[1], answer)
            advance(1)

        # What measures the machine comes last, in this process, when nothing else runs.
        shared = [item for item in waiting if item[1].section not in alone]
        with closing(
            run_tasks(
                _answer, shared, scheduler=scheduler, what="card", named=lambda item: item[1].named, finished=finished
            )
        ) as results:
            for _ in results:
                pass
        for item in waiting:
            if item[1].section in alone:
                finished(item, _answer(item))
    return [
        _card(name, metric, effort, seed, [(job, answers[place]) for place, job in enumerate(jobs) if job.card == name])
        for name, metric in metrics.items()
    ]


def _jobs(name: str, metric: Metric[Any], effort: Effort | None, seed: int) -> Iterable[_Job]:
    from geomsim_synthetic.cards import SECTIONS

    yield _Job(name, metric, _PROMISES, "promises of the contract", seed)
    yield _Job(name, metric, _FAULTS, "known faults", seed)
    if effort is not None:
        for section in SECTIONS:
            for piece in section.pieces(metric, effort):
                yield _Job(name, metric, section.name, piece.what, seed, piece.settings)


def _answer(item: tuple[int, _Job]) -> dict[str, Any]:
    """What came of a piece, as JSON holds it: a piece that is read again is no other than a new one."""
    from geomsim_synthetic.cards import SECTIONS

    job = item[1]
    section = next((section for section in SECTIONS if section.name == job.section), None)
    with nullcontext() if section is not None and section.alone else one_thread():
        if section is not None:
            answer = section.measure(job.metric, job.settings, job.seed)
        elif job.section == _PROMISES:
            answer = {"promises": [asdict(promise) for promise in promises_of(job.metric)]}
        else:
            answer = _faults(job.metric)
    return {name: plain(value) for name, value in answer.items()}


def _faults(metric: Metric[Any]) -> dict[str, Any]:
    """The known faults that a metric shows; where it fails on the probes, how."""
    from geomsim_synthetic.cards.outcomes import failure

    try:
        return {"faults": known_faults(metric), "remarks": remarks(metric)}
    except Exception as error:  # somebody else's metric may fail in any way; the card says how
        return {"faults": {}, "remarks": {}, **failure(error)}


def _card(name: str, metric: Metric[Any], effort: Effort | None, seed: int, answers: list[tuple[_Job, Any]]) -> Card:
    from geomsim_synthetic.cards import SECTIONS
    from geomsim_synthetic.cards.outcomes import no_crash

    def of(section: str) -> list[tuple[Mapping[str, Any], Any]]:
        return [(job.settings, answer) for job, answer in answers if job.section == section]

    promises = [Promise(**promise) for _, answer in of(_PROMISES) for promise in answer["promises"]]
    measured = []
    for section in SECTIONS:
        results = of(section.name)
        if not results:
            continue
        found, kept = section.judge(metric, results)
        measured.append(found)
        promises += kept
    faults = of(_FAULTS)[0][1]
    promises += no_crash(_FAULTS, [faults])
    about = {
        "from": origin_of(metric),
        "rows": "paired" if isinstance(metric, PairedMetric) else "unpaired",
        "larger_means": metric.larger_means,
        "effort": effort,
        "seed": seed,
        "versions": dict(versions()),
    }
    parameters = plain(parameters_of(metric))
    return Card(name, tuple(promises), parameters, tuple(measured), faults["faults"], faults["remarks"], about)


class _Store:
    """Finished pieces in a folder, each a file that appears whole or not at all, named by all that it depends on."""

    def __init__(self, folder: Path | None, resume: bool) -> None:
        self._folder, self._resume = folder, resume

    def find(self, job: _Job) -> Any:
        """The answer that is kept, or None. Raises GeomsimError for a damaged file, naming it."""
        path = self._path(job) if self._resume else None
        if path is None or not path.exists():
            return None
        try:
            return json.loads(path.read_text(encoding="utf-8"))["answer"]
        except (ValueError, KeyError, TypeError) as error:
            raise GeomsimError(f"{path}: a damaged piece of a card ({error}); delete it to measure it anew") from error

    def keep(self, job: _Job, answer: Any) -> None:
        """Write a finished piece."""
        path = self._path(job)
        if path is not None:
            write_json({"card": job.card, "what": job.what, "settings": job.settings, "answer": answer}, path)

    def _path(self, job: _Job) -> Path | None:
        """Where the piece lies; None without a folder, and for a metric that cannot be told apart for certain."""
        if self._folder is None:
            return None
        from geomsim_synthetic.cards import Section

        try:
            code = [code_digest(type(job.metric)), code_digest(Section)]
            about = [job.metric, code, job.section, job.settings, job.seed, dict(versions())]
            return self._folder / f"{digest_of(about)[:24]}{SUFFIX}"
        except NoDigestError:
            return None
