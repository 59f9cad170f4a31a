"""README.md of the causal check, from its results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_HEAD = """\
# Are features that look alike used alike?

Latents of two models are paired because they are active on the same tokens. That says nothing of what they
do. Here each latent of a pair is taken out of its own model, and the change of the next-token predictions is
compared: the *score* of a pair is the correlation, over the tokens of the vocabulary, of what either latent
does to their log-probabilities, averaged over the places where it is active (-1 to 1; the mean effect of all
latents is taken away first, as taking anything out flattens predictions).

The models are those of [`code_models`](../code_models), trained apart on Python code. Latents are paired on
the first {characters:,} characters of {pairing} held-out files (mutual best correlation); interventions are
made on {interventions} other files, so that the correlation r of a pair and its score come from different
text. Of each pairing {pairs} pairs are looked at, spread evenly from the least to the most correlated.

`python examples/causal_check/run.py` measures all of this again and writes this page, in a few minutes;
`geomsim causal --help` does the same for other models.
"""

_LISTED = ("fires on", "left promotes", "right promotes")

_MAIN = """\
## Pairs are used more alike than chance, and far from identically

{table}

*By chance*: partners reshuffled among pairs that are about as often active. *Used alike*: the share of pairs
that score above random pairs at a false discovery rate of 5% (Benjamini-Hochberg), beside what their two
latents score with all others. *Random directions*: both latents' directions replaced by random ones of the
same size at the same tokens, so that only the places are still shared. *r and score*: Spearman's correlation
over the pairs, with its p. Every mean score has p {p} (all {draws:,} reshufflings scored lower){exception}.

{reading}
"""

_EXAMPLES = """\
## Look alike, and are used alike

Of `left` 1 and `right` 2, of the half of the pairs that look more alike: those that stand out most. Beside
the tokens on which the left latent is most active, the five that each of the two promotes most.

{alike}

## Look alike, and are not used alike

From the same half: those that stand out least. Both are active on the same tokens; what they make likelier
differs.

{not_alike}
"""

_WAYS = """\
## Other ways to ask

The same {pairs} pairs of `left` 1 and `right` 2.

{table}

## Matched nodes of Mapper graphs

