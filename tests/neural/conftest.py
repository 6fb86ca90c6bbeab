"""Small networks on one thread: several test processes share the cores."""

import pytest

from tastemap import threads


@pytest.fixture(autouse=True)
def one_thread():
    with threads(1):
        yield
