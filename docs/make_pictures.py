"""Take the pictures of reports that the README and the documentation show, in light and dark.

python docs/make_pictures.py [geomsim-demo/report.html] [universality/report.html]     # needs playwright and a Chromium

Of a report with references, as the universality study's is: a score beside them. Of any other, as the demo's is: the
first screen, the linked maps, the Mapper graphs. Pictures of a report that is not given stay as they are. What is
chosen in the pictures is found in the views that lie beside the report.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from geomsim.report.assembling import VIEWS
from geomsim.report.views.stored_graphs import read_graphs
from geomsim.report.views.stored_maps import read_maps

IMAGES = Path(__file__).parent / "images"
MARGIN = 8  # pixels around a part of a page
COLOURS = 256  # of a picture: no eye tells it from all, and it takes a third of the room
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@dataclass(frozen=True)
class Scene:
    """A picture: what takes it of a page and the folder of its views, the page's size, and how finely it is drawn."""

    take: Callable[[Page, Path], bytes]
    width: int = 1280
    height: int = 1000
    scale: int = 1


def first_screen(page: Page, views: Path) -> bytes:
    """What is seen when the file is opened."""
    page.evaluate("window.scrollTo(0, 0)")
    return page.screenshot()


def maps(page: Page, views: Path) -> bytes:
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
            break
    return _part(page, "#maps")


def graphs(page: Page, views: Path) -> bytes:
    """Both graphs, with the node pinned whose match says most."""
    number = page.evaluate("geomsim.state().graph")
    plan = read_graphs(views)[0][number].plan
    assert plan is not None
    assert plan.shared is not None
    node = int(plan.left[int(np.argmax(plan.mass * plan.shared))])
    page.evaluate("([graph, node]) => geomsim.set({pinned: {type: 'node', graph, side: 'left', node}})", [number, node])
    return _part(page, "#graphs")


def references(page: Page, views: Path) -> bytes:
    """The scores of the comparison that the report's words speak of, beside their references, without the table."""
    section, figure = (page.locator(place).bounding_box() for place in ("#references", ".references-figure"))
    assert section is not None
    assert figure is not None
    return page.screenshot(full_page=True, clip={
        "x": section["x"] - MARGIN, "y": section["y"], "width": section["width"] + 2 * MARGIN,
        "height": figure["y"] + figure["height"] - section["y"] + MARGIN,
    })  # fmt: skip


def _part(page: Page, place: str) -> bytes:
    page.wait_for_timeout(300)
    return page.locator(place).screenshot()


DEMO: Mapping[str, Scene] = {
    "report": Scene(first_screen), "report-maps": Scene(maps), "report-graphs": Scene(graphs),
}  # fmt: skip
# As wide as it is on a page of the documentation.
UNIVERSALITY: Mapping[str, Scene] = {"report-references": Scene(references, width=780, scale=2)}


def browser_path() -> str:
    """Where the browser is. Raises SystemExit where there is none."""
    found = os.environ.get("GEOMSIM_CHROMIUM") or next(filter(None, map(shutil.which, _BROWSERS)), None)
    if found is None:
        raise SystemExit("no Chromium here: apt-get install chromium, or name one in GEOMSIM_CHROMIUM")
    return found


def small(picture: bytes) -> bytes:
    """The picture as PNG of few colours."""
    out = io.BytesIO()
    few = Image.open(io.BytesIO(picture)).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    few.save(out, "PNG", optimize=True)
    return out.getvalue()


def main(*reports: Path) -> None:
    """All pictures of these reports."""
    IMAGES.mkdir(exist_ok=True)
    schemes: tuple[Any, ...] = ("light", "dark")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path(), args=["--no-sandbox"])
        for report, scheme in product(reports, schemes):
            with opened(browser, report, Scene(first_screen), scheme) as page:
                scenes = UNIVERSALITY if page.evaluate("geomsim.state().views.references.rows > 0") else DEMO
            for name, scene in scenes.items():
                path = IMAGES / f"{name}-{scheme}.png"
                with opened(browser, report, scene, scheme) as page:
                    path.write_bytes(small(scene.take(page, report.parent / VIEWS)))
                print(f"{path}: {path.stat().st_size / 1e3:.0f} kB")
        browser.close()


@contextmanager
def opened(browser: Browser, report: Path, scene: Scene, scheme: Any) -> Iterator[Page]:
    """A page with a report, as it is when it is opened."""
    page = browser.new_page(
        viewport={"width": scene.width, "height": scene.height}, device_scale_factor=scene.scale, color_scheme=scheme
    )
    page.goto(report.resolve().as_uri())
    page.wait_for_selector("html[data-ready]")
    page.wait_for_timeout(300)
    yield page
    page.close()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:] or ["geomsim-demo/report.html"]))
