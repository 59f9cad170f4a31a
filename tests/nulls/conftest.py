from __future__ import annotations

from collections.abc import Callable

import pytest
from trials import make_trial

from geomsim.nulls import Trial


@pytest.fixture
def trial() -> Callable[..., Trial]:
    return make_trial
