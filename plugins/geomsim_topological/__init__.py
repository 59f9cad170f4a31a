"""Shapes: Mapper graphs, persistent homology, loops, and the transport between them.

What people call lies here: :mod:`mapper`, :mod:`persistence`, :mod:`transport`, :mod:`sweep`, :mod:`stability`,
:mod:`settings_choice`, :mod:`multiscale`, :mod:`graph_comparison`, :mod:`node_labels`, :mod:`graph_layout`,
:mod:`circular_coordinates`, :mod:`loop_matcher`, :mod:`loop_significance`, :mod:`landmark_confidence`,
:mod:`denoising` and the null :mod:`rewired_graph`. What they are made of lies in the folders: the metrics in `metrics`,
the command line in `verb`. One concept per file.
"""
