"""Look through a built site: no page may ask anything of another host, and no link within it may lead nowhere.

python docs/check_site.py [docs/_build/html]      # exit code 1 where something is found
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

_HTML_REQUESTS = {"script": "src", "img": "src", "iframe": "src", "source": "srcset", "video": "src", "object": "data"}
_CSS_REQUEST = re.compile(r"(?:url\(\s*['\"]?|@import\s+['\"])((?:https?:)?//[^'\")]+)")
_FAR = re.compile(r"(?:https?:)?//")


class _Page(HTMLParser):
    """What a page asks for, where its links lead, and which places in it have names."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[str] = []
        self.links: list[str] = []
        self.names: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """One element."""
        found = {name: value for name, value in attrs if value is not None}
        self.names |= {found[name] for name in ("id", "name") if name in found}
        if (asked := found.get(_HTML_REQUESTS.get(tag, ""))) is not None:
            self.requests.append(asked)
        if tag == "link" and found.get("rel") != "canonical" and "href" in found:
            self.requests.append(found["href"])
        if tag == "a" and "href" in found:
            self.links.append(unescape(found["href"]))


def look(site: Path) -> list[str]:
    """Everything that is wrong with a site, in words."""
    pages = {}
    for file in sorted(site.rglob("*.html")):
        page = _Page()
        page.feed(file.read_text(encoding="utf-8"))
        pages[file.resolve()] = page
    wrong = [
        f"{file.relative_to(site.resolve())} asks for {asked}"
        for file, page in pages.items()
        for asked in page.requests
        if _FAR.match(asked)
    ]
    for sheet in sorted(site.rglob("*.css")):
        wrong += [f"{sheet.relative_to(site)} asks for {far}" for far in _CSS_REQUEST.findall(sheet.read_text("utf-8"))]
    for file, page in pages.items():
        told = map(_nowhere(file, pages), page.links)
        wrong += [f"{file.relative_to(site.resolve())}: {text}" for text in told if text]
    return wrong


def _nowhere(file: Path, pages: dict[Path, _Page]) -> Callable[[str], str | None]:
    """What is wrong with a link of a page, None where nothing is."""

    def told(link: str) -> str | None:
        if re.match(r"[a-z]+:|//", link):
            return None
        path, _, place = unquote(link).partition("#")
        target = (file.parent / path.partition("?")[0]).resolve() if path else file
        if not target.exists():
            return f"a link leads nowhere: {link}"
        if place and target in pages and place not in pages[target].names:
            return f"a link leads to a place that its page does not have: {link}"
        return None

    return told


def main(site: Path) -> int:
    """Say what is wrong; the exit code."""
    if not (site / "index.html").exists():
        print(f"{site} holds no site: build one with `make docs`", file=sys.stderr)
        return 1
    wrong = look(site)
    for line in wrong:
        print(line, file=sys.stderr)
    if wrong:
        return 1
    count = len(list(site.rglob("*.html")))
    print(f"{count:,} page{'s' * (count != 1)}, nothing wrong: open {site / 'index.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "_build" / "html"))
