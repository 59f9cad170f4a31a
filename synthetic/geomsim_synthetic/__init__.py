"""Synthetic ground truth: simulated networks of which it is known what they share.

>>> two = two_models(n_features=32, shared=0.75, width=8, n_tokens=500, mean_active=2, seed=7)
>>> two
TwoModels(32 features a side, 24 shared, widths 8 and 8, 500 tokens in 5 documents)
>>> two.pairing
Pairing(24 pairs, 24 left rows, 24 right rows)
"""

from __future__ import annotations

from geomsim_synthetic.generator import TwoModels as TwoModels
from geomsim_synthetic.generator import two_models as two_models
from geomsim_synthetic.network import SimulatedNetwork as SimulatedNetwork
from geomsim_synthetic.recovery import PairingRecovery as PairingRecovery
from geomsim_synthetic.recovery import mmcs as mmcs
from geomsim_synthetic.recovery import pairing_recovery as pairing_recovery
from geomsim_synthetic.recovery import share_recovered as share_recovered
from geomsim_synthetic.recovery import uniqueness as uniqueness
from geomsim_synthetic.truth import NetworkTruth as NetworkTruth
from geomsim_synthetic.truth import Truth as Truth

__all__ = [
    "NetworkTruth",
    "PairingRecovery",
    "SimulatedNetwork",
    "Truth",
    "TwoModels",
    "mmcs",
    "pairing_recovery",
    "share_recovered",
    "two_models",
    "uniqueness",
]
