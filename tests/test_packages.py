"""Packages, other people's and ours: built, installed into a scratch environment without a network, and used."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from geomsim.scaffold import new_plugin

EXAMPLE = Path(__file__).parents[1] / "examples" / "third_party_metric"

USE_BY_NAME = """
import doctest, importlib, json, sys
import numpy as np
import geomsim

name, package = sys.argv[1:]
assert package not in sys.modules
listed = geomsim.metrics()
assert package not in sys.modules, "listing the metrics imports them"
left = np.random.default_rng(0).normal(size=(60, 4))
right = left @ np.linalg.qr(np.random.default_rng(1).normal(size=(4, 4)))[0] * 3 + 1
found = geomsim.compare(left, right, name, draws=99)
geomsim.testing.check_metric(name)
module = importlib.import_module(package)
print(json.dumps({
    "listed": listed, "file": module.__file__, "doctests failed": doctest.testmod(module).failed,
    "metric": found.metric, "score": found.score, "p": found.p_value,
}))
"""


def run(*command: str | Path) -> str:
    """Run a command; its output is part of the failure, if it fails."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, env=environment, timeout=300)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def scratch_python(folder: Path, wheel: Path) -> Path:
    """The Python of a new environment that holds the wheel, and sees what is installed here."""
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index", wheel)
    # After the installation, so that pip sees an empty environment; each entry, so that editable packages are seen.
    (site_packages,) = folder.glob("lib/python*/site-packages")
    here = [path for path in sys.path if Path(path).is_dir()]
    (site_packages / "here.pth").write_text("\n".join(map(os.path.abspath, here)), encoding="utf-8")
    return python


@pytest.mark.parametrize(("name", "package"), [("rv2", "geomsim_rv2"), ("angle-profile", "geomsim_angle_profile")])
def test_an_installed_package_is_used_by_name(name: str, package: str, tmp_path: Path) -> None:
    source = tmp_path / "source"
    if name == "rv2":
        shutil.copytree(EXAMPLE, source, ignore=shutil.ignore_patterns("__pycache__", ".*", "dist"))
    else:
        new_plugin(name, source)
    built = tmp_path / "built"
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", built, source)
    (wheel,) = built.glob("*.whl")
    assert wheel.name == f"{package}-0.1.0-py3-none-any.whl"
    scratch = tmp_path / "scratch"
    python = scratch_python(scratch, wheel)

    found = json.loads(run(python, "-c", USE_BY_NAME, name, package))
    assert Path(found["file"]).resolve().is_relative_to(scratch.resolve())
    assert {name, "svcca"} <= set(found["listed"])
    assert found["metric"] == name
    assert found["score"] == pytest.approx(1.0)
    assert found["p"] == 0.01
    assert found["doctests failed"] == 0

    run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", source, source / "tests")


def test_installed_from_a_wheel_the_demo_runs_on_synthetic_truth(tmp_path: Path) -> None:
    root = EXAMPLE.parents[1]
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path, root)
    (wheel,) = tmp_path.glob("geomsim-*.whl")
    python = scratch_python(tmp_path / "scratch", wheel)
    code = (
        "import sys, geomsim; from geomsim.cli.app import run\n"
        "assert sys.argv[1] in geomsim.__file__\n"
        "sys.exit(run(['demo', '--draws', '19', '--json', '--out', sys.argv[2]]))"
    )
    # -P: the working directory, which is the checkout, must not come first.
    found = json.loads(run(python, "-P", "-c", code, tmp_path / "scratch", tmp_path / "demo"))
    assert found["truth"] == "synthetic"
    assert [setting["planted"] for setting in found["recovery"]] == [256, 128, 64, 256]
    assert (tmp_path / "demo" / "study.toml").exists()


def test_the_templates_are_in_the_wheel(tmp_path: Path) -> None:
    """A scaffold that works in a checkout alone would be found out by users only."""
    root = EXAMPLE.parents[1]
    builder = (
        "import sys; from hatchling.builders.wheel import WheelBuilder as W; import json; "
        "print(json.dumps([file.distribution_path for file in W(sys.argv[1]).recurse_included_files()]))"
    )
    shipped = set(json.loads(run(sys.executable, "-c", builder, root)))
    templates = root / "geomsim" / "templates"
    assert {file.relative_to(root).as_posix() for file in templates.rglob("*.template")} <= shipped
