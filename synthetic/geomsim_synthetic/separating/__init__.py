"""Settings that separate metrics: pairs of clouds that share one thing, which some metrics see and others cannot."""

from __future__ import annotations

from geomsim_synthetic.separating.catalogue import SEPARATING as SEPARATING
from geomsim_synthetic.separating.catalogue import separating_case as separating_case
from geomsim_synthetic.separating.measuring import Sight as Sight
from geomsim_synthetic.separating.measuring import sight as sight
from geomsim_synthetic.separating.setting import SeparatingCase as SeparatingCase
from geomsim_synthetic.separating.setting import SeparatingSetting as SeparatingSetting

__all__ = ["SEPARATING", "SeparatingCase", "SeparatingSetting", "Sight", "separating_case", "sight"]
