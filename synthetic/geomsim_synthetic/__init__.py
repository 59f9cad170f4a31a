"""Synthetic ground truth: simulated networks of which it is known what they share.

>>> two = two_models(n_features=32, shared=0.75, width=8, n_tokens=500, mean_active=2, seed=7)
>>> two
TwoModels(32 features a side, 24 shared, widths 8 and 8, 500 tokens in 5 documents)
>>> two.pairing
Pairing(24 pairs, 24 left rows, 24 right rows)
"""

from __future__ import annotations

from geomsim_synthetic.correlated import CorrelatedGroup as CorrelatedGroup
from geomsim_synthetic.correlation_matrix import nearest_correlation as nearest_correlation
from geomsim_synthetic.correspondence import Link as Link
from geomsim_synthetic.faults import Faults as Faults
from geomsim_synthetic.generator import TwoModels as TwoModels
from geomsim_synthetic.generator import from_setting as from_setting
from geomsim_synthetic.generator import two_models as two_models
from geomsim_synthetic.hierarchy import Hierarchy as Hierarchy
from geomsim_synthetic.judging import CorrespondenceRecovery as CorrespondenceRecovery
from geomsim_synthetic.judging import correspondence_recovery as correspondence_recovery
from geomsim_synthetic.network import SimulatedNetwork as SimulatedNetwork
from geomsim_synthetic.planted import Planted as Planted
from geomsim_synthetic.population import PopulationValues as PopulationValues
from geomsim_synthetic.presets import preset as preset
from geomsim_synthetic.recovery import PairingRecovery as PairingRecovery
from geomsim_synthetic.recovery import best_matches as best_matches
from geomsim_synthetic.recovery import mmcs as mmcs
from geomsim_synthetic.recovery import pairing_recovery as pairing_recovery
from geomsim_synthetic.recovery import share_recovered as share_recovered
from geomsim_synthetic.recovery import uniqueness as uniqueness
from geomsim_synthetic.sae_lens_models import SaeLensModels as SaeLensModels
from geomsim_synthetic.sae_lens_models import models_from_sae_lens as models_from_sae_lens
from geomsim_synthetic.sae_lens_training import train_with_sae_lens as train_with_sae_lens
from geomsim_synthetic.separating import SEPARATING as SEPARATING
from geomsim_synthetic.separating import SeparatingCase as SeparatingCase
from geomsim_synthetic.separating import SeparatingSetting as SeparatingSetting
from geomsim_synthetic.separating import Sight as Sight
from geomsim_synthetic.separating import separating_case as separating_case
from geomsim_synthetic.separating import sight as sight
from geomsim_synthetic.setting import Setting as Setting
from geomsim_synthetic.stream import Batch as Batch
from geomsim_synthetic.stream import batches as batches
from geomsim_synthetic.text import SyntheticText as SyntheticText
from geomsim_synthetic.tokenisation import Tokenisation as Tokenisation
from geomsim_synthetic.trained_links import trained_truth as trained_truth
from geomsim_synthetic.training import TrainedDictionary as TrainedDictionary
from geomsim_synthetic.training import train_dictionary as train_dictionary
from geomsim_synthetic.training_options import TrainingOptions as TrainingOptions
from geomsim_synthetic.truth import GroupTruth as GroupTruth
from geomsim_synthetic.truth import NetworkTruth as NetworkTruth
from geomsim_synthetic.truth import Truth as Truth

__all__ = [
    "SEPARATING",
    "Batch",
    "CorrelatedGroup",
    "CorrespondenceRecovery",
    "Faults",
    "GroupTruth",
    "Hierarchy",
    "Link",
    "NetworkTruth",
    "PairingRecovery",
    "Planted",
    "PopulationValues",
    "SaeLensModels",
    "SeparatingCase",
    "SeparatingSetting",
    "Setting",
    "Sight",
    "SimulatedNetwork",
    "SyntheticText",
    "Tokenisation",
    "TrainedDictionary",
    "TrainingOptions",
    "Truth",
    "TwoModels",
    "batches",
    "best_matches",
    "correspondence_recovery",
    "from_setting",
    "mmcs",
    "models_from_sae_lens",
    "nearest_correlation",
    "pairing_recovery",
    "preset",
    "separating_case",
    "share_recovered",
    "sight",
    "train_dictionary",
    "train_with_sae_lens",
    "trained_truth",
    "two_models",
    "uniqueness",
]
