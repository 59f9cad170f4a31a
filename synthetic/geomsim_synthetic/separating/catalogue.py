"""All separating settings by name, with what they share, who sees it, and why."""

from __future__ import annotations

from difflib import get_close_matches

from geomsim import InvalidConfig
from geomsim_synthetic.separating import corresponding, loops, pieces, reordered
from geomsim_synthetic.separating.setting import SeparatingCase, SeparatingSetting

_SETTINGS = (
    SeparatingSetting(
        "stretched",
        what="Three directions of small variance, beside large ones that each side has for itself.",
        why="Only canonical correlation counts a direction of little variance like a large one. All else weighs by "
        "variance; `svcca` leaves small components out before it looks.",
        make=corresponding.stretched,
        paired=True,
        seen_by=("cca",),
        missed_by=("cka", "debiased-cka", "procrustes", "rsa", "svcca", "knn-jaccard", "linear-predictivity"),
    ),
    SeparatingSetting(
        "outlying",
        what="Eight directions, beside one column on each side that is 30 times as large and shared with nobody.",
        why="The large column decides every inner product and every distance, so metrics of variance look at nothing "
        "else. Canonical correlation and the matching of single columns give it one vote of many; cosine neighbours "
        "are split by its sign and found by the rest.",
        make=corresponding.outlying,
        paired=True,
        seen_by=("cca", "pwcca", "soft-matching", "knn-jaccard", "mutual-knn", "cknna", "rank-biased-overlap"),
        missed_by=(
            "cka", "debiased-cka", "procrustes", "procrustes-distance", "angular-procrustes", "rsa",
            "distance-correlation", "second-order-cosine", "linear-predictivity",
        ),
    ),
    SeparatingSetting(
        "few-rows",
        what="Six directions under noise, in 100 rows of width 94.",
        why="With hardly more rows than columns any cloud can be mapped onto any other, so that all canonical "
        "correlations are near 1 in every order of the rows. Metrics that trust large directions more are not misled.",
        make=corresponding.few_rows,
        paired=True,
        seen_by=("cka", "debiased-cka", "procrustes", "rsa", "mutual-knn", "linear-predictivity"),
        missed_by=("cca",),
    ),
    SeparatingSetting(
        "wound",
        what="The place on a circle, which the left side goes round once while the right side goes round twice.",
        why="No linear map leads from an angle to its double, so all linear metrics find nothing. Rows that are near "
        "on the left are near on the right, which neighbours and distances show.",
        make=corresponding.wound,
        paired=True,
        seen_by=(
            "knn-jaccard", "mutual-knn", "cknna", "rank-biased-overlap", "second-order-cosine", "distance-correlation",
            "mapper-transport",
        ),
        missed_by=(
            "cca", "svcca", "pwcca", "cka", "debiased-cka", "procrustes", "procrustes-distance", "angular-procrustes",
            "soft-matching", "linear-predictivity",
        ),
    ),
    SeparatingSetting(
        "radius",
        what="How far out a row lies on the left, in whatever direction, is its place along a line on the right.",
        why="The directions on the left are random, so neither linear maps nor cosine neighbours have anything to "
        "find. Distance correlation sees any dependence.",
        make=corresponding.radius,
        paired=True,
        seen_by=("distance-correlation",),
        missed_by=(
            "cca", "svcca", "cka", "procrustes", "rsa", "knn-jaccard", "mutual-knn", "cknna", "rank-biased-overlap",
            "second-order-cosine", "soft-matching", "linear-predictivity",
        ),
    ),
    SeparatingSetting(
        "faint",
        what="Ten directions, each with a correlation of .17.",
        why="Metrics that add up all pairs of rows gather a weak relation from everywhere. The ten nearest of 200 rows "
        "are others on each side, so that overlaps of neighbours stay at chance.",
        make=corresponding.faint,
        paired=True,
        seen_by=("cca", "svcca", "pwcca", "cka", "debiased-cka", "procrustes", "distance-correlation"),
        missed_by=("knn-jaccard", "mutual-knn"),
    ),
    SeparatingSetting(
        "regrouped",
        what="Which rows belong together, in 25 groups; where the groups lie is drawn anew on each side.",
        why="A regression that is tested on groups it has not seen cannot know where they went. Every other paired "
        "metric looks at rows of one group, and those are alike on both sides.",
        make=corresponding.regrouped,
        paired=True,
        seen_by=("cka", "cca", "procrustes", "rsa", "knn-jaccard", "soft-matching"),
        missed_by=("linear-predictivity",),
    ),
    SeparatingSetting(
        "flipped",
        what="Everything but noise: each right column is its left column with the other sign.",
        why="Soft matching asks for the same single columns, with their sign. To all other paired metrics a change of "
        "sign is a rotation.",
        make=corresponding.flipped,
        paired=True,
        seen_by=("cka", "cca", "procrustes", "rsa", "mutual-knn", "linear-predictivity"),
        missed_by=("soft-matching",),
    ),
    SeparatingSetting(
        "same-rows",
        what="The rows themselves with noise, in another order and in the same space: two dictionaries of one layer.",
        why="Paired metrics compare rows that do not belong together. MMCS looks for the best partner of each row.",
        make=reordered.same_rows,
        paired=False,
        seen_by=("mmcs",),
        missed_by=("cka", "cca", "procrustes", "rsa", "mutual-knn", "soft-matching", "distance-correlation"),
    ),
    SeparatingSetting(
        "turned-rows",
        what="The rows themselves with little noise, in another order, and in a basis of each side's own.",
        why="MMCS needs one space, and paired metrics need the order. Singular values need neither, and tell a cloud "
        "from another of the same law by its sampling error.",
        make=reordered.turned_rows,
        paired=False,
        seen_by=("singular-values",),
        missed_by=("mmcs", "cka", "procrustes", "rsa", "knn-jaccard"),
    ),
    SeparatingSetting(
        "same-spectrum",
        what="As same-rows; but the control has exactly the same singular values.",
        why="A spectrum says how large the directions are and not which: singular values give the same score for the "
        "same rows and for others. MMCS looks at the rows.",
        make=reordered.same_spectrum,
        paired=False,
        seen_by=("mmcs",),
        missed_by=("singular-values", "cka", "procrustes"),
    ),
    SeparatingSetting(
        "turned-spectrum",
        what="As turned-rows, with 60 rows; but the control has exactly the same singular values.",
        why="There is no common space for MMCS, no order for paired metrics, and the spectra are equal. The distances "
        "of rows to each other are left, which Gromov-Wasserstein matches without knowing which row is which.",
        make=reordered.turned_spectrum,
        paired=False,
        seen_by=("gromov-wasserstein",),
        missed_by=("mmcs", "singular-values", "cka", "procrustes", "rsa"),
    ),
    SeparatingSetting(
        "circle",
        what="A circle on both sides, with a little noise, in bases of their own and with no row correspondence. In "
        "the control the right side fills the disc, with the same mean and covariance.",
        why="Mean, covariance and the spectrum are the same with the circle and without, and no row has a partner. "
        "What is left is the hole, which persistent homology (H1) and the geometry score find, and how far rows lie "
        "from each other, which Gromov-Wasserstein compares and the spanning trees of `rtd` and `rtd-lite` measure "
        "whether rows correspond or not. (The chance level of distance correlation hangs on it too, and differs a "
        "little.)",
        make=loops.clean_circle,
        paired=False,
        seen_by=("persistence-bottleneck",),
        missed_by=("singular-values", "mmcs", "cka", "procrustes", "rsa", "knn-jaccard", "distance-correlation"),
        told_apart=True,
    ),
    SeparatingSetting(
        "noisy-circle",
        what="The same with more noise: in ten dimensions, rows lie .4 away from a circle of radius 1.",
        why="The hole is still there, and still all that is left to see.",
        make=loops.noisy_circle,
        paired=False,
        seen_by=("persistence-bottleneck",),
        missed_by=("singular-values", "mmcs", "cka", "procrustes", "rsa", "knn-jaccard", "distance-correlation"),
        told_apart=True,
    ),
    SeparatingSetting(
        "sheet",
        what="That rows lie on a smooth surface in six dimensions, each side on one of its own. In the control the "
        "right side is Gaussian, with the same mean and covariance.",
        why="How heat flows among the nearest neighbours of a row tells two dimensions from six. So do the distances "
        "of all rows, which Gromov-Wasserstein compares, and all short loops together, but not the longest alone.",
        make=pieces.sheet,
        paired=False,
        seen_by=("heat-trace",),
        missed_by=("singular-values", "cka", "procrustes", "rsa"),
        told_apart=True,
    ),
    SeparatingSetting(
        "bridge",
        what="Two lumps with a thin bridge between them. In the control the right side is one long Gaussian, with the "
        "same mean and covariance.",
        why="A Mapper graph draws lumps and bridge, and the ways along it are long. Neither side has a loop to speak "
        "of, but how long the short ones last differs too, which persistence diagrams and the geometry score show.",
        make=pieces.bridge,
        paired=False,
        seen_by=("mapper-gromov", "mapper-hypergraph"),
        missed_by=("singular-values", "cka", "procrustes"),
        told_apart=True,
    ),
)  # fmt: skip

#: The settings by name.
SEPARATING = {setting.name: setting for setting in _SETTINGS}


def separating_case(name: str, seed: int, *, shared: bool = True) -> SeparatingCase:
    """Two clouds of a setting: ``shared=False`` for the control, which shares nothing and is alike in all else.

    The same name and seed give the same bits, and twins have the same left side. InvalidConfig for an unknown name.

    >>> separating_case("wound", seed=0)
    SeparatingCase(wound: 150 x 8 and 150 x 8, shared, paired)
    """
    if name not in SEPARATING:
        near = get_close_matches(str(name), SEPARATING, 1)
        raise InvalidConfig(
            f"there is no separating setting {name!r}{f'; did you mean {near[0]!r}?' if near else ''} "
            f"(there are {', '.join(SEPARATING)})"
        )
    return SEPARATING[name].draw(seed, shared=shared)
