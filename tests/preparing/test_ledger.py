from __future__ import annotations

from pathlib import Path

import pytest

from geomsim.errors import GeomsimError
from geomsim.preparing.ledger import Ledger


def make(ledger: Ledger, name: str, digest: str) -> None:
    with ledger.making({name: digest}):
        ledger.path(name).write_text(digest)


def test_a_piece_is_found_again_while_it_is_made_of_the_same(tmp_path: Path):
    make(Ledger(tmp_path, resume=True), "a", "1")
    again = Ledger(tmp_path, resume=True)
    assert again.has("a", "1")
    assert not again.has("a", "2")
    assert not again.has("b", "1")
    (tmp_path / "a").unlink()
    assert not again.has("a", "1")
    make(again, "a", "1")
    assert not Ledger(tmp_path, resume=False).has("a", "1")


def test_half_a_piece_is_never_taken_for_a_whole_one(tmp_path: Path):
    make(Ledger(tmp_path, resume=True), "a", "old")

    def stopped() -> None:
        with Ledger(tmp_path, resume=True).making({"a": "new"}):
            (tmp_path / "a").write_text("half of the new one")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    after = Ledger(tmp_path, resume=True)
    # The file is there, and of neither.
    assert not after.has("a", "old")
    assert not after.has("a", "new")
    assert after.was_begun("a", "new")
    assert not after.was_begun("a", "old")


def test_what_a_killed_run_left_of_a_file_goes(tmp_path: Path):
    (tmp_path / "spaces").mkdir()
    (tmp_path / "spaces" / "a.npz.17.ab.part").write_text("half")
    make(Ledger(tmp_path, resume=True), "a", "1")
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["a", "pieces.json"]


def test_a_half_made_folder_goes_too(tmp_path: Path):
    """A killed run that drew the weights of a model anew leaves a folder."""
    (tmp_path / "models" / "noise.part").mkdir(parents=True)
    (tmp_path / "models" / "noise.part" / "model.safetensors.part").write_text("half")
    Ledger(tmp_path, resume=True)
    assert list((tmp_path / "models").iterdir()) == []


def test_half_a_piece_is_gone_on_with_in_the_same_way_alone(tmp_path: Path):
    def stopped(how: str) -> None:
        with Ledger(tmp_path, resume=True).making({"a": "1"}, how):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped("cuda")
    assert Ledger(tmp_path, resume=True).was_begun("a", "1", "cuda")
    assert not Ledger(tmp_path, resume=True).was_begun("a", "1", "cpu")
    assert not Ledger(tmp_path, resume=False).was_begun("a", "1", "cuda")


def test_a_run_that_makes_all_anew_and_is_stopped_loses_what_it_touched_alone(tmp_path: Path):
    for name in ("a", "b"):
        make(Ledger(tmp_path, resume=True), name, "1")
    anew = Ledger(tmp_path, resume=False)
    assert len(anew) == 2
    assert not anew.has("a", "1")
    make(anew, "a", "1")
    assert anew.has("a", "1")
    assert not anew.has("b", "1")
    assert Ledger(tmp_path, resume=True).has("b", "1")


def test_what_nothing_comes_of_is_known_until_it_is_made_again(tmp_path: Path):
    ledger = Ledger(tmp_path, resume=True)
    with ledger.making({"a": "1"}) as nothing:
        nothing["a"] = "no pair"
    again = Ledger(tmp_path, resume=True)
    assert again.has("a", "1")
    assert again.nothing("a") == "no pair"
    make(again, "a", "2")
    assert again.nothing("a") is None
    assert again.has("a", "2")


def test_a_damaged_ledger_is_named(tmp_path: Path):
    (tmp_path / "pieces.json").write_text("{")
    with pytest.raises(GeomsimError, match=r"pieces.json: damaged .*delete it to prepare everything anew"):
        Ledger(tmp_path, resume=True)
    make(Ledger(tmp_path, resume=False), "a", "1")
    assert Ledger(tmp_path, resume=True).has("a", "1")
