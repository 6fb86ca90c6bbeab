"""What verbs print, and how they name items: results on stdout, remarks on stderr."""

import json
import sys
from typing import TYPE_CHECKING, Any

from tastemap.errors import UsageError

if TYPE_CHECKING:
    from tastemap.contracts import Model


def put(text: str) -> None:
    """A line of results."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def put_json(value: Any) -> None:
    """A result as JSON."""
    put(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def say(text: str) -> None:
    """A remark, which is no result."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def name_of(model: "Model", code: int) -> str:
    """The title of an item code, or its id."""
    table = model.train.table
    title = "" if table is None else str(table.titles[code])
    return title or str(model.items.ids[code])


def item_code(model: "Model", text: str) -> int:
    """The code of an item that is named by id or title."""
    code = int(model.items.encode([text])[0])
    if code < 0 and model.train.table is not None:
        code = model.train.table.find(text)
    if code < 0:
        kind = "ids and titles" if model.train.table is not None else "ids"
        raise UsageError(
            f"no item called {text!r}",
            f"{kind} of this model, such as {name_of(model, 0)!r}",
            "check the spelling; titles must be complete",
        )
    return code


def item_id(model: "Model", text: str) -> Any:
    """The outside id of an item that is named by id or title."""
    return model.items.ids[item_code(model, text)]
