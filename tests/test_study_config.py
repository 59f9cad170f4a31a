"""What may stand in a study's configuration: keys that it does not know."""

from __future__ import annotations

import pytest

from geomsim.errors import InvalidConfig
from geomsim.study_config import known


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"draw": 99}, "a study knows no draw; it takes draws, metrics, seed. Did you mean 'draws'?"),
        (
            {"draw": 99, "metric": "rsa"},
            "a study knows no draw, metric; it takes draws, metrics, seed. Did you mean 'draws' and 'metrics'?",
        ),
        ({"colour": 1}, "a study knows no colour; it takes draws, metrics, seed"),
    ],
)
def test_a_key_that_is_not_known_is_told_of_with_the_nearest_one(given: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidConfig) as refused:
        known(given, ("seed", "draws", "metrics"), "a study")
    assert str(refused.value) == said
