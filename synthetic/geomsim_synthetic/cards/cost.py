"""Cost: seconds and memory against the number of rows."""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from math import log
from typing import Any

import numpy as np

from geomsim import GeomsimWarning, Metric, PairedMetric
from geomsim.cards import Measurement, Promise
from geomsim_synthetic.cards.outcomes import failure, no_crash
from geomsim_synthetic.cards.section import Effort, Piece, Results, Section, generator

_ROWS = {"quick": (250, 1000), "full": (250, 1000, 4000)}
_WIDTH = 64
_ORDERS = 5
_TIMES = 3
_MEASURABLE = 1e-3  # seconds; what is shorter is the time of the call


def _pieces(metric: Metric[Any], effort: Effort) -> list[Piece]:
    return [Piece(f"cost at {rows} rows", {"rows": rows}) for rows in _ROWS[effort]]


def _measure(metric: Metric[Any], settings: Mapping[str, Any], seed: int) -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GeomsimWarning)  # about scores, which nobody reads here
        return _costs(metric, settings["rows"], seed)


def _costs(metric: Metric[Any], rows: int, seed: int) -> dict[str, Any]:
    import torch

    random = generator(seed, "cost", rows)
    shared = random.normal(size=(rows, _WIDTH))
    left, right = (torch.from_numpy(shared + 0.7 * random.normal(size=(rows, _WIDTH))) for _ in range(2))
    order = torch.arange(rows)
    try:
        states = metric.prepare(left), metric.prepare(right)  # the first run compiles and imports
        joined: Any = metric
        score = partial(joined.score, *states, *([order] if isinstance(metric, PairedMetric) else []))
        score()
        with _peak() as peak:
            prepare_seconds = _fastest(lambda: metric.prepare(left))
            score_seconds = _fastest(score)
            draw_seconds = None
            if isinstance(metric, PairedMetric):
                orders = torch.from_numpy(np.stack([random.permutation(rows) for _ in range(_ORDERS)]))
                draw_seconds = _fastest(lambda: metric.score_many(*states, orders)) / _ORDERS
    except Exception as error:  # a metric of anybody's may fail in any way; the card says how
        return failure(error)
    return {"prepare": prepare_seconds, "score": score_seconds, "draw": draw_seconds, "bytes": peak[0]}


def _fastest(work: Callable[[], Any]) -> float:
    """Seconds of the fastest of a few runs; one run where it takes long."""
    seconds = []
    for _ in range(_TIMES):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
        if seconds[0] > 2.0:
            break
    return min(seconds)


@contextmanager
def _peak() -> Iterator[list[int]]:
    """The most memory that this process took inside the block beyond what it had before, looked at every 2 ms."""
    import psutil

    process, found = psutil.Process(), [0]
    before, done = process.memory_info().rss, threading.Event()

    def look() -> None:
        while not done.wait(0.002):
            found[0] = max(found[0], process.memory_info().rss - before)

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield found
    finally:
        done.set()
        watcher.join()


def _judge(metric: Metric[Any], results: Results) -> tuple[Measurement, list[Promise]]:
    costs = {str(settings["rows"]): result for settings, result in results}
    known = [(int(rows), cost) for rows, cost in costs.items() if "prepare" in cost]
    values: dict[str, Any] = {"width": _WIDTH, "costs": costs}
    crashes = no_crash("cost", costs.values())
    if not known:
        return Measurement("cost", "no scores", values), crashes
    seconds = [(rows, 2.0 * cost["prepare"] + cost["score"]) for rows, cost in known]
    rows, cost = known[-1]
    words = f"{seconds[-1][1]:.2g} s for both sides of {rows} rows, {cost['bytes'] / 2**20:.0f} MiB"
    if cost["draw"] is not None:
        words += f", {cost['draw']:.2g} s a draw"
    if len(seconds) > 1:
        (few, fast), (many, slow) = seconds[-2:]
        values["exponent"] = log(slow / fast) / log(many / few)
    if len(seconds) > 1 and fast > _MEASURABLE:
        words += f"; grows with the rows to the power {values['exponent']:.1f}"
    headline = {
        "seconds, 1000 rows": dict(seconds).get(1000),
        "seconds a draw, 1000 rows": costs.get("1000", {}).get("draw"),
    }
    return Measurement("cost", words, values, headline), crashes


SECTION = Section("cost", _pieces, _measure, _judge, alone=True)
