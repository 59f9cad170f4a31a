"""Messages of the library in the words of the command line."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

from geomsim import Codes, GeomsimWarning
from geomsim.cli import app as command_line
from geomsim.cli.app import run
from geomsim.cli.option_names import OptionNames
from geomsim.errors import GeomsimError


def names_of(*tokens: str) -> OptionNames:
    verbs, apps, _ = command_line.app.parse_commands(tokens)
    return OptionNames.of(verbs[-1], apps[-1].assemble_argument_collection())


@pytest.mark.parametrize(
    ("verb", "message", "expected"),
    [
        ("pair", "max_p=0.05 needs chance=, a number of shifts", "--max-p 0.05 needs --chance, a number of shifts"),
        ("pair", "must be between 0 and 1, and needs decoys=True", "must be between 0 and 1, and needs --decoys"),
        ("pair", "transport (epsilon=0.05, marginal=1e-3, ...)", "transport (--epsilon 0.05, --marginal 1e-3, ...)"),
        ("pair", "make it with pair(..., cross_fit=True).", "make it with --cross-fit."),
        ("pair", "lower min_firings or min_cofirings", "lower --min-firings or --min-cofirings"),
        ("pair", "direction='sideways'; unknown", "--direction sideways; unknown"),
        ("activations", "start again with replace=True (--replace)", "start again with --replace"),
        ("activations", "with resume=True (--resume on the command line)", "with --resume"),
        ("activations", "choose with format='sae-lens', or", "choose with --dictionary-format sae-lens, or"),
        ("activations", "If it is of an MLP, pass site=", "If it is of an MLP, pass --dictionary SITE=PATH"),
        ("activations", "pass it as input_scale= (it is sqrt(width))", "pass it as --input-scale (it is sqrt(width))"),
        ("activations", "selection='per-token' (TopK)", "--selection per-token (TopK)"),
        ("activations", "read_dictionary(..., convention='raw') for", "--convention raw for"),
        ("compare", "say which with pairing=..., for example", "say which with --pairing, for example"),
        ("within", "for example Pairing.by_id(left, right)", "for example Pairing.by_id(left, right)"),
        ("compare", "use null='shuffle', or groups='ignored'", "use --null shuffle, or --groups ignored"),
        ("count", "under a number of its own (block=)", "under a number of its own (--first-block)"),
        ("latent", "need positive activations; use scale='linear'", "need positive activations; use --scale linear"),
    ],
)
def test_keywords_that_are_options_become_options(verb: str, message: str, expected: str) -> None:
    assert names_of(verb).put_into(message) == expected


@pytest.mark.parametrize(
    ("verb", "message"),
    [
        ("pair", "plant more (decoys=2)"),  # a flag takes no number
        ("pair", "use dataclasses.replace(dictionary, top=None)"),  # a part of some Python
        ("pair", "Codes.from_dense(activations, decoys=documents)"),
        ("pair", "codes/top=3/part.npz: no such file"),
        ("pair", "'min_firings=3.npz' and /tmp/min_firings and min_firings.npz: no such file"),
        ("pair", "k == 3, top == 4"),
        ("compare", "use landmarks=400 or fewer"),  # no option of this verb
        ("inspect", "pass site="),
    ],
)
def test_what_is_no_option_stays(verb: str, message: str) -> None:
    assert names_of(verb).put_into(message) == message


def test_errors_and_warnings_of_a_verb_are_put_into_its_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = str(Codes.from_dense(np.eye(200)[:, :5]).save(tmp_path / "codes"))
    arguments = ["pair", folder, folder, "--out", str(tmp_path / "p.parquet")]
    assert run([*arguments, "--max-p", "2", "--json"]) == 1
    streams = capsys.readouterr()
    expected = "--max-p 2.0 must be above 0 and at most 1, and needs --chance, a number of shifts"
    assert expected in streams.err
    assert expected in streams.out

    def warn_and_fail(*_: object, **__: object) -> None:
        warnings.simplefilter("always")
        warnings.warn("few tokens; lower min_firings", GeomsimWarning, stacklevel=2)
        raise GeomsimError("nothing; say direction='right-to-left'")

    monkeypatch.setattr("geomsim.activations.matching.match_latents", warn_and_fail)
    assert run(arguments) == 1
    said = capsys.readouterr().err
    assert "warning: few tokens; lower --min-firings" in said
    assert "error: nothing; say --direction right-to-left" in said
