"""A table of vectors in words: the verdict, and the page that is printed."""

from collections.abc import Callable, Mapping, Sequence
from textwrap import fill
from typing import Any

from tastemap.maps.thresholds import Reading

Numbers = Mapping[str, Any]


def sentence(numbers: Numbers, readings: Sequence[Reading]) -> str:
    """One sentence: the gravest trouble, or what is good."""
    for light in ("fail", "warn"):
        for reading in readings:
            if reading.light == light:
                return TROUBLE[reading.name](numbers) + "."
    return _good(numbers) + "."


def _good(n: Numbers) -> str:
    used = _directions(n)
    if n["co_lift"] is None:
        return f"Item vectors {used}; without a log nothing can tell whether they are trained"
    users = f"neighbours share {n['co_lift']:.1f}x {_more(n['co_lift'])} users than chance"
    fame = (
        ""
        if n["popularity_share"] is None
        else (f"; popularity explains {100 * n['popularity_share']:.0f} % of the layout")
    )
    if n["log_lift"] is None or n["log_lift"] < 1.3:
        return f"Item vectors {used}; the log confirms no neighbours to hold them against{fame}"
    return f"Item vectors are trained and {used}; {users}{fame}"


def _more(lift: float) -> str:
    return "as many" if lift < 1 else "more"


def _directions(n: Numbers) -> str:
    if n["effective_rank"] is None:
        return "are all equal"
    whole = n["effective_rank"] >= 0.9 * n["d"]
    return (
        f"use {'all' if whole else format(n['effective_rank'], '.0f') + ' of'} {n['d']} directions"
    )


TROUBLE: dict[str, Callable[[Numbers], str]] = {
    "zero_share": lambda n: f"{100 * n['zero_share']:.0f} % of the item vectors are zero",
    "mean_cosine": lambda n: (
        f"Item vectors have collapsed: nearly all point the same way "
        f"(mean cosine {n['mean_cosine']:.2f})"
    ),
    "id_shift_gain": lambda n: (
        f"Rows and item ids have moved against each other: row i fits item i "
        f"{'-' if n['id_shift'] > 0 else '+'} {abs(n['id_shift'])} "
        f"{n['id_shift_gain']:.1f}x better"
    ),
    "co_lift_matched": lambda n: (
        f"Item vectors do not fit the log: neighbours share no more users than chance "
        f"({n['co_lift_matched']:.1f}x)"
        if n["co_lift_matched"] < 1.2
        else f"Item vectors fit the log poorly: neighbours share only {n['co_lift_matched']:.1f}x "
        "the users of chance"
    ),
    "alignment_gap": lambda n: (
        "User vectors do not point at what users used: they are hardly nearer to it than to "
        f"other items (gap {n['alignment_gap']:.2f})"
    ),
    "popularity_share": lambda n: (
        f"Item vectors show little but popularity, which explains "
        f"{100 * n['popularity_share']:.0f} % of the layout"
    ),
    "evr1": lambda n: (
        f"Item vectors differ along one direction mostly ({100 * n['evr1']:.0f} % of the "
        "variance), as after too little training or too much reg"
    ),
    "directions_used": lambda n: (
        f"Item vectors use {n['variance_rank']:.0f} of {n['d']} directions, where the log "
        f"confirms {n['log_directions']:.0f}"
    ),
    "hub_skew": lambda n: (
        f"A few items are everybody's neighbours: one stands in {n['hub_largest']:.0f}x as many "
        "lists as the average"
    ),
    "antihub_share": lambda n: (
        f"{100 * n['antihub_share']:.0f} % of the items are nobody's neighbour"
    ),
    "tail_lift": lambda n: (
        "Vectors of the less used half of items look random: their neighbours share only "
        f"{n['tail_lift']:.1f}x the users of chance"
    ),
    "rare_lift": lambda n: (
        "Vectors of the least used fifth of items look random: their neighbours share only "
        f"{n['rare_lift']:.1f}x the users of chance"
    ),
    "label_lift": lambda n: (
        f"Neighbours share no more labels than chance ({n['label_lift']:.1f}x), although the "
        "log's own neighbours do"
    ),
}
"""What is said of each measure that warns or fails."""

REPORTED = (
    "effective_rank",
    "variance_rank",
    "participation_ratio",
    "rankme",
    "information_abundance",
    "uniformity",
    "hub_largest",
    "co_lift",
    "pc1_popularity",
    "norm_popularity",
    "popularity_pull",
    "log_lift",
    "log_directions",
)
"""Numbers that are printed without a light."""


def page(verdict: str, numbers: Numbers, readings: Sequence[Reading]) -> str:
    """Verdict, lights and the other numbers, in lines under 80 characters."""
    head = f"{numbers['items']:,} items x {numbers['d']}, {numbers['k']} neighbours by "
    lines = [fill(verdict, 78), "", head + str(numbers["similarity"])]
    lines += [fill(note, 78) for note in numbers["notes"]]
    lines.append("")
    for reading in readings:
        shown = "-" if reading.value is None else f"{reading.value:.2f}"
        said = reading.reason or reading.threshold
        start = f"{reading.light or '':4}  {reading.name:18}{shown:>8}  "
        lines.append(fill(said, 78, initial_indent=start, subsequent_indent=" " * len(start)))
    lines.append("")
    for name in REPORTED:
        value = numbers[name]
        lines.append(f"      {name:22}" + ("-" if value is None else f"{value:.2f}"))
    return "\n".join(lines)
