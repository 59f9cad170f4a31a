"""Everything about one latent at a glance: how often, how strongly, on what, and beside which others it lies."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from geomsim.activations.codes import Codes
from geomsim.activations.latent_histogram import ActivationHistogram, Scale, activation_histogram
from geomsim.activations.latents import Context, Places, StrengthInterval, TokenShare
from geomsim.activations.text import Document
from geomsim.activations.token_texts import texts_read
from geomsim.activations.visible_text import columns_of, fitted, visible_token
from geomsim.errors import InvalidCodes
from geomsim.html_tables import html_table

if TYPE_CHECKING:
    from geomsim.activations.dictionary import Dictionary

OPEN, CLOSE = "⟦", "⟧"  # around a token in its context
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_BAR = 30  # columns of the longest bar
_HTML_BAR = "<div style='background:#1f6aa5;height:.8em;width:{:.2f}em'></div>"
_NAME = 24  # columns of a document's name


@dataclass(frozen=True)
class Neighbour:
    """Another latent of the dictionary and the cosine of both decoder rows."""

    latent: int
    cosine: float


@dataclass(frozen=True, eq=False)
class LatentLook:
    """What :func:`look` found; `str` and notebooks show it, :meth:`to_dict` gives it to programs.

    `contexts`, `tokens` and `intervals` are empty where no text was given and for a latent that is never active;
    `neighbours` where no dictionary was given.
    """

    codes: str
    latent: int
    n_latents: int
    histogram: ActivationHistogram
    tokens: Sequence[TokenShare]
    contexts: Sequence[Context]
    intervals: Sequence[StrengthInterval]
    neighbours: Sequence[Neighbour]
    left_out: Mapping[str, int]

    @property
    def name(self) -> str:
        """Which latent of what."""
        return f"latent {self.latent} of {visible_token(self.codes) or 'the codes'}"

    @property
    def title(self) -> str:
        """Its name, and among how many."""
        return f"{self.name} ({self.n_latents:,} latents)"

    @property
    def summary(self) -> str:
        """How often and how strongly it is active, in one line."""
        return ": ".join(self._facts())

    def sections(self, columns: int = 100) -> list[tuple[str, list[str]]]:
        """Headings with their lines of plain text, none wider than about so many columns."""
        left_out = ", ".join(f"{count:,} {reason}" for reason, count in self.left_out.items())
        facts = [*self._facts(), *([f"left out when the text was read: {left_out}"] if left_out else [])]
        found = [(self.title, facts)]
        if self.histogram.firings:
            bins = f"{self.histogram.scale} bins" if self.histogram.scale == "log" else "bins"
            found.append((f"activation, tokens ({bins}; zeros are not shown)", self._bars()))
        if self.tokens:
            found.append(("top tokens by share of the whole activation", self._token_lines(columns)))
        if self.contexts:
            found.append(("strongest places", [self._line(each, columns) for each in self.contexts]))
        if self.intervals:
            lines = []
            for each in self.intervals:
                lines.append(f"{each.low:.4g} to {each.high:.4g}: {each.firings:,} tokens")
                lines += [self._line(context, columns) for context in each.contexts]
            found.append(("a sample by strength", lines))
        if self.neighbours:
            lines = [f"{each.cosine:6.3f}  latent {each.latent}" for each in self.neighbours]
            found.append(("nearest decoder rows (cosine)", lines))
        return found

    def to_dict(self) -> dict[str, Any]:
        """Everything as numbers, strings and lists that JSON can hold."""
        return {
            "codes": self.codes, "latent": self.latent, "n_latents": self.n_latents,
            "histogram": self.histogram.to_dict(), "left_out": dict(self.left_out),
            **{
                name: [asdict(each) for each in getattr(self, name)]
                for name in ("tokens", "contexts", "intervals", "neighbours")
            },
        }  # fmt: skip

    def __str__(self) -> str:
        return "\n\n".join("\n".join([heading, *("  " + line for line in lines)]) for heading, lines in self.sections())

    def __repr__(self) -> str:
        return f"LatentLook({self.title}: {self.summary})"

    def _repr_html_(self) -> str:
        parts = [f"<h4>{html.escape(self.title)}</h4><p>{html.escape(self.summary)}</p>"]
        if self.histogram.firings:
            most = int(self.histogram.counts.max())
            rows = [
                [f"{low:.4g} to {high:.4g}", _HTML_BAR.format(12 * count / most), f"{count:,}"]
                for low, high, count in self._bins()
            ]
            parts.append(html_table(["activation", "", "tokens"], rows))
        if self.tokens:
            rows = [
                [f"<code>{_html_text(each.token)}</code>", f"{each.share:.1%}", f"{each.firings:,}", f"{each.mean:.4g}",
                 f"{each.largest:.4g}"]
                for each in self.tokens
            ]  # fmt: skip
            parts.append(html_table(["token", "share", "firings", "mean", "largest"], rows))
        if self.contexts:
            parts.append(html_table(["strongest places", "", "document"], list(map(_html_context, self.contexts))))
        for each in self.intervals:
            if each.contexts:
                heading = f"{each.low:.4g} to {each.high:.4g}: {each.firings:,} tokens"
                parts.append(html_table([heading, "", "document"], list(map(_html_context, each.contexts))))
        if self.neighbours:
            rows = [[str(each.latent), f"{each.cosine:.3f}"] for each in self.neighbours]
            parts.append(html_table(["nearest latent", "cosine"], rows))
        return "".join(parts)

    def _facts(self) -> list[str]:
        found = self.histogram
        if not found.firings:
            return [f"never active: 0 on all {found.n_tokens:,} tokens"]
        median, high = found.quantiles[0.5], found.quantiles[0.95]
        return [
            f"active on {found.firings:,} of {found.n_tokens:,} tokens ({found.firing_rate:.3%})",
            f"median {median:.4g}, 95% below {high:.4g}, largest {found.maximum:.4g}"
            + (f", least {found.minimum:.4g}" if found.minimum < 0 else ""),
        ]

    def _bins(self) -> list[tuple[float, float, int]]:
        edges = self.histogram.edges.tolist()
        return list(zip(edges[:-1], edges[1:], self.histogram.counts.tolist(), strict=True))

    def _bars(self) -> list[str]:
        bins = self._bins()
        most = max(count for _, _, count in bins)
        edges = _rounded(self.histogram)
        labels = list(pairwise(edges))
        room = max(len(text) for pair in labels for text in pair)
        return [
            f"{low:>{room}} to {high:>{room}}  {_bar(count / most):<{_BAR}} {count:,}"
            for (low, high), (_, _, count) in zip(labels, bins, strict=True)
        ]

    def _token_lines(self, columns: int) -> list[str]:
        longest = max(5, columns - 50)
        tokens = [f"{OPEN}{_cut(visible_token(each.token), longest)}{CLOSE}" for each in self.tokens]
        room = max(5, *map(columns_of, tokens))
        return [f"{fitted('token', room)}   share  firings      mean   largest"] + [
            f"{fitted(token, room)} {each.share:7.1%} {each.firings:8,} {each.mean:9.4g} {each.largest:9.4g}"
            for token, each in zip(tokens, self.tokens, strict=True)
        ]

    def _line(self, context: Context, columns: int) -> str:
        """Value, text with the token in the middle, document."""
        before, token, after = map(visible_token, (context.before, context.token, context.after))
        room = max(20, columns - _NAME - 14)
        token = _cut(token, room // 2)
        left = (room - 12) // 2
        right = max(0, room - left - columns_of(token))
        name = visible_token(context.document)
        name = name if columns_of(name) <= _NAME else "…" + fitted(name, _NAME - 1, end=True)
        return (
            f"{context.value:8.4g}  {fitted(before, left, end=True)}{OPEN}{token}{CLOSE}{fitted(after, right)}  {name}"
        )


def look(
    codes: Codes,
    latent: int,
    documents: Iterable[Document] | None = None,
    dictionary: Dictionary | None = None,
    *,
    bins: int = 20,
    scale: Scale = "linear",
    tokens: int = 10,
    contexts: int = 5,
    context: int = 60,
    intervals: int = 5,
    each: int = 2,
    seed: int = 0,
) -> LatentLook:
    """Look at one latent: firing rate, histogram, top tokens, strongest places, a sample by strength, neighbours.

    Parameters
    ----------
    codes, latent
        which.
    documents
        the text that was read; without it, numbers only.
    dictionary
        the one that made the codes, for the latents whose decoder rows lie nearest.
    bins, scale
        see :func:`geomsim.activations.latent_histogram.activation_histogram`.
    tokens, contexts, context
        how many top tokens and strongest places (one per document), and characters on both sides of a place.
    intervals, each, seed
        see :func:`geomsim.activations.latents.contexts_by_strength`.

    Raises
    ------
    InvalidCodes
        where there is no such latent, the codes have no token table, the documents are not the ones that were read,
        or the dictionary is not the one that made the codes.
    InvalidConfig
        for numbers below what makes sense.

    >>> codes = Codes.from_dense([[0.0, 2.0], [1.0, 0.0], [0.0, 4.0], [0.0, 0.0]])
    >>> look(codes, 1)
    LatentLook(latent 1 of the codes (2 latents): active on 2 of 4 tokens (50.000%): median 3, 95% below 3.9, largest 4)
    """
    histogram = activation_histogram(codes, latent, bins, scale=scale)
    places = None if documents is None else Places(codes.latent(latent), *texts_read(codes, documents), context)
    return LatentLook(
        codes=codes.name,
        latent=int(latent),
        n_latents=codes.n_latents,
        histogram=histogram,
        tokens=places.tokens(tokens) if places else (),
        contexts=places.strongest(contexts) if places else (),
        intervals=places.by_strength(intervals, each, seed) if places else (),
        neighbours=() if dictionary is None else _nearest(codes, latent, dictionary),
        left_out={} if codes.tokens is None else codes.tokens.left_out,
    )


def nearest_directions(dictionary: Dictionary, latent: int, n: int = 5) -> list[Neighbour]:
    """The `n` other latents whose decoder rows have the largest cosine with this one's, largest first.

    Raises InvalidCodes where there is no such latent. A decoder row of zeros has the cosine 0 with every other.
    """
    if not 0 <= latent < dictionary.latents:
        raise InvalidCodes(f"there is no latent {latent}: {dictionary!r} has latents 0 to {dictionary.latents - 1}")
    directions = dictionary.directions
    cosines = directions @ directions[latent]
    cosines[latent] = -np.inf
    order = np.argsort(-cosines, kind="stable")[: min(n, dictionary.latents - 1)]
    return [Neighbour(int(row), float(cosines[row])) for row in order]


def _nearest(codes: Codes, latent: int, dictionary: Dictionary) -> list[Neighbour]:
    known = str(codes.provenance.get("dictionary", ""))
    if dictionary.latents != codes.n_latents or (known and dictionary.sha256 and known != dictionary.sha256):
        raise InvalidCodes(
            f"{codes!r} were not made by {dictionary!r}"
            + (f" (hash {dictionary.sha256[:12]}, theirs is {known[:12]})" if known and dictionary.sha256 else "")
            + "; give the dictionary they were encoded with"
        )
    return nearest_directions(dictionary, latent)


def _rounded(histogram: ActivationHistogram) -> list[str]:
    """Edges with so many digits that neighbours differ."""
    edges = histogram.edges
    if histogram.scale == "log":
        return [f"{edge:.3g}" for edge in edges]
    decimals = max(0, 1 - math.floor(math.log10(edges[1] - edges[0])))
    return [f"{edge:z.{decimals}f}" if decimals < 6 else f"{edge:.3g}" for edge in edges]


def _cut(text: str, columns: int) -> str:
    return text if columns_of(text) <= columns else fitted(text, columns - 1) + "…"


def _bar(share: float) -> str:
    eighths = round(share * _BAR * 8) or int(share > 0)
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def _html_text(text: str) -> str:
    return html.escape(visible_token(text))


def _html_context(context: Context) -> list[str]:
    before, token, after, name = map(_html_text, (context.before, context.token, context.after, context.document))
    return [f"{context.value:.4g}", f"<code style='white-space:pre'>{before}<mark>{token}</mark>{after}</code>", name]
