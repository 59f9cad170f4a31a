from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import geomsim
from geomsim import catalog
from geomsim.errors import AmbiguousMetric, BrokenPlugin, GeomsimError, UnknownMetric

METRIC = '''
from dataclasses import dataclass

import geomsim


@dataclass(frozen=True)
class Dot(geomsim.PairedMetric):
    """Sum of products."""

    weight: float = 1.0

    larger_means = "closer"

    def __post_init__(self):
        if not self.weight > 0:
            raise geomsim.GeomsimError("weight is positive")

    def prepare(self, points):
        return points

    def score(self, left, right, order):
        return self.weight * (left * right[order]).sum()
'''


@dataclass(frozen=True)
class RowCount(geomsim.UnpairedMetric[int]):
    """Difference of the numbers of rows."""

    larger_means = "farther"

    def prepare(self, points: Any) -> int:
        return len(points)

    def score(self, left: int, right: int) -> Any:
        import torch

        return torch.tensor(abs(left - right))


class Shelf:
    """A folder on sys.path that fake distributions are put on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def offer(self, distribution: str, metric: str, target: str, source: str) -> None:
        """A distribution with one metric, in a module of its own."""
        information = self.folder / f"{distribution.replace('-', '_')}-1.5.dist-info"
        information.mkdir()
        (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.5\n")
        (information / "entry_points.txt").write_text(f"[geomsim.metrics]\n{metric} = {target}\n")
        module = self.folder.joinpath(*target.partition(":")[0].split(".")).with_suffix(".py")
        module.parent.mkdir(exist_ok=True)
        module.write_text(source)


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelf]:
    before = set(sys.modules)
    monkeypatch.syspath_prepend(tmp_path)
    yield Shelf(tmp_path)
    for name in set(sys.modules) - before:
        if name.startswith("shelf_"):
            del sys.modules[name]


@pytest.fixture(autouse=True)
def _own_registrations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "_registered", {})


def fresh_python(program: str) -> Any:
    """What a program prints as JSON, in a process that has imported nothing yet."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_importing_and_listing_import_no_heavy_library_and_no_plugin(shelf: Shelf) -> None:
    shelf.offer("geomsim-boom", "boom", "shelf_boom:Boom", "raise RuntimeError('imported')")
    listed, imported = fresh_python(
        "import json, sys; import geomsim; names = geomsim.metrics(); print(json.dumps([names, sorted(sys.modules)]))"
    )
    assert {"boom", "svcca"} <= set(listed)
    heavy = {"torch", "transformers", "transformer_lens", "sae_lens", "pandas", "scipy", "matplotlib", "sklearn", "ot"}
    plugins = {"geomsim_representational", "geomsim_topological", "geomsim_synthetic", "shelf_boom"}
    assert not (heavy | plugins) & set(imported)


def test_loading_one_metric_leaves_the_other_plugins_alone() -> None:
    imported = fresh_python(
        "import json, sys; import geomsim; geomsim.metric('svcca'); print(json.dumps(sorted(sys.modules)))"
    )
    assert "geomsim_representational.svcca" in imported
    assert not {"geomsim_topological", "geomsim_synthetic", "kmapper"} & set(imported)


def test_built_in_metrics_come_through_entry_points() -> None:
    entry = catalog.find("svcca")
    assert (entry.address, entry.version) == ("geomsim:svcca", geomsim.__version__)
    assert type(geomsim.metric("svcca")) is entry.load() is type(geomsim.metric("geomsim:svcca"))


def test_an_unknown_name_gets_the_nearest_names_and_the_list() -> None:
    with pytest.raises(
        UnknownMetric, match=r"no metric is called 'svca'; did you mean 'svcca'.*Installed: .*rsa.*svcca"
    ):
        geomsim.metric("svca")
    with pytest.raises(UnknownMetric, match=r"no metric is called 'other:svcca'; did you mean 'svcca'"):
        geomsim.metric("other:svcca")
    with pytest.raises(UnknownMetric, match=r"no metric is called 'zzzzzz'; Installed: "):
        geomsim.compare([[0.0], [1.0]], [[0.0], [1.0]], "zzzzzz")


