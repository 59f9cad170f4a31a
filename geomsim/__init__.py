"""geomsim: do two neural networks carry the same features, arranged the same way, and how sure are we?

>>> import numpy as np, geomsim
>>> points = np.random.default_rng(0).normal(size=(200, 6))
>>> geomsim.compare(points, -2.0 * points + 5.0, "rsa", draws=99).p_text
'p <= 0.01'
"""

import lazy_loader

# The public names stand in `__init__.pyi`; each is loaded when it is first used.
_loaded, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("geomsim")
    return _loaded(name)
