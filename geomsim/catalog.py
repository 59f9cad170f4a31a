"""Metrics by name: entry points of group ``geomsim.metrics``, and what this process registered itself.

Built-in metrics come through the same door as anybody's. Listing imports nothing; loading one imports one module.
"""

from __future__ import annotations

import difflib
import functools
import importlib.metadata
import importlib.util
import inspect
import itertools
import re
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from geomsim.contract import INVARIANCES, Metric, PairedMetric, UnpairedMetric, is_frozen_dataclass
from geomsim.errors import AmbiguousMetric, BrokenPlugin, GeomsimError, UnknownMetric

GROUP = "geomsim.metrics"
_registered: dict[str, type[Metric[Any]]] = {}


@dataclass(frozen=True)
class Entry:
    """One name on offer: who offers it, and where its class lies."""

    name: str
    distribution: str
    version: str
    target: str
    point: importlib.metadata.EntryPoint | None = None

    @property
    def address(self) -> str:
        """The name with its distribution, which is never ambiguous: ``dist:name``."""
        return f"{self.distribution}:{self.name}"

    def load(self) -> type[Metric[Any]]:
        """Import the class. Raises BrokenPlugin with metric, distribution and cause."""
        if self.point is None:
            return _registered[self.name]
        try:
            loaded = self.point.load()
        except Exception as error:
            raise BrokenPlugin(
                f"metric {self.name!r} of {self.distribution} {self.version} cannot be imported from {self.target}: "
                f"{type(error).__name__}: {error}. Other metrics still work; reinstall or remove {self.distribution}"
            ) from error
        return _checked(loaded, f"metric {self.name!r} of {self.distribution} ({self.target})")

    def loaded(self) -> Any:
        """What the entry offers if its module has been imported, else None; imports nothing."""
        if self.point is None:
            return _registered[self.name]
        module, _, attributes = self.target.partition(":")
        value: Any = sys.modules.get(module.strip())
        for attribute in attributes.strip().split("."):
            value = getattr(value, attribute, None)
        return value


def entries() -> list[Entry]:
    """Everything on offer, by name and then distribution; imports nothing."""
    found = dict(_installed(tuple(sys.path)))
    for name, kind in _registered.items():
        found[(name, "this process", "")] = Entry(name, "this process", "", f"{kind.__module__}:{kind.__qualname__}")
    return sorted(found.values(), key=lambda entry: (entry.name, entry.distribution))


@functools.lru_cache(maxsize=1)
def _installed(_path: tuple[str, ...]) -> dict[tuple[str, str, str], Entry]:
    """The entry points on this path. A study asks for them at every cell, and a scan reads every package's metadata."""
    found = {}
    for point in importlib.metadata.entry_points(group=GROUP):
        distribution = point.dist.name if point.dist else "unknown"
        version = point.dist.version if point.dist else "?"
        # An editable install and its metadata directory can both be on sys.path: one offer, seen twice.
        found[(point.name, distribution, point.value)] = Entry(point.name, distribution, version, point.value, point)
    return found


def metrics() -> list[str]:
    """Names of all metrics, without importing any; a name that two distributions offer stands as ``dist:name``.

    >>> import geomsim
    >>> "svcca" in geomsim.metrics()
    True
    """
    _installed.cache_clear()  # what was installed since shows up without a restart
    offers = _by_name()
    return [entry.name if len(offers[entry.name]) == 1 else entry.address for entry in entries()]


def metric(name: str, **parameters: Any) -> Metric[Any]:
    """The metric of that name with these parameters.

    Raises
    ------
    UnknownMetric
        with the nearest names and the installed list.
    AmbiguousMetric
        when two distributions offer the name; ask for ``dist:name`` then.
    BrokenPlugin
        when its module cannot be imported or holds no metric.
    GeomsimError
        when the metric takes no such parameters.

    >>> import geomsim
    >>> geomsim.metric("svcca", kept_variance=0.95).parameters()
    {'kept_variance': 0.95, 'components': None, 'statistic': 'mean'}
    """
    kind = find(name).load()
    accepted = inspect.signature(kind)
    try:
        accepted.bind(**parameters)
    except TypeError as error:
        raise GeomsimError(
            f"metric {name!r} takes the parameters {', '.join(accepted.parameters) or 'none'}; "
            f"got {', '.join(parameters) or 'none'} ({error})"
        ) from None
    try:
        return kind(**parameters)
    except TypeError as error:  # the names are right, so a value is of a wrong type
        given = ", ".join(f"{key}={value!r}" for key, value in parameters.items())
        raise GeomsimError(f"metric {name!r} cannot be made with {given}: {error}") from error


def instance_of(choice: Any) -> Metric[Any]:
    """A metric from what a caller may name it by: an installed name, an instance, or a class with defaults.

    Raises GeomsimError for anything else, BrokenPlugin for a class that is no complete metric.
    """
    if isinstance(choice, str):
        return metric(choice)
    if not isinstance(choice, Metric) and not (inspect.isclass(choice) and issubclass(choice, Metric)):
        raise GeomsimError(f"a metric is a name, an instance or a class of Metric, got {type(choice).__name__}")
    kind = _checked(choice if inspect.isclass(choice) else type(choice), "this metric")
    if isinstance(choice, Metric):
        return choice
    try:
        return kind()
    except TypeError as error:
        raise GeomsimError(
            f"{kind.__qualname__} has parameters without defaults, so give an instance: {error}"
        ) from None


