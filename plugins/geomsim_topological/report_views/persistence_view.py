"""The report's view `persistence`: the loops of both spaces over the same rows."""

from __future__ import annotations

from geomsim import GeomsimError
from geomsim.report.views.request import ViewRequest, Views
from geomsim_topological.persistence import diagram
from geomsim_topological.report_views.diagram_contents import diagram_contents

LANDMARKS = 300
_LEAST_ROWS = 4


def persistence_view(request: ViewRequest) -> Views:
    """The persistence diagram of each side's loops, of 300 landmarks, with what is certain about it in words.

    A side that has none is a note.
    """
    if request.left.n_rows < _LEAST_ROWS:
        return Views(
            notes=[
                f"{request.name}: no persistence diagrams, as it takes {_LEAST_ROWS} rows to go around a loop: pair "
                "more rows"
            ]
        )
    views = Views()
    for side, space in (("left", request.left), ("right", request.right)):
        name = f"{request.name}: {space.name or side}"
        if space.name and request.left.name == request.right.name:
            name += f" ({side})"
        try:
            views.diagrams.append(diagram_contents(diagram(space, 1, LANDMARKS), name, space))
        except GeomsimError as error:
            views.notes.append(f"{name}: no persistence diagram: {error}")
    return views
