"""`bos` of a model: how its windows begin, in its codes and in the windows that it shares with another model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from geomsim.activations.codes_reader import read_manifest
from geomsim.errors import InvalidConfig
from geomsim.preparing import prepare_study
from geomsim.preparing.config import read_preparation
from geomsim.preparing.jobs import common_windows, jobs_of
from geomsim.preparing.places import models_of
from geomsim.study import read_config

MODELS = Path(__file__).parents[2] / "examples" / "code_models"


def config(left: dict[str, Any], right: dict[str, Any], **block: Any) -> dict[str, Any]:
    return {
        "text": {"source": "python", "documents": 3},
        "models": {
            "left": {"path": "left", "dictionaries": ["left/saes/layer_1"], **left},
            "right": {"path": "third", "dictionaries": ["third/saes/layer_1"], **right},
            "noise": {"rerandomise": "left", "neurons": [0]},
        },
        "between": [{"left": "left", "right": "right", "units": "words", **block}],
        "metrics": ["svcca"],
    }


def test_it_is_true_or_false_and_that_of_the_source() -> None:
    models = read_preparation(config({"bos": True}, {})).models
    assert [models[name].options for name in ("left", "right", "noise")] == [{"bos": True}, {}, {"bos": True}]
    given = config({"bos": True}, {})
    given["models"]["noise"]["bos"] = False
    assert read_preparation(given).models["noise"].options == {"bos": False}
    with pytest.raises(InvalidConfig, match=r"models\.left: bos is true or false, got 'yes'"):
        read_preparation(config({"bos": "yes"}, {}))


def test_windows_with_it_and_without_are_not_shared() -> None:
    names = []
    for left in ({}, {"bos": True}, {"bos": False}):
        preparation = read_preparation(config(left, {}))
        models = models_of(preparation, MODELS)
        names.append(common_windows(models["left"], models["right"]))
        assert {job.coupling.left.windows for job in jobs_of(preparation.between, models)} == {names[-1]}
    assert len(set(names)) == 3


def test_both_sides_read_windows_of_the_same_text(tmp_path: Path) -> None:
    given = read_config(config({"bos": True, "context": 64}, {}, min_firings=2, min_cofirings=2, methods=["max"]))
    prepare_study(given, MODELS, tmp_path)
    read = [read_manifest(folder.parent) for folder in sorted(tmp_path.glob("codes/common-*/*/manifest.json"))]
    assert len(read) == 2
    sources = [manifest["provenance"]["source"] for manifest in read]
    assert [source.get("bos") for source in sources] == [0, None]
    assert sources[0]["cuts"] == sources[1]["cuts"]
    assert "first of window" not in read[0]["left_out"]
    windows = sources[0]["cuts"]["cuts"] + len(read[1]["documents"])
    assert read[1]["left_out"]["first of window"] == windows
