"""Messages of the library in the words of the command line: `min_firings=5` becomes `--min-firings 5`.

Only keywords that the verb at hand has as options are put into its words; what else a message says stays as it is.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

# Where an option bears another name than the keyword it stands for, or the same name for another thing.
_SAID_OTHERWISE: Mapping[str, Mapping[str, str]] = {
    "activations": {"site": "--dictionary SITE=PATH", "format": "--dictionary-format"},
    "count": {"block": "--first-block"},
}
# Calls of Python that a file takes the place of, by verb.
_CALLS: Mapping[str, Mapping[str, str]] = {
    "compare": {
        "for example Pairing.by_id(left, right) or geomsim.pair(left_codes, right_codes)": (
            "a table with columns left and right (row numbers), as `geomsim pair` writes it from codes of both"
        ),
        "Use pairing=Pairing.by_id(left, right), or Pairing.identity(n) if the order is right and the ids are not": (
            "Give --pairing, a table with columns left and right: the numbers of the rows that belong together"
        ),
    },
}
_KEYWORD = re.compile(
    r"(?P<call>[\w.]+\(\.{3}, )?"  # pair(..., name=value)
    r"(?<![\w/.\\'\"=-])(?P<name>[a-z_]+)="
    r"(?P<value>'[^']*'|True|False|None|\.{3}|-?\d+(?:\.\d+)?(?:e-?\d+)?)?(?![\w(])"
    r"(?(call)\))(?P<said> \(--[^)]*\))?"
)
_NAME = re.compile(r"(?<![\w/.\\'\"=-])[a-z]+(?:_[a-z]+)+(?![\w/.\\'\"=(-])")
_INSIDE_A_CALL = re.compile(r"\w\([^()]*$")


@dataclass(frozen=True)
class OptionNames:
    """The options of one verb by the keyword each stands for, which are flags, and what it says in place of Python."""

    options: Mapping[str, str] = field(default_factory=dict)
    flags: frozenset[str] = frozenset()
    calls: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, verb: str, arguments: Iterable[Any]) -> OptionNames:
        """Those of a verb, from the arguments that cyclopts collects."""
        named = {found.names[0]: found for found in arguments if found.names and found.names[0].startswith("--")}
        keywords = {option.removeprefix("--").replace("-", "_"): option for option in named}
        flags = frozenset(keyword for keyword, option in keywords.items() if named[option].hint is bool)
        return cls({**keywords, **_SAID_OTHERWISE.get(verb, {})}, flags, _CALLS.get(verb, {}))

    def put_into(self, text: str) -> str:
        """The text with options in place of keywords.

        >>> names = OptionNames({"decoys": "--decoys", "min_firings": "--min-firings"}, frozenset({"decoys"}))
        >>> names.put_into("needs decoys=True; lower min_firings, or say min_firings=5")
        'needs --decoys; lower --min-firings, or say --min-firings 5'
        """
        for call, file in self.calls.items():
            text = text.replace(call, file)
        text = _KEYWORD.sub(self._option, text)
        return _NAME.sub(lambda found: self.options.get(found[0], found[0]), text)

    def _option(self, found: re.Match[str]) -> str:
        name, value = found["name"], found["value"]
        inside = not found["call"] and _INSIDE_A_CALL.search(found.string[: found.start()])
        if name not in self.options or inside:
            return found[0]
        option = self.options[name]
        said = "" if found["said"] is None or option in found["said"] else found["said"]
        if value in (None, "...", "True"):
            return option + said
        if value in ("False", "None"):
            return f"no {option}{said}"
        if name in self.flags:
            return found[0]  # the option takes no value, so there is no way to say this
        return f"{option} {shlex.quote(value.strip(chr(39)))}{said}"
