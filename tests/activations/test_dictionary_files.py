"""Where dictionaries lie, how their format is told, and files that want to run code."""

from __future__ import annotations

import os
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from dictionary_samples import (
    K,
    Sample,
    dictionary_learning_weights,
    write_dictionary_learning,
    write_gemma_scope,
    write_gemma_scope_2,
    write_sae_lens,
    write_sparsify,
)

import geomsim.activations
from geomsim.activations.dictionary import read_dictionary
from geomsim.activations.dictionary_formats import holds_dictionary
from geomsim.errors import InvalidConfig, InvalidModel

SAMPLE = Sample()
WRITERS = {
    "sae-lens": write_sae_lens,
    "sparsify": write_sparsify,
    "gemma-scope": write_gemma_scope,
    "dictionary-learning": lambda folder, sample: write_dictionary_learning(folder, sample, "AutoEncoder"),
}
WEIGHTS = {
    "sae-lens": "sae_weights.safetensors", "sparsify": "sae.safetensors", "gemma-scope": "params.npz",
    "dictionary-learning": "ae.pt",
}  # fmt: skip


@pytest.mark.parametrize("name", WRITERS)
def test_the_files_tell_the_format(name, tmp_path):
    folder = WRITERS[name](tmp_path / "one", SAMPLE)
    (folder / "README.md").write_text("")
    found = geomsim.activations.read_dictionary(folder)
    assert found.provenance["format"] == name
    assert found.provenance["path"].startswith(str(folder))
    for place in (str(folder), folder / WEIGHTS[name]):
        assert read_dictionary(place).sha256 == found.sha256
        assert read_dictionary(place, format=name).sha256 == found.sha256
    assert read_dictionary(tmp_path, subfolder="one").sha256 == found.sha256


def test_what_holds_a_dictionary(tmp_path):
    for name, write in WRITERS.items():
        folder = write(tmp_path / name, SAMPLE)
        assert holds_dictionary(folder)
        assert holds_dictionary(folder / WEIGHTS[name])
        assert not holds_dictionary(folder / "README.md")
    assert not holds_dictionary(tmp_path)
    assert not holds_dictionary(tmp_path / "dictionary-learning" / "config.json")


def test_two_formats_in_one_directory(tmp_path):
    write_sae_lens(tmp_path, SAMPLE)
    write_sparsify(tmp_path, SAMPLE, {"d_sae": 24, "architecture": "topk"})  # one configuration that suits both
    with pytest.raises(
        InvalidModel,
        match=r"more than one dictionary: sae_weights\.safetensors \(sae-lens\), sae\.safetensors \(sparsify\); "
        "choose with format='sae-lens', or name the file",
    ):
        read_dictionary(tmp_path)
    for name in ("sae-lens", "sparsify"):
        assert read_dictionary(tmp_path, format=name).provenance["format"] == name
        assert read_dictionary(tmp_path / WEIGHTS[name]).provenance["format"] == name


def test_two_dictionaries_of_one_format_in_one_directory(tmp_path):
    write_gemma_scope(tmp_path, SAMPLE)
    write_gemma_scope_2(tmp_path, Sample(8))
    with pytest.raises(InvalidModel, match=r"params\.npz \(gemma-scope\), params\.safetensors .*name the file itself"):
        read_dictionary(tmp_path, format="gemma-scope")
    first, second = (read_dictionary(tmp_path / f"params.{suffix}") for suffix in ("npz", "safetensors"))
    assert first.sha256 != second.sha256


def test_places_that_hold_no_dictionary(tmp_path):
    write_sae_lens(tmp_path / "a" / "b", SAMPLE)
    write_dictionary_learning(tmp_path / "c", SAMPLE, "AutoEncoder")
    with pytest.raises(
        InvalidModel,
        match=r"no dictionary in a known format \(sae-lens: sae_weights\.safetensors with cfg\.json; sparsify.*\); "
        r"it holds a, c; dictionaries lie below it at a/b, c$",
    ):
        read_dictionary(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidModel, match=r"it holds nothing$"):
        read_dictionary(tmp_path / "empty")
    model = tmp_path / "model"
    model.mkdir()
    for name in ("config.json", "model.safetensors", *(f"x{i}" for i in range(9))):
        (model / name).write_text("{}")
    with pytest.raises(InvalidModel, match=r"it holds config\.json, model\.safetensors, .* and 3 more$"):
        read_dictionary(model)
    with pytest.raises(InvalidModel, match=r"sae\.safetensors \(sparsify\) is missing beside cfg\.json"):
        read_dictionary(tmp_path / "a" / "b", format="sparsify")
    for absent in (tmp_path / "absent", "absent", "../absent/x"):
        with pytest.raises(InvalidModel, match="no such dictionary directory or file"):
            read_dictionary(absent)


