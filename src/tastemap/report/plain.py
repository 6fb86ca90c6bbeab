"""Data objects as what JSON knows."""

import dataclasses
from collections.abc import Mapping
from typing import Any

KEPT_OUT = {"data": False}
"""Metadata of a field that is not part of the data, such as a picture's coordinates."""


def plain(value: Any) -> Any:
    """Frozen dataclasses, mappings and tuples as dictionaries, lists, texts and numbers.

    >>> plain({1: (2.5, None)})
    {'1': [2.5, None]}
    """
    if dataclasses.is_dataclass(value):
        fields = [one for one in dataclasses.fields(value) if one.metadata.get("data", True)]
        return {one.name: plain(getattr(value, one.name)) for one in fields}
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return [plain(one) for one in value]
    return value.item() if hasattr(value, "item") else value
