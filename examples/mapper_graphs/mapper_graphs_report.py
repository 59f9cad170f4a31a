"""README.md of the Mapper graphs, from their results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_HEAD = """\
# Mapper graphs of two language models, node by node

Which places of one model's activations are which places of another's? Both models of [`code_models`](../code_models)
read {documents} held-out files of the standard library ({characters:,} characters of each). A Mapper graph is made of
each model by itself, the best plan between the two graphs says which node belongs to which (`mapper-transport`: 0 where
the nodes hold the same rows, larger is farther), and a shuffle says what chance would give.

`python examples/mapper_graphs/run.py` measures all of this again and writes this page, in a few minutes. UMAP is the
lens, and its values depend on the versions of umap-learn and numba: elsewhere the graphs may differ in detail.

How the graphs are made was settled in two steps. What was tried, the lens and the ranges of settings, was chosen by
hand so that nodes can be read, with scores in sight: two principal components mix everything (three tokens make up a
fifth of a node); through a UMAP of two dimensions a node is a few tokens. Within these ranges `suggest_settings` chose
from each side by itself, without the scores: cubes, overlap and the distance of DBSCAN (in units of each cloud's root
mean square distance to its mean) are those around which neither graph changes in number of components and loops, one
setting for both sides. The p-values do not count the first step. How large a node must be to be listed and tested
({least rows} rows, or 5 latents) was set after first values were seen: read the p-values of pairs of nodes with that
in mind.
"""

_TOKENS = """\
## Token activations

{rows:,} tokens: every fifth token of {kept} documents, as many of each, so that whole documents can change places.

{settings}

{graphs}

Chance is that of a shuffle of the right rows, {draws} draws, in three ways: whole documents change places, as their
tokens depend on each other; rows one by one; and rows that bear the same token, which asks for more than "the same
token lies in the same place". Much of the agreement is the token itself, most of all in the earlier layers; that
chance is far lower than the others, and the graphs are closer than it still, by more in the later layers.

{scores}
"""

_MATCHES = """\
### Nodes of `left` layer {left} and `right` layer {right} that belong together

Those that bring the graphs closest (mass times Jaccard, which add up to 1 - score), of at least {least} rows each, no
token named twice, and with half of the rows of either node on the tokens that are listed. These are over-represented in
the node, found on each side by itself, with the share of its rows (`⏎`+7␣: a line end and seven spaces). p is
family-wise over all pairs of nodes of so many rows, whole documents shuffled.
"""

_LATENTS = """\
## Decoder rows

Latents of the SAEs of `left` layer 1 and of `right` layer 2 (or of `left` trained from a second seed, the skyline) that
name each other as most correlated on the same text; the graphs are made of their unit decoder rows, which know nothing
of the other model, and row i is pair i. The control shuffles which latent is paired with which. Decoder rows are nearly
at right angles to each other, so these graphs are little more than the mesh of the cover: what agrees is which latents
lie near which, not a shape; and an edge that is preserved means neighbouring cubes. Each line has a setting of its own:
compare a score with its chance, not with that of the other line.

{scores}

{settings}

{controls}
"""

_LATENT_MATCHES = """\
### Nodes of decoder rows that belong together, `left` and `{model}`

Of the shared latents those most correlated, each by the token on which it is most active: left / right. Nodes overlap,
so of each match more than half of the shared latents is in none above it. p is family-wise over all pairs of nodes of
five latents or more, rows shuffled.

