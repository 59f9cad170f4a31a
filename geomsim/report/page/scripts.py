"""The page's modules as one script: imports are resolved here, so that the page has nothing to fetch.

The modules keep to what makes this exact: they import by name from ``./file.js`` and export declarations, and no two of
them declare the same name. So they can stand behind each other, each after those that it imports.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from geomsim.errors import GeomsimError

_IMPORT = re.compile(r"^import\s*\{([^}]*)\}\s*from\s*\"\./([\w.]+)\";[ \t]*\n", re.MULTILINE)
_EXPORT = re.compile(r"^export\s+(?=(?:async\s+)?(?:function|const|class|let)\b)", re.MULTILINE)
_DECLARED = re.compile(r"^(?:export\s+)?(?:async\s+)?(?:function\*?|const|class|let)\s+(\w+)", re.MULTILINE)
_EXPORTED = re.compile(r"^export\s+(?:async\s+)?(?:function\*?|const|class|let)\s+(\w+)", re.MULTILINE)
_LEFT_OVER = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)


def joined(modules: Mapping[str, str], entry: str) -> str:
    """All modules that `entry` needs, in the order in which they can run; modules by file name.

    Raises GeomsimError for a file that is imported and not there, a name that its module does not export, a circle, a
    name declared twice, and any form of import or export but those above.

    >>> modules = {"main.js": 'import {one} from "./one.js";\\none();\\n', "one.js": "export function one() {}\\n"}
    >>> print(joined(modules, "main.js"))
    function one() {}
    one();
    """
    order: list[str] = []
    _visit(entry, modules, order, ())
    owners: dict[str, str] = {}
    for name in order:
        for declared in _DECLARED.findall(modules[name]):
            if owners.setdefault(declared, name) != name:
                raise GeomsimError(f"{name} and {owners[declared]} both declare {declared}; give one another name")
    return "".join(_EXPORT.sub("", _IMPORT.sub("", modules[name])).lstrip("\n") for name in order).strip()


def _visit(name: str, modules: Mapping[str, str], order: list[str], above: tuple[str, ...]) -> None:
    if name in order:
        return
    if name in above:
        raise GeomsimError(f"modules import each other in a circle: {' > '.join([*above, name])}")
    if name not in modules:
        raise GeomsimError(f"{above[-1]} imports {name}, which is not there" if above else f"there is no {name}")
    for names, file in _IMPORT.findall(modules[name]):
        _visit(file, modules, order, (*above, name))
        wanted = {part.strip() for part in names.split(",") if part.strip()}
        if unknown := sorted(wanted - set(_EXPORTED.findall(modules[file]))):
            raise GeomsimError(f"{name} imports {', '.join(unknown)} from {file}, which exports no such thing")
    if odd := _LEFT_OVER.search(_EXPORT.sub("", _IMPORT.sub("", modules[name]))):
        raise GeomsimError(f'{name}: only import {{names}} from "./file.js" and export of declarations; got {odd[0]!r}')
    order.append(name)
