"""What the page says, as headings, paragraphs and tables of text; `page` and `markdown` write it down."""

from __future__ import annotations

from geomsim_audit.analysis import Rung
from geomsim_audit.auditing import CORRECTED, PUBLISHED, Audit, Audited, law_of_one_component
from geomsim_audit.page_parts import NOTHING, Section, Table, number
from geomsim_audit.procedure import STEPS, changes
from geomsim_audit.published_metrics import fault_of, sentence_of
from geomsim_audit.reading_aids import how_to_read, steps_in_words, verdicts_in_words
from geomsim_audit.truth_section import truth_section


def sections(audit: Audit) -> tuple[Section, ...]:
    """All sections of the page, in their order."""
    found = [_verdicts(audit), _reading(audit), _words(audit), _measures(audit), _corrections(audit)]
    found += [_claim(each, at, audit.recipe.alpha) for at, each in enumerate(audit.claims)]
    if any(len(each) > 2 for each in audit.readings):
        found.append(_readings(audit))
    if law := _law(audit):
        found.append(law)
    if audit.truth is not None:
        found.append(truth_section(audit.truth))
    found.append(_provenance(audit))
    return tuple(found)


def score_words(rung: Rung) -> str:
    """Score, chance and p in one line, or why there is none."""
    if rung.score is None:
        return f"not computed: {rung.error}"
    chance = "no chance level" if rung.chance is None else f"chance {number(rung.chance)}"
    return f"{number(rung.score)} ({chance}), {rung.p_text}"


def _verdicts(audit: Audit) -> Section:
    rows = []
    for each in audit.claims:
        paper = "" if each.claim.reported is None else f"; the paper says {each.claim.reported:g}"
        if each.claim.reported_p is not None:
            paper += f", p = {each.claim.reported_p:g}"
        beside = ""
        if each.beside is not None and each.beside.score is not None and _metric(each, each.corrected) != _BESIDE:
            beside = f"; {_BESIDE} {score_words(each.beside)}"
        supported = {True: "yes", False: "no", None: "cannot be told"}[each.verdict.supported]
        rows.append(
            (
                f"{each.claim.name}: {each.claim.sentence}",
                f"{_metric(each, each.published)} {score_words(each.published)}{paper}",
                f"{_metric(each, each.corrected)} {score_words(each.corrected)}{beside}",
                each.verdict.word,
                supported,
            )
        )
    headings = ("claim", "as published", "corrected", "verdict", "supported now")
    about = (
        "A paper says that two language models carry the same features, and gives numbers for it. Here each of its "
        "claims is computed twice on the same two models and text: as the paper computed it, and with the known faults "
        "of that procedure put right. What the words and numbers mean stands below the table."
    )
    return Section("What survives", (audit.summary, about), (Table(headings, tuple(rows)),))


_BESIDE = "debiased-cka"


def _metric(each: Audited, rung: Rung) -> str:
    return "share" if each.claim.quantity == "share" else rung.procedure.metric


def _reading(audit: Audit) -> Section:
    return Section("How to read it", points=how_to_read({each.claim.quantity for each in audit.claims}))


def _words(audit: Audit) -> Section:
    return Section(
        "The verdicts",
        (
            "The verdict is on the published claim; the last column says whether the corrected analysis supports its "
            f"sentence on these models and this text (p at most {audit.recipe.alpha:g}, corrected for the number of "
            "claims). Other models may differ: an audit recomputes a procedure, it does not repeat a paper's data.",
            "Supported says that there is more than chance. How much more is what the effect says.",
        ),
        points=verdicts_in_words(any(each.claim.at_least is not None for each in audit.claims)),
    )


def _measures(audit: Audit) -> Section:
    """Every measure that the page names, in the order in which it does."""
    names: dict[str, None] = {}
    for each in audit.claims:
        names |= {_metric(each, rung): None for rung in (each.published, each.corrected)}
        if each.beside is not None:
            names[_BESIDE] = None
    told = []
    for name in names:
        if name == "share":
            told.append("share: of all features of the left model that can be tested, how many have a partner.")
            continue
        fault = fault_of(name)
        told.append(f"{name}: {sentence_of(name)}" + (f" The trouble with it: {fault}." if fault else ""))
    return Section(
        "The measures",
        (
            f"Each compares the directions of paired features (rows). {_BESIDE} stands beside every other one, "
            "since few pairs do not raise it.",
        )
        if _BESIDE in names
        else (),
        points=tuple(told),
    )


def _corrections(audit: Audit) -> Section:
    there = {name for each in audit.claims for name in each.rungs}
    names = [name for name in (PUBLISHED, *STEPS, CORRECTED) if name in there]
    rows = tuple(
        (each.claim.name, *(number(each.rungs[name].effect, 2) if name in each.rungs else "" for name in names))
        for each in audit.claims
    )
    return Section(
        "What each correction does alone",
        (
            "Effect of each claim as published, with one thing put right and all else left, and with everything put "
            "right. Empty: nothing changes. Effects of different measures are not on one scale; each is between its "
            "own chance and identity.",
        ),
        (Table(("claim", *names), rows, tuple(names)),),
        points=steps_in_words(names),
    )