{matches}
"""

_MANY = 3  # spaces, from which on they are counted
_NULLS = ("whole documents", "rows", "rows of the same token")


def readme(results: Mapping[str, Any]) -> str:
    """The page."""
    tokens, latents = results["tokens"], results["latents"]
    parts = [
        _HEAD.format(**results),
        _TOKENS.format(
            rows=tokens[0]["rows"], kept=tokens[0]["kept documents"], draws=tokens[0]["draws"],
            settings="\n".join(f"* {layers(each)}: {setting(each['setting'])}" for each in tokens),
            graphs=graphs_table(tokens), scores=scores_table(tokens),
        ),
        "![Both graphs](figures/tokens_1_2.png)",
        *(part for each in tokens for part in token_matches(each, results["least rows"])),
        _LATENTS.format(
            scores=latents_table(latents),
            settings="\n".join(f"* `{each['model']}`: {setting(each['setting'])}" for each in latents),
            controls="\n".join(f"* `{each['model']}`: {controls(each)}" for each in latents),
        ),
        "![Both graphs of decoder rows](figures/latents_right.png)",
        *(_LATENT_MATCHES.format(model=each["model"], matches=latent_matches(each)) for each in latents),
    ]  # fmt: skip
    return "\n".join(f"{part.rstrip()}\n" for part in parts)


def layers(found: Mapping[str, Any]) -> str:
    """Which layers."""
    return f"`left` {found['left layer']} with `right` {found['right layer']}"


def setting(found: Mapping[str, Any]) -> str:
    """The setting, and how far the region around it goes."""
    return (
        f"{found['cubes']} x {found['cubes']} cubes, overlap {short(found['overlap'])}, distance "
        f"{found['relative eps']:g}; a region of {found['region']} of {found['settings']} settings without change"
    )


def graphs_table(tokens: Sequence[Mapping[str, Any]]) -> str:
    """Every graph in numbers."""
    lines = [
        [
            f"`{side}` {found[f'{side} layer']}", str(graph["nodes"]), str(graph["edges"]), str(graph["components"]),
            f"{graph['noise'] / graph['rows']:.0%}", f"{share:.0%}",
        ]
        for found in tokens
        for side, graph, share in zip(("left", "right"), found["sides"], found["top-3 share"], strict=True)
    ]  # fmt: skip
    return markdown(["graph", "nodes", "edges", "components", "rows in no node", "a node's 3 commonest tokens"], lines)


def scores_table(tokens: Sequence[Mapping[str, Any]]) -> str:
    """Score, chance and p by null."""
    lines = [
        [
            layers(found), short(found["score"], 3), name, short(found["nulls"][name]["chance"], 3),
            p_text(found["nulls"][name]["p"], found["draws"]),
            edges(found) if name == _NULLS[0] else "",
        ]
        for found in tokens
        for name in _NULLS
    ]  # fmt: skip
    return markdown(["layers", "score", "what is shuffled", "chance", "p", "edges preserved"], lines)


def token_matches(found: Mapping[str, Any], least: int) -> list[str]:
    """Five pairs of nodes with tokens and contexts."""
    head = _MATCHES.format(left=found["left layer"], right=found["right layer"], least=least)
    return [head, *(token_match(each, found["draws"]) for each in found["matches"])]


def token_match(match: Mapping[str, Any], draws: int) -> str:
    """One pair of nodes."""
    tokens = [", ".join(f"{code(each['token'])} {each['share']:.0%}" for each in match[f"{side} tokens"])
              for side in ("left", "right")]  # fmt: skip
    text = "\n".join(context(*each) for each in match["contexts"])
    return (
        f"**{code(match['left tokens'][0]['token'])}**: {match['left rows']} and {match['right rows']} rows, "
        f"{match['shared rows']} shared, Jaccard {short(match['Jaccard'])}, p "
        f"{p_text(match['p family-wise'], draws)}\n\n* left: {tokens[0]}\n* right: {tokens[1]}\n\n```text\n{text}\n```"
    )


def context(before: str, token: str, after: str) -> str:
    """A line of text with the token in [ ]."""
    before, token, after = (part.replace("\n", "⏎").replace("\t", "⇥") for part in (before, token, after))
    return f"{before:>24}[{token}]{after}"


def latents_table(latents: Sequence[Mapping[str, Any]]) -> str:
    """Score, chance and p of decoder rows."""
    lines = [
        [
            f"`{found['model']}` {found['layer']}", str(found["pairs"]),
            " and ".join(str(graph["nodes"]) for graph in found["sides"]),
            " and ".join(f"{graph['noise'] / graph['rows']:.0%}" for graph in found["sides"]),
            short(found["score"], 3), short(found["chance"], 3), p_text(found["p"], found["draws"]), edges(found),
        ]
        for found in latents
    ]  # fmt: skip
    header = ["`left` 1 with", "pairs", "nodes", "rows in no node", "score", "chance", "p", "edges preserved"]
    return markdown(header, lines)


def controls(found: Mapping[str, Any]) -> str:
    """What shuffled pairs give."""
    p, scores = found["controls"]["p"], found["controls"]["score"]
    return (
        f"of {len(p)} controls {sum(each <= 0.05 for each in p)} have p <= .05 (p from {short(min(p))} to "
        f"{short(max(p))}, score from {short(min(scores), 3)} to {short(max(scores), 3)})"
    )


def latent_matches(found: Mapping[str, Any]) -> str:
    """Five pairs of nodes, with the tokens of shared latents."""
    lines = [
        [
            f"{match['left rows']} and {match['right rows']}", str(match["shared rows"]), short(match["Jaccard"]),
            p_text(match["p family-wise"], found["draws"]),
            ", ".join(
                " / ".join(code(each[f"{side} tokens"][0][0]) for side in ("left", "right"))
                for each in match["latents"]
            ),
        ]
        for match in found["matches"]
    ]  # fmt: skip
    return markdown(["latents", "shared", "Jaccard", "p", "what they fire on"], lines)


def edges(found: Mapping[str, Any]) -> str:
    """Shares of edges that stay."""
    ways = ("left-to-right", "right-to-left")
    return " and ".join(f"{found[f'edges preserved {way}']:.0%}" for way in ways)


def code(token: str) -> str:
    """A token as code that shows its white space and breaks no table.

    >>> code(" self"), code("|")
    ('`␣self`', '`\\\\|`')
    """
    indent = len(token) - len(token.rstrip(" "))
    many = not token.strip() and indent >= _MANY
    shown = (token.rstrip(" ") if many else token).replace("\n", "⏎").replace("\t", "⇥").replace(" ", "␣")
    shown = shown.replace("|", "\\|")
    return (f"`` {shown} ``" if "`" in shown else f"`{shown}`") + (f"+{indent}␣" if many else "")


def p_text(p: float, draws: int) -> str:
    """A p-value; "≤" where no draw came as close."""
    least = 1 / (draws + 1)
    return f"≤ {short(least, 3)}" if p <= least * (1 + 1e-9) else short(p, 3)


def short(value: float, digits: int = 2) -> str:
    """A share without its leading zero.

    >>> short(0.254), short(1.0)
    ('.25', '1.00')
    """
    text = f"{value:.{digits}f}"
    return text[1:] if text.startswith("0.") else text


def markdown(header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table."""
    return "\n".join("| " + " | ".join(line) + " |" for line in [header, ["---"] * len(header), *lines])
