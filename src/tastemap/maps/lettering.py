"""Words on a picture: text that every font can draw, and names that do not lie on each other."""

import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tastemap.shapes import Float

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

FONT = "DejaVu Sans"
"""Comes with matplotlib, so that a picture looks the same everywhere."""
OTHER_FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Microsoft YaHei",
    "Yu Gothic",
    "Malgun Gothic",
    "PingFang SC",
    "Hiragino Sans",
    "Arial Unicode MS",
    "Noto Sans Devanagari",
    "Noto Sans Thai",
    "Nirmala UI",
    "Leelawadee UI",
    "Noto Emoji",
    "Segoe UI Symbol",
)
"""Asked, where they are installed, for what the first one lacks."""
TITLE_LENGTH = 30
"""Titles on a picture are cut to so many characters."""
LOST = "\ufffd"
"""Stands for what no font at hand can draw."""
INVISIBLE = frozenset("Cc Cf Cs Co Cn Zl Zp".split())
"""Unicode categories without a picture: controls, turns of direction, halves of characters."""


HALO_STYLE = (
    '[id^="halo-"] text{paint-order:stroke;stroke:#fff;stroke-width:2.4px;stroke-linejoin:round}'
)


class Box(NamedTuple):
    """A rectangle, in pixels of the screen or any other unit."""

    left: float
    bottom: float
    right: float
    top: float

    def meets(self, other: "Box", gap: float = 0.0) -> bool:
        """Whether the two come nearer to each other than `gap` in both directions.

        >>> Box(0, 0, 2, 2).meets(Box(3, 0, 4, 2)), Box(0, 0, 2, 2).meets(Box(3, 0, 4, 2), 1.5)
        (False, True)
        """
        return (
            self.left - gap < other.right
            and other.left - gap < self.right
            and self.bottom - gap < other.top
            and other.bottom - gap < self.top
        )

    def within(self, other: "Box") -> bool:
        """Whether all of it lies in the other."""
        return (
            other.left <= self.left
            and self.right <= other.right
            and other.bottom <= self.bottom
            and self.top <= other.top
        )


def drawable(text: str, limit: int = TITLE_LENGTH) -> str:
    """One line of at most `limit` characters that the fonts at hand can draw.

    What has no picture is left out; what no font knows becomes one U+FFFD. It may be empty.

    >>> drawable("Toy\\n Story\\x00 (1995)"), drawable("a" * 40, 5), drawable("\\u202e")
    ('Toy Story (1995)', 'aaaa…', '')
    """
    known = _known()
    kept: list[str] = []
    # A title may be a whole book: do not walk through all of it. 20 leaves room for spaces.
    for one in " ".join(text[: 20 * limit].split()):
        if unicodedata.category(one) in INVISIBLE or 0xFE00 <= ord(one) <= 0xFE0F:
            continue
        drawn = one if ord(one) in known else LOST
        if drawn != LOST or kept[-1:] != [LOST]:
            kept.append(drawn)
    clean = "".join(kept).strip()
    if len(clean) <= limit:
        return clean
    cut = limit - 1
    while cut > 1 and unicodedata.combining(clean[cut]):
        cut -= 1  # do not part a letter from its accent
    return clean[:cut].rstrip() + "…"


def called(title: object, instead: object, limit: int = TITLE_LENGTH) -> str:
    """A title to draw, or the id where nothing of the title can be drawn.

    >>> called("\\x00", 17), called("Heat", 17)
    ('17', 'Heat')
    """
    first = drawable(str(title), limit)
    return first if first.strip(LOST + " ") else drawable(str(instead), limit) or LOST


@cache
def families() -> tuple[str, ...]:
    """The fonts of a picture, in the order in which they are asked for a character."""
    from matplotlib.font_manager import fontManager

    installed = {one.name for one in fontManager.ttflist}
    return (FONT, *(name for name in OTHER_FONTS if name in installed))


def write(
    where: "Axes | Figure", x: float, y: float, text: str, *, halo: float = 0.0, **style: Any
) -> "Text":
    """Put text on axes or a figure: never read as mathematics, with a white halo if asked for."""
    from matplotlib.patheffects import withStroke

    style = {"fontfamily": list(families()), "parse_math": False, "color": "#222222", **style}
    put = where.text(x, y, text, **style)
    if halo:
        put.set_path_effects([withStroke(linewidth=halo, foreground="white")])
    return put


@contextmanager
def without_halos(figure: "Figure") -> Iterator[None]:
    """Let an .svg draw halos by `HALO_STYLE`: matplotlib would turn those texts into outlines."""
    haloed = [one for one in figure.findobj(_has_halo) if one.get_visible()]
    effects = [one.get_path_effects() for one in haloed]
    for number, one in enumerate(haloed):
        one.set(path_effects=[], gid=f"halo-{number}")
    try:
        yield
    finally:
        for one, before in zip(haloed, effects, strict=True):
            one.set(path_effects=before, gid=None)


