"""The front end: sources, dictionaries, codes, co-activation, matching. Importing it imports no model library."""

from geomsim.activations.array_source import ArraySource as ArraySource
from geomsim.activations.coactivation import Candidates as Candidates
from geomsim.activations.coactivation import correlate as correlate
from geomsim.activations.codes import Codes as Codes
from geomsim.activations.codes import align as align
from geomsim.activations.dictionary import Dictionary as Dictionary
from geomsim.activations.dictionary import read_dictionary as read_dictionary
from geomsim.activations.latents import top_contexts as top_contexts
from geomsim.activations.latents import top_tokens as top_tokens
from geomsim.activations.matching import pair as pair
from geomsim.activations.module_source import ModuleSource as ModuleSource
from geomsim.activations.reading import read_codes as read_codes
from geomsim.activations.reading import write_codes as write_codes
from geomsim.activations.source import Batch as Batch
from geomsim.activations.source import Source as Source
from geomsim.activations.text import Document as Document
from geomsim.activations.text import documents_from_strings as documents_from_strings
from geomsim.activations.text import read_documents as read_documents
from geomsim.activations.tokens import TokenTable as TokenTable
from geomsim.activations.transformer_lens_source import TransformerLensSource as TransformerLensSource
from geomsim.activations.transformers_source import TransformersSource as TransformersSource
