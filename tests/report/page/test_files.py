"""The file itself: the same bytes for the same contents, small, and with nothing in it that leads elsewhere."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from importlib.resources import files
from pathlib import Path

import pytest
from hostile_report import hostile_report
from report_contents import large_report, small_report

from geomsim.report.page.writing import page_html, write_page

ASSETS = files("geomsim.report.page").joinpath("assets")
SOURCES = sorted(each.name for each in ASSETS.iterdir() if each.name.endswith((".js", ".css", ".jinja")))
ADDRESS = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?//[a-z0-9-]+(?:\.[a-z0-9-]+)+[^\s\"'`)]*", re.IGNORECASE)
NAMESPACES = {
    "http://www.w3.org/2000/svg",
    "http://www.w3.org/1999/xhtml",
    "http://www.w3.org/1999/xlink",
    "http://www.w3.org/XML/1998/namespace",
    "http://www.w3.org/2000/xmlns/",
}


@pytest.mark.parametrize("name", SOURCES)
def test_no_asset_names_an_address(name: str) -> None:
    text = ASSETS.joinpath(name).read_text("utf-8")
    if name == "d3.min.js":
        # The library's first line says where it comes from and whose it is.
        first, text = text.split("\n", 1)
        assert first.startswith("// https://d3js.org v7")
        assert "Mike Bostock" in first
    assert set(ADDRESS.findall(text)) <= NAMESPACES
    assert not re.search(r"\b(?:fetch|XMLHttpRequest|WebSocket|EventSource|sendBeacon|importScripts)\b\s*\(", text) or (
        name == "d3.min.js"  # it can fetch, is never asked to, and the policy would refuse
    )


@pytest.mark.parametrize("name", [name for name in SOURCES if name.endswith(".js") and name != "d3.min.js"])
def test_no_module_makes_markup_or_code_of_text(name: str) -> None:
    text = ASSETS.joinpath(name).read_text("utf-8")
    found = re.findall(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function"
        r"|setAttribute\(\"style\"|\.html\(",
        text,
    )
    assert found == []


def test_every_style_is_in_the_page() -> None:
    page = page_html(small_report())
    for name in SOURCES:
        if name.endswith(".css"):
            assert ASSETS.joinpath(name).read_text("utf-8").strip() in page, name


def test_every_module_is_in_the_page() -> None:
    """A module that nothing imports would be dead weight."""
    page = page_html(small_report())
    for name in SOURCES:
        if not name.endswith(".js") or name == "d3.min.js":
            continue
        first = re.search(r"^export (?:async )?(?:function|class|const) (\w+)", ASSETS.joinpath(name).read_text(), re.M)
        assert first is None or re.search(rf"^(?:async )?(?:function|class|const) {first[1]}\b", page, re.M), name


@pytest.mark.parametrize("make", [small_report, hostile_report])
def test_the_same_contents_give_the_same_bytes(make, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    one, other = (write_page(tmp_path / name, make()).read_bytes() for name in ("one.html", "other.html"))
    assert one == other
    assert str(tmp_path).encode() not in one


def test_the_same_bytes_in_another_process() -> None:
    """Nothing depends on the order of sets, which another process has otherwise."""
    code = (
        "import sys, hashlib; sys.path.insert(0, 'tests/support')\n"
        "from report_contents import small_report\n"
        "from geomsim.report.page.writing import page_html\n"
        "print(hashlib.sha256(page_html(small_report()).encode()).hexdigest())"
    )
    root = Path(__file__).parents[3]
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=root,
            env={"PYTHONHASHSEED": seed, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1


def test_reports_are_small() -> None:
    assert len(page_html(small_report()).encode()) < 1_500_000
    assert len(page_html(large_report(50_000, 5_000)).encode()) < 5_000_000


def test_a_wheel_carries_the_page_with_its_licence(tmp_path: Path) -> None:
    root = Path(__file__).parents[3]
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(root)],
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        held = {
            Path(name).name: packed.read(name)
            for name in packed.namelist()
            if name.startswith("geomsim/report/page/assets/")
        }
    assert set(held) == {each.name for each in ASSETS.iterdir() if each.is_file()}
    assert b"Permission to use, copy, modify" in held["d3.LICENSE"]
    assert b"Mike Bostock" in held["d3.LICENSE"]
