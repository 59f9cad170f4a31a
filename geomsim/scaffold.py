"""A complete package for a new metric: written from templates, passing the conformance kit as it stands."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import keyword
from importlib.resources import files
from pathlib import Path
from string import Template

from geomsim.catalog import check_new_name
from geomsim.errors import BrokenPlugin, GeomsimError

# Template in geomsim/templates/plugin/ (with .template behind it), and where it goes.
_FILES = {
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
    "__init__.py": "src/$package/__init__.py",
    "py.typed": "src/$package/py.typed",
    "test_metric.py": "tests/test_$module.py",
}
# What the template imports: a class of the same name would hide it.
_IMPORTED = {"DegenerateSpace", "PairedMetric", "Tensor"}


def new_plugin(name: str, into: str | Path | None = None) -> list[Path]:
    """Write a package that offers a metric under `name`; the files written, `pyproject.toml` first.

    The metric in it works and passes `geomsim.testing.check_metric`; its comments say what to change.

    Parameters
    ----------
    name
        what users will type: lower-case words with hyphens. The distribution is then called ``geomsim-name``.
    into
        the package's own folder, made if it does not exist; ``geomsim-name`` here by default.

    Raises
    ------
    BrokenPlugin
        for a name of another form, or one whose package would hide an installed one.
    AmbiguousMetric
        for the name of a metric that is installed.
    GeomsimError
        when the folder holds something already.
    """
    check_new_name(name)
    names = _names(name)
    if importlib.util.find_spec(names["package"]):
        raise BrokenPlugin(f"a package {names['package']} is installed already; choose another name than {name!r}")
    folder = Path(names["distribution"] if into is None else into)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        state = "is not empty" if folder.is_dir() else "is a file"
        raise GeomsimError(f"{folder} {state}; a new plugin needs a folder of its own, empty or not there yet")
    templates = files("geomsim") / "templates" / "plugin"
    written = []
    for source, place in _FILES.items():
        text = Template((templates / f"{source}.template").read_text(encoding="utf-8")).substitute(names)
        target = folder / Template(place).substitute(names)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        written.append(target)
    return written


def _names(name: str) -> dict[str, str]:
    """All that the templates may refer to."""
    module = name.replace("-", "_")
    class_name = "".join(word.capitalize() for word in name.split("-"))
    if keyword.iskeyword(class_name) or class_name in _IMPORTED:
        class_name += "Metric"
    return {
        "name": name,
        "module": module,
        "distribution": f"geomsim-{name}",
        "package": f"geomsim_{module}",
        "class_name": class_name,
        "geomsim_version": importlib.metadata.version("geomsim"),
    }
