"""The further dictionaries of the example's models: what is shipped is what the script trains and the page says."""

from __future__ import annotations

import importlib
import importlib.util
import itertools
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from geomsim.activations.dictionary import read_dictionary
from geomsim.activations.rerandomised import PROVENANCE, rerandomise
from geomsim.activations.standard_library import standard_library_documents
from geomsim.activations.transformers_source import TransformersSource

FOLDER = Path(__file__).parents[2] / "examples" / "code_models"
SHIPPED = sorted(file.parent for file in [*FOLDER.glob("*/more_saes/*/cfg.json"),
                                          *FOLDER.glob("right-rerandomised/saes/*/cfg.json")])  # fmt: skip
pytestmark = pytest.mark.skipif(not SHIPPED, reason="the example's further dictionaries are not here")


@pytest.fixture(scope="module")
def further() -> Any:
    """The module of the script that trains them."""
    for needed in ("tokenizers", "transformers", "safetensors"):
        pytest.importorskip(needed)
    if str(FOLDER) not in sys.path:
        sys.path.append(str(FOLDER))
    return importlib.import_module("further_dictionaries")


def test_the_script_refuses_what_it_would_do_nothing_for(further, monkeypatch, capsys):
    # Under a name of its own: another example has a `train` too.
    spec = importlib.util.spec_from_file_location("code_models_train", FOLDER / "train.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    monkeypatch.setattr(sys, "argv", ["train.py", "third", "--more"])
    with pytest.raises(SystemExit):
        script.main()
    assert "there are further dictionaries of left, right" in capsys.readouterr().err


def said(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "training.json").read_text())
    return found


def test_each_is_one_that_the_script_trains_and_no_two_begin_alike(further):
    planned = {FOLDER / one.folder: one for one in further.FURTHER}
    assert len(planned) == len(further.FURTHER)
    assert set(SHIPPED) <= planned.keys()
    for folder in SHIPPED:
        one, found = planned[folder], said(folder)
        expected = (one.model, one.layer, one.seed, one.latents, one.torch_seed, 4000)
        assert tuple(found[key] for key in ("model", "layer", "seed", "latents", "torch_seed", "steps")) == expected
        assert (found["k"], found["held_out_tokens"]) == (16, 245_999)
    first = [100 * plan.seed + layer for plan in further.PLANS for layer in range(plan.layers)]
    seeds = [*first, *(one.torch_seed for one in further.FURTHER)]
    assert len(set(seeds)) == len(seeds)


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: str(folder.relative_to(FOLDER)))
def test_each_reads_as_a_dictionary_of_its_place(folder):
    found = said(folder)
    dictionary = read_dictionary(folder)
    assert (dictionary.latents, dictionary.site) == (found["latents"], f"residual:{found['layer']}")
    assert dictionary.convention == "raw"
    assert np.isfinite(dictionary.directions).all()
    widths = {"left": 96, "right": 128, "right-rerandomised": 128}
    assert dictionary.directions.shape == (found["latents"], widths[found["model"]])


def test_they_are_small_enough_to_ship():
    assert sum(file.stat().st_size for folder in SHIPPED for file in folder.iterdir()) < 11_000_000


def test_two_seeds_of_one_place_learned_different_dictionaries():
    for left, right in itertools.combinations(SHIPPED, 2):
        if [said(left)[key] for key in ("model", "layer", "latents")] != [
            said(right)[key] for key in ("model", "layer", "latents")
        ]:
            continue
        unit = [read_dictionary(folder).directions for folder in (left, right)]
        unit = [rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in unit]
        best = (unit[0] @ unit[1].T).max(1)
        assert np.median(best) < 0.99  # not the same rows in another order
        assert best.mean() > 0.4  # and not unrelated ones


def test_the_re_randomised_model_is_made_again_from_its_seed(further, tmp_path):
    folders = [folder for folder in SHIPPED if said(folder)["model"] == further.RERANDOMISED]
    if not folders:
        pytest.skip("its dictionaries are not here")
    made = rerandomise(FOLDER / "right", tmp_path / "made", seed=further.RERANDOMISED_SEED)
    again = {**json.loads((made / PROVENANCE).read_text()), "model": "right"}
    for folder in folders:
        assert said(folder)["rerandomised"] == again
        assert said(folder)["held_out_loss"] > 7


@pytest.mark.parametrize("model", ["left", "right", "right-rerandomised"])
def test_the_explained_variance_is_the_one_measured_here(model, tmp_path):
    """TopK written out in numpy, on other windows of less text than what was measured: within .02."""
    folders = [folder for folder in SHIPPED if said(folder)["model"] == model]
    if not folders:
        pytest.skip("its dictionaries are not here")
    place = FOLDER / model
    if model == "right-rerandomised":
        place = rerandomise(FOLDER / "right", tmp_path / "made", seed=said(folders[0])["rerandomised"]["seed"])
    source = TransformersSource(place)
    documents = sorted(standard_library_documents("held-out"), key=lambda document: len(document.text))[20:40:2]
    sites = [site for site in source.sites() if site.startswith("residual")]
    batches = list(source.read(documents, sites))
    states = {site: np.concatenate([np.asarray(batch.activations[site]) for batch in batches]) for site in sites}
    load = pytest.importorskip("safetensors.numpy").load_file
    for folder in folders:
        x = states[f"residual:{said(folder)['layer']}"].astype(np.float32)
        weights = {name: value.astype(np.float32) for name, value in load(folder / "sae_weights.safetensors").items()}
        before = (x - weights["b_dec"]) @ weights["W_enc"] + weights["b_enc"]
        kept = before >= np.partition(before, -16, axis=1)[:, -16:-15]
        rebuilt = np.where(kept, np.maximum(before, 0), 0) @ weights["W_dec"] + weights["b_dec"]
        explained = 1 - ((x - rebuilt) ** 2).sum() / ((x - x.mean(0)) ** 2).sum()
        assert explained == pytest.approx(said(folder)["explained_variance"], abs=0.02), folder


def test_the_page_says_what_was_measured():
    page = (FOLDER / "README.md").read_text()
    for folder in SHIPPED:
        found = said(folder)
        variance, dead = f"{found['explained_variance']:.3f}".lstrip("0"), found["dead_latents"]
        place = f"{found['model']}` | {found['layer']} | {found['latents']:,} | {found['seed']}"
        assert f"| `{place} | {variance} | {found['l0']:.1f} | {dead} |" in page, folder
