"""Views of plugins: entry points of group ``geomsim.views``, functions from a ViewRequest to Views."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable
from typing import Any

from geomsim.errors import GeomsimError
from geomsim.report.views.request import ViewRequest, Views

GROUP = "geomsim.views"

View = Callable[[ViewRequest], Views]


def offered_views() -> list[tuple[str, View]]:
    """Name and function of each view that an installed distribution offers, by name.

    The function never lacks: one that cannot be imported, or that raises a GeomsimError, answers with a note that says
    so, names the view and its distribution, and all others are shown. Anything else that it raises is a fault of the
    view; it goes on its way with a note of the view's name, as does an answer that is no Views.
    """
    points = importlib.metadata.entry_points(group=GROUP)
    return [(point.name, _guarded(point)) for point in sorted(points, key=lambda point: (point.name, point.value))]


def _guarded(point: importlib.metadata.EntryPoint) -> View:
    called = f"the view {point.name!r} of {point.dist.name if point.dist else 'a plugin'}"

    def view(request: ViewRequest) -> Views:
        try:
            function: Any = point.load()
        except (ImportError, AttributeError) as error:
            cause = f"{type(error).__name__}: {error}"
            return Views(notes=[f"{request.name}: {called} cannot be imported and is not shown ({cause})"])
        try:
            found = function(request)
        except GeomsimError as error:
            return Views(notes=[f"{request.name}: {called} is not shown: {error}"])
        except Exception as error:
            error.add_note(f"raised by {called} ({point.value}), of {request.name}")
            raise
        if not isinstance(found, Views):
            raise TypeError(
                f"{called} ({point.value}) must answer with geomsim.report.views.request.Views, got {found!r:.200}"
            )
        return found

    return view