def _claim(each: Audited, at: int, alpha: float) -> Section:
    base = each.published.procedure
    rows = tuple(
        (
            name,
            "all of the above"
            if name == CORRECTED and len(each.rungs) > 2
            else changes(base, rung.procedure) or ("the paper's procedure" if name == PUBLISHED else "nothing"),
            str(rung.pairs) if rung.score is not None else NOTHING,
            number(rung.score) if rung.score is not None else f"not computed: {rung.error}",
            number(rung.chance),
            number(rung.effect, 2),
            rung.p_text.removeprefix("p = ").removeprefix("p "),
        )
        for name, rung in each.rungs.items()
    )
    counted = "features" if each.claim.quantity == "share" else "pairs"
    numeric = (counted, "score", "chance", "effect", "p")
    paragraphs = [each.claim.sentence, f"Verdict: {each.verdict.word}. {each.verdict.why}", *_remarks(each, alpha)]
    table = Table(("step", "what changes", *numeric), rows, numeric)
    left, right = each.claim.layers
    return Section(f"{each.claim.name} (layers {left} and {right})", tuple(paragraphs), (table,), at)


def _remarks(each: Audited, alpha: float) -> list[str]:
    found = []
    if each.published.score is None:
        found.append("As published there is no number for it on these models and this text.")
    elif not each.verdict.reproduced:
        found.append("As published, the procedure does not find it on these models and this text.")
    if each.claim.quantity == "geometry" and (fault := fault_of(each.published.procedure.metric)):
        found.append(f"{each.published.procedure.metric}: {fault}.")
    facts = each.published.facts
    if contested := int(facts.get("contested", 0)):
        corrected = each.corrected.facts.get("mean r")
        after = "" if corrected is None else f", and of the corrected ones {corrected:.2f}"
        kept = "pairs kept" if each.claim.theme is None else "pairs of this theme"
        found.append(
            f"As published, {int(facts['claimants']):,} left features name a partner and {contested} partners are "
            f"named by several; the mean correlation of the {kept} is {facts['mean r']:.2f}{after}."
        )
    if each.claim.quantity == "share" and "threshold" in each.corrected.facts:
        published = each.published.facts.get("threshold")
        before = "" if published is None else f"from r = {published:.3f} as published, and "
        found.append(
            f"A partner counts {before}from r = {each.corrected.facts['threshold']:.3f} corrected. Features whose best "
            "partner might be luck do not count, though some of them may have a true one."
        )
    if each.beside is not None and each.beside.score is not None and each.verdict.supported is not None:
        agree = each.beside.significant(alpha) == each.corrected.significant(alpha)
        if not agree:
            found.append(
                f"{_BESIDE} of the same pairs disagrees with the corrected measure: {score_words(each.beside)}. Read "
                "the claim with care."
            )
    return found


def _readings(audit: Audit) -> Section:
    rows = tuple(
        (
            str(each["dictionary"]),
            number(each.get("explained by the output")),
            number(each.get("explained by the input")),
        )
        for each in audit.readings
    )
    headings = ("dictionary", "fed with its block's output", "fed with its block's input")
    return Section(
        "One layer off",
        (
            "Model libraries list what a text becomes from layer to layer as hidden_states. Its entry l is what goes "
            "into block l, and is easily taken for what comes out. A dictionary that was trained on what comes out "
            "then reads another layer's numbers. The table says how well it fits: the share of their variance that it "
            "gives back. 1 is all of it, and below 0 no dictionary at all would be better.",
        ),
        (Table(headings, rows, headings[1:]),),
    )


def _law(audit: Audit) -> Section | None:
    drawn = [
        (each.claim.name, each.published)
        for each in audit.claims
        if each.published.procedure.metric == "svcca-of-one-component"
        and each.published.procedure.null in ("shuffle", "random-features")
        and each.published.draws is not None
    ]
    rows = tuple(
        (name, str(rung.pairs), number(rung.chance), number(law_of_one_component(rung.pairs))) for name, rung in drawn
    )
    if not rows:
        return None
    return Section(
        "The mark of one component",
        (
            "By chance |corr(PC1, PC1')| is about sqrt(2 / (pi n)) on average for n pairs, whatever the models: a "
            "correlation of two columns knows nothing else. SVCCA of many components is far above that by chance. So a "
            "published table whose chance levels follow this law was most likely made with one component.",
        ),
        (
            Table(
                ("claim", "pairs", "mean of the draws", "sqrt(2 / (pi n))"), rows,
                ("pairs", "mean of the draws", "sqrt(2 / (pi n))"),
            ),
        ),
    )  # fmt: skip


def _provenance(audit: Audit) -> Section:
    rows = tuple((str(name), str(value)) for name, value in audit.provenance.items())
    said = f"Recipe: {audit.recipe.title}." + (f" Source: {audit.recipe.source}." if audit.recipe.source else "")
    return Section(
        "What these numbers depend on",
        (
            said,
            "The published formulas were written from their description; no published code was run. The paper's own "
            "numbers, where the recipe gives them, are of other models and stand beside these for orientation alone.",
        ),
        (Table(("what", "value"), rows),),
    )
