"""Tasks on this machine and on a real cluster of processes, one of which is killed: the same answers."""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from local_cluster import killing_a_waiting_worker, local_cluster, wait_until
from torch import Tensor

import geomsim
from geomsim import Comparison, DegenerateSpace, GeomsimError, GeomsimWarning, PairedMetric, Space, run_study
from geomsim import cluster as cluster_module
from geomsim.activations.codes import Codes
from geomsim.activations.codes_writer import CodesWriter
from geomsim.activations.counting_codes import count_codes, count_shard
from geomsim.activations.tokens import TokenTable
from geomsim.catalog import load_file
from geomsim.checkpoint import Checkpoint
from geomsim.cli.app import run as command
from geomsim.cluster import Cluster
from geomsim.cluster_tasks import identity
from geomsim.errors import InvalidConfig
from geomsim.nulls.drawing import drawn
from geomsim.parallel import cores
from geomsim.scheduler import cluster_in_use, run_tasks, using
from geomsim.study import _check_in_main_memory as check_in_main_memory

PATIENT = Path(__file__).parent / "support" / "patient_metric.py"
WORKERS = 3


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    with local_cluster(WORKERS) as running:
        yield running


@pytest.fixture
def address(cluster: Any) -> str:
    cluster.wait_for_workers(WORKERS)  # a test before may have killed some
    found: str = cluster.scheduler_address
    return found


def clouds(count: int, rows: int = 60) -> list[np.ndarray]:
    """Clouds that share a part."""
    random = np.random.default_rng(0)
    shared = random.normal(size=(rows, 4))
    return [np.hstack([shared, shared + 3 * random.normal(size=(rows, 4))]) for _ in range(count)]


def without_time(study: geomsim.Study) -> list[dict[str, Any]]:
    return [{key: value for key, value in record.items() if key != "seconds"} for record in study.records()]


def assert_same(one: Comparison | None, other: Comparison | None) -> None:
    """To the last bit, in all but the time it took."""
    assert one is not None
    assert other is not None
    for found in (one, other):
        assert found.null is not None
    np.testing.assert_array_equal(one.null, other.null)  # type: ignore[arg-type]
    first, second = ({**found.to_dict(), "seconds": 0.0} for found in (one, other))
    assert json.dumps(first) == json.dumps(second)
    assert one.interval == other.interval


# --- tasks -----------------------------------------------------------------------------------------------------------


def squared(number: int, *added: int) -> int:
    return number * number + sum(added)


@pytest.mark.parametrize("at_once", [1, 3])
def test_here_results_come_in_order_and_items_are_read_as_needed(at_once: int) -> None:
    read: list[int] = []

    def items() -> Iterator[int]:
        for number in range(20):
            read.append(number)
            yield number

    with closing(run_tasks(squared, items(), uses=lambda number: (1, number), at_once=at_once)) as results:
        assert [next(results) for _ in range(4)] == [1, 3, 7, 13]
        assert len(read) <= 4 + at_once
    assert len(read) < 20


def test_on_a_cluster_results_come_in_order_and_items_are_read_as_needed(address: str) -> None:
    read: list[int] = []
    finished: list[tuple[int, int]] = []

    def items() -> Iterator[int]:
        for number in range(400):
            read.append(number)
            yield number

    def keep(item: int, result: int) -> None:
        finished.append((item, result))

    with closing(run_tasks(squared, items(), finished=keep, scheduler=address)) as results:
        assert next(results) == 0
        assert len(read) < 400
        assert list(results) == [number * number for number in range(1, 400)]
    assert sorted(finished) == [(number, number * number) for number in range(400)]
    assert cluster_in_use() is None


def slow_first(folder: Path, number: int) -> int:
    if number == 0:
        wait_until((folder / "go").exists)
    threading.Event().wait(0.02)  # Dask moves no task to an idle worker that takes next to no time
    return number


def test_a_slow_task_keeps_nobody_idle(address: str, tmp_path: Path) -> None:
    finished: list[int] = []

    def keep(item: int, result: int) -> None:
        finished.append(item)
        if len(finished) == 30:
            (tmp_path / "go").touch()

    results = run_tasks(partial(slow_first, tmp_path), range(60), finished=keep, scheduler=address, what="unequal")
    assert list(results) == [*range(60)]
    assert finished.index(0) >= 30


