"""Semantic subspaces: themes of keywords, the rows and pairs that match them, and prototypes of concepts."""

from geomsim.subspaces.concepts import paired_prototypes as paired_prototypes
from geomsim.subspaces.concepts import prototypes as prototypes
from geomsim.subspaces.matching import Subspace as Subspace
from geomsim.subspaces.matching import match_theme as match_theme
from geomsim.subspaces.matching import pair_subspaces as pair_subspaces
from geomsim.subspaces.matching import pairs_in_theme as pairs_in_theme
from geomsim.subspaces.matching import row_subspaces as row_subspaces
from geomsim.subspaces.matching import theme_labels as theme_labels
from geomsim.subspaces.themes import Theme as Theme
from geomsim.subspaces.themes import read_themes as read_themes
