from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from geomsim.errors import GeomsimError, InvalidConfig
from geomsim.preparing import prepare_study
from geomsim.preparing.config import read_preparation
from geomsim.preparing.jobs import jobs_of
from geomsim.preparing.places import models_of
from geomsim.study import read_config, run_study

MODELS = Path(__file__).parents[2] / "examples" / "code_models"


def config(**changes: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "text": {"source": "python"},
        "models": {
            "left": {"path": "left", "dictionaries": ["left/saes/layer_0", "left/saes/layer_1"], "neurons": True},
            "right": {"path": "right", "dictionaries": ["right/saes/layer_1"], "neurons": [2]},
        },
        "between": [{"left": "left", "right": "right"}],
    }
    return {**given, **changes}


def model(**changes: Any) -> dict[str, Any]:
    given = config()["models"]
    return config(models={"left": {**given["left"], **changes}, "right": given["right"]})


def block(**changes: Any) -> dict[str, Any]:
    return config(between=[{"left": "left", "right": "right", **changes}])


def within(**changes: Any) -> dict[str, Any]:
    return config(within=[{"model": "left", **changes}])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (config(text=None), r'needs a text that they read: \[text\] with source = "python"'),
        (config(text={"source": "python", "colum": "x"}), r"\[text\] knows no colum; it takes .*column"),
        (config(text={"source": "dataset:"}), r"\[text\]: source 'dataset:' names no text"),
        (config(text={"source": 3}), r"\[text\]: source is a text, got 3"),
        (config(text={"source": "python", "documents": 0}), r"\[text\]: documents is a whole number from 1 on, got 0"),
        (config(models={}), r"names them: \[models.left\] with path"),
        (config(models={"a/b": {"path": "left"}}), "models.a/b: a model's name is a part of file names"),
        (config(models={"left": "left"}), r"models.left is a table, \[models.left\] with path"),
        (config(models={"a b": {"path": "x"}, "a_b": {"path": "x"}}), "models 'a b' and 'a_b' would share files"),
        (config(models={"a  b": {"path": "x"}, "a b": {"path": "x"}}), "models 'a  b' and 'a b' would share files"),
        (config(models={"Left": {"path": "x"}, "left": {"path": "x"}}), "models 'Left' and 'left' would share files"),
        (config(models={"left": {"neurons": True}}), "models.left needs either path = ... or rerandomise"),
        (model(paths="x"), "models.left knows no paths; it takes"),
        (model(path=""), "models.left: path is a directory or a hub name, got ''"),
        (model(dictionaries="x"), "models.left: dictionaries is a list of paths, or a table from site to path"),
        (model(dictionaries=[{"site": "residual:0"}]), "models.left: dictionary 1 is a path or a table with path"),
        (model(dictionaries={"residual:0": {"path": "x", "site": "y"}}), "'residual:0': the site is said twice"),
        (model(dictionaries=[{"path": "x", "selection": "y"}]), "models.left: dictionary 1: selection 'y': choose"),
        (model(dictionaries=[{"path": "x", "format": "y"}]), "dictionary 1: format is one of 'sae-lens'"),
        (model(neurons=[0, 0]), "models.left: neurons names a block twice"),
        (model(neurons="all"), "models.left: neurons is true, or a list of block numbers, got 'all'"),
        (model(context=1), "models.left: context is a whole number from 2 on, got 1"),
        (model(dtype="bfloat"), "models.left: dtype is one of 'float32', 'bfloat16', 'float16', got 'bfloat'"),
        (model(max_norm_multiple=1), "models.left: max_norm_multiple is a number above 1, got 1"),
        (model(max_norm_multiple=True), "models.left: max_norm_multiple is a number above 1, got True"),
        (config(models={"left": {"rerandomise": "lef"}}), "models.left: rerandomise is one of 'left', got 'lef'"),
        (
            config(models={"a": {"path": "left"}, "b": {"rerandomise": "a", "embeddings": "some"}}),
            "models.b: embeddings is one of 'redrawn', 'kept', got 'some'",
        ),
        (
            config(models={"a": {"path": "left"}, "b": {"rerandomise": "a"}, "c": {"rerandomise": "b"}}),
            "models.c: rerandomise names a model with a path of its own, and 'b' has none",
        ),
        (config(between=[]), r"names models and nothing to compare: add \[\[between\]\]"),
        (config(between={"left": "left"}), r"between is a list of tables, \[\[between\]\]"),
        (config(between=["left"]), "between 1 must be a table, got 'left'"),
        (config(between=[{"left": "left"}]), "between 1 names no right model: right = one of 'left', 'right'"),
        (block(right="rihgt"), "between 1: right, the name of a model, is one of 'left', 'right', got 'rihgt'"),
        (block(rows=["latents"]), "between 1: rows is one of 'features', 'neurons', got 'latents'"),
        (block(rows=[]), "between 1: rows is an empty list"),
        (block(layers=[0, 1]), r'between 1: layers is "all", "same", or couples of layers'),
        (block(layers=[[0, 1], [0, 1]]), "between 1: layers names a couple twice"),
        (block(methods=["maximal"]), "between 1: methods: unknown matching method 'maximal'"),
        (block(methods=[{"name": "max", "best": 2}]), "the method 'max' does not take best"),
        (block(methods=["max", "max"]), "between 1: methods names one twice"),
        (block(methods=[3]), "between 1: a method is a name or a table with a name, got 3"),
        (block(directions=["left"]), "between 1: directions is one of 'left-to-right', 'right-to-left', got 'left'"),
        (block(non_concepts=["dropped"]), "between 1: non_concepts is one of 'kept', 'left out', got 'dropped'"),
        (block(units="letters"), "between 1: units is one of 'tokens', 'words', got 'letters'"),
        (block(pool="max"), 'between 1: pool and words say how tokens become words: add units = "words"'),
        (block(units="words", pool="first"), "between 1: pool is one of 'last', 'max', 'mean', 'sum', got 'first'"),
        (block(units="words", words="("), "between 1: .*regular expression"),
        (block(min_weight=2), "between 1: min_weight is a correlation between -1 and 1, got 2"),
        (block(min_weight=float("nan")), "between 1: min_weight is a correlation between -1 and 1, got nan"),
        (block(min_firings=0), "between 1: min_firings is a whole number from 1 on, got 0"),
        (block(buckets=1), "between 1: buckets is true or false, got 1"),
        (block(null=[]), "between 1: null is a name, a list of names"),
        (block(metrics=[]), "between 1: metrics must be a list with at least one entry"),
        (block(subspaces={"them": 1}), r"between 1: \[subspaces\] knows no them"),
        (block(interval="wide"), "between 1: no interval is called 'wide'"),
        (block(kind="x"), "between 1 knows no kind"),
        (
            config(models={"left": {"path": "left"}, "right": {"path": "right"}}),
            "between 1: model 'left' has no dictionaries, which features need",
        ),
        (
            {**model(neurons=False), "between": [{"left": "left", "right": "right", "rows": "neurons"}]},
            r"between 1: the neurons of model 'left' are not read; say neurons = true in \[models.left\]",
        ),
        (config(within=[{}]), "within 1 names no model"),
        (within(rows="neurons"), "within 1: rows is one of 'features', got 'neurons'"),
        (within(groups=["time"]), "within 1: groups is a list of at least two names of themes"),
        (within(layers=1), 'within 1: layers is "all" or a list of layers, got 1'),
        (within(layers=[[1]]), r'within 1: layers is "all" or a list of layers, got \[\[1\]\]'),
        (within(layers=[1, 1]), r"within 1: layers names one twice: \[1, 1\]"),
        (within(groups=[["time"], ["code"]]), r"within 1: groups is a list of at least two names of themes"),
        (within(groups=["time", "time", "code"]), r"within 1: groups is a list of at least two names of themes"),
        (within(buckets=True), "within 1: buckets are parts of pairs"),
        (within(shared=1), "within 1: shared is true or false, got 1"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_table(given: dict[str, Any], message: str):
    with pytest.raises(InvalidConfig, match=message):
        read_preparation(given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (model(path="left/weights"), "models.left: left/weights: no such file or directory below"),
        (model(path="left/saes"), "models.left: .*saes: no config.json, so this is not a transformers model"),
        (model(dictionaries=["left/saes/layer_9"]), "models.left: left/saes/layer_9: no such file or directory"),
        (model(dictionaries=["left"]), "models.left: .*left: no dictionary"),
        (model(dictionaries=["left/saes"]), "models.left: .*saes: no dictionary .*below it at layer_0, layer_1"),
        (model(context=4096), "models.left: windows of 4096 tokens were asked for, but the model takes 128"),
        (
            model(dictionaries=["left/saes/layer_0", "left/more_saes/layer_0_seed_1"]),
            r"two dictionaries were trained at 'residual:0'; .*\[models.OTHER\]",
        ),
        (model(dictionaries={"residual:7": "left/saes/layer_0"}), "is for 'residual:7', and the model has 2 blocks"),
        (
            model(dictionaries={"neurons:0": "left/saes/layer_0"}),
            "reads activations of width 96, but those of the model at 'neurons:0' have width 384",
        ),
        (model(neurons=[2]), "models.left: neurons of block 2 are asked for, and the model has 2 blocks"),
        (block(layers=[[0, 0]]), "between 1: the right model has no features at layer 0; it has 1"),
        (block(layers="same", rows="neurons"), "between 1: no layer has neurons on both sides: left 0, 1, right 2"),
    ],
)
def test_what_does_not_fit_the_files_is_said_without_weights(given: dict[str, Any], message: str):
    preparation = read_preparation(given)
    with pytest.raises(GeomsimError, match=message):
        jobs_of(preparation.between, models_of(preparation, MODELS))