def test_what_items_use_is_sent_once(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    large = [np.full(100_000, number) for number in range(3)]
    sent: list[int] = []
    original = cluster_module.Parcel

    def counted(value: Any) -> Any:
        parcel = original(value)
        sent.append(parcel.nbytes)
        return parcel

    monkeypatch.setattr(cluster_module, "Parcel", counted)

    def total(item: int, array: np.ndarray, nothing: None) -> int:
        assert nothing is None
        return item + int(array.sum())

    found = list(run_tasks(total, range(12), uses=lambda item: (large[item % 3], None), scheduler=address))
    assert found == [item + 100_000 * (item % 3) for item in range(12)]
    assert len([size for size in sent if size > 500_000]) == 3


def test_what_was_used_longest_ago_is_sent_again(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The scheduler's memory does not grow with the number of spaces."""
    monkeypatch.setattr(cluster_module, "_KEPT_BYTES", 1_000_000)
    with Cluster(address) as connected:
        things = [np.full(60_000, number) for number in range(6)]
        tasks = connected.run(
            lambda item, array: int(array[0]) + item, range(18), uses=lambda item: (things[item % 6],), what="piece",
            named=str, finished=lambda item, result: None,
        )  # fmt: skip
        assert list(tasks) == [item % 6 + item for item in range(18)]
        assert len(connected._kept) == 2


def failing(number: int) -> int:
    if number >= 3:
        raise DegenerateSpace(f"number {number}").within("inside")
    warnings.warn("small", GeomsimWarning, stacklevel=1)
    return number


@pytest.mark.parametrize("there", [False, True])
def test_the_first_error_in_order_arrives_as_it_was_raised(there: bool, address: str) -> None:
    results = run_tasks(failing, range(9), named="item {}".format, scheduler=address if there else None)
    with pytest.warns(GeomsimWarning, match="small"):
        assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(DegenerateSpace, match=r"^item 3: inside: number 3$"):
        next(results)


def test_other_errors_arrive_with_where_they_happened(address: str) -> None:
    def divide(number: int) -> float:
        return 1 / number

    with pytest.raises(ZeroDivisionError) as caught:
        list(run_tasks(divide, [1, 0], scheduler=address))
    assert any("divide" in str(entry) for entry in caught.traceback)


def test_warnings_of_workers_are_given_here_once(address: str) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert list(run_tasks(failing, [0, 1, 2], scheduler=address)) == [0, 1, 2]
    assert [(str(warning.message), warning.category) for warning in caught] == [("small", GeomsimWarning)]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore", GeomsimWarning)
        list(run_tasks(failing, [0], scheduler=address))
    assert not caught


def test_left_early_the_cluster_has_nothing_left_to_do(address: str, cluster: Any) -> None:
    with closing(run_tasks(squared, range(1000), scheduler=address)) as results:
        next(results)
    wait_until(lambda: not cluster.scheduler.tasks)


def nested(number: int) -> tuple[list[int], bool, int]:
    return list(run_tasks(squared, range(number))), cluster_in_use() is None, cores()


def test_tasks_of_a_task_run_where_it_runs(address: str) -> None:
    """With as many threads as the worker has, and none of them waits for another task."""
    with using(address):
        assert cluster_in_use() is not None
        assert list(run_tasks(nested, [1, 3])) == [([0], True, 1), ([0, 1, 4], True, 1)]
        with using(address):
            assert cluster_in_use() is not None
    assert cluster_in_use() is None


def test_a_worker_with_threads_works_on_one_piece_with_all_of_them_until_the_scheduler_goes_away() -> None:
    with local_cluster(1, threads=2) as small:
        inside: list[int] = []

        def work(number: int) -> tuple[int, int]:
            inside.append(number)
            found = len(inside), cores()
            threading.Event().wait(0.02)  # long enough for another thread to come in, if it could
            inside.remove(number)
            return found

        expected = min(2, cores())
        assert list(run_tasks(work, range(6), scheduler=small.scheduler_address)) == [(1, expected)] * 6
        with Cluster(small.scheduler_address) as connected:
            assert [connected.group_size(count) for count in (0, 1, 2, 4, 6, 300)] == [1, 1, 2, 2, 2, 100]

        results = run_tasks(squared, range(2_000), scheduler=small.scheduler_address)
        assert next(results) == 0
        small.close()
        with pytest.raises(GeomsimError, match=r"scheduler at .* went away"):
            list(results)


# --- null models and studies -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metric", "null"),
    [
        ("cka", "shuffle"), ("svcca", "random-subset"), ("procrustes", "spectrum-matched"), ("cka", "random-baseline"),
        ("singular-values", "noise-floor"),
    ],
)  # fmt: skip
def test_every_null_that_draws_gives_the_same_there(metric: str, null: str, address: str) -> None:
    left, right = clouds(2)
    options: dict[str, Any] = {"null": null, "draws": 60, "seed": 5}
    if null == "random-subset":
        options["subset"] = range(5, 30)
    here = geomsim.compare(left, right, metric, **options)
    assert_same(here, geomsim.compare(left, right, metric, **options, scheduler=address))


@dataclass(frozen=True)
class Wary(PairedMetric[Tensor]):
    """A metric of this module, which no worker can import; it warns in each step."""

    larger_means = "closer"

    def prepare(self, points: Tensor) -> Tensor:
        warnings.warn("few rows", GeomsimWarning, stacklevel=2)
        if points[0, 0] > 10:
            raise DegenerateSpace("far away")
        return half(points[:, 0].double())

    def score(self, left: Tensor, right: Tensor, order: Tensor) -> Tensor:
        if order[0] != 0:
            warnings.warn("reordered", GeomsimWarning, stacklevel=2)
        return left @ right[order]


def half(values: Tensor) -> Tensor:
    return values / 2


def test_a_metric_registered_here_works_there_under_its_name(address: str) -> None:
    geomsim.register("wary", Wary)
    left, right = clouds(2)
    pairs = [{"left": left, "right": right, "layer": 1}, {"left": left, "right": right + 100, "layer": 2}]
    config = {"pairs": pairs, "metrics": ["wary"], "draws": 19, "interval": "jackknife"}
    here, there = run_study(config), run_study(config, scheduler=address)
    assert without_time(here) == without_time(there)
    assert_same(here.cells[0].comparison, there.cells[0].comparison)
    found = there.cells[0].comparison
    assert found is not None
    assert (found.metric, found.warnings) == ("wary", ("few rows", "reordered"))
    assert found.provenance["metric"] == "this process"
    assert there.cells[1].error == "right space: far away"
    one = geomsim.compare(left, right, Wary(), draws=19, scheduler=address)
    assert one.warnings == ("few rows", "reordered")


@pytest.mark.parametrize("first_there", [False, True])
def test_what_was_interrupted_goes_on_elsewhere(
    first_there: bool, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left, right = clouds(4)[:2], clouds(4)[2:]
    config = {
        "pairs": [{"left": a, "right": b, "of": f"{i}{j}"} for i, a in enumerate(left) for j, b in enumerate(right)],
        "metrics": ["svcca", "cka"],
        "draws": 30,
        "null": ["shuffle", "spectrum-matched"],
    }
    whole = run_study(config)
    original, kept = Checkpoint.keep, []

    def interrupted(self: Checkpoint, inputs: Any, found: Any) -> None:
        if len(kept) == 5:
            raise KeyboardInterrupt
        kept.append(inputs)
        original(self, inputs, found)

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "keep", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run_study(config, folder=tmp_path, scheduler=address if first_there else None)
    assert len(list(tmp_path.glob("*.npz"))) == 5
    assert not list(tmp_path.glob("*.part"))
    resumed = run_study(config, folder=tmp_path, scheduler=None if first_there else address)
    assert len(list(tmp_path.glob("*.npz"))) == 16
    assert without_time(resumed) == without_time(whole)
    for one, other in zip(whole.cells, resumed.cells, strict=True):
        assert_same(one.comparison, other.comparison)


def test_an_error_in_a_cell_names_its_pair(address: str) -> None:
    left, right = clouds(2)
    pairs = [{"left": left, "right": right, "layer": 1}, {"left": left, "right": right[:9], "layer": 2}]
    messages = []
    for where in (None, address):
        with pytest.raises(GeomsimError, match=r"pair 2 \(layer 2\), cka: .* 60 rows .* 9:") as caught:
            run_study({"pairs": pairs, "metrics": ["cka"], "draws": 9}, scheduler=where)
        messages.append(str(caught.value))
    assert messages[0] == messages[1]


def test_points_on_a_device_stay_there(address: str) -> None:
    points = torch.empty(3, device="meta")
    planned: Any = SimpleNamespace(place="pair 1, cka", sources=(SimpleNamespace(points=points), Space([[1.0]])))
    check_in_main_memory(planned)
    with using(address):
        with pytest.raises(InvalidConfig, match="points are on meta, where this process works"):
            next(drawn(float, [1], 1, points, lambda: 1))
        with pytest.raises(InvalidConfig, match="pair 1, cka: points are on meta, and workers"):
            check_in_main_memory(planned)


# --- addresses, versions, and the command line -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong", ["10.0.0.5:8786", "localhost", "http://10.0.0.5:8787", "tcp://", "", "tcp://10.0.0.5:abc", "tcp://h:0"]
)
def test_what_is_no_address_is_refused(wrong: str) -> None:
    left, right = clouds(2)
    with pytest.raises(InvalidConfig, match=r"is no address of one; .* tcp://10\.0\.0\.5:8786"):
        geomsim.compare(left, right, "cka", scheduler=wrong)


@pytest.mark.parametrize("unanswered", ["tcp://127.0.0.1:9", "tcp://127.0.0.1", "tcp://no.such.host.invalid:8786"])
def test_an_address_where_nobody_answers(unanswered: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_module, "ANSWERS_WITHIN", 0.4)
    with pytest.raises(GeomsimError, match=r"no scheduler answers at .* within 0\.4 s .* `dask scheduler`"):
        run_study({"pairs": [{"left": [[1.0], [2.0]], "right": [[1.0], [3.0]]}]}, scheduler=unanswered)


def test_a_scheduler_without_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_module, "ANSWERS_WITHIN", 0.4)
    with local_cluster(0) as empty, pytest.raises(GeomsimError, match=r"has no worker, .* `dask worker tcp://"):
        list(run_tasks(squared, [1], scheduler=empty.scheduler_address))


