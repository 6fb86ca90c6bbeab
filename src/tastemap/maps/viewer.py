"""The interactive map: one HTML file that works without a network, or a frame in another page.

Its content policy forbids loading anything from anywhere, and allows only the script and the style
sheet whose hashes it names.
"""

import base64
import hashlib
import json
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from tastemap.data.shown import shown
from tastemap.errors import UsageError
from tastemap.maps.colours import PALETTE, RAMP
from tastemap.maps.item_map import ItemMap
from tastemap.maps.payload import SENTENCE, pack, title_of

SCRIPTS = (
    "elements.js",
    "data.js",
    "index.js",
    "colours.js",
    "points.js",
    "overlay.js",
    "scene.js",
    "search.js",
    "panel.js",
    "gestures.js",
    "start.js",
)
"""The parts of the script; the last one starts it."""
NAMED_IN_WORDS = 50
"""So many of the most used items are listed where scripts are switched off."""
TITLE_OF_MAP = 200


def page(item_map: ItemMap, *, neighbours: int = 10) -> str:
    """The map as one HTML page that loads nothing and shows everything.

    Parameters
    ----------
    item_map
        The map.
    neighbours
        True neighbours of each item that the page carries: 10 make up half of its size.

    Raises
    ------
    InputError
        Where a layout has coordinates that are not finite.
    """
    return _written(item_map, neighbours, inline=False)


def inline(item_map: ItemMap, *, height: int = 680, neighbours: int = 10) -> str:
    """The same page in a frame, for notebooks and for other pages.

    The frame's scripts cannot reach the page around it. A page with a content policy of its own
    has to allow `script_hashes()` in it: a frame obeys both.

    Parameters
    ----------
    item_map, neighbours
        As in `page`.
    height
        Height of the frame in pixels.
    """
    if height < 1:
        raise UsageError(f"height={height}", "pixels from 1 on", "pass height=680")
    written = _written(item_map, neighbours, inline=True)
    return (
        f'<iframe title="Item map" width="100%" height="{int(height)}" style="border:0" '
        'sandbox="allow-scripts" allow="clipboard-write" '
        f'srcdoc="{_attribute(written)}"></iframe>'
    )


def script_hashes() -> tuple[str, ...]:
    """Sources that `script-src` has to name in a page that holds the frame of `inline`.

    >>> script_hashes()[0][:8]
    "'sha256-"
    """
    return (_source_of(_script()),)


def policy() -> str:
    """The content policy of the page: nothing but its own script and style."""
    return (
        f"default-src 'none'; script-src {' '.join(script_hashes())}; "
        f"style-src {_source_of(_style())}; base-uri 'none'; form-action 'none'"
    )


def _written(item_map: ItemMap, neighbours: int, inline: bool) -> str:
    if neighbours < 0:
        raise UsageError(f"neighbours={neighbours}", "0 or more", "pass neighbours=10")
    payload = pack(item_map, neighbours)
    n = len(item_map)
    about = payload.about | {"palette": PALETTE, "ramp": RAMP}
    return _template().render(
        policy=policy(),
        title=shown(item_map.title, TITLE_OF_MAP),
        subtitle=f"{n:,} {'item' if n == 1 else 'items'}",
        n=n,
        inline=inline,
        layouts=payload.about["layouts"],
        notes=[shown(one, SENTENCE) for one in item_map.notes],
        popular=_popular(item_map),
        popular_heading="Items" if item_map.users is None else "The most used items",
        style=Markup(_style()),
        script=Markup(_script()),
        about=_embedded(about),
        packed=payload.packed,
    )


def _popular(item_map: ItemMap) -> list[tuple[str, int | None]]:
    """The most used items and their users; the first ones where no use is known."""
    users = item_map.users
    if users is None:
        return [(title_of(item_map, i), None) for i in range(min(NAMED_IN_WORDS, len(item_map)))]
    order = np.argsort(-users, kind="stable")[:NAMED_IN_WORDS].tolist()
    return [(title_of(item_map, place), int(users[place])) for place in order]


def _embedded(about: dict[str, Any]) -> Markup:
    """Facts as JSON that cannot end its own script element."""
    written = json.dumps(about, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(written.replace("<", "\\u003c"))


def _attribute(text: str) -> str:
    """Text as the value of an attribute between double quotes."""
    return text.replace("&", "&amp;").replace('"', "&quot;")


def _source_of(text: str) -> str:
    """The source expression that allows exactly this script or style."""
    digest = base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
    return f"'sha256-{digest}'"


@cache
def _script() -> str:
    parts = [_file(name) for name in SCRIPTS]
    return '(() => {\n"use strict";\n' + "\n".join(parts) + "})();\n"


@cache
def _style() -> str:
    return _file("map.css")


def _file(name: str) -> str:
    return files("tastemap.maps").joinpath("viewer_files", name).read_text(encoding="utf-8")


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("tastemap.maps", "viewer_files"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("map.html")
