"""The names of the two sides of a splitting, and of what may become of a latent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from geomsim.activations.best_by_chance import Direction

Side = Literal["smaller", "larger"]
SIDES: tuple[Side, ...] = ("smaller", "larger")
#: Who looks for a partner where the smaller latents are the left ones.
DIRECTIONS: dict[Side, Direction] = {"smaller": "left-to-right", "larger": "right-to-left"}

#: All classes of latents; those of families first, and "vanished" for smaller latents where "new" is for larger ones.
CLASSES = (
    "one-to-one", "split", "merged", "tangled", "nested", "containing", "overlapping", "vanished", "new",
    "few firings", "always active", "dead",
)  # fmt: skip
RELATIONS = CLASSES[:4]
#: Classes that say nothing of the other side.
UNJUDGED = CLASSES[-3:]
#: Classes that do.
JUDGED = CLASSES[:-3]


def classes_of(side: Side) -> list[str]:
    """The classes that a latent of this side may be in, in their order."""
    return [name for name in CLASSES if name != ("new" if side == "smaller" else "vanished")]
