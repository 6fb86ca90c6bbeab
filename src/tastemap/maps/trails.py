"""Users on a picture: where one stands, what was used, what is recommended and because of what."""

from typing import TYPE_CHECKING, Any

import numpy as np

from tastemap.maps.item_map import Traveller
from tastemap.maps.lettering import called, write
from tastemap.shapes import Float32

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HUES = ("#000000", "#D55E00", "#0072B2")
"""A colour for each user; more users than these are not drawn."""


def trails(
    axes: "Axes", xy: Float32[np.ndarray, "n 2"], travellers: tuple[Traveller, ...], layout: int
) -> None:
    """Draw users over the points: history as rings, recommendations as diamonds, a star for each.

    A line joins a recommendation to the item of the history that speaks most for it.
    """
    for hue, one in zip(HUES, travellers, strict=False):
        for place, reason in zip(one.recommended.tolist(), one.because.tolist(), strict=True):
            if reason >= 0:
                ends = xy[[reason, place]]
                axes.plot(*ends.T, color=hue, linewidth=0.8, alpha=0.6, zorder=3)
        used = xy[one.history, 0], xy[one.history, 1]
        ring: dict[str, Any] = {"facecolors": "none", "edgecolors": hue, "linewidths": 1.0}
        axes.scatter(*used, s=22, zorder=4, **ring)
        axes.scatter(
            xy[one.recommended, 0],
            xy[one.recommended, 1],
            s=44,
            marker="D",
            color=hue,
            edgecolors="white",
            linewidths=0.8,
            zorder=5,
        )
        axes.scatter(
            one.xy[layout, 0],
            one.xy[layout, 1],
            s=230,
            marker="*",
            color=hue,
            edgecolors="white",
            linewidths=1.2,
            zorder=6,
        )


def user_name(one: Traveller) -> str:
    """What a user is called on a picture: a bare number gets its noun.

    >>> from numpy import zeros
    >>> none = zeros(0, dtype="int32")
    >>> user_name(Traveller("196", zeros((1, 2), dtype="float32"), none, none, none))
    'user 196'
    """
    name = called(one.name, "user", 20)
    return f"user {name}" if name.isdecimal() else name


def trail_key(axes: "Axes", travellers: tuple[Traveller, ...], top: float) -> None:
    """What the signs mean, on the axes beside the map, from the height `top` down."""
    step = 0.048
    people = zip(HUES, travellers, strict=False)
    lines = [(hue, "*", user_name(one)) for hue, one in people]
    if len(travellers) > len(HUES):
        lines.append(("none", ".", f"({len(travellers) - len(HUES):,} more not drawn)"))
    write(axes, 0, top, "on the map", fontsize=9, weight="bold", va="top")
    signs = [
        *lines,
        ("#222222", "o", "used"),
        ("#222222", "D", "recommended"),
        ("#222222", "_", "because of"),
    ]
    for line, (hue, marker, said) in enumerate(signs):
        y = top - 0.075 - step * line
        if marker == "_":
            axes.plot([0.0, 0.1], [y, y], color=hue, linewidth=0.8, clip_on=False)
        else:
            face = "none" if marker == "o" else hue
            style: dict[str, Any] = {
                "facecolors": face,
                "edgecolors": hue,
                "linewidths": 1.3,
                "clip_on": False,
            }
            axes.scatter([0.05], [y], s=130 if marker == "*" else 38, marker=marker, **style)
        write(axes, 0.13, y, said, fontsize=8, va="center")
