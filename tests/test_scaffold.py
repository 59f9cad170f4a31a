from __future__ import annotations

import importlib.util
import re
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

import geomsim
from geomsim.errors import AmbiguousMetric, BrokenPlugin, GeomsimError
from geomsim.scaffold import new_plugin

EXAMPLE = Path(__file__).parents[1] / "examples" / "third_party_metric"


def load(file: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    name = file.parent.name
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, module)
    spec.loader.exec_module(module)
    return module


def test_the_package_is_complete_and_keeps_the_contract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "new" / "package"
    written = new_plugin("angle-profile", folder)
    assert [file.relative_to(folder).as_posix() for file in written] == [
        "pyproject.toml",
        "README.md",
        "src/geomsim_angle_profile/__init__.py",
        "src/geomsim_angle_profile/py.typed",
        "tests/test_angle_profile.py",
    ]
    assert sorted(written) == sorted(file for file in folder.rglob("*") if file.is_file())
    assert not [file for file in written if "$" in file.read_text(encoding="utf-8")]
    project = tomllib.loads(written[0].read_text(encoding="utf-8"))["project"]
    assert project["name"] == "geomsim-angle-profile"
    assert project["dependencies"] == [f"geomsim>={geomsim.__version__}"]
    assert project["entry-points"] == {"geomsim.metrics": {"angle-profile": "geomsim_angle_profile:AngleProfile"}}
    geomsim.testing.check_metric(load(written[2], monkeypatch).AngleProfile)


def test_its_own_tests_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    *_, metric_file, _, test_file = new_plugin("angle-profile", tmp_path)
    load(metric_file, monkeypatch)
    tests = load(test_file, monkeypatch)
    for name, test in vars(tests).items():
        if name.startswith("test_"):
            test()


def test_the_example_is_the_same_kind_of_package(tmp_path: Path) -> None:
    def settings(folder: Path) -> dict[str, object]:
        text = (folder / "pyproject.toml").read_text(encoding="utf-8").replace("rv9", "rv2").replace("Rv9", "RV2")
        found = tomllib.loads(text)
        del found["project"]["description"], found["project"]["dependencies"]
        return found

    def places(folder: Path) -> list[str]:
        files = [file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()]
        return sorted(name.replace("rv9", "rv2") for name in files if "__pycache__" not in name)

    new_plugin("rv9", tmp_path)
    assert settings(tmp_path) == settings(EXAMPLE)
    assert places(tmp_path) == places(EXAMPLE)


@pytest.mark.parametrize(
    ("name", "class_name"),
    [("tensor", "TensorMetric"), ("none", "NoneMetric"), ("paired-metric", "PairedMetricMetric")],
)
def test_a_class_name_hides_nothing(
    name: str, class_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = load(new_plugin(name, tmp_path)[2], monkeypatch)
    assert issubclass(getattr(module, class_name), geomsim.PairedMetric)


@pytest.mark.parametrize("name", ["", "MyMetric", "my_metric", "my metric", "-x", "x-", "a--b", "3d", "dist:name", "é"])
def test_refuses_a_name_that_is_not_kebab_case(name: str, tmp_path: Path) -> None:
    with pytest.raises(BrokenPlugin, match=re.escape(f"like 'my-metric'; got {name!r}")):
        new_plugin(name, tmp_path)
    assert not list(tmp_path.iterdir())


def test_refuses_a_name_that_is_installed(tmp_path: Path) -> None:
    with pytest.raises(AmbiguousMetric, match="geomsim:svcca is installed under the name 'svcca' already"):
        new_plugin("svcca", tmp_path)


def test_refuses_to_hide_an_installed_package(tmp_path: Path) -> None:
    with pytest.raises(BrokenPlugin, match="a package geomsim_topological is installed already"):
        new_plugin("topological", tmp_path)


def test_refuses_a_folder_that_holds_something(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(GeomsimError, match="is not empty; a new plugin needs a folder of its own"):
        new_plugin("angle-profile", tmp_path)
    with pytest.raises(GeomsimError, match=r"notes\.txt is a file; a new plugin needs a folder of its own"):
        new_plugin("angle-profile", tmp_path / "notes.txt")
    assert [file.name for file in tmp_path.iterdir()] == ["notes.txt"]


def test_an_empty_folder_and_the_default_folder_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert new_plugin("angle-profile")[0] == Path("geomsim-angle-profile", "pyproject.toml")
    (tmp_path / "empty").mkdir()
    assert new_plugin("angle-profile", "empty")[0].is_file()
