"""A small site by the configuration of the real one: what it asks for, how links and formulas come out, axe."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import check_site
import pytest
import repository
from page_parts import DOCS, ROOT
from readable_pages import readable

_PAGE = """# Small

$$
\\frac{1}{n}
$$

And {math}`x_i`. [Cards](cards.md), [here](#small).

```{eval-rst}
.. autofunction:: geomsim.pair
```
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    sphinx = pytest.importorskip("sphinx.application")
    source, out = (tmp_path_factory.mktemp(name) for name in ("source", "out"))
    (source / "index.md").write_text(_PAGE + "\n```{toctree}\ncards\n```\n", encoding="utf-8")
    (source / "cards.md").write_text("# Cards\n\n![pair](pair.png)\n", encoding="utf-8")
    (source / "pair.png").write_bytes((DOCS / "images/report-light.png").read_bytes())
    left_out = {"sphinx_gallery.gen_gallery", "made_pages", "repository"}
    settings: dict[str, Any] = {}
    exec(
        compile((DOCS / "conf.py").read_text(encoding="utf-8"), DOCS / "conf.py", "exec"),
        {"__file__": str(DOCS / "conf.py")},
        settings,
    )
    chosen = {"extensions": [name for name in settings["extensions"] if name not in left_out]}
    app = sphinx.Sphinx(source, DOCS, out, out / ".doctrees", "html", confoverrides=chosen, status=None)
    app.build()
    return out


def test_pages_ask_nobody_and_links_lead_somewhere(site: Path) -> None:
    assert check_site.look(site) == []


def test_formulas_and_types_are_drawn(site: Path) -> None:
    page = (site / "index.html").read_text(encoding="utf-8")
    assert page.count("<math") == 2
    assert '<div class="formula" tabindex="0"' in page
    assert "mathjax" not in page.lower().replace("mathjax_ignore", "")
    assert '<div class="sig-parameters">' in page


def test_what_is_wrong_with_a_site_is_found(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(
        '<h1 id="top"></h1><script src="https://cdn.example/x.js"></script><a href="gone.html"></a>'
        '<a href="#nowhere"></a><a href="#top"></a><a href="https://far.example"></a>'
    )
    (tmp_path / "style.css").write_text("@font-face { src: url('//fonts.example/a.woff2'); }")
    assert check_site.look(tmp_path) == [
        "index.html asks for https://cdn.example/x.js",
        "style.css asks for //fonts.example/a.woff2",
        "index.html: a link leads nowhere: gone.html",
        "index.html: a link leads to a place that its page does not have: #nowhere",
    ]
    assert check_site.main(tmp_path) == 1


def test_a_site_in_order_says_where_to_open_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "index.html").write_text("<p>in order</p>")
    assert check_site.main(tmp_path) == 0
    assert capsys.readouterr().out == f"1 page, nothing wrong: open {tmp_path / 'index.html'}\n"


def test_links_of_the_repository_work_on_the_site() -> None:
    page = DOCS / "topology.md"

    def on_site(text: str) -> str:
        return repository.with_links(text, page, "topology")

    assert on_site("[b](../benchmarks/README.md#draws)") == "[b](/_generated/repository/benchmarks.md#draws)"
    assert on_site("[c](cards)") == "[c](/_generated/metrics/index.md)"
    assert on_site("[e](../examples/modular_addition)") == "[e](/_generated/repository/examples/modular_addition.md)"
    assert on_site("[`run`](../examples/code_models/train.py)") == "{download}`run <../examples/code_models/train.py>`"
    assert on_site("![p](images/report-light.png)") == "![p](images/report-light.png)"
    assert on_site("[w](https://far.example) [h](#here)") == "[w](https://far.example) [h](#here)"
    assert on_site("```\n[x](../benchmarks/README.md)\n```") == "```\n[x](../benchmarks/README.md)\n```"


def test_a_file_is_shown_where_a_page_asks_for_it() -> None:
    assert repository.page_of(ROOT / "examples/feature_splitting/README.md") == "how_to/feature_splitting"
    assert repository.page_of(ROOT / "README.md") == "index"
    assert repository.page_of(ROOT / "geomsim") is None


def test_buttons_have_names() -> None:
    assert 'aria-label="pages below"' in readable('<summary><span class="toctree-toggle" role="presentation">')