def test_other_versions_are_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = identity()
    assert {"geomsim", "numpy", "scipy", "torch", "Python"} <= set(mine.versions)
    for other, message in [
        (replace(mine, versions={**mine.versions, "geomsim": "9.9"}), r"the worker tcp://\S+ has geomsim 0.*9\.9"),
        (replace(mine, versions={**mine.versions, "plugin": "1.0"}), r"has plugin \(none\), and this process 1\.0"),
        (replace(mine, code="other"), "has other code of geomsim .* start workers again"),
    ]:
        monkeypatch.setattr(cluster_module, "identity", lambda other=other: other)
        with pytest.raises(GeomsimError, match=message):
            list(run_tasks(squared, [1], scheduler=address))
        # A worker that joins later is found out by its first task.
        with monkeypatch.context() as patch:
            patch.setattr(Cluster, "_check_versions", lambda self: None)
            with pytest.raises(GeomsimError, match=message):
                list(run_tasks(squared, [1], scheduler=address))


class Unknown:
    """Answers here; a worker finds no module to read it with."""

    def __call__(self) -> Any:
        return identity()

    def __reduce__(self) -> Any:
        return importlib.import_module, ("geomsim.no_such_module",)


def test_a_worker_that_cannot_import_geomsim_is_named(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_module, "identity", Unknown())
    with pytest.raises(GeomsimError, match=r"the worker tcp://\S+ cannot run geomsim: .*no_such_module.*Install"):
        Cluster(address)


