"""Take the README's pictures of a report: the first screen, the linked maps, the Mapper graphs, in light and dark.

python docs/make_pictures.py [geomsim-demo/report.html]      # needs playwright and a Chromium

What is chosen in the pictures is found in the views that lie beside the report.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Page, sync_playwright

from geomsim.report.assembling import VIEWS
from geomsim.report.views.stored_graphs import read_graphs
from geomsim.report.views.stored_maps import read_maps

IMAGES = Path(__file__).parent / "images"
WIDTH, HEIGHT = 1280, 1000
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def first_screen(page: Page, views: Path) -> None:
    """What is seen when the file is opened."""
    page.evaluate("window.scrollTo(0, 0)")


def maps(page: Page, views: Path) -> None:
    """Both maps, with the strongest pair of latents whose first token on both sides is the same word."""
    kept = read_maps(views)
    assert kept is not None
    pair = kept.pairs[page.evaluate("geomsim.state().pair")]
    links = pair.links
    assert links is not None
    assert links.weight is not None
    for link in np.argsort(-links.weight).tolist():
        rows = ((pair.left, links.left[link]), (pair.right, links.right[link]))
        first = [((kept.spaces[space].tokens or ())[row] or [""])[0].strip() for space, row in rows]
        if first[0] == first[1] and len(first[0]) > 2 and first[0].isalpha():
            page.evaluate("link => geomsim.set({pinned: {type: 'link', link}})", link)
            return


def graphs(page: Page, views: Path) -> None:
    """Both graphs, with the node pinned whose match says most."""
    number = page.evaluate("geomsim.state().graph")
    plan = read_graphs(views)[0][number].plan
    assert plan is not None
    assert plan.shared is not None
    node = int(plan.left[int(np.argmax(plan.mass * plan.shared))])
    page.evaluate("([graph, node]) => geomsim.set({pinned: {type: 'node', graph, side: 'left', node}})", [number, node])


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
                scene(page, report.parent / VIEWS)
                page.wait_for_timeout(300)
                path = IMAGES / f"{name}-{scheme}.png"
                (page.locator(part) if part else page).screenshot(path=path)
                print(f"{path}: {path.stat().st_size / 1e3:.0f} kB")
                page.close()
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "geomsim-demo/report.html"))
