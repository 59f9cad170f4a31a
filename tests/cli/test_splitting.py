"""`geomsim splitting`: two folders of codes to tables, families in words, JSON and a figure."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from geomsim import Codes
from geomsim.activations import TopTokens, save_top_tokens
from geomsim.activations.splitting_result import Splitting
from geomsim.cli import splitting as verb
from geomsim.cli.console import Common
from geomsim.cli.splitting import splitting
from geomsim.errors import InvalidConfig

N_TOKENS = 3000
GATES: dict[str, Any] = {"min_firings": 50, "shifts": 20}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Smaller latent 0 is split, 1 and 2 are merged, 3 is kept, 4 vanishes; larger latent 4 is new."""
    random = np.random.default_rng(0)
    f = random.random((N_TOKENS, 6)) < 0.08
    half = random.random(N_TOKENS) < 0.5
    larger = [f[:, 0] & half, f[:, 0] & ~half, f[:, 1] | f[:, 2], f[:, 3], f[:, 5]]
    folder = tmp_path_factory.mktemp("codes")
    for name, values in (("small", f[:, :5]), ("large", np.stack(larger, axis=1))):
        Codes.from_dense(values * 1.0, groups=np.arange(N_TOKENS) // 50).save(folder / name)
    return folder / "small", folder / "large"


@pytest.fixture(scope="module")
def tokens(folders: tuple[Path, Path]) -> tuple[Path, Path]:
    paths = []
    for name, n in (("small", 5), ("large", 5)):
        rows = [(latent, 1, f" {name[0]}{latent}") for latent in range(n)]
        table = TopTokens(pd.DataFrame(rows, columns=["latent", "rank", "token"]), n)
        paths.append(save_top_tokens(table, folders[0].parent / f"{name}.parquet"))
    return paths[0], paths[1]


def test_everything_is_written_and_told(
    folders: tuple[Path, Path], tokens: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert splitting(*folders, out=tmp_path / "out", top_tokens=tokens, **GATES) == 0
    told = capsys.readouterr().out
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "families.parquet", "latents.parquet", "links.parquet", "splitting.json", "splitting.svg",
    ]  # fmt: skip
    found = Splitting.open(tmp_path / "out")
    assert found.classes("smaller").tolist() == ["split", "merged", "merged", "one-to-one", "vanished"]
    assert found.classes("larger").tolist() == ["split", "split", "merged", "one-to-one", "new"]
    assert "split: smaller latents and their parts" in told
    assert "0 `␣s0`" in told
    assert "`␣l1`" in told
    assert "merged: larger latents and their parts" in told
    assert [line.split() for line in told.splitlines() if line.strip().startswith("vanished ")] == [
        ["vanished", "1", "20.0%"]
    ]
    record = json.loads((tmp_path / "out" / "splitting.json").read_text(encoding="utf-8"))
    assert record["splits"] == [2]
    assert record["counts"]["smaller"]["merged"] == 2
    split = record["families"][0]
    assert split["smaller_tokens"] == [[" s0"]]
    assert sorted(map(tuple, split["larger_tokens"])) == [(" l0",), (" l1",)]
    assert (tmp_path / "out" / "splitting.svg").read_bytes().startswith(b"<?xml")


def test_classes_whose_names_do_not_say_it_are_explained() -> None:
    counts = {"smaller": {"split": 1, "nested": 2, "tangled": 0}, "larger": {"split": 2, "containing": 1, "tangled": 0}}
    provenance = {"smaller_latents": 3, "larger_latents": 3}
    found = SimpleNamespace(counts=counts, provenance=provenance, shares=lambda side: {})
    caption = verb._classes(found).caption  # type: ignore[arg-type]
    assert [line.partition(":")[0] for line in str(caption).splitlines()] == ["nested", "containing"]


def test_json_is_for_programs(folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert splitting(*folders, out=tmp_path / "out", common=Common(json=True, seed=3), families=0, **GATES) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["families"] == []
    assert found["provenance"]["seed"] == 3
    assert found["agreement"] is None
    assert len(found["files"]) == 5


def test_a_dry_run_touches_nothing(
    folders: tuple[Path, Path], tokens: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert splitting(*folders, out=out, top_tokens=tokens, common=Common(json=True, dry_run=True)) == 0
    planned = json.loads(capsys.readouterr().out)
    assert not out.exists()
    assert planned["would_read"] == [str(path) for path in (*folders, *tokens)]
    assert len(planned["would_write"]) == 5
    assert planned["details"]["smaller"] == {"n_tokens": N_TOKENS, "n_latents": 5}


def test_what_cannot_be_done_is_refused_before_anything_is_read(
    folders: tuple[Path, Path], tokens: tuple[Path, Path], tmp_path: Path
) -> None:
    with pytest.raises(InvalidConfig, match="nowhere: no such folder of codes"):
        splitting(tmp_path / "nowhere", folders[1])
    with pytest.raises(InvalidConfig, match="holds codes; results go to a folder of their own"):
        splitting(*folders, out=folders[0])
    with pytest.raises(InvalidConfig, match="--families -1"):
        splitting(*folders, families=-1, out=tmp_path / "out")
    with pytest.raises(InvalidConfig, match="none: no such file or folder"):
        splitting(*folders, out=tmp_path / "out", smaller_dictionary=tmp_path / "none")
    more = Codes.from_dense(np.ones((N_TOKENS, 6))).save(tmp_path / "more")
    for common in (Common(), Common(dry_run=True)):
        with pytest.raises(InvalidConfig, match=r"more has 6 latents and .*small 5; name the smaller dictionary's"):
            splitting(more, folders[0], out=tmp_path / "out", common=common)
        with pytest.raises(InvalidConfig, match="alpha must be between 0 and 1, got nan"):
            splitting(*folders, out=tmp_path / "out", alpha=float("nan"), common=common)
    wide = TopTokens(pd.DataFrame([(8, 1, "x")], columns=["latent", "rank", "token"]), 9)
    path = save_top_tokens(wide, tmp_path / "wide.parquet")
    with pytest.raises(
        InvalidConfig, match=r"wide\.parquet has 9 latents and the smaller codes 5; give the table of the"
    ):
        splitting(*folders, out=tmp_path / "out", top_tokens=(path, tokens[1]), **GATES)


def test_only_what_was_found_is_said_behind_the_tables(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    splitting(*folders, out=tmp_path / "out", families=0, **GATES)
    told = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in told[-3:]] == ["1", "By", "Written"]
    assert not any("have nothing beyond chance" in line for line in told)  # the table has the classes
