"""Blocks [[within]]: the rows of groups, and those that random groups are made of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from geomsim.activations import TopTokens, save_top_tokens
from geomsim.preparing.blocks import FEATURES, Within
from geomsim.preparing.group_jobs import GroupJob, write_groups
from geomsim.preparing.jobs import Reading
from geomsim.preparing.places import Place
from geomsim.preparing.reading import space_file, tokens_file
from geomsim.space import Space

THEMES = '[themes.days]\nkeywords = ["monday"]\n[themes.months]\nkeywords = ["may"]\n'


class Everything:
    """A ledger and its dependencies where all is made already."""

    def __init__(self, folder: Path):
        self.folder = folder

    def path(self, name: str) -> Path:
        found = self.folder / name
        found.parent.mkdir(parents=True, exist_ok=True)
        return found

    def has(self, file: str, digest: object) -> bool:
        return True

    def group(self, reading: Reading, rows: object) -> str:
        return ""


@pytest.mark.parametrize(("silent", "pool"), [((), None), ((2, 5), [0, 1, 3, 4])])
def test_random_groups_have_no_latents_that_are_never_active(tmp_path, silent, pool):
    themes = tmp_path / "themes.toml"
    themes.write_text(THEMES)
    place = Place("left", FEATURES, 0, "residual:0")
    made: Any = Everything(tmp_path)
    words = ["monday", "may", "x", "monday", "may", "y"]
    rows = [(latent, 1, word, 1.0, 5) for latent, word in enumerate(words) if latent not in silent]
    frame = pd.DataFrame(rows, columns=["latent", "rank", "token", "share", "firings"])
    save_top_tokens(TopTokens(frame, len(words), {}), made.path(tokens_file(place)))
    Space(np.eye(6)).save(made.path(space_file(place)))
    job = GroupJob(Within("within 1", "left", themes=str(themes)), Reading(place), ("days", "months"), {})
    groups, found = write_groups(job, made, made, tmp_path)
    assert groups == {"days": [0, 3], "months": [1, 4]}
    assert found == pool
    (pair,) = job.pairs(groups, found)
    assert pair["within"].get("pool") == pool