def _has_halo(artist: Any) -> bool:
    return hasattr(artist, "get_text") and bool(artist.get_path_effects())


def extent(text: "Text") -> Box:
    """Where text stands, in pixels."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure = text.get_figure(root=True)
    assert figure is not None
    canvas = figure.canvas
    if not isinstance(canvas, FigureCanvasAgg):
        canvas = FigureCanvasAgg(figure)
    box = text.get_window_extent(canvas.get_renderer())
    return Box(float(box.x0), float(box.y0), float(box.x1), float(box.y1))


def wrapped(text: str, width: float, like: "Text") -> list[str]:
    """Text broken into lines of at most `width` pixels, in the font of `like`.

    A word that is wider stands on a line of its own. What `like` says is left as it was.
    """
    before = like.get_text()
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        like.set_text(longer)
        box = extent(like)
        if lines and box.right - box.left <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    like.set_text(before)
    return lines


def shortened(text: "Text", width: float) -> None:
    """Cut what a text says until it is at most `width` pixels wide."""
    said = text.get_text()
    while len(said) > 1:
        box = extent(text)
        if box.right - box.left <= width:
            break
        said = said.rstrip("…")[:-1].rstrip()
        text.set_text(said + "…")


def fitted(
    anchors: Float[np.ndarray, "n 2"],
    sizes: Float[np.ndarray, "n 2"],
    frame: Box,
    *,
    most: int,
    distance: float = 5.0,
    taken: Sequence[Box] = (),
    avoided: Float[np.ndarray, "m 2"] | None = None,
    gap: float = 2.0,
    apart: float = 0.0,
    mark: float = 0.0,
    centred: bool = False,
) -> dict[int, Box]:
    """Rectangles beside their points that neither overlap nor leave the frame; greedy.

    Parameters
    ----------
    anchors, sizes
        Shape (n, 2): points, and (width, height) of what is to stand beside each; the most
        important first.
    frame
        What none may leave.
    most
        How many to place.
    distance
        Between point and rectangle.
    taken
        Where nothing may be put.
    avoided
        Shape (m, 2): points that are covered only where all places cover some.
    gap
        Least distance between two rectangles.
    apart
        Least distance between two points that get a rectangle, so that they spread.
    mark
        Half the size of the sign on each such point, which no rectangle may cover.
    centred
        Put each on its point, not beside it.

    Returns
    -------
    By the row of the point; points for which there was no room are left out.

    >>> two = np.zeros((2, 2)), np.full((2, 2), 4.0)
    >>> found = fitted(*two, Box(-9, -9, 9, 9), most=2)
    >>> [(row, box.left, box.bottom) for row, box in found.items()]
    [(0, 5.0, -2.0), (1, -9.0, -2.0)]
    """
    placed: dict[int, Box] = {}
    marks: list[Box] = []
    points = np.empty((0, 2)) if avoided is None else avoided
    for row, (anchor, size) in enumerate(zip(anchors, sizes, strict=True)):
        if len(placed) >= most:
            break
        x, y = anchor.tolist()
        own = Box(x - mark, y - mark, x + mark, y + mark)
        if any(np.hypot(*(anchor - anchors[other])) < apart for other in placed):
            continue
        if mark and any(own.meets(other) for other in [*taken, *placed.values()]):
            continue
        best: tuple[int, Box] | None = None
        for box in _places(anchor, size, 0.0 if centred else distance, centred):
            others = [*taken, *placed.values()]
            if not box.within(frame) or any(box.meets(other, gap) for other in others):
                continue
            if any(box.meets(other) for other in marks):
                continue
            inside = (points > box[:2]).all(axis=1) & (points < box[2:]).all(axis=1)
            covered = int(inside.sum())
            if best is None or covered < best[0]:
                best = covered, box
        if best is not None:
            placed[row] = best[1]
            if mark:
                marks.append(own)
    return placed


def _places(
    anchor: Float[np.ndarray, " 2"], size: Float[np.ndarray, " 2"], distance: float, centred: bool
) -> list[Box]:
    """Where a rectangle could stand: right, left, above, below and at the corners of a point."""
    (x, y), (width, height) = anchor.tolist(), size.tolist()
    if centred:
        corners = [(x - width / 2, y - height / 2 + up * height) for up in (0, 0.6, -0.6)]
    else:
        near = 0.7 * distance
        corners = [
            (x + distance, y - height / 2),
            (x - distance - width, y - height / 2),
            (x - width / 2, y + distance),
            (x - width / 2, y - distance - height),
            (x + near, y + near),
            (x - near - width, y + near),
            (x + near, y - near - height),
            (x - near - width, y - near - height),
        ]
    return [Box(left, low, left + width, low + height) for left, low in corners]


@cache
def _known() -> frozenset[int]:
    """Code points that at least one of the fonts can draw."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    found = (findfont(FontProperties(family=[name])) for name in families())
    return frozenset().union(*(get_font(path).get_charmap() for path in found))