def test_files_that_are_no_weights(tmp_path):
    folder = write_sae_lens(tmp_path, SAMPLE)
    other = folder / "other.safetensors"
    other.write_bytes((folder / "sae_weights.safetensors").read_bytes())
    for file in (folder / "cfg.json", other):
        with pytest.raises(InvalidModel, match=r"not a file of weights that is known .*name the directory it lies in"):
            read_dictionary(file)
    assert read_dictionary(other, format="sae-lens").latents == 24
    with pytest.raises(InvalidModel, match="not a file of weights"):
        read_dictionary(folder / "sae_weights.safetensors", format="dictionary-learning")


def test_options_that_do_not_exist(tmp_path):
    with pytest.raises(InvalidConfig, match="format 'sae': choose one of sae-lens, sparsify, gemma-scope, dictionary-"):
        read_dictionary(tmp_path, format="sae")
    with pytest.raises(InvalidConfig, match="selection 'topk': choose 'threshold' or 'per-token'"):
        read_dictionary(tmp_path, selection="topk")


# The hub.


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A repository under tmp_path; what was asked for."""
    huggingface_hub = pytest.importorskip("huggingface_hub")
    asked = []

    def snapshot_download(repository, revision, allow_patterns):
        asked.append((repository, revision, tuple(allow_patterns)))
        return str(tmp_path)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    monkeypatch.chdir(tmp_path)
    return asked


def test_only_the_files_of_one_folder_are_fetched(hub, tmp_path):
    write_sae_lens(tmp_path / "deep" / "layers.3", SAMPLE)
    for arguments in (
        {"path_or_id": "owner/repository/deep/layers.3"},
        {"path_or_id": "owner/repository", "subfolder": "deep/layers.3"},
        {"path_or_id": "owner/repository/deep", "subfolder": "layers.3"},
    ):
        assert read_dictionary(**arguments, revision="v1").name == "layers.3"
    assert len(set(hub)) == 1
    repository, revision, patterns = hub[0]
    assert (repository, revision) == ("owner/repository", "v1")
    assert set(patterns) == {
        f"deep/layers.3/{name}"
        for name in (*WEIGHTS.values(), "params.safetensors", "cfg.json", "config.json")
    } | {"deep/config.json"}  # fmt: skip


def test_a_format_or_a_file_asks_for_less(hub, tmp_path):
    write_gemma_scope(tmp_path / "gemma-scope-2b-pt-res" / "layer_2" / "width_16k", SAMPLE)
    write_sparsify(tmp_path, SAMPLE)
    folder = "google/gemma/gemma-scope-2b-pt-res/layer_2/width_16k"
    assert read_dictionary(f"{folder}/params.npz", format="gemma-scope").site == "residual:2"
    assert hub[-1][2] == tuple(f"{folder[13:]}/{name}" for name in ("params.npz", "config.json"))
    assert read_dictionary("owner/repository", format="sparsify").k == K
    assert hub[-1] == ("owner/repository", None, ("sae.safetensors", "cfg.json"))
    write_dictionary_learning(tmp_path / "trainer_0" / "checkpoints", SAMPLE, "AutoEncoder")
    step = "owner/repository/trainer_0/checkpoints/ae.pt"
    assert read_dictionary(step).activation == "relu"
    assert set(hub[-1][2]) == {
        "trainer_0/checkpoints/ae.pt", "trainer_0/checkpoints/cfg.json", "trainer_0/checkpoints/config.json",
        "trainer_0/config.json",
    }  # fmt: skip


def test_a_folder_that_the_repository_does_not_have(hub):
    with pytest.raises(InvalidModel, match="the repository owner/repository has no dictionary at 'other/one'"):
        read_dictionary("owner/repository/other/one")


@pytest.mark.parametrize(
    "place", ["owner/repository/*", "owner/../secrets", "owner/re po/x", "/owner/repository", "one"]
)
def test_what_is_no_hub_id_is_not_asked_for(place, hub):
    with pytest.raises(InvalidModel, match="no such dictionary directory or file"):
        read_dictionary(place)
    with pytest.raises(InvalidModel, match="no such dictionary directory or file"):
        read_dictionary(Path("owner/repository"))
    assert not hub


def test_without_a_network_or_the_hub_client(monkeypatch):
    huggingface_hub = pytest.importorskip("huggingface_hub")

    def refused(*arguments, **options):
        raise OSError("no network\nand much more")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", refused)
    with pytest.raises(InvalidModel, match=r"no such directory here, and as a hub id .*fetched \(no network\)$"):
        read_dictionary("owner/repository/sae")
    monkeypatch.setitem(__import__("sys").modules, "huggingface_hub", None)
    with pytest.raises(InvalidModel, match=r"huggingface_hub is needed: pip install 'geomsim\[models\]'"):
        read_dictionary("owner/repository/sae")


# Files that want to run code.


class Payload:
    """Unpickling one writes a file."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return os.system, (f"touch {self.target}",)


