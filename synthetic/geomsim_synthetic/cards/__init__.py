"""What is measured of a metric on synthetic truth: the sections of its card, each in pieces that stand alone.

Any metric of :mod:`geomsim` can be measured, built in or not. `geomsim validate` runs the pieces and
:func:`geomsim.testing.metric_card` those of one metric.
"""

from __future__ import annotations

from geomsim_synthetic.cards import calibration, confounding, cost, dose, loops, power
from geomsim_synthetic.cards.section import Effort as Effort
from geomsim_synthetic.cards.section import Piece as Piece
from geomsim_synthetic.cards.section import Section as Section

SECTIONS: tuple[Section, ...] = (
    calibration.SECTION, power.SECTION, dose.SECTION, confounding.SECTION, loops.SECTION, cost.SECTION,
)  # fmt: skip
"""All sections, in the order of a card."""
