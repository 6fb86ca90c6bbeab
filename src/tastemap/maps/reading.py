"""Principal components in words: how much a flat map can hold, and a page to read."""

from collections.abc import Mapping
from textwrap import fill
from typing import TYPE_CHECKING

from tastemap.data.shown import shown
from tastemap.maps.axes import Axis

if TYPE_CHECKING:
    from tastemap.maps.pca import PCA

WIDTH = 78
LEARNED, IMAGES = (0.10, 0.25), (0.60, 0.80)
"""What the first two components usually hold of learned embeddings, and of pictures."""


def usual(plane: float | None, chance: float, d: int) -> str:
    """Whether the share of the variance that a flat map holds is usual, in words.

    Parameters
    ----------
    plane
        Share of the first two components; None where all vectors are equal.
    chance
        The same of random vectors of this size.
    d
        Numbers a vector.
    """
    if plane is None:
        return "All vectors are equal: there is nothing to see."
    held = f"PC1 + PC2 hold {_percent(plane)} of the variance."
    if d <= 2:
        return f"{held} The vectors have only {d} number{'s' if d > 1 else ''}: a map shows all."
    known = (
        f"learned embeddings have 10-25 %, images 60-80 %, random vectors of this size about "
        f"{_percent(chance)}"
    )
    if plane <= 1.25 * chance:
        said = (
            "No more than random vectors: the spectrum is flat. Many good factor models are as "
            "flat; only the log tells them from noise, as health does"
        )
    elif plane < LEARNED[0]:
        said = "Less than usual: the vectors spread over many directions, and a flat map shows few"
    elif plane <= LEARNED[1]:
        said = "That is normal: a flat map leaves most out, and nothing is wrong"
    elif plane < IMAGES[0]:
        said = "More than usual for learned embeddings: a few directions carry much"
    else:
        said = (
            "As much as images have, and far more than learned embeddings: one or two directions "
            "carry nearly everything, so look at what they go along with"
        )
    return f"{held} {said} ({known})."


def component_table(found: "PCA") -> str:
    """Verdict, a line a component, and the items at their ends, in lines under 80 characters.

    Parameters
    ----------
    found
        The components.
    """
    lines = [f"PCA of {len(found):,} items x {found.d}", *(_filled(n) for n in found.notes)]
    lines += ["", _filled(found.verdict)]
    if not found.axes:
        return "\n".join(lines)
    counts = ", ".join(f"{goal:.0%} in {n}" for goal, n in found.reach.items()).replace("%", " %")
    lines.append(_filled(f"Components needed: {counts} of {found.d}."))
    lines += [_filled(named) for axis in found.axes if (named := _named(axis))]
    lines += ["", "  PC   share  so far  popularity   year  label"]
    lines += [_row(axis) for axis in found.axes]
    for axis in found.axes[:3]:
        lines += ["", *_ends(axis)]
    return "\n".join(lines)


def _filled(text: str) -> str:
    """Lines of at most `WIDTH` characters, no % alone at the start of one."""
    return fill(text.replace(" %", "\xa0%"), WIDTH).replace("\xa0", " ")


def _named(axis: Axis) -> str:
    """The sentence about a component that goes along with something; "" for the others."""
    if axis.name == "popularity":
        return (
            f"PC{axis.number} is a popularity axis (rank correlation {axis.popularity:+.2f} with "
            "the number of users)."
        )
    if axis.name == "year":
        return f"PC{axis.number} runs along release years (rank correlation {axis.year:+.2f})."
    if axis.name is not None:
        r = axis.labels[axis.name]
        return f"PC{axis.number} goes along with {shown(axis.name, 30)} ({r:+.2f})."
    return ""


def _row(axis: Axis) -> str:
    label = _strongest(axis.labels)
    said = "" if label is None else f"{shown(label, 24)} {axis.labels[label]:+.2f}"
    return (
        f"  {axis.number:2}  {_percent(axis.share):>6}  {_percent(axis.so_far):>6}"
        f"  {_signed(axis.popularity):>10}  {_signed(axis.year):>5}  {said}"
    ).rstrip()


def _ends(axis: Axis) -> list[str]:
    """The titles at both ends, a line or two each."""
    lines = []
    for name, titles in (("high", axis.top), ("low", axis.bottom)):
        start = f"PC{axis.number} {name}: "
        said = " · ".join(shown(title, 34) for title in titles)
        lines.append(fill(said, WIDTH, initial_indent=start, subsequent_indent=" " * len(start)))
    return lines


def _strongest(labels: Mapping[str, float]) -> str | None:
    return max(labels, key=lambda one: abs(labels[one]), default=None)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.0995 else f"{100 * share:.1f} %"


def _signed(value: float | None) -> str:
    return "-" if value is None else f"{value:+.2f}"