def points_on_disk(folder: Path) -> Path:
    left, right, other = clouds(3)
    for name, points in (("left", left), ("right", right), ("other", other)):
        np.save(folder / f"{name}.npy", points)
    config = folder / "study.toml"
    config.write_text(
        'metrics = ["cka", "svcca"]\ndraws = 40\n[[pairs]]\nleft = "left.npy"\nright = "right.npy"\nlayer = 1\n'
        '[[pairs]]\nleft = "left.npy"\nright = "other.npy"\nlayer = 2\n'
    )
    return config


def test_the_command_line_takes_a_scheduler(
    address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = points_on_disk(tmp_path)
    found: list[Any] = []
    for more in ([], ["--scheduler", address]):
        for tokens in (
            ["study", str(config), "--out", str(tmp_path / f"out{len(more)}"), "--no-figures"],
            ["compare", str(tmp_path / "left.npy"), str(tmp_path / "right.npy"), "-m", "cka", "-m", "svcca"],
        ):
            assert command([*tokens, "--json", "--quiet", *more]) == 0
            rows = json.loads(capsys.readouterr().out)
            found.append([{key: value for key, value in row.items() if key != "seconds"} for row in rows])
    assert found[:2] == found[2:]
    monkeypatch.setattr(cluster_module, "ANSWERS_WITHIN", 0.4)
    assert command(["study", str(config), "--scheduler", "tcp://127.0.0.1:9", "--out", str(tmp_path / "none")]) == 1
    said = capsys.readouterr().err
    assert "error: no scheduler answers at tcp://127.0.0.1:9" in said
    assert "Traceback" not in said


def test_control_c_drops_the_tasks_and_keeps_what_is_finished(address: str, cluster: Any, tmp_path: Path) -> None:
    config = points_on_disk(tmp_path)
    calls = tmp_path / "calls"
    calls.mkdir()
    text = config.read_text().replace(
        '["cka", "svcca"]', f'["cka", {{ name = "patient", folder = "{calls}", waits_from = 5 }}]'
    )
    config.write_text(text)
    tokens = ["study", str(config), "--plugin", str(PATIENT), "--scheduler", address, "--no-figures"]
    code = "import sys; from geomsim.cli.app import main; main()"
    process = subprocess.Popen([sys.executable, "-c", code, *tokens], stderr=subprocess.PIPE, text=True)
    try:
        wait_until(lambda: list(calls.glob("waiting-*")) or process.poll() is not None)
        wait_until(lambda: len(list((tmp_path / "results" / "cells").glob("*.npz"))) == 2 or process.poll() is not None)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=30)[1]
    finally:
        process.kill()
        (calls / "go").touch()
    assert process.returncode == 130, said
    assert "2 finished cells are kept" in said
    wait_until(lambda: not cluster.scheduler.tasks)
    assert command([*tokens[:4], "--resume", "--no-figures", "--quiet"]) == 0
    assert len(list((tmp_path / "results" / "cells").glob("*.npz"))) == 4


