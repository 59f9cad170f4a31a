"""README.md and the figures of the feature-splitting example, from its results."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from geomsim.activations.splitting_classes import JUDGED, UNJUDGED, classes_of
from geomsim.report.saving import save_figure
from geomsim.report.splitting import splitting_figure

Results = Mapping[str, Any]

_HEAD = """\
# Feature splitting: one layer, dictionaries of three sizes, several seeds

Train a larger sparse autoencoder on the same activations, and what becomes of the features of the smaller one? Layer 1
of the model `left` of [`code_models`](../code_models) has dictionaries of {sizes} latents; all are
TopK with 16 latents a token, so the larger one shares out as many firings among more latents. They differ from seed to
seed too, so **every number across sizes stands beside the same number between two seeds of one size**.

`python examples/feature_splitting/run.py` measures all of this again on {documents} held-out files of the standard
library ({tokens:,} tokens) and writes this page; a few minutes on two idle cores. `geomsim splitting` does the same for
two dictionaries of your own.

## In short

{short}

## The dictionaries

{members}

Dead latents fire on none of the {documents} files, those of few firings on fewer than 100 of the tokens. Neither are
judged: **all shares below are of the others**. In the largest dictionaries a quarter of the latents are so rare; on
more text some of them would be parts of splits.
"""

_CLASSES = """\
## What becomes of a latent

A latent lies inside another one where most of its activation falls on tokens on which that one fires: .5 or more of it
beyond what chance gives a container so often on, and significantly so against other text (documents exchanged and
shifted, {shifts} times; by that chance 5% of larger latents lie inside some smaller one by {threshold} or more).
**One-to-one**: each covers most of the other. **Split**: several larger latents lie inside a smaller one, each fires
mostly where the others do not, and together they cover most of it. **Merged**: the same the other way. **Tangled**:
linked in other ways. **Nested**: inside a latent that it does not, with others, make up. **Containing**: latents of the
other side lie inside it, and cover less than half of it. **Overlapping**: together with the other side beyond chance,
but nobody's part and without any. **Vanished**, **new**: nothing beyond chance on the other side.

Of the smaller dictionary's latents, mean and standard deviation over pairs of dictionaries (pairs share dictionaries,
so the deviation is somewhat too small):

{smaller}

Of the larger dictionary's:

{larger}

Two seeds of one size have no smaller side: the lower seed stands in for it, and what is split and what is merged
there is what any two dictionaries differ by.

![Classes of the latents, and into how many parts they are split](figures/classes.svg)

### Does anything vanish?

"Vanished" is a strict word: the latents of one layer fire on the same few tokens again and again, so that hardly any is
together with no other beyond chance. To see how strict, a tenth of the latents of a dictionary, drawn at random, was
taken out of a copy of it, and the copy compared with the whole. What the latents without their copy are called:

{removed}

So next to no latent would be called vanished or new if it were. Two questions that can be answered either way stand
beside the classes: whether the other dictionary has a direction of cosine .7 or more, and whether it has a latent that
is nearer (by correlation) than the next latent of the own dictionary is. To a latent that was taken out none is.

{vanished}

By directions most latents have no like in another dictionary, of another size or another seed. By what they do, nearly
all smaller latents have a nearer relative in the larger dictionary than at home: they are cut anew, and not lost. (More
latents offer more relatives. But between two seeds of one size, which offer as many as there are at home, few have none
nearer either, but for the rare latents of the largest dictionaries.)

### How much depends on the settings

Smaller latents of {ends}, and of two seeds of {first:,}, with one setting changed at a time.
The threshold is for both what lies inside and what is covered.

{sensitivity}

### Is it the same features that split?