`geomsim mapper` made a graph of the paired decoder rows of either model, and a transport plan between them;
{nodes} pairs of nodes are each other's best partner. All latents of a node are taken out together
({latents:g} of them in the median left node; matched nodes share {jaccard:.0%} of their rows on average, by
Jaccard's index). Random pairs are nodes of like size that share no row; reshuffled partners may share some.

{node_table}

{node_reading}

## What this does not say

An effect is an average over places, in one kind of text; two latents may agree on average and differ at each
place, or the other way round. Chance is that of all random pairs together, which is right for the share of pairs
used alike and says less of a single pair: latents whose effects lie along the few directions in which all effects
differ most have random scores that spread more. A dictionary with another seed gives other latents. A low score
of a pair is no proof that the models differ: a latent's effect measured on two halves of the text agrees with
itself to {half_left:z.2f} (`left`) and {half_right:z.2f} (`right`), which is what a perfect pair could reach here, and
one latent of the left dictionary may be spread over several of the right one.
"""


def readme(results: Mapping[str, Any]) -> str:
    """The page."""
    cases, ways, nodes = results["cases"], results["ways"], results["nodes"]
    main = cases["later layers"]
    beyond = [name for name, case in cases.items() if case["p"] > 1 / (case["draws"] + 1) + 1e-12]
    exception = f", but for {', '.join(beyond)}" if beyond else ""
    halves = main["halves"]
    parts = [
        _HEAD.format(
            characters=results["characters"] // results["documents"]["interventions"], **results["documents"],
            pairs=max(case["pairs"] for case in cases.values()),
        ),
        _MAIN.format(
            table=table_of(cases), draws=main["draws"], p=f"<= {1 / (main['draws'] + 1):.2g}", exception=exception,
            reading=reading(cases),
        ),
        "![Score against correlation](figures/later_layers.png)\n",
        _EXAMPLES.format(
            alike=examples_table(main["examples"]["alike"]), not_alike=examples_table(main["examples"]["not alike"])
        ),
        _WAYS.format(
            pairs=main["pairs"], table=ways_table({"as above": main, **ways}), nodes=nodes["pairs"],
            latents=nodes["latents"], jaccard=nodes["Jaccard"], node_table=ways_table({"nodes": nodes}),
            node_reading=node_reading(nodes), half_left=halves["left"], half_right=halves["right"],
        ),
    ]  # fmt: skip
    return "\n".join(f"{filled(part.rstrip())}\n" for part in parts)


def table_of(cases: Mapping[str, Mapping[str, Any]]) -> str:
    """A line for each pair of layers."""
    rows = [
        [name, " and ".join(side(each) for each in case["sides"]), str(case["pairs"]), f"{case['mean r']:z.2f}",
         f"{case['score']:z.2f}", f"{case['by chance']:z.2f}", f"{case['used alike']:.0%}",
         f"{case['control']['mean_score']:z.2f}", spearman(case)]
        for name, case in cases.items()
    ]  # fmt: skip
    columns = [
        "",
        "layers",
        "pairs",
        "mean r",
        "mean score",
        "by chance",
        "used alike",
        "random directions",
        "r and score",
    ]
    return markdown(columns, rows)


def ways_table(ways: Mapping[str, Mapping[str, Any]]) -> str:
    """A line for each way to ask."""
    rows = [
        [name, str(way["pairs"]), f"{way['score']:z.2f}", f"{way['by chance']:z.2f}", p_text(way["p"], way["draws"]),
         f"{way['used alike']:.0%}", f"{way['control']['mean_score']:z.2f}", spearman(way)]
        for name, way in ways.items()
    ]  # fmt: skip
    columns = ["", "pairs", "mean score", "by chance", "p", "used alike", "random directions", "r and score"]
    return markdown(columns, rows)


def examples_table(examples: Sequence[Mapping[str, Any]]) -> str:
    """A line for each pair."""
    rows = [
        [f"{each['left']} / {each['right']}", f"{each['r']:z.2f}", f"{each['score']:z.2f}", f"{each['control']:z.2f}",
         *(" ".join(code(token) for token in each[what]) for what in _LISTED)]
        for each in examples
    ]  # fmt: skip
    return markdown(["pair", "r", "score", "random directions", "active on", "left promotes", "right promotes"], rows)


def reading(cases: Mapping[str, Mapping[str, Any]]) -> str:
    """What the table says, in words."""
    main, skyline, other = cases["later layers"], cases["skyline"], cases["another tokenizer"]
    less, more = main["by half of r"]
    cost = "little" if skyline["score"] - main["score"] < 0.1 else "much"
    left_out = other["tokens left out"]
    told = [
        f"Between `left` 1 and `right` 2 the pairs score {main['score']:z.2f} where reshuffled ones score "
        f"{main['by chance']:z.2f}; `left` trained from a second seed scores {skyline['score']:z.2f}, so the other "
        f"architecture costs {cost}. A latent's effect on one half of the text scores {main['halves']['left']:z.2f} "
        "with its own on the other half.",
        "Both are last layers, where what a latent does is nearly its direct effect on the logits; of the earlier "
        f"layers, with a block behind them, the score is {cases['earlier layers']['score']:z.2f}.",
        "Being active at the same places explains almost none of it: random directions there score "
        f"{main['control']['mean_score']:z.2f}.",
        f"How much two latents look alike says {strength(main['spearman'])} about how much they are used alike "
        f"(Spearman {main['spearman']['rho']:z.2f}): {less:.0%} of the less correlated half of the pairs are used "
        f"alike, {more:.0%} of the more correlated half.",
        "With the third model's tokenizer pairs are made over words, and effects are compared over the "
        f"{other['tokens']:,} tokens that stand for the same characters in both vocabularies "
        f"({left_out['left']:,} of the left and {left_out['right']:,} of the right one are left out): score "
        f"{other['score']:z.2f}.",
    ]
    return " ".join(told)


def node_reading(nodes: Mapping[str, Any]) -> str:
    """What the line of the nodes says."""
    alike = "used more alike" if nodes["p"] <= 0.05 else "not used more alike"
    return (
        f"Matched nodes are {alike} than reshuffled ones (mean score {nodes['score']:z.2f} against "
        f"{nodes['by chance']:z.2f}), and {nodes['used alike']:.0%} of them stand out one by one."
    )


def strength(found: Mapping[str, float]) -> str:
    """How much a correlation of ranks says."""
    if found["p"] > 0.05:
        return "nothing that could be told from chance"
    return "little" if abs(found["rho"]) < 0.3 else "something" if abs(found["rho"]) < 0.6 else "much"


def spearman(case: Mapping[str, Any]) -> str:
    """Rho and its p."""
    found = case["spearman"]
    return "-" if found is None else f"{found['rho']:z.2f} ({p_text(found['p'], case['draws'])})"


def p_text(p: float, draws: int) -> str:
    """A p-value, with a sign where it is the least there can be."""
    return f"p {'<=' if p <= 1 / (draws + 1) + 1e-12 else '='} {p:.2g}"


def side(named: Sequence[str]) -> str:
    """A layer of a model."""
    model, site = named
    return f"`{model}` {site.partition(':')[2]}"


def code(token: str) -> str:
    """A token with its white space seen; many spaces are counted."""
    head = token.replace("\n", "\N{DOWNWARDS ARROW WITH CORNER LEFTWARDS}")
    spaces = len(head) - len(head.rstrip(" "))
    if spaces > 3:
        head = f"{head.rstrip(' ')}{spaces}\N{OPEN BOX}"
    shown = head.replace(" ", "\N{OPEN BOX}").replace("|", "\\|")
    return f"`` {shown} ``" if "`" in shown else f"`{shown}`"


def markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table."""
    lines = [list(columns), ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def filled(part: str) -> str:
    """Prose in lines of at most 120 characters; tables, headings and pictures as they are."""
    paragraphs = part.split("\n\n")
    return "\n\n".join(each if each[:1] in "|#!" else wrapped(" ".join(each.split())) for each in paragraphs)


def wrapped(text: str) -> str:
    """Lines of at most 120 characters."""
    import textwrap

    return textwrap.fill(text, 120, break_long_words=False, break_on_hyphens=False)
