"""Reports in a real browser: what the page asked for, what it said to the console, and what it is showing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from geomsim.report.page.contents import Contents
from geomsim.report.page.writing import write_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
HOW = "apt-get install chromium; pip install playwright axe-playwright-python (or name a browser in GEOMSIM_CHROMIUM)"
DESK, PHONE = (1280, 900), (390, 844)


def _without(what: str) -> NoReturn:
    """Skip, or fail where GEOMSIM_BROWSER=required says that a browser must be there."""
    reason = f"{what}: {HOW}"
    if os.environ.get("GEOMSIM_BROWSER") == "required":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def find_chromium() -> str | None:
    """The browser's path: GEOMSIM_CHROMIUM, or the first of the usual names on the PATH."""
    chosen = os.environ.get("GEOMSIM_CHROMIUM")
    if chosen:
        return chosen if Path(chosen).is_file() else None
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless browser. Playwright keeps an event loop running meanwhile, so close it before other tests."""
    path = find_chromium()
    if path is None:
        _without(f"no browser ({', '.join(NAMES)})")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _without("no playwright")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, headless=True, args=["--no-sandbox"])
        yield browser
        browser.close()


def axe_violations(page: Page, *, contrast: bool = True) -> list[str]:
    """What axe finds on the page as it is: the rule, the element, and what is wrong with it."""
    try:
        from axe_playwright_python.base import AXE_SCRIPT
    except ImportError:
        _without("no axe")
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    options = {"resultTypes": ["violations"], "rules": {"color-contrast": {"enabled": contrast}}}
    found = page.evaluate("(options) => axe.run(options)", options)["violations"]
    return [
        f"{rule['id']}: {' '.join(map(str, node['target']))}: {(node.get('failureSummary') or '')[:200]}"
        for rule in found
        for node in rule["nodes"]
    ]


@dataclass
class OpenReport:
    """A page that shows a report, with everything that went over its edges."""

    page: Page
    path: Path
    requests: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)

    def listen(self) -> None:
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self._said(message.type, message.text))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("dialog", self._refuse)

    def _said(self, kind: str, text: str) -> None:
        self.console.append(f"{kind}: {text}")

    def _refuse(self, dialog: Any) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def load(self) -> None:
        self.page.goto(self.path.as_uri())
        try:
            self.page.wait_for_selector("html[data-ready=true]", state="attached", timeout=20_000)
        except Exception as error:
            error.add_note(f"page errors: {self.errors}; console: {self.console}")
            raise
        # What is drawn a frame later is there too.
        self.settle()

    def settle(self) -> None:
        """Wait until what was asked for is drawn: two frames, and the promises before them."""
        self.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def state(self, view: str | None = None) -> Any:
        """What the page says of itself, or one view of itself."""
        self.settle()
        state = self.page.evaluate("() => window.geomsim.state()")
        return state if view is None else state["views"][view]

    def set(self, **changes: Any) -> None:
        """Set the page's own state, as its controls do."""
        self.page.evaluate("async (changes) => { await window.geomsim.set(changes); }", changes)
        self.settle()

    def screen(self, view: str, *place: Any) -> tuple[float, float]:
        """Where something is in the window."""
        x, y = self.page.evaluate(
            """([view, place]) => {
                const [x, y] = window.geomsim[view].screen(...place);
                return [x - window.scrollX, y - window.scrollY];
            }""",
            [view, list(place)],
        )
        return x, y

    def show(self, selector: str) -> None:
        """Bring something to the middle of the window."""
        self.page.eval_on_selector(selector, "(node) => node.scrollIntoView({block: 'center'})")
        self.settle()

    def point(self, view: str, *place: Any) -> None:
        """Move the real pointer there."""
        self.page.mouse.move(*self.screen(view, *place))
        self.settle()

    def outside(self) -> list[str]:
        """Requests for anything but the file itself and what the page made."""
        return [url for url in self.requests if url != self.path.as_uri() and not url.startswith(("data:", "blob:"))]

    def complaints(self) -> list[str]:
        """Everything that should not have happened."""
        return [*self.outside(), *self.console, *self.errors, *self.dialogs]


@dataclass
class ReportOpener:
    """Opens reports in pages of one browser, each page with nothing from the others."""

    browser: Browser
    folder: Path
    _contexts: list[BrowserContext] = field(default_factory=list)

    def __call__(
        self,
        contents: Contents,
        *,
        size: tuple[int, int] = DESK,
        dark: bool = False,
        touch: bool = False,
    ) -> OpenReport:
        path = write_page(self.folder / f"report {len(self._contexts)}.html", contents)
        context = self.browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme="dark" if dark else "light",
            has_touch=touch,
            is_mobile=touch,
            accept_downloads=True,
            offline=True,
        )
        self._contexts.append(context)
        report = OpenReport(context.new_page(), path)
        report.listen()
        report.load()
        return report

    def close(self) -> None:
        for context in self._contexts:
            context.close()
