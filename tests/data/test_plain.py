import io
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tastemap.data.plain import BLOCK, has_whole_frames, plain_file


def frame(draw):
    """A zstd frame of RFC 8878 with made-up blocks; all optional fields come and go."""
    single, checksum = draw.randrange(2), draw.randrange(2)
    size_flag, dictionary = draw.randrange(4), draw.randrange(4)
    flags = size_flag << 6 | single << 5 | checksum << 2 | dictionary
    size_bytes = [single, 2, 4, 8][size_flag]
    out = b"\x28\xb5\x2f\xfd" + bytes([flags]) + bytes(1 - single)
    out += bytes([0, 1, 2, 4][dictionary]) + bytes(size_bytes)
    n = draw.randrange(1, 4)
    for i in range(n):
        kind, length = draw.randrange(3), draw.randrange(1, 50)
        out += (length << 3 | kind << 1 | (i == n - 1)).to_bytes(3, "little")
        out += draw.randbytes(1 if kind == 1 else length)  # kind 1 repeats one byte
    return out + draw.randbytes(4 * checksum)


def whole(data):
    return has_whole_frames(io.BytesIO(data), len(data))


@given(st.integers(0, 10**9))
def test_a_zstd_stream_is_whole_at_the_end_of_a_frame_and_nowhere_else(seed):
    draw = random.Random(seed)
    parts = [frame(draw) for _ in range(draw.randrange(1, 3))]
    parts.insert(draw.randrange(len(parts) + 1), b"\x53\x2a\x4d\x18\x05\0\0\0skip!")
    stream = b"".join(parts)
    ends = {sum(map(len, parts[:i])) for i in range(len(parts) + 1)}
    assert [cut for cut in range(len(stream) + 1) if whole(stream[:cut])] == sorted(ends)


@pytest.mark.parametrize("shift", [-2, -1, 0, 1])
def test_a_line_end_across_two_blocks_is_one_line_end(tmp_path, shift):
    first = b"user,item\r\n"
    path = tmp_path / "log.csv"
    path.write_bytes(first + b"x" * (BLOCK - len(first) - 1 + shift) + b"\r\n1,2\r\n")
    plain = plain_file(path, tmp_path)
    assert (plain.path, plain.notes) == (path, ())


@pytest.mark.parametrize("shift", [-1, 0, 1])
def test_a_character_across_two_blocks_is_utf_8(tmp_path, shift):
    path = tmp_path / "log.csv"
    path.write_bytes(b"x" * (BLOCK - 1 + shift) + "é,1\n".encode())
    assert plain_file(path, tmp_path).path == path


def test_a_character_that_is_cut_at_the_end_is_not_utf_8(tmp_path):
    path = tmp_path / "log.csv"
    path.write_bytes("a,b\n1,é".encode()[:-1])
    assert "Latin-1" in plain_file(path, tmp_path).notes[0]


def test_an_encoding_that_nobody_knows_is_refused(tmp_path):
    from tastemap.errors import InputError

    path = tmp_path / "log.csv"
    path.write_bytes(b"a,b\n1,\x81\n")  # neither UTF-8 nor Windows-1252
    with pytest.raises(InputError, match="encoding that is not recognised"):
        plain_file(path, tmp_path)
