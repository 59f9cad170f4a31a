"""Studies that begin at models: what a TOML file says of models and text, made into files and pairs of files.

::

    [text]
    source = "python"                # what `geomsim activations --text` takes; pattern, column, documents as there
    neuron_tokens = 60_000           # neurons are dense: about so many tokens, whole documents spread over the text

    [models.left]
    path = "../models/left"          # relative to the file, or a hub name
    dictionaries = ["../models/left/saes/layer_0"]    # or { "residual:0" = "..." }; paths, hub names, or tables with
    neurons = true                   # path, site, format, convention, selection ...; neurons of every block, or a list
    bos = true                       # windows begin with the beginning-of-text token; unless it is said, where the
                                     # tokenizer puts it before a text by itself; also context, dtype, revision
    [models.baseline]
    rerandomise = "left"             # the model of that name with every weight drawn anew
    seed = 7
    neurons = true

    [[between]]
    left = "left"
    right = "baseline"
    role = "baseline"                # a column: "cross-model", "other-dictionary", "second-seed", "baseline"
    rows = ["features", "neurons"]
    layers = "all"                   # couples of layers: "all", "same", or [[0, 1], [1, 2]]
    methods = ["max", "one-to-one", "mutual", { name = "hungarian", unmatched_at = 0.2 }]
    directions = ["left-to-right", "right-to-left"]   # of max and one-to-one; the others do not depend on it
    non_concepts = ["kept", "left out"]               # latents on punctuation, white space, special tokens
    units = "words"                  # for models with different tokenizers; with pool and words as `geomsim words` has
    min_firings = 100                # also min_cofirings, top, min_weight, as `geomsim pair` takes them
    metrics = ["svcca", { name = "rsa", draws = 99 }] # also null, draws, buckets, subspaces, interval: in place of the
                                     # study's own

    [[within]]
    model = "left"
    layers = [1]
    groups = ["numbers", "types"]    # themes; each two groups of features are compared, by unpaired metrics, against
                                     # random groups; also themes, top, rule, shared, as `geomsim within` has them

A layer is the number of the block whose output or neurons are read; for any other place of the model it is the site.
Each model is read once for all its sites (again for windows that it shares with a model of another tokenizer, so that
both read a word behind the same text), each couple of codes is correlated once for all methods.
"""

from geomsim.preparing.alone import alone_in as alone_in
from geomsim.preparing.outcome import PreparedStudy as PreparedStudy
from geomsim.preparing.running import prepare_study as prepare_study
