"""Rules about ids: one that stands for many, and many that stand for one."""

import re
from collections import Counter
from collections.abc import Callable

import numpy as np

from tastemap.data.interactions import Vocabulary
from tastemap.diagnosis.finding import Rule, Seen, Severity
from tastemap.diagnosis.log_facts import (
    ROLES,
    Aspect,
    LogFacts,
    Role,
    joined,
    percent,
    require_events,
    some,
)
from tastemap.shapes import Int64

LARGE = 0.05
"""Share of the rows from which one user or item is large."""

FEW = 3
"""More large ids than this are a small log, not a placeholder."""

CHANCE = 1e-3
"""A large id is too large where the log's own tail would bring it with less than this chance."""

NO_NAMES = ("unknown", "null", "none", "nan", "n/a", "<na>", "undefined", "(not set)", "\\n")
"""Texts that stand for no id at all."""

SHARED = ("anonymous", "anon", "guest", "test", "default", "missing", "other", "na", "-", "-1")
"""Ids that may be somebody's, and are nobody's where they have many rows."""

PLACEHOLDER = 0.01
"""Share of the rows from which an id that looks like a placeholder is one."""


def dominating_id(f: LogFacts) -> Seen | None:
    """One user or one item has far more rows than the log explains.

    Symptom
        An id has more than 5 % of the rows and stands out from the next ones more than their own
        spread explains, or it is a word such as "unknown" that stands for many.

    Usual cause
        1. One id stands for everybody or everything unknown: null, 0, -1, "anonymous".
        2. A robot, a test account or an import under one account.
        3. One product that is no product: postage, a bag, a home page.

    How to confirm
        Look at some rows of this id: one person does not do all that.

    Remedy
        1. Leave the rows of this id out before reading.
        2. If it is real, keep it, and look at the metrics without it.
    """
    require_events(f)
    return joined(
        [aspect for role in ROLES for aspect in _dominating(f, role)],
        f"{percent(LARGE)} of the rows, or as much as the tail of the other ids explains",
    )


def _dominating(f: LogFacts, role: Role) -> list[Aspect]:
    counts = f.counts[role]
    order = np.argsort(-counts, kind="stable")
    ids, total = f.ids(role).tolist(), len(f.log)
    found: dict[int, tuple[Severity, str]] = {}
    large, chance = standing_out(counts[order])
    for code in order[:large].tolist():
        found[code] = ("warning", "more than the spread of the others explains")
    for code in order[large : _ahead(counts[order])].tolist():
        found[code] = ("tip", "three times the next one, which may be so in a log like this")
    top = int(order[0])
    if str(ids[top]) == "0" and counts[top] > LARGE * total and chance < 0.05:
        found[top] = ("warning", "the most frequent of all, and often an id that stands for none")
    for code, word in _placeholders(f.vocabularies[role]):
        often = counts[code] >= PLACEHOLDER * total or (code == top and _clearly_first(counts))
        if often:
            found[code] = ("warning", "an id that stands for many, or for none")
        elif word in NO_NAMES:
            found.setdefault(code, ("tip", "a word that stands for no id"))
    return [
        Aspect(
            severity,
            {
                f"{role} {ids[code]!r}": f"{counts[code]:,} rows",
                f"share of {role} {ids[code]!r}": percent(counts[code] / total),
                f"first row of {ids[code]!r}": f.first(getattr(f.log, role) == code)[0],
            },
            f"{role.capitalize()} {ids[code]!r} has {percent(counts[code] / total)} of the rows: "
            f"{why}.",
        )
        for code, (severity, why) in list(found.items())[:3]
    ]


def _ahead(ordered: Int64[np.ndarray, " n"]) -> int:
    """How many of the largest counts are more than three times the next one, and large."""
    large = int(np.count_nonzero(ordered > LARGE * ordered.sum()))
    for m in range(min(large, FEW, len(ordered) - 1), 0, -1):
        if ordered[m - 1] > 3 * ordered[m]:
            return m
    return 0


def _clearly_first(counts: Int64[np.ndarray, " n"]) -> bool:
    ordered = np.sort(counts)[::-1]
    return len(ordered) >= 10 and bool(ordered[0] >= 2 * ordered[1])


