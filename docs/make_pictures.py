"""Take the README's pictures of a report: the first screen, the linked maps, the Mapper graphs, in light and dark.

python docs/make_pictures.py [geomsim-demo/report.html]      # needs playwright and a Chromium
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

IMAGES = Path(__file__).parent / "images"
WIDTH, HEIGHT = 1280, 800
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def first_screen(page: Page) -> None:
    """What is seen when the file is opened."""
    page.evaluate("window.scrollTo(0, 0)")


def maps(page: Page) -> None:
    """Both maps, with the strongest pair pinned and links drawn."""
    page.evaluate("geomsim.set({pinned: {type: 'link', link: geomsim.strongestLink()}, links: 'selected'})")
    page.locator("#maps").scroll_into_view_if_needed()


def graphs(page: Page) -> None:
    """Both graphs, with the largest left node pinned."""
    page.evaluate("geomsim.set({pinned: {type: 'node', graph: 0, side: 'left', node: geomsim.largestNode()}})")


SCENES = {"report": (first_screen, None), "report-maps": (maps, "#maps"), "report-graphs": (graphs, "#graphs")}


def browser_path() -> str:
    """Where the browser is. Raises SystemExit where there is none."""
    found = os.environ.get("GEOMSIM_CHROMIUM") or next(filter(None, map(shutil.which, _BROWSERS)), None)
    if found is None:
        raise SystemExit("no Chromium here: apt-get install chromium, or name one in GEOMSIM_CHROMIUM")
    return found


def main(report: Path) -> None:
    """All pictures of one report."""
    IMAGES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path(), args=["--no-sandbox"])
        schemes: tuple[Any, ...] = ("light", "dark")
        for scheme in schemes:
            for name, (scene, part) in SCENES.items():
                page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme=scheme)
                page.goto(report.resolve().as_uri())
                page.wait_for_selector("html[data-ready]")
                scene(page)
                page.wait_for_timeout(300)
                path = IMAGES / f"{name}-{scheme}.png"
                (page.locator(part) if part else page).screenshot(path=path)
                print(f"{path}: {path.stat().st_size / 1e3:.0f} kB")
                page.close()
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "geomsim-demo/report.html"))