def test_two_distributions_with_one_name(shelf: Shelf) -> None:
    shelf.offer("geomsim-here", "dot", "shelf_here:Dot", METRIC)
    shelf.offer("geomsim-there", "dot", "shelf_there:Dot", METRIC)
    with pytest.raises(AmbiguousMetric, match=r"2 distributions .* one of geomsim-here:dot and geomsim-there:dot"):
        geomsim.metric("dot")
    assert [name for name in geomsim.metrics() if "dot" in name] == ["geomsim-here:dot", "geomsim-there:dot"]
    there = geomsim.metric("geomsim-there:dot", weight=2.0)
    assert type(there).__module__ == "shelf_there"
    found = geomsim.compare([[1.0], [2.0]], [[1.0], [2.0]], "geomsim-there:dot", null=None)
    assert (found.score, found.metric) == (5.0, "geomsim-there:dot")


def test_a_name_of_a_built_in_metric_is_not_taken_over(shelf: Shelf) -> None:
    shelf.offer("geomsim-here", "svcca", "shelf_here:Dot", METRIC)
    with pytest.raises(AmbiguousMetric, match="one of geomsim:svcca and geomsim-here:svcca"):
        geomsim.metric("svcca")
    assert type(geomsim.metric("geomsim:svcca")).__module__ == "geomsim_representational.svcca"


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        ("raise ZeroDivisionError('bad luck')", "ZeroDivisionError: bad luck"),
        ("import no_such_library", "ModuleNotFoundError: No module named 'no_such_library'"),
        ("def (", "SyntaxError: "),
        ("", "AttributeError: .*Boom"),
    ],
)
def test_a_plugin_that_fails_to_import(source: str, cause: str, shelf: Shelf) -> None:
    shelf.offer("geomsim-boom", "boom", "shelf_boom:Boom", source)
    shelf.offer("geomsim-here", "dot", "shelf_here:Dot", METRIC)
    where = "metric 'boom' of geomsim-boom 1.5 cannot be imported from shelf_boom:Boom"
    with pytest.raises(BrokenPlugin, match=f"{where}: {cause}.*reinstall or remove geomsim-boom") as caught:
        geomsim.metric("boom")
    assert caught.value.__cause__ is not None
    assert geomsim.metric("dot").parameters() == {"weight": 1.0}
    assert geomsim.metric("svcca").larger_means == "closer"
    assert {"boom", "dot", "svcca"} <= set(geomsim.metrics())


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("Boom = 3", "3 is no subclass of PairedMetric or UnpairedMetric"),
        (METRIC.replace("Dot", "Boom").replace("def score", "def skore"), "Boom does not define score"),
        (
            METRIC.replace("Dot", "Boom").replace('"closer"', '"nearer"'),
            "Boom.larger_means must be 'closer' or 'farther'",
        ),
        (
            METRIC.replace("Dot", "Boom").replace("@dataclass(frozen=True)", ""),
            r"Boom must be decorated with @dataclass\(frozen=True",
        ),
        (
            METRIC.replace("Dot", "Boom") + "\n    unchanged_by = {'turning'}",
            r"unchanged_by names \['turning'\]; it may name",
        ),
    ],
)
def test_a_plugin_that_offers_no_metric(source: str, fault: str, shelf: Shelf) -> None:
    shelf.offer("geomsim-boom", "boom", "shelf_boom:Boom", source)
    with pytest.raises(BrokenPlugin, match=rf"metric 'boom' of geomsim-boom \(shelf_boom:Boom\): .*{fault}"):
        geomsim.metric("boom")