def _placeholders(vocabulary: Vocabulary) -> list[tuple[int, str]]:
    """Codes of ids that look like placeholders, and the word each of them is."""
    ids = vocabulary.ids
    if not vocabulary.is_text:
        negative = np.flatnonzero(ids < 0)
        return [(int(negative[0]), "-1")] if ids[negative].tolist() == [-1] else []
    words = {*NO_NAMES, *SHARED}
    lowered = ((code, one.strip().lower()) for code, one in enumerate(ids.tolist()))
    return [(code, word) for code, word in lowered if word in words]


def standing_out(ordered: Int64[np.ndarray, " n"]) -> tuple[int, float]:
    """How many of the largest counts are too large for the rest, and the chance of the first gap.

    Where the tail of counts is a power law or falls faster, log(count m / count m + 1) is
    exponential with mean xi / m (Renyi), xi being Hill's estimate from the k counts below; over
    that estimate the gap has an F distribution, P(F > x) = (1 + x / k) ** -k. So it is judged by
    the log's own spread: in a small even log a threefold count stands out, in one that popularity
    rules a tenfold one may not.

    Parameters
    ----------
    ordered
        Shape (n,): counts, largest first.
    """
    large = int(np.count_nonzero(ordered > LARGE * ordered.sum()))
    first = 1.0
    for m in range(min(large, FEW), 0, -1):
        rest = ordered[m:].astype(np.float64)
        if len(rest) < 10 or rest[0] == 0:
            continue
        k = min(max(len(rest) // 10, 9), 100, len(rest) - 1)
        # The floor is what counting alone gives: a count of 12 strays by 3.5.
        spread = max(float(np.log(rest[:k] / max(rest[k], 1)).mean()), 0.15, rest[0] ** -0.5 / 2)
        gap = float(np.log(ordered[m - 1] / rest[0]))
        first = float((1 + gap * m / spread / k) ** -k)
        if first < CHANCE:
            return m, first
    return 0, first


def variants_of_one_id(f: LogFacts) -> Seen | None:
    """Ids that are written in more than one way, or that lost digits.

    Symptom
        Ids differ only in white space, case, leading zeros or a ".0"; or they are written as
        fractions (123.0), in scientific notation (1.2E+12), or as numbers here and text there.

    Usual cause
        1. A column of numbers with missing values: pandas turns 123 into 123.0.
        2. Two sources, one with zeros in front or other case, were put together.
        3. A spreadsheet rewrote long numbers.

    How to confirm
        Look at the ids named: are they one user or item, or two?

    Remedy
        1. In pandas: frame["user"] = frame["user"].astype("Int64"), or read_csv(dtype=str).
        2. Bring ids into one form before reading: .str.strip(), .str.lower(), .str.lstrip("0").
        3. Export long numbers again as text; lost digits cannot be had back.
    """
    require_events(f)
    return joined(
        [aspect for role in ROLES for aspect in _variants(f, role)],
        "one way to write each id",
    )


Shape = Callable[[str], str]
_POINT_ZERO = re.compile(r"(?<=[0-9])\.0+$")
_SCIENTIFIC = re.compile(r"[0-9](?:[.,][0-9]+)?[eE]\+[0-9]{2,3}")

SHAPES: tuple[tuple[str, Shape], ...] = (
    ("white space", str.strip),
    ('".0"', lambda one: _POINT_ZERO.sub("", one.strip())),
    ("leading zeros", lambda one: one.strip().lstrip("0") or "0" if _digits(one) else one.strip()),
    ("case", lambda one: one.strip().casefold()),
)
"""What may tell two ids apart that are one, and the id without it."""


def _digits(one: str) -> bool:
    return one.strip().isdecimal()


def _variants(f: LogFacts, role: Role) -> list[Aspect]:
    found = _as_a_whole(f, role)
    if not f.vocabularies[role].is_text:
        return found
    ids = f.ids(role).tolist()
    for name, shape in SHAPES:
        if name == "case" and _cases_matter(ids):
            continue
        found += _colliding(f, role, name, [shape(one) for one in ids])
    padded = [one for one in ids if one != one.strip()]
    if padded and not any("white space" in aspect.means for aspect in found):
        found.append(
            Aspect(
                "tip",
                {
                    f"{role} ids with white space around them": len(padded),
                    f"as {role}": some(padded),
                },
                f"{len(padded):,} {role} ids have white space around them and will not join.",
            )
        )
    lost = [one for one in ids if _SCIENTIFIC.fullmatch(one.strip())]
    if lost:
        found.append(
            Aspect(
                "warning",
                {f"{role} ids in scientific notation": some(lost)},
                f"{len(lost):,} {role} ids are numbers whose last digits are lost.",
                causes=("A spreadsheet rewrote long numbers.",),
            )
        )
    return found


def _as_a_whole(f: LogFacts, role: Role) -> list[Aspect]:
    """What is odd about the column, whatever its single ids are."""
    found = []
    trait, kinds = f.traits.get(role, ""), f.kinds.get(role, ())
    if trait == "whole fractions":
        said = f"The {role} ids are written as fractions (123.0); tm.read makes integers of them."
        cause = "The column had missing values: pandas then turns 123 into 123.0."
        mend = f'In pandas: frame["{role}"] = frame["{role}"].astype("Int64"), before writing.'
        found.append(Aspect("tip", {f"{role} ids like": "123.0"}, said, (cause,), (mend,)))
    if trait == "fractions":
        said = f"The {role} ids are numbers with decimals: hardly the column of the {role}."
        found.append(Aspect("warning", {f"{role} ids like": some(f.ids(role).tolist())}, said))
    if trait == "mixed types" or kinds:
        types = kinds or ("number", "text")
        said = f"The {role} ids are of several types ({', '.join(types)}) and become text."
        found.append(Aspect("warning", {f"types of {role} ids": types}, said))
    ids = f.ids(role).tolist() if f.vocabularies[role].is_text else []
    others = [one for one in ids if not _digits(one)]
    if 0 < len(others) <= 0.01 * len(ids) or (len(others) == 1 and len(ids) >= 20):
        said = f"Nearly all {role} ids are numbers; {len(others):,} are not, so that all are text."
        found.append(Aspect("tip", {f"{role} ids that are no numbers": some(others)}, said))
    return found


def _cases_matter(ids: list[str]) -> bool:
    """Whether ids are codes like "aB3x", in which case is part of the id."""
    letters = [one for one in ids if one.lower() != one.upper()]
    plain = sum(one in (one.lower(), one.upper(), one.title(), one.capitalize()) for one in letters)
    return plain < 0.95 * len(letters)


def _colliding(f: LogFacts, role: Role, name: str, shaped: list[str]) -> list[Aspect]:
    """Ids that become one when they lose this difference and no other."""
    ids = f.ids(role).tolist()
    if len(set(shaped)) == len(ids):
        return []
    if name != "white space":  # which is told for itself
        stripped = [one.strip() for one in ids]
        if len(set(shaped)) == len(set(stripped)):
            return []
    many = {one for one, n in Counter(shaped).items() if n > 1}
    codes = [code for code, one in enumerate(shaped) if one in many]
    groups: dict[str, list[int]] = {}
    for code in codes:
        groups.setdefault(shaped[code], []).append(code)
    rows = int(f.counts[role][codes].sum())
    first = [" = ".join(repr(ids[code]) for code in group[:3]) for group in groups.values()][:3]
    at = f.where([int((getattr(f.log, role) == code).argmax()) for code in codes[:4]])
    return [
        Aspect(
            "warning",
            {
                f"{role} ids that differ by {name}": len(codes),
                f"such {role} ids": tuple(first),
                f"such {role} ids at": at,
            },
            f"{len(codes):,} {role} ids ({rows:,} rows) are {len(groups):,} when {name} does not "
            "count: one history is cut into several.",
        )
    ]


def bare(one: str) -> str:
    """An id without white space, case, ".0" and zeros in front.

    >>> bare(" 0012.0"), bare("B00 "), bare("0")
    ('12', 'b00', '')
    """
    return _POINT_ZERO.sub("", one.strip()).lstrip("0").casefold()


ID_RULES: tuple[Rule, ...] = (
    Rule("D102", "warning", dominating_id),
    Rule("D103", "warning", variants_of_one_id, explains=("D108",)),
)
