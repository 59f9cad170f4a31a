"""`--slow` runs the tests that take minutes. What several test files share is in `support`."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import hypothesis
import pytest

from geomsim import catalog

collect_ignore = ["support"]  # not tests, and a plugin file there would register its metric for all of them

pytest.register_assert_rewrite("metric_checks", "torch_threads")  # what an assertion there compared is shown


@pytest.fixture(autouse=True)
def nothing_stays_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test registers is gone behind it: other tests look at all metrics there are."""
    monkeypatch.setattr(catalog, "_registered", {})


@pytest.fixture
def many_torch_threads() -> Iterator[None]:
    """Torch has more threads than one; see torch_threads.assert_threads_restored."""
    import torch
    from torch_threads import MANY

    before = torch.get_num_threads()
    torch.set_num_threads(MANY)
    yield
    torch.set_num_threads(before)


def pytest_configure() -> None:
    # A shell ignores Ctrl-C for what it starts in the background, and processes that tests start would inherit that.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # A busy machine takes long for anything, and no test here is of time.
    hypothesis.settings.register_profile("untimed", deadline=None)
    hypothesis.settings.load_profile("untimed")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also run the tests marked slow")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--slow"):
        return
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="takes minutes; run with --slow"))