Against two larger dictionaries that differ in their seed alone: how often a smaller latent falls into the same class
(Cohen's kappa: 0 by chance, 1 always), how many split against the first, and how many of these against the other too.
By chance: the share that splits against the other, of those that split against the first.

{stability}
"""

_DIRECTIONS = """\
## Do the directions say the same?

Both dictionaries write into one space, so decoder rows can be compared with no text read. A larger latent without a
smaller direction of cosine .7 or more is *novel* (Leask et al. 2025). Firings account for a larger latent that is in a
family or nested.

{agreement}

The two answer different questions where a larger latent is a part: its firings lie inside the whole, its direction has
turned towards what is its own. A direction that is there already is nearly always accounted for by firings too.
"""

_GEOMETRY = """\
## Is the geometry the same across sizes?

Of each two dictionaries, the {pairs} pairs of latents that name each other and correlate most; their decoder rows by
four paired metrics, all rows by `mmcs` (the mean cosine of a row of the smaller dictionary to the nearest one of the
larger). Mean ± standard deviation over pairs of dictionaries, and chance (shuffled pairs; for `mmcs` the noise floor).
Larger is closer for all. {pairs} pairs are most of what 512 latents have, and the best of what larger dictionaries have
among themselves (see mean r), so compare rows of the same smaller size: across sizes, and between two seeds of it.

{geometry}
"""

_FAMILIES = """\
## Families that a person can read

Splits of {ends} whose parts have tokens of their own. Each latent with the tokens on
which most of its activation falls, and their share of it; the percentage is the share of the whole's activation on
tokens of that part. Below, where each part is strongest.

"""


def readme(results: Results) -> str:
    """The page."""
    sizes = sorted({member["size"] for member in results["members"]})
    first = next(each for each in results["pairs"] if [each["smaller"], each["larger"]] == results["ends"])
    ends = " and ".join(results["ends"])
    parts = [
        _HEAD.format(
            sizes=_listed([f"{size:,}" for size in sizes]), documents=results["documents"], tokens=results["tokens"],
            short=_short(results), members=_members(results["members"]),
        ),
        _CLASSES.format(
            shifts=results["shifts"], threshold=_decimal(first["by chance"]), smaller=_shares(results, "smaller"),
            larger=_shares(results, "larger"), ends=ends, first=first["smaller size"],
            sensitivity=_sensitivity(results["sensitivity"]), stability=_stability(results["stability"]),
            removed=_removed(results["without their like"]), vanished=_vanished(results),
        ),
        _DIRECTIONS.format(agreement=_agreement(results)),
        _GEOMETRY.format(pairs=results["geometry"]["pairs"], geometry=_geometry(results["geometry"])),
        _FAMILIES.format(ends=ends) + "\n".join(_family(family) for family in results["families"]),
    ]  # fmt: skip
    return "\n".join(parts)


def figures(results: Results, folder: Path) -> None:
    """Classes of each two sizes, summed over seeds, and into how many parts splits go."""
    bars: dict[str, Counter[str]] = {}
    parts: dict[str, list[int]] = {}
    for (small, large), pairs in _by_sizes(results):
        counted: Counter[str] = Counter()
        for pair in pairs:
            counted.update(pair["counts"]["smaller"])
        bars[f"{small:,} in {large:,}" + " (seeds)" * (small == large)] = counted
        if small != large:
            parts[f"{small:,} to {large:,}"] = [size for pair in pairs for size in pair["splits"]]
    save_figure(splitting_figure(bars, parts), folder / "classes.svg")


def _by_sizes(results: Results) -> list[tuple[tuple[int, int], list[Any]]]:
    """Pairs of dictionaries by their sizes: seeds of one size, then across sizes."""
    groups: dict[tuple[int, int], list[Any]] = {}
    for pair in results["pairs"]:
        groups.setdefault((pair["smaller size"], pair["larger size"]), []).append(pair)
    return sorted(groups.items(), key=lambda each: (each[0][0] != each[0][1], each[0]))


def _short(results: Results) -> str:
    groups = dict(_by_sizes(results))
    across = [pair for (small, large), pairs in groups.items() if small != large for pair in pairs]
    seeds = [pair for (small, large), pairs in groups.items() if small == large for pair in pairs]

    def share(pairs: Sequence[Any], name: str, side: str = "smaller") -> str:
        return _range([pair["shares"][side].get(name, 0.0) for pair in pairs])

    def of(pairs: Sequence[Any], question: str) -> str:
        return _range([pair[question]["smaller"] for pair in pairs])

    called = {
        name: sum(each["counts"][name] for each in results["without their like"]) for name in classes_of("larger")
    }
    known = sum(count for name, count in called.items() if name not in UNJUDGED)
    splits = [each["shares"]["split"] for each in results["sensitivity"] if results["ends"][1] == each["larger"]]
    lines = [
        f"* **Few latents split cleanly**: {share(across, 'split')} of the smaller latents. Between two seeds of one "
        f"size it is {share(seeds, 'split')}, so splitting is more than what any two dictionaries differ by. How many "
        f"depends on the settings: {_range(splits)} for {' and '.join(results['ends'])}.",
        f"* **Many lose parts**: {share(across, 'containing')} of the smaller latents contain larger ones that cover "
        f"less than half of them ({share(seeds, 'containing')} between two seeds), and "
        f"{share(across, 'overlapping')} overlap with others, nobody inside the other.",
        f"* **{share(across, 'one-to-one')} stay one-to-one across sizes, and {share(seeds, 'one-to-one')} between "
        "seeds of one size.** Another seed changes as many features as another size does.",
        f"* **Little vanishes.** {share(across, 'vanished')} of the smaller latents are called so, which says little: "
        f"of {known:,} latents whose copy was deleted {called['new'] / known:.1%} are. But "
        f"{of(across, 'not nearer')} alone have no nearer latent in the larger dictionary than in their own, as a "
        f"deleted one has not ({of(seeds, 'not nearer')} between two seeds).",
    ]
    if results["stability"]:
        twice, once, expected = (
            sum(each[name] for each in results["stability"]) for name in ("split twice", "split once", "split expected")
        )
        lines.append(
            "* **Which latents split depends on the seed of the larger dictionary**: over "
            f"{len(results['stability'])} comparisons {twice / once:.0%} of the splits are splits against another seed "
            f"as well ({twice} of {once}); by chance it would be {expected / once:.0%} ({expected:.1f})."
        )
    return "\n".join(_folded(line) for line in lines)


def _range(shares: Sequence[float]) -> str:
    """The smallest and the largest.

    >>> _range([0.2, 0.1]), _range([0.125])
    ('10.0% to 20.0%', '12.5%')
    """
    return f"{min(shares):.1%} to {max(shares):.1%}" if len(shares) > 1 else f"{shares[0]:.1%}"


def _members(members: Sequence[Any]) -> str:
    rows = [
        f"| {each['name']} | {_decimal(each['explained variance'], 3)} | {each['l0']:.1f} | {each['dead']} | "
        f"{each['few firings']:,} | {each['median firings']:,.0f} |"
        for each in members
    ]
    return "\n".join([
        "| latents | explained variance | L0 | dead | few firings | median firings |",
        "| --- | --- | --- | --- | --- | --- |", *rows,
    ])  # fmt: skip


def _shares(results: Results, side: str) -> str:
    shown = [name for name in JUDGED if name != ("new" if side == "smaller" else "vanished")]
    rows = []
    for (small, large), pairs in _by_sizes(results):
        cells = [_mean_sd([pair["shares"][side].get(name, 0.0) for pair in pairs]) for name in shown]
        label = f"{small:,} in {large:,}" if side == "smaller" else f"{large:,} against {small:,}"
        rows.append(f"| {label}{', two seeds' * (small == large)} | {len(pairs)} | {' | '.join(cells)} |")
    head = f"| | pairs | {' | '.join(shown)} |"
    return "\n".join([head, "| --- " * (len(shown) + 2) + "|", *rows])


def _sensitivity(records: Sequence[Any]) -> str:
    shown = [name for name in JUDGED if name != "new"]
    rows = [
        f"| {each['setting']} | {each['smaller']} in {each['larger']} | "
        + " | ".join(f"{each['shares'][name]:.1%}" for name in shown)
        + " |"
        for each in records
    ]
    return "\n".join([f"| setting | dictionaries | {' | '.join(shown)} |", "| --- " * (len(shown) + 2) + "|", *rows])


def _removed(records: Sequence[Any]) -> str:
    shown = [name for name in JUDGED if any(each["counts"].get(name) for each in records)]
    shown += [] if "new" in shown else ["new"]
    rows = []
    for each in records:
        counts = each["counts"]
        cells = [f"{counts[name]:,}" for name in shown]
        rows.append(f"| {each['name']} | {' | '.join(cells)} | {sum(counts[name] for name in UNJUDGED):,} |")
    head = f"| latents | {' | '.join(shown)} | not judged |"
    return "\n".join([head, "| --- " * (len(shown) + 2) + "|", *rows])


def _vanished(results: Results) -> str:
    rows = []
    for (small, large), pairs in _by_sizes(results):
        cells = [
            _mean_sd([shares(pair, side) for pair in pairs])
            for side, name in (("smaller", "vanished"), ("larger", "new"))
            for shares in (
                lambda pair, side, name=name: pair["shares"][side][name],
                lambda pair, side: pair["no direction"][side],
                lambda pair, side: pair["not nearer"][side],
            )
        ]
        rows.append(f"| {small:,} and {large:,}{', two seeds' * (small == large)} | {' | '.join(cells)} |")
    names = [
        f"{side}: {name}" for side, called in (("smaller", "vanished"), ("larger", "new"))
        for name in (called, "no such direction", "none nearer")
    ]  # fmt: skip
    return "\n".join([f"| sizes | {' | '.join(names)} |", "| --- " * (len(names) + 1) + "|", *rows])


def _stability(records: Sequence[Any]) -> str:
    if not records:
        return "There are no two larger dictionaries of one size here."
    rows = [
        f"| {each['smaller']} | {each['larger size']:,}, seeds {each['seeds'][0]} and {each['seeds'][1]} | "
        f"{each['same']:.0%} | {_decimal(each['kappa'])} | {each['split once']} | {each['split twice']} | "
        f"{each['split expected']:.1f} |"
        for each in records
    ]
    head = "| smaller | larger | same class | kappa | split in the first | in both | expected by chance |"
    return "\n".join([head, "| --- " * 7 + "|", *rows])


def _agreement(results: Results) -> str:
    rows = []
    for (small, large), pairs in _by_sizes(results):
        said = [pair["agreement"] for pair in pairs]
        table = [sum(each[name] for each in said) for name in ("both", "firings alone", "directions alone", "neither")]
        same = [each["same_partner"] for each in said if each["same_partner"] is not None]
        cosines = [pair["cosine of parts"] for pair in pairs if pair["cosine of parts"] is not None]
        cells = [f"{count / sum(table):.1%}" for count in table]
        cells.append(_decimal(statistics.mean(each["kappa"] for each in said)))
        cells.append(f"{statistics.mean(same):.0%}")
        cells.append(_decimal(statistics.mean(cosines)) if cosines else "-")
        rows.append(f"| {small:,} and {large:,}{', two seeds' * (small == large)} | {' | '.join(cells)} |")
    names = [
        "sizes", "both account", "firings alone", "directions alone", "neither", "kappa",
        "nearest direction is a partner's", "cosine of a part to its whole",
    ]  # fmt: skip
    head = f"| {' | '.join(names)} |"
    return "\n".join([head, "| --- " * 8 + "|", *rows])


def _geometry(geometry: Results) -> str:
    metrics = list(dict.fromkeys(each["metric"] for each in geometry["spread"]))
    cells = {(each["left_size"], each["right_size"], each["metric"]): each for each in geometry["spread"]}
    mean_r = {(each["left_size"], each["right_size"]): each["mean_r"] for each in geometry["mean r"]}
    rows = []
    for small, large in sorted(mean_r):
        found = [cells[small, large, metric] for metric in metrics]
        shown = [
            _decimal(each["mean"], 3)
            + (f" ± {_decimal(each['sd'], 3)}" if each["sd"] is not None else "")
            + f" ({_decimal(each['chance'], 2)})"
            for each in found
        ]
        label = f"{small:,} and {large:,}" + ", two seeds" * (small == large)
        rows.append(f"| {label} | {found[0]['n']} | {_decimal(mean_r[small, large])} | {' | '.join(shown)} |")
    head = f"| | pairs of dictionaries | mean r | {' | '.join(f'`{metric}` (chance)' for metric in metrics)} |"
    return "\n".join([head, "| --- " * (len(metrics) + 3) + "|", *rows])


def _family(family: Any) -> str:
    (whole,) = family["smaller"]
    lines = [f"**{whole['latent']}** {_tokens(whole)}; its parts cover {family['cover']:.0%}", ""]
    for part, share in zip(family["larger"], family["shares"], strict=True):
        lines.append(f"* {part['latent']}, {share:.0%}: {_tokens(part)}")
    lines += ["", "```text"]
    for part in family["larger"]:
        for before, token, after in part["contexts"]:
            lines.append(f"{part['latent']:>5}  {_visible(before):>24}[{_visible(token)}]{_visible(after)}".rstrip())
    return "\n".join([*lines, "```", ""])


def _tokens(part: Any) -> str:
    return ", ".join(f"{code(each['token'])} {each['share']:.0%}" for each in part["tokens"])


def code(token: str) -> str:
    """A token as Markdown shows it, white space visible.

    >>> code(" self"), code("`")
    ('`␣self`', '`` ` ``')
    """
    shown = _visible(token).replace(" ", "␣")
    return f"`` {shown} ``" if "`" in shown else f"`{shown}`"


def _visible(text: str) -> str:
    return text.replace("\r", "").replace("\n", "⏎").replace("\t", "⇥")


def _mean_sd(values: Sequence[float]) -> str:
    spread = f" ± {100 * statistics.stdev(values):.1f}" if len(values) > 1 else ""
    return f"{100 * statistics.mean(values):.1f}{spread}%"


def _decimal(value: float, digits: int = 2) -> str:
    """A number below 1 as the pages write it: .62.

    >>> _decimal(0.616), _decimal(-0.05), _decimal(1.0), _decimal(-0.001)
    ('.62', '-.05', '1.00', '.00')
    """
    text = f"{value:z.{digits}f}"
    return text.replace("0.", ".", 1) if text.lstrip("-").startswith("0.") else text


def _listed(items: Sequence[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def _folded(line: str, width: int = 120) -> str:
    """An item of a list in lines of that width."""
    import textwrap

    return textwrap.fill(line, width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
