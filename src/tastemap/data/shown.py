"""Text from outside, made fit to be shown: one line, no control characters, not too long."""

import unicodedata

import numpy as np

from tastemap.data.interactions import ItemTable, Vocabulary

TITLE_LENGTH = 80
"""Titles and ids are cut to so many characters."""

_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that turn the direction of the text after them: of other people's text, too."""
_JOINERS = "\u200d\ufe0e\ufe0f"
"""What ties or colours the characters of one emoji."""


def shown(text: str, limit: int = TITLE_LENGTH) -> str:
    """One line of at most `limit` characters; what no page can hold becomes U+FFFD.

    Control characters, lone surrogates, non-characters and commands that turn the direction of
    writing are replaced, runs of white space become one space. Nothing is escaped: that is the
    template's task.

    >>> shown("Toy\\n Story\\x00"), shown("a" * 100, 5)
    ('Toy Story�', 'aaaa…')
    """
    # A title may be a whole book: do not walk through all of it. 20 leaves room for spaces.
    line = " ".join(text[: 20 * limit].split())
    if len(line) <= limit and line.isascii() and line.isprintable():
        return line  # nearly all: what follows looks at every character
    clean = "".join("\ufffd" if _unfit(one) else one for one in line[: limit + 1])
    if len(clean) <= limit:
        return clean
    cut = limit - 1
    while cut > 1 and (unicodedata.combining(clean[cut]) or clean[cut - 1] in _JOINERS):
        cut -= 1  # do not part a letter from its accent, nor the halves of a joined emoji
    return clean[:cut].rstrip() + "…"


def item_titles(
    codes: np.ndarray, items: Vocabulary, table: ItemTable | None, limit: int = TITLE_LENGTH
) -> list[str]:
    """What to call these items: the title, or the outside id where there is none."""
    ids = items.decode(codes).tolist()
    titles = [""] * len(ids) if table is None else table.titles[codes].tolist()
    called = [shown(title, limit) for title in titles]
    return [title or shown(str(one), limit) for title, one in zip(called, ids, strict=True)]


def _unfit(character: str) -> bool:
    code = ord(character)
    control = unicodedata.category(character) in ("Cc", "Cs") or character in _TURNING
    return control or code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF
