"""Large reports in headless Chromium: how large, how soon ready, how quickly a hover lights up the partner.

Two spaces of 50,000 and of 250,000 rows with five tokens each, paired, and two Mapper graphs of 5,000 nodes over the
pairs with a transport plan. "Ready" and "first paint" count from the beginning of the navigation; "script" is what
the page's own script takes of it. "Hover to link" is the time in which the page answers one pointer event, the
partner drawn; "redraw" draws every point anew, as each step of a zoom does. "Largest" is the peak of the process that
shows the page.

`python benchmarks/report.py 1000 100` takes another number of rows and of nodes.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from report_browser import DESK, chromium
from report_contents import large_report

from geomsim.report.page.writing import write_page

SIZES = ((50_000, 5_000), (250_000, 5_000))
HOVERS, REDRAWS = 100, 20

# Runs before the page's own scripts; when the page says that it is ready, the clock is read.
WATCH = """new MutationObserver((_, watch) => {
    if (document.documentElement?.dataset.ready !== "true") return;
    window.readyAt = performance.now();
    watch.disconnect();
}).observe(document, {attributes: true, subtree: true, attributeFilter: ["data-ready"]})"""

HOVER = """(rows) => rows.map(([side, row]) => {
    const [x, y] = window.geomsim.maps.screen(side, row);
    const spot = {clientX: x - scrollX, clientY: y - scrollY};
    const canvas = document.elementsFromPoint(spot.clientX, spot.clientY).find((node) => node.matches(".maps-canvas"));
    const event = new PointerEvent("pointermove", {...spot, bubbles: true, pointerType: "mouse", buttons: 0});
    const began = performance.now();
    canvas.dispatchEvent(event);
    const took = performance.now() - began;
    const {hover, views} = window.geomsim.state();
    return {took, hover: hover?.type ?? null, lit: views.maps.lit.length, links: views.maps.lit[0]?.links.length ?? 0};
})"""

REDRAW = """(times) => Array.from({length: times}, () => {
    const began = performance.now();
    window.geomsim.maps.redraw();
    return performance.now() - began;
})"""


def peak_of_renderers(browser: Any) -> float:
    """GiB of the largest process that shows a page, at its peak."""
    session = browser.new_browser_cdp_session()
    processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
    peaks = []
    for process in processes:
        status = Path(f"/proc/{process['id']}/status")
        if process["type"] == "renderer" and status.exists():
            lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
            peaks.append(int(lines["VmHWM"].split()[0]) / 2**20)
    return max(peaks, default=float("nan"))


def measure(n_rows: int, n_nodes: int) -> list[str]:
    contents = large_report(n_rows, n_nodes)
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        started = time.perf_counter()
        path = write_page(Path(folder) / "report.html", contents)
        writing = time.perf_counter() - started
        page = browser.new_page(viewport={"width": DESK[0], "height": DESK[1]})
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.add_init_script(WATCH)
        page.goto(path.as_uri())
        page.wait_for_selector("html[data-ready=true]", state="attached", timeout=120_000)
        ready = page.evaluate("() => window.readyAt")
        script = page.evaluate("() => window.geomsim.state().readyIn")
        paint = page.evaluate(
            "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Number.NaN"
        )
        page.eval_on_selector("#maps .maps-stage", "(node) => node.scrollIntoView({block: 'center'})")
        random = np.random.default_rng(0)
        rows = [[("left", "right")[k % 2], int(random.integers(n_rows))] for k in range(HOVERS)]
        page.evaluate(HOVER, rows[:10])
        hovers = page.evaluate(HOVER, rows)
        assert all(each["hover"] == "row" and each["lit"] == 1 for each in hovers), "a hover lit nothing"
        assert sum(each["links"] for each in hovers) > HOVERS / 3, "hardly any partner was lit"
        took = np.array([each["took"] for each in hovers])
        redraws = page.evaluate(REDRAW, REDRAWS)
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable")
        session.send("HeapProfiler.collectGarbage")
        metrics = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
        assert not errors, errors
        return [
            f"{n_rows:,}", f"{n_nodes:,}", f"{writing:.1f}", f"{path.stat().st_size / 1e6:.2f}", f"{paint / 1e3:.2f}",
            f"{ready / 1e3:.2f}", f"{script / 1e3:.2f}", f"{np.median(took):.2f}", f"{np.quantile(took, 0.95):.2f}",
            f"{np.median(redraws):.1f}", f"{metrics['JSHeapUsedSize'] / 2**20:.0f}",
            f"{peak_of_renderers(browser):.2f}",
        ]  # fmt: skip


def main() -> None:
    sizes = [(int(sys.argv[1]), int(sys.argv[2]))] if len(sys.argv) > 2 else SIZES
    heads = (
        "rows a side", "nodes a graph", "writing, s", "MB", "first paint, s", "ready, s", "script, s",
        "hover to link, ms", "95th", "redraw, ms", "JavaScript heap, MiB", "largest, GiB",
    )  # fmt: skip
    print(f"| {' | '.join(heads)} |")
    print(f"|{' --- |' * len(heads)}")
    for n_rows, n_nodes in sizes:
        print(f"| {' | '.join(measure(n_rows, n_nodes))} |", flush=True)


if __name__ == "__main__":
    main()
