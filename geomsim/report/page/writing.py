"""One HTML file from the contents of a report.

The page asks nothing of anybody: its content-security policy allows its own script and style by their hashes, and
pictures that it makes itself, and nothing else. All data is base64, so that no text of the data is ever markup. It
holds no time and no path: the same contents give the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from geomsim.report.look import DARK, LIGHT
from geomsim.report.page.contents import Contents
from geomsim.report.page.manifest import manifest_of
from geomsim.report.page.packing import Packer, without_surrogates
from geomsim.report.page.scripts import joined
from geomsim.report.page.sections import sections_of
from geomsim.tables import whole_file

_STYLES = ("base.css", "maps.css", "graphs.css", "results.css")


def write_page(path: str | Path, contents: Contents) -> Path:
    """Write the report and return its path; the file appears whole or not at all."""
    target = Path(path)
    with whole_file(target) as part:
        part.write_text(page_html(contents), encoding="utf-8", newline="\n")
    return target


def page_html(contents: Contents) -> str:
    """The report as HTML."""
    packer = Packer()
    manifest = manifest_of(contents, packer)
    root = packer.json(manifest)
    library, script, style = _assets()
    page: str = _template().render(
        title=contents.title,
        sentences=list(contents.sentences),
        policy=_policy([library, script], style),
        style=style,
        library=library,
        script=script,
        sections=sections_of(contents.scores.records),
        blobs=packer.encoded(),
        root=json.dumps(root),
        paper={"light": LIGHT.paper, "dark": DARK.paper},
    )
    return without_surrogates(page)


@cache
def _assets() -> tuple[str, str, str]:
    """The vendored library, our modules, our styles."""
    folder = files("geomsim.report.page").joinpath("assets")
    texts = {each.name: each.read_text("utf-8") for each in folder.iterdir() if each.name.endswith((".js", ".css"))}
    library = texts.pop("d3.min.js").strip()
    style = "\n".join(texts[name].strip() for name in _STYLES if name in texts)
    return library, joined(texts, "main.js"), style


def _policy(scripts: list[str], style: str) -> str:
    """What the page may do; hashes are of the text between the tags as the browser sees it."""
    allowed = " ".join(f"'sha256-{_hash(text)}'" for text in scripts)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'sha256-{_hash(style)}'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(f"\n{text}\n".encode()).digest()).decode("ascii")


def _template() -> Any:
    import jinja2

    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, keep_trailing_newline=True, trim_blocks=True
    )
    return environment.from_string(
        files("geomsim.report.page").joinpath("assets").joinpath("page.html.jinja").read_text("utf-8")
    )