def find(name: str) -> Entry:
    """The one offer of that name. Raises UnknownMetric or AmbiguousMetric."""
    offers = _by_name()
    if name not in offers:
        _installed.cache_clear()  # it may have been installed since
        offers = _by_name()
    for entry in itertools.chain.from_iterable(offers.values()):
        if entry.address == name:
            return entry
    if name not in offers:
        near = difflib.get_close_matches(name.rpartition(":")[2], offers, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(map(repr, near))}? " if near else ""
        raise UnknownMetric(f"no metric is called {name!r}; {hint}Installed: {', '.join(sorted(offers)) or 'none'}")
    if len(offers[name]) > 1:
        choices = " and ".join(entry.address for entry in offers[name])
        raise AmbiguousMetric(f"{len(offers[name])} distributions offer a metric {name!r}: ask for one of {choices}")
    return offers[name][0]


def register(name: str, kind: type[Metric[Any]]) -> None:
    """Offer a metric under a name in this process: for notebooks and scripts. Registering a name again replaces it.

    Raises BrokenPlugin for something that is no metric, AmbiguousMetric for a name that is installed already.
    """
    check_new_name(name)
    _registered[name] = _checked(kind, f"{name!r}")


def check_new_name(name: str) -> None:
    """Raise BrokenPlugin for what is no name of a metric, AmbiguousMetric for a name that is installed already."""
    if not isinstance(name, str) or not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        raise BrokenPlugin(
            f"a metric's name is lower-case words with hyphens and starts with a letter, like 'my-metric'; got {name!r}"
        )
    installed = [entry for entry in _by_name().get(name, []) if entry.point is not None]
    if installed:
        raise AmbiguousMetric(f"{installed[0].address} is installed under the name {name!r} already; choose another")


def name_of(instance: Metric[Any]) -> str:
    """The name under which a metric's class is on offer, ``dist:name`` where two offer it, or its class name."""
    kind = type(instance)
    for name, offers in _by_name().items():
        for entry in offers:
            if entry.loaded() is kind:
                return name if len(offers) == 1 else entry.address
    return kind.__name__


def origin_of(instance: Metric[Any]) -> str:
    """Distribution and version that a metric comes from, or its module."""
    found = [entry for entry in entries() if entry.loaded() is type(instance)]
    return f"{found[0].distribution} {found[0].version}".strip() if found else type(instance).__module__


def load_file(path: str | Path) -> list[str]:
    """Run a Python file that calls :func:`register`; the names that it added."""
    file = Path(path)
    if not file.is_file():
        raise BrokenPlugin(f"{file}: no such plugin file")
    before = dict(_registered)
    spec = importlib.util.spec_from_file_location(f"geomsim_plugin_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise BrokenPlugin(f"{file}: a plugin file is Python and ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up there
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        _registered.clear()  # all of a file or nothing of it
        _registered.update(before)
        if isinstance(error, GeomsimError):
            raise error.within(str(file)) from None
        raise BrokenPlugin(f"{file}: the plugin file fails: {type(error).__name__}: {error}") from error
    added = [name for name, kind in _registered.items() if before.get(name) is not kind]
    if not added:
        raise BrokenPlugin(f"{file} registers no metric; let it call geomsim.register('my-metric', MyMetric)")
    return added


def _by_name() -> dict[str, list[Entry]]:
    offers: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries():
        offers[entry.name].append(entry)
    return offers


def _checked(kind: Any, called: str) -> type[Metric[Any]]:
    """The class, if it is a metric that can be used; what is missing otherwise."""

    def refuse(why: str) -> BrokenPlugin:
        return BrokenPlugin(f"{called}: {why}; see geomsim/contract.py for what a metric is")

    if not inspect.isclass(kind) or not issubclass(kind, PairedMetric | UnpairedMetric):
        raise refuse(f"{getattr(kind, '__qualname__', kind)!r} is no subclass of PairedMetric or UnpairedMetric")
    missing: Sequence[str] = sorted(getattr(kind, "__abstractmethods__", ()))
    if missing:
        raise refuse(f"{kind.__qualname__} does not define {', '.join(missing)}")
    if getattr(kind, "larger_means", None) not in ("closer", "farther"):
        raise refuse(f"{kind.__qualname__}.larger_means must be 'closer' or 'farther'")
    unknown = set(kind.unchanged_by) - set(INVARIANCES)
    if unknown:
        raise refuse(f"{kind.__qualname__}.unchanged_by names {sorted(unknown)}; it may name {', '.join(INVARIANCES)}")
    if not is_frozen_dataclass(kind):
        raise refuse(f"{kind.__qualname__} must be decorated with @dataclass(frozen=True)")
    return kind