def test_a_study_of_models_needs_a_folder_and_metrics_that_exist(tmp_path: Path):
    with pytest.raises(
        InvalidConfig, match=r"writes what it makes of them: say where, run_study\(config, folder=...\)"
    ):
        run_study(config())
    for wrong, message in (
        (config(metrics=["procrustean"]), "procrustean"),
        (block(metrics=["procrustean"]), "between 1: .*procrustean"),
        (block(null="shufle"), "between 1: no null is called 'shufle'"),
        (block(metrics="procrustes"), "between 1: metrics must be a list with at least one entry, got 'procrustes'"),
        (block(draws=0), "between 1: draws is a whole number from 1 on, got 0"),
        (within(draws=9.5), "within 1: draws is a whole number from 1 on, got 9.5"),
        (config(seed=-1), "seed is a whole number from 0 on, got -1"),
    ):
        with pytest.raises(GeomsimError, match=message):
            run_study(wrong, folder=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_top_tokens_that_are_needed_and_not_made(tmp_path: Path):
    no_tokens = {"source": "python", "top_tokens": 0}
    for given, message in (
        (block(non_concepts="left out"), "between 1: non_concepts need the latents' top tokens"),
        (config(subspaces={}), "between 1: subspaces need the latents' top tokens"),
        (within(metrics=["gromov-wasserstein"]), "within 1: groups need the latents' top tokens"),
    ):
        with pytest.raises(InvalidConfig, match=message):
            prepare_study(read_config({**given, "text": no_tokens}), MODELS, tmp_path / "out")


def test_groups_of_one_space_take_unpaired_metrics_and_themes_that_exist(tmp_path: Path):
    for given, message in (
        (within(metrics=["procrustes"]), "within 1: groups of one space do not correspond row by row"),
        (within(metrics=[{"name": "procrustes", "draws": 9}]), "within 1: groups of one space do not correspond"),
        ({**within(), "metrics": ["procrustes"]}, "within 1: groups of one space need unpaired metrics"),
        (within(metrics=["gromov-wasserstein"], groups=["tim", "code"]), "within 1: there is no theme 'tim'"),
        (within(metrics=["gromov-wasserstein"], layers=[3]), "within 1: model 'left' has no features at layer 3"),
    ):
        with pytest.raises(InvalidConfig, match=message):
            prepare_study(read_config(given), MODELS, tmp_path / "out")


def test_jobs_name_every_couple_method_direction_and_filter_once(tmp_path: Path):
    given = block(
        rows=["features", "neurons"], methods=["max", "mutual", {"name": "hungarian", "unmatched_at": 0.2}],
        directions=["left-to-right", "right-to-left"], non_concepts=["kept", "left out"],
    )  # fmt: skip
    preparation = read_preparation(given)
    jobs = jobs_of(preparation.between, models_of(preparation, MODELS))
    # features: 2 x 1 couples, 2 filters; neurons: 2 x 1 couples; max in both directions, the others once.
    assert len(jobs) == 2 * 2 * 4 + 2 * 4
    assert len({job.file for job in jobs}) == len(jobs)
    assert len({tuple(job.labels.items()) for job in jobs}) == len(jobs)
    assert jobs[0].labels == {
        "role": "cross-model", "rows": "features", "left_model": "left", "right_model": "right", "left_layer": 0,
        "right_layer": 1, "method": "max", "direction": "left-to-right", "non_concepts": "kept", "units": "tokens",
    }  # fmt: skip
    assert {job.labels["direction"] for job in jobs if job.method.name != "max"} == {"either"}
    assert {job.labels["non_concepts"] for job in jobs if job.labels["rows"] == "neurons"} == {"kept"}
    assert "hungarian unmatched_at=0.2" in {job.labels["method"] for job in jobs}
    # Other thresholds are another pairing.
    other = read_preparation(block(min_firings=7))
    assert not {job.file for job in jobs} & {job.file for job in jobs_of(other.between, models_of(other, MODELS))}


def test_a_model_that_lies_elsewhere_under_the_same_name_is_another(tmp_path: Path):
    from geomsim.preparing.dependencies import Dependencies

    for side in ("left", "right"):
        shutil.copytree(MODELS / side, tmp_path / side, ignore=shutil.ignore_patterns("more_saes"))
    preparation = read_preparation(config())

    def digest() -> str:
        return Dependencies(preparation, models_of(preparation, tmp_path), tmp_path, {}).model("left")

    first = digest()
    assert digest() == first
    weights = bytearray((tmp_path / "left" / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (tmp_path / "left" / "model.safetensors").write_bytes(bytes(weights))
    assert digest() != first


def test_what_is_wrong_with_models_and_blocks_names_the_file(tmp_path: Path):
    file = tmp_path / "study.toml"
    file.write_text(
        '[text]\nsource = "python"\n[models.left]\npath = "left"\n[[between]]\nleft = "left"\nright = "rihgt"\n'
    )
    with pytest.raises(InvalidConfig, match=r"study\.toml: between 1: right, the name of a model, is one of 'left'"):
        read_config(file)


def test_what_would_be_found_late_is_found_before_a_model_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("transformers_source.TransformersSource", "dictionary.read_dictionary"):
        monkeypatch.setattr(f"geomsim.activations.{name}", lambda *_, **__: pytest.fail("read"))
    for given, message in (
        (config(text={"source": "txet"}), r"^\[text\]: .*txet: no such file or directory"),
        (config(text={"source": str(tmp_path), "pattern": "*.md"}), r"^\[text\]: .*no file fits the pattern"),
        (config(subspaces={"only": ["tim"]}), r"^\[subspaces\]: there is no theme 'tim'"),
        (config(subspaces={"only": "time"}), r"^\[subspaces\]: only is a list of themes, got 'time'"),
        (block(subspaces={"rule": "all"}), "^between 1: subspaces: .*rule"),
        (block(subspaces={"top": 0}), "^between 1: subspaces: "),
        (block(subspaces={"themes": "none.toml"}), r"^between 1: subspaces: .*none\.toml"),
    ):
        with pytest.raises(GeomsimError, match=message):
            prepare_study(read_config(given), MODELS, tmp_path / "out")


def test_neurons_of_all_blocks_need_a_configuration_that_counts_them(tmp_path: Path):
    """They would be left out without a word."""
    shutil.copytree(MODELS / "left", tmp_path / "left", ignore=shutil.ignore_patterns("more_saes"))
    file = tmp_path / "left" / "config.json"
    told = json.loads(file.read_text())
    file.write_text(json.dumps({("depth" if key == "n_layer" else key): value for key, value in told.items()}))
    given = config(models={"left": {"path": "left", "neurons": True}})
    given["between"] = [{"left": "left", "right": "left", "rows": "neurons"}]
    from geomsim.preparing.planning import plan_study

    for started in (prepare_study, plan_study):
        with pytest.raises(InvalidConfig, match=r"models.left: its config.json does not say.*neurons = \[0, 1, ...\]"):
            started(read_config(given), tmp_path, tmp_path / "out")


def test_a_least_weight_of_nought_is_another_pairing_than_none():
    files = []
    for weight in ({}, {"min_weight": 0}, {"min_weight": 0.0}, {"min_weight": 0.5}):
        preparation = read_preparation(block(**weight))
        files.append(jobs_of(preparation.between, models_of(preparation, MODELS))[0].file)
    assert files[0] not in files[1:]
    assert len({files[1], files[3]}) == 2


def test_what_a_piece_does_not_depend_on_makes_it_not_anew():
    from geomsim.preparing.dependencies import Dependencies
    from geomsim.preparing.jobs import Reading

    def digests(**text: Any) -> dict[str, str]:
        preparation = read_preparation(config(text={"source": "python", **text}))
        models = models_of(preparation, MODELS)
        needs = Dependencies(preparation, models, MODELS, {})
        place, neurons = models["left"].features[0], (models["left"].neurons or ())[0]
        return {
            "codes": needs.reading(Reading(place)), "neurons": needs.reading(Reading(neurons)),
            "tokens": needs.tokens(Reading(place)), "contexts": needs.contexts(Reading(place)),
        }  # fmt: skip

    usual = digests()
    for text, changed in (
        ({"top_tokens": 11}, {"tokens"}),
        ({"contexts": 4}, {"contexts"}),
        ({"neuron_tokens": 7}, {"neurons"}),
        ({"longest": 999}, set(usual)),
        ({"documents": 3}, set(usual)),
    ):
        now = digests(**text)
        assert {name for name in usual if now[name] != usual[name]} == changed, text