class Opener(Payload):
    """The same without a shell."""

    def __reduce__(self):
        return open, (str(self.target), "w")


def pickled(file, content):
    file.write_bytes(pickle.dumps(content))


def saved(file, content):
    torch.save(content, file)


def saved_as_before(file, content):
    torch.save(content, file, _use_new_zipfile_serialization=False)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("write", [pickled, saved, saved_as_before])
@pytest.mark.parametrize("payload", [Payload, Opener])
@pytest.mark.parametrize("name", ["ae.pt", "weights.bin", "weights.pkl", "step.pth"])
@pytest.mark.parametrize("forced", [False, True])
def test_a_pickle_that_runs_code_is_refused_before_it_runs(write, payload, name, forced, tmp_path, monkeypatch):
    if forced:
        monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    target = tmp_path / "executed"
    weights = {key: torch.as_tensor(value) for key, value in dictionary_learning_weights("AutoEncoder", SAMPLE).items()}
    write(tmp_path / name, {**weights, "extra": payload(target)})
    with pytest.raises(InvalidModel, match=r"run code while it is read.* nothing was run.*state_dict\(\)"):
        read_dictionary(tmp_path / name)
    assert not target.exists()


def test_the_payload_would_have_run(tmp_path):
    for number, payload in enumerate((Payload, Opener)):
        target = tmp_path / f"executed{number}"
        saved(tmp_path / "ae.pt", {"extra": payload(target)})
        torch.load(tmp_path / "ae.pt", weights_only=False)
        assert target.exists()


def test_a_whole_module_is_refused_with_the_way_out(tmp_path):
    torch.save(torch.nn.Linear(3, 4), tmp_path / "ae.pt")
    with pytest.raises(
        InvalidModel, match=r"wants to run code while it is read \(torch\.nn\.modules\.linear\.Linear.*save its weights"
    ):
        read_dictionary(tmp_path)


def test_an_npz_with_a_pickle_inside_is_refused(tmp_path):
    target = tmp_path / "executed"
    weights = np.empty(1, dtype=object)
    weights[0] = Payload(target)
    folder = write_gemma_scope(tmp_path / "layer", SAMPLE, threshold=weights)
    with pytest.raises(InvalidModel, match="it holds pickled Python objects, which may run code"):
        read_dictionary(folder)
    pickled(folder / "params.npz", Payload(target))
    with pytest.raises(InvalidModel, match="it holds pickled Python objects, which may run code"):
        read_dictionary(folder)
    assert not target.exists()


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ({"state_dict": {"bias": torch.zeros(3)}, "step": 4}, r"it holds state_dict \(dict\), step \(int\)"),
        ([torch.zeros(3)], "it holds list"),
        (torch.zeros(3), "it holds Tensor"),
        ({}, "weights of no known class: none"),
    ],
)
def test_something_else_than_a_state_dict(content, match, tmp_path):
    saved(tmp_path / "ae.pt", content)
    with pytest.raises(InvalidModel, match=match):
        read_dictionary(tmp_path)


def test_a_state_dict_as_torch_makes_it(tmp_path):
    weights = dictionary_learning_weights("AutoEncoder", SAMPLE)
    for write in (saved, saved_as_before):
        write(tmp_path / "ae.pt", OrderedDict((name, torch.as_tensor(value.copy())) for name, value in weights.items()))
        assert read_dictionary(tmp_path).latents == 24


def test_a_torch_file_that_is_damaged(tmp_path):
    file = write_dictionary_learning(tmp_path, SAMPLE, "AutoEncoder") / "ae.pt"
    whole = file.read_bytes()
    with zipfile.ZipFile(tmp_path / "none.zip", "w") as other:
        other.writestr("hello", "x")
    for damaged in (whole[: len(whole) // 2], b"", (tmp_path / "none.zip").read_bytes()):
        file.write_bytes(damaged)
        with pytest.raises(InvalidModel, match=r"ae\.pt: truncated or damaged \(\d+ bytes"):
            read_dictionary(tmp_path)
    file.write_bytes(b"not a pickle")
    with pytest.raises(InvalidModel, match="or it is damaged"):
        read_dictionary(tmp_path)


@pytest.mark.filterwarnings("ignore")
def test_a_torchscript_archive_is_code(tmp_path):
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 3)), tmp_path / "ae.pt")
    with pytest.raises(InvalidModel, match="it is a TorchScript archive, which holds code; geomsim reads numbers only"):
        read_dictionary(tmp_path)
