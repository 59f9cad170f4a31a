"""The models and dictionaries of the published study: planned without a network, and read from files laid out alike."""

from __future__ import annotations

import json
import socket
import tomllib
from pathlib import Path
from typing import Any

import pytest
from dictionary_samples import Sample, write_gemma_scope, write_sae_lens, write_sparsify

from geomsim.cli.app import run
from geomsim.preparing.config import read_preparation
from geomsim.preparing.places import models_of
from geomsim.preparing.planning import plan_study
from geomsim.preparing.reading import open_dictionary

FILE = Path(__file__).parents[2] / "examples" / "universality" / "published_models.toml"
BLOCKS = {"pythia-70m": 6, "pythia-160m": 12, "gemma-2b": 18, "gemma-2-2b": 26}


def config() -> dict[str, Any]:
    return tomllib.loads(FILE.read_text())


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Nothing leaves this machine, and the hub's cache is empty."""
    huggingface_hub = pytest.importorskip("huggingface_hub")

    def refused(*_: object, **__: object) -> None:
        raise AssertionError("the network was asked for")

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, refused)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", refused)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_the_plan_needs_no_network_and_touches_nothing(
    no_network: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert run(["study", str(FILE), "--out", str(tmp_path / "out"), "--dry-run", "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert list(tmp_path.iterdir()) == []
    details = plan["details"]
    fetched = details["would_be_downloaded"]
    assert len(fetched) == 4 + 6 + 12 + 5 + 26
    assert {name.split("/")[0] for name in fetched} == {"EleutherAI", "google", "jbloom"}
    assert [block["pairs"] for block in details["blocks"]] == ["1296", "1", "72", "520", "1"]
    assert details["pairs"] == 1890
    assert (plan["bytes"], plan["seconds"], details["memory_about"]) == (None, None, None)


def test_dictionaries_laid_out_as_on_the_hub_are_planned_and_read(
    no_network: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """All formats that the file names, in a made cache: sites from the files, options reach the reader."""

    def snapshot(repository: str) -> Path:
        root = no_network / "--".join(["models", *repository.split("/")])
        (root / "refs").mkdir(parents=True, exist_ok=True)
        (root / "refs" / "main").write_text("0" * 40)
        return root / "snapshots" / ("0" * 40)

    # The cache is what is asked, as it is without a network.
    monkeypatch.setattr(
        "huggingface_hub.snapshot_download", lambda repository, revision, allow_patterns: str(snapshot(repository))
    )
    given = config()
    for name, model in given["models"].items():
        if "path" not in model:
            continue
        folder = snapshot(model["path"])
        folder.mkdir(parents=True)
        facts = {"hidden_size": 8, "num_hidden_layers": BLOCKS[model["path"].split("/")[1]], "intermediate_size": 32}
        (folder / "config.json").write_text(json.dumps(facts))
        for number, dictionary in enumerate(model["dictionaries"]):
            path = dictionary if isinstance(dictionary, str) else dictionary["path"]
            owner, repository, inside = path.split("/", 2)
            place = snapshot(f"{owner}/{repository}") / inside
            sample = Sample(seed=number)
            if name.startswith("pythia"):
                write_sparsify(place, sample)
            elif name == "gemma-2-2b":
                # The folder before is named after the repository on the hub, and after a commit in the cache.
                write_gemma_scope(place.parent, sample)
            else:
                block = inside.split("blocks.")[1].split(".")[0]
                scaled = {"normalize_activations": "expected_average_only_in"} if block == "12" else {}
                hook = {"hook_name": f"blocks.{block}.hook_resid_post", "model_from_pretrained_kwargs": {}}
                write_sae_lens(place, sample, {**scaled, "metadata": hook})
    models = models_of(read_preparation(given), tmp_path)
    assert [place.layer for place in models["gemma-1-2b"].features] == [0, 6, 10, 12, 17]
    for name, blocks in (("pythia-70m", 6), ("pythia-160m", 12), ("gemma-2-2b", 26)):
        assert [place.layer for place in models[name].features] == list(range(blocks))
    formats = {name: {place.header.format for place in model.features} for name, model in models.items()}
    assert formats == {
        "pythia-70m": {"sparsify"}, "pythia-160m": {"sparsify"}, "pythia-noise": set(), "gemma-1-2b": {"sae-lens"},
        "gemma-2-2b": {"gemma-scope"},
    }  # fmt: skip
    places = [models[name].features[3] for name in ("pythia-70m", "gemma-1-2b", "gemma-2-2b")]
    for place in places:
        found = open_dictionary(place)
        assert (found.site, found.width, found.latents, found.convention) == (place.site, 8, 24, "raw")
    # The factor of the file reaches the encoder: what it reads is scaled before.
    scaled = open_dictionary(places[1])
    assert scaled.provenance["input_scale"] == pytest.approx(0.21381938399317255)
    assert scaled.encoder.numpy() == pytest.approx(Sample(seed=3).encoder * 0.21381938399317255)
    # And a file that does not fit its model is refused before anything is read.
    (snapshot("google/gemma-2-2b") / "config.json").write_text('{"hidden_size": 9}')
    with pytest.raises(Exception, match=r"models.gemma-2-2b: .*width 8, but those of the model .* have width 9"):
        models_of(read_preparation(given), tmp_path)


def test_a_dictionary_that_says_another_site_than_its_name_is_refused(
    no_network: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    hook = {"hook_name": "blocks.4.hook_resid_post", "model_from_pretrained_kwargs": {}}
    write_sae_lens(tmp_path / "hub" / "blocks.3.hook_resid_post", Sample(), {"metadata": hook})
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda *_, **__: str(tmp_path / "hub"))
    given = config()
    name = "owner/saes/blocks.3.hook_resid_post"
    given["models"]["pythia-70m"]["dictionaries"] = [name]
    place = models_of(read_preparation(given), tmp_path)["pythia-70m"].features[0]
    assert place.site == "residual:3"
    with pytest.raises(Exception, match=r"was trained at 'residual:4', and its name reads as 'residual:3'; say which"):
        open_dictionary(place)
    given["models"]["pythia-70m"]["dictionaries"] = {"residual:4": name}
    assert open_dictionary(models_of(read_preparation(given), tmp_path)["pythia-70m"].features[0]).site == "residual:4"


def test_what_lies_in_the_cache_in_part_would_be_fetched(no_network: Path, tmp_path: Path):
    """A configuration or a tokenizer that something else has fetched is no model, and no dictionary."""
    commit = "0" * 40
    for repository in ("EleutherAI/pythia-70m", "EleutherAI/sae-pythia-70m-32k"):
        root = no_network / "--".join(["models", *repository.split("/")])
        (root / "refs").mkdir(parents=True)
        (root / "refs" / "main").write_text(commit)
        (root / "snapshots" / commit).mkdir(parents=True)
    model = no_network / "models--EleutherAI--pythia-70m" / "snapshots" / commit
    saes = no_network / "models--EleutherAI--sae-pythia-70m-32k" / "snapshots" / commit
    (model / "tokenizer.json").write_text("{}")
    for block in (0, 1):
        write_sparsify(saes / f"layers.{block}", Sample())
    (saes / "layers.0" / "sae.safetensors").unlink()
    given = config()
    given["models"]["pythia-70m"]["neurons"] = True

    def plan() -> Any:
        return plan_study(given, tmp_path, tmp_path / "out")

    first = plan()
    assert "EleutherAI/pythia-70m" in first.fetched
    assert "EleutherAI/sae-pythia-70m-32k/layers.0" in first.fetched
    assert "EleutherAI/sae-pythia-70m-32k/layers.1" not in first.fetched
    assert any("models.pythia-70m: how many blocks it has is known once" in note for note in first.notes)
    facts = {"hidden_size": 8, "num_hidden_layers": 6, "intermediate_size": 32}
    (model / "config.json").write_text(json.dumps(facts))
    second = plan()
    assert "EleutherAI/pythia-70m" in second.fetched  # its weights
    assert not any("models.pythia-70m" in note for note in second.notes)
    (model / "model.safetensors").write_bytes(b"\x02\0\0\0\0\0\0\0{}")
    assert "EleutherAI/pythia-70m" not in plan().fetched
    # Of a model whose neurons nobody compares, nobody needs to know.
    (model / "config.json").unlink()
    given["between"] = [{"left": "pythia-70m", "right": "pythia-160m"}]
    assert not any("models.pythia-70m" in note for note in plan().notes)
