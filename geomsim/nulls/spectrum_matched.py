"""What would two clouds of the same shapes score, had they nothing else in common?"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from geomsim.errors import DegenerateSpace, GeomsimWarning, InapplicableNull
from geomsim.nulls.clouds import Shape, root_mean_square, white
from geomsim.nulls.contract import Chance, Null, Trial
from geomsim.nulls.drawing import redrawn_scores, streams
from geomsim.nulls.refusals import instead, refuse_groups
from geomsim.nulls.significance import judged
from geomsim.scoring import score_of

# Scores of clouds of equal spectrum that differ by less than this share of the scores at hand differ by rounding;
# a distance near 0 may be the root of a rounding error of 1e-16.
_SAME = 1e-6
_DRAW = "a Gaussian cloud with the covariance spectrum of a side"


@dataclass(frozen=True)
class SpectrumMatched(Null):
    """Replace both sides by independent Gaussian clouds that have the same covariance spectrum, and nothing else.

    With X - mean = U diag(s) V', a draw keeps s and the number of rows exactly, and takes U and V uniformly at random:
    a Gaussian cloud, given its sample spectrum. A draw with s in expectation only would spread the spectrum once more,
    which where rows are hardly more than columns makes noise itself look significant. For paired metrics the null is a
    rotation test (Langsrud 2005), exact for Gaussian rows of any covariance, also for fewer rows than columns.

    The mean is kept as well, at its place in the axes V, and turns with them: its length and its share in each axis
    stay, its direction relative to the other side does not. It matters to metrics that see the origin (cosines), and
    not at all to those unchanged by translation.

    For paired and unpaired metrics. A small p says that the sides share more than the shapes of their spectra. The mean
    of the draws is the score of other clouds, not that of these with reordered rows, and corrects no score for chance.
    """

    name: ClassVar[str] = "spectrum-matched"

    def judge(self, trial: Trial) -> Chance:
        """Scores of pairs of such clouds, and the share of them at least as close as the observed score.

        Raises InapplicableNull for rows in groups, for sides whose rows are all equal, and for scores that depend on
        the kept spectrum alone.
        """
        refuse_groups(trial, self.name)
        metric = trial.metric
        shapes = Shape.of(trial.left, "left"), Shape.of(trial.right, "right")
        # Turning costs more than all else in wide spaces, and such a metric does not see it.
        turned = not metric.unchanged_by & {"rotation", "affine"}

        def scored(random: np.random.Generator) -> float:
            first, second = (
                shape.cloud(random, turned).to(points.dtype)
                for shape, points in zip(shapes, (trial.left, trial.right), strict=True)
            )
            return score_of(metric, metric.prepare(first), metric.prepare(second), first)

        self._refuse_what_is_kept(trial, shapes[0])
        scores = redrawn_scores(trial, scored, _DRAW)
        axes = {"left axes kept": len(shapes[0].singular), "right axes kept": len(shapes[1].singular)}
        return judged(self.name, trial, scores, facts=axes)

    def _refuse_what_is_kept(self, trial: Trial, shape: Shape) -> None:
        """Refuse a score that finds the left side identical to a cloud with which it shares the spectrum alone."""
        metric = trial.metric
        points = trial.left.double()  # in float32 rounding could hide that two scores are the same
        random = next(streams(trial.seed))
        others = (points, shape.cloud(random, turned=True), white(random, points, root_mean_square(points)))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", GeomsimWarning)  # they would speak of the clouds
            try:
                state = metric.prepare(points)
                # A distance from itself is 0: the one from noise says what is large.
                itself, matched, noise = (score_of(metric, state, metric.prepare(other), points) for other in others)
            except DegenerateSpace as error:
                raise error.within(_DRAW) from None
        if abs(itself - matched) <= _SAME * max(abs(itself), abs(matched), abs(noise)):
            raise InapplicableNull(
                f"{type(metric).__name__} scores the left side against a random cloud of equal covariance spectrum "
                f"like the left side against itself ({matched:.6g} and {itself:.6g}): it measures what this null "
                f"keeps, so every draw would score alike. Use {instead(metric, self.name)}"
            )