def test_dask_is_imported_where_it_is_used() -> None:
    code = (
        "import sys, geomsim, geomsim.study, geomsim.cli.study, geomsim.cli.compare\n"
        "geomsim.compare([[1.0], [2.0], [4.0]], [[1.0], [2.0], [5.0]], 'cka', draws=9)\n"
        "print({'dask', 'distributed', 'cloudpickle'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


# --- a worker dies ---------------------------------------------------------------------------------------------------


def patient(folder: Path, waits_from: int) -> Any:
    load_file(PATIENT)
    folder.mkdir()
    return geomsim.metric("patient", folder=str(folder), waits_from=waits_from)


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return not Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].startswith(" Z")


def test_a_study_is_the_same_though_a_worker_is_killed(address: str, tmp_path: Path) -> None:
    metric = patient(tmp_path / "calls", waits_from=80)  # two of three cells are finished by then, whichever come first
    left, right = clouds(6)[:3], clouds(6)[3:]
    config = {
        "pairs": [
            {"left": Space(first, name=f"l{i}"), "right": Space(second, name=f"r{j}"), "i": i, "j": j}
            for i, first in enumerate(left)
            for j, second in enumerate(right)
        ],
        "metrics": ["cka", "procrustes", metric],
        "draws": 199,
        "seed": 3,
    }
    (tmp_path / "calls" / "go").touch()
    here = run_study(config)
    for file in (tmp_path / "calls").iterdir():
        file.unlink()

    cells = tmp_path / "cells"

    def some_are_finished() -> bool:
        return len(list(cells.glob("*.cell.npz"))) >= 2

    with killing_a_waiting_worker(tmp_path / "calls", some_are_finished) as killed:
        there = run_study(config, scheduler=address, folder=cells)
    assert not is_alive(killed[0])
    # 20 batches for each of 9 pairs, and what the killed worker had done of its cell again.
    assert len(list((tmp_path / "calls").glob("call-*"))) > 9 * 20
    assert without_time(here) == without_time(there)
    for one, other in zip(here.cells, there.cells, strict=True):
        assert_same(one.comparison, other.comparison)
    assert len(list(cells.glob("*.cell.npz"))) == 27
    assert {cell.metric for cell in there.cells} == {"cka", "procrustes", "patient"}