def test_a_class_that_is_re_exported_keeps_its_name(shelf: Shelf) -> None:
    (shelf.folder / "shelf_inner.py").write_text(METRIC)
    shelf.offer("geomsim-outer", "dot", "shelf_outer:Dot", "from shelf_inner import Dot as Dot")
    assert catalog.name_of(geomsim.metric("dot")) == "dot"
    assert catalog.name_of(RowCount()) == "RowCount"


def test_wrong_parameters() -> None:
    accepted = "takes the parameters kept_variance, components, statistic, chance_corrected; got variance"
    with pytest.raises(GeomsimError, match=rf"{accepted} \(got an unexpected keyword argument 'variance'\)"):
        geomsim.metric("svcca", variance=0.9)
    with pytest.raises(
        GeomsimError, match="metric 'svcca' cannot be made with kept_variance='most': '<' not supported"
    ):
        geomsim.metric("svcca", kept_variance="most")
    geomsim.register("row-count", RowCount)
    with pytest.raises(GeomsimError, match="metric 'row-count' takes the parameters none; got a, b"):
        geomsim.metric("row-count", a=1, b=2)


def test_registering_offers_a_metric_in_this_process() -> None:
    geomsim.register("row-count", RowCount)
    assert "row-count" in geomsim.metrics()
    assert geomsim.metric("row-count") == geomsim.metric("this process:row-count") == RowCount()
    found = geomsim.compare([[0.0], [1.0]], [[0.0]], "row-count", null=None)
    assert (found.metric, found.score) == ("row-count", 1.0)


def test_registering_again_replaces() -> None:
    @dataclass(frozen=True)
    class Second(RowCount):
        """Another one."""

    geomsim.register("row-count", RowCount)
    geomsim.register("row-count", Second)
    assert type(geomsim.metric("row-count")) is Second
    assert geomsim.metrics().count("row-count") == 1


@pytest.mark.parametrize("name", ["", "RowCount", "row_count", "row count", "row-", "3d", "dist:row", 7])
def test_registering_a_bad_name(name: Any) -> None:
    with pytest.raises(BrokenPlugin, match=f"lower-case words with hyphens .* like 'my-metric'; got {name!r}"):
        geomsim.register(name, RowCount)


def test_registering_what_is_no_metric() -> None:
    for nothing in (int, RowCount(), "row-count"):
        with pytest.raises(BrokenPlugin, match=r"'row-count': .* is no subclass of PairedMetric or UnpairedMetric"):
            geomsim.register("row-count", nothing)  # type: ignore[arg-type]
    assert "row-count" not in geomsim.metrics()


def test_registering_an_installed_name() -> None:
    with pytest.raises(AmbiguousMetric, match="geomsim:svcca is installed under the name 'svcca' already"):
        geomsim.register("svcca", RowCount)


def test_a_plugin_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(METRIC + "\ngeomsim.register('dot', Dot)\n")
    assert catalog.load_file(file) == ["dot"]
    assert geomsim.compare([[1.0], [2.0]], [[1.0], [2.0]], "dot", null=None).score == 5.0
    assert catalog.load_file(str(file)) == ["dot"]  # again, after an edit


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (METRIC, r"mine\.py registers no metric; let it call geomsim\.register"),
        (METRIC + "\ngeomsim.register('dot', Dot)\n1 / 0", r"mine\.py: the plugin file fails: ZeroDivisionError"),
        ("def (", r"mine\.py: the plugin file fails: SyntaxError"),
        (METRIC + "\ngeomsim.register('svcca', Dot)", r"mine\.py: geomsim:svcca is installed under the name"),
    ],
)
def test_a_plugin_file_that_fails_offers_nothing(source: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(source)
    with pytest.raises(GeomsimError, match=message):
        catalog.load_file(file)
    assert "dot" not in geomsim.metrics()


def test_a_plugin_file_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(BrokenPlugin, match=r"absent\.py: no such plugin file"):
        catalog.load_file(tmp_path / "absent.py")
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(BrokenPlugin, match=r"notes\.txt: a plugin file is Python and ends in \.py"):
        catalog.load_file(tmp_path / "notes.txt")
