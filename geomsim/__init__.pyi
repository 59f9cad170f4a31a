# The whole public API, each name loaded when it is first used; lazy_loader reads them here, and so do type checkers.
from . import activations as activations
from . import errors as errors
from . import nulls as nulls
from . import subspaces as subspaces
from . import testing as testing
from .activations.candidates import Candidates as Candidates
from .activations.coactivation import correlate as correlate
from .activations.codes import Codes as Codes
from .activations.matching import pair as pair
from .catalog import metric as metric
from .catalog import metrics as metrics
from .catalog import register as register
from .comparison import Comparison as Comparison
from .comparison import compare as compare
from .contract import ByParameters as ByParameters
from .contract import Explanation as Explanation
from .contract import Metric as Metric
from .contract import Moments as Moments
from .contract import PairedMetric as PairedMetric
from .contract import UnpairedMetric as UnpairedMetric
from .errors import DegenerateSpace as DegenerateSpace
from .errors import GeomsimError as GeomsimError
from .errors import GeomsimWarning as GeomsimWarning
from .errors import InapplicableNull as InapplicableNull
from .errors import InvalidConfig as InvalidConfig
from .errors import InvalidPairing as InvalidPairing
from .errors import InvalidSpace as InvalidSpace
from .nulls import Null as Null
from .orders import equal_blocks as equal_blocks
from .pairing import Pairing as Pairing
from .space import Space as Space
from .study import Study as Study
from .study import run_study as run_study

__version__: str
