"""A browser for each file of tests: playwright's event loop must not run while other tests do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.register_assert_rewrite("report_browser", "report_places")


@pytest.fixture(scope="module")
def browser():  # type: ignore[no-untyped-def]
    from report_browser import chromium

    with chromium() as found:
        yield found


@pytest.fixture
def open_report(browser, tmp_path: Path) -> Iterator[object]:  # type: ignore[no-untyped-def]
    """Opens contents as a report, in a page of its own that is closed when the test ends."""
    from report_browser import ReportOpener

    opener = ReportOpener(browser, tmp_path)
    yield opener
    opener.close()


@pytest.fixture
def contents():  # type: ignore[no-untyped-def]
    """What the small report holds."""
    from report_contents import small_report

    return small_report()


@pytest.fixture
def report(open_report, contents, request: pytest.FixtureRequest):  # type: ignore[no-untyped-def]
    """The small report on its first pair, or what the file's FIRST says, scrolled to what its SHOWN names."""
    found = open_report(contents)
    found.set(**getattr(request.module, "FIRST", {"pair": 0}))
    if shown := getattr(request.module, "SHOWN", None):
        found.show(shown)
    return found
