"""geomsim: do two neural networks carry the same features, arranged the same way, and how sure are we?

>>> import numpy as np, geomsim
>>> points = np.random.default_rng(0).normal(size=(200, 6))
>>> geomsim.compare(points, -2.0 * points + 5.0, "rsa", draws=99).p_text
'p <= 0.01'
"""

from __future__ import annotations

from importlib.metadata import version as _version

from geomsim import testing as testing
from geomsim.activations.candidates import Candidates as Candidates
from geomsim.activations.coactivation import correlate as correlate
from geomsim.activations.codes import Codes as Codes
from geomsim.activations.matching import pair as pair
from geomsim.catalog import metric as metric
from geomsim.catalog import metrics as metrics
from geomsim.catalog import register as register
from geomsim.comparison import Comparison as Comparison
from geomsim.comparison import compare as compare
from geomsim.contract import Explanation as Explanation
from geomsim.contract import Metric as Metric
from geomsim.contract import Moments as Moments
from geomsim.contract import PairedMetric as PairedMetric
from geomsim.contract import UnpairedMetric as UnpairedMetric
from geomsim.errors import DegenerateSpace as DegenerateSpace
from geomsim.errors import GeomsimError as GeomsimError
from geomsim.errors import GeomsimWarning as GeomsimWarning
from geomsim.errors import InapplicableNull as InapplicableNull
from geomsim.errors import InvalidConfig as InvalidConfig
from geomsim.errors import InvalidPairing as InvalidPairing
from geomsim.errors import InvalidSpace as InvalidSpace
from geomsim.nulls import Null as Null
from geomsim.orders import equal_blocks as equal_blocks
from geomsim.pairing import Pairing as Pairing
from geomsim.space import Space as Space
from geomsim.study import Study as Study
from geomsim.study import run_study as run_study

__version__ = _version("geomsim")
