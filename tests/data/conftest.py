"""What the tests of reading share."""

import pytest


@pytest.fixture
def write(tmp_path):
    """A function that writes a file of this content and returns its path."""

    def write(content, name="log.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write