def test_draws_are_the_same_though_a_worker_is_killed(address: str, tmp_path: Path) -> None:
    metric = patient(tmp_path / "calls", waits_from=7)
    left, right = clouds(2)
    (tmp_path / "calls" / "go").touch()
    here = geomsim.compare(left, right, metric, draws=999)
    for file in (tmp_path / "calls").iterdir():
        file.unlink()
    with killing_a_waiting_worker(tmp_path / "calls") as killed:
        there = geomsim.compare(left, right, metric, draws=999, scheduler=address)
    assert not is_alive(killed[0])
    assert len(list((tmp_path / "calls").glob("call-*"))) > 20
    assert_same(here, there)


def waiting_for_a_word(folder: Path, left: Path, right: Path, shard: int, into: Path) -> Path:
    """Counts a shard; from the fourth on, when the file `go` is there."""
    if shard >= 3 and not (folder / "go").exists():
        (folder / f"waiting-{os.getpid()}").touch()
        wait_until((folder / "go").exists)
    return count_shard(left, right, shard, into)


def test_shards_are_counted_the_same_though_a_worker_is_killed(address: str, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    folders = []
    for side in ("left", "right"):
        activations = random.exponential(size=(600, 30)) * (random.random((600, 30)) < 0.2)
        rows = np.arange(600)
        tokens = TokenTable(rows // 20, rows % 20, rows, rows + 1, rows, tuple(map(str, range(30))), "text")
        folders.append(tmp_path / side)
        with CodesWriter(folders[-1], model="m", site=side, dictionary=side, shard_tokens=60, replace=True) as writer:
            writer.append(Codes(Codes.from_dense(activations).matrix, tokens, provenance={"text_hash": "text"}))
    count_codes(*folders, tmp_path / "here")
    count_codes(*folders, tmp_path / "there", scheduler=address)
    calls = tmp_path / "calls"
    calls.mkdir()
    with killing_a_waiting_worker(calls) as killed:
        work = partial(waiting_for_a_word, calls, *folders, into=tmp_path / "killed")
        files = list(run_tasks(work, range(10), scheduler=address, what="shard"))
    assert not is_alive(killed[0])
    assert len(files) == 10
    for file in files:
        expected = (tmp_path / "here" / file.name).read_bytes()
        assert file.read_bytes() == expected == (tmp_path / "there" / file.name).read_bytes()


def fatal(number: int) -> int:
    if number == 2:
        os._exit(1)
    return number


def test_a_piece_that_kills_every_worker_is_an_error_that_names_it(address: str) -> None:
    message = r"^cell 3: 2 workers died while they worked on it, .* run out of memory"
    with pytest.raises(GeomsimError, match=message):
        list(run_tasks(fatal, range(4), what="cell", scheduler=address))


def test_workers_that_are_all_gone_are_not_waited_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_module, "_ALONE", 0.1)
    monkeypatch.setattr(cluster_module, "_LOOK_EVERY", 0.05)
    with local_cluster(1) as short:
        results = run_tasks(squared, range(2_000), scheduler=short.scheduler_address)
        assert next(results) == 0
        (nanny,) = short.workers.values()
        short.sync(nanny.kill)
        with pytest.raises(GeomsimError, match=r"no worker for 0\.1 s.* `dask worker tcp://"):
            list(results)
