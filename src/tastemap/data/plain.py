"""From a file as it lies on disk to plain UTF-8 text, the only text that the reader sees.

Compressed files are unpacked into a temporary folder, text in another encoding is rewritten
there. That costs one pass over the file, and it buys what a table engine does not do: truncated
and damaged files are refused (DuckDB 2.0 reads on over a wrong gzip checksum and over a cut zstd
stream), and a line number is that of the unpacked text.
"""

import codecs
import gzip
import zlib
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path

import duckdb

from tastemap.data.engine import connect, quoted
from tastemap.errors import InputError, UsageError

BLOCK = 1 << 20
"""Bytes looked at in one step."""

MAX_LINE = 1 << 24
"""Bytes that a line may have."""

OTHER_FORMATS = {
    b"PK\x03\x04": "a zip archive or an Excel workbook",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ\x00": "an xz archive",
    b"7z\xbc\xaf": "a 7-zip archive",
    b"SQLite format 3": "an SQLite database",
    b"\x89HDF": "an HDF5 file",
    b"\x93NUMPY": "a NumPy array",
    b"ARROW1": "an Arrow (Feather) file",
    b"Obj\x01": "an Avro file",
    b"%PDF": "a PDF document",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
}
"""First bytes of files that are known, and not read."""

GZIP, ZSTD, PARQUET = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1"


@dataclass(frozen=True)
class PlainFile:
    """A file that DuckDB can read as it is.

    Parameters
    ----------
    path
        The file itself, or its copy in the temporary folder.
    parquet
        Whether it is Parquet (else it is UTF-8 text with one kind of line end).
    notes
        What had to be done to it, in words.
    """

    path: Path
    parquet: bool = False
    notes: tuple[str, ...] = ()


def plain_file(path: Path, folder: Path) -> PlainFile:
    """`path`, unpacked and in UTF-8; copies go into `folder`."""
    _require_file(path)
    with path.open("rb") as file:
        head = file.read(64)
    if head.startswith(PARQUET):
        return PlainFile(path, parquet=True)
    unpacked = path
    if head.startswith(GZIP):
        unpacked = _gunzipped(path, folder / "unpacked")
    elif head.startswith(ZSTD):
        unpacked = _unzstded(path, folder / "unpacked")
    with unpacked.open("rb") as file:
        head = file.read(64)
    if head.startswith(PARQUET):
        raise InputError(
            f"{path.name} is a compressed Parquet file",
            "Parquet as it is: it is compressed inside",
            f"unpack it first: gunzip {path.name}",
        )
    for magic, what in OTHER_FORMATS.items():
        if head.startswith(magic):
            raise _not_text(path, f"is {what}")
    return _as_utf8(path, unpacked, folder / "rewritten")


def _require_file(path: Path) -> None:
    allowed = "a CSV, TSV, JSON-lines or Parquet file (.gz and .zst too)"
    if path.is_dir():
        raise UsageError(f"{path} is a folder", allowed, "name the file inside it")
    if not path.exists():
        near = sorted(p.name for p in path.parent.glob("*") if p.stem == path.stem)
        hint = f"did you mean {near[0]}?" if near else "check the path"
        raise UsageError(f"{path} does not exist", allowed, hint)
    if not path.is_file():
        raise UsageError(f"{path} is not a regular file", allowed, "write it to a file first")
    try:
        empty = path.stat().st_size == 0
        path.open("rb").close()
    except OSError as error:
        raise InputError(
            f"{path} cannot be opened ({error.strerror})", allowed, "check its permissions"
        ) from error
    if empty:
        raise InputError(f"{path.name} is empty", "a file with events", "check how it was written")


def _gunzipped(path: Path, target: Path) -> Path:
    try:
        with gzip.open(path) as packed, target.open("wb") as out:
            while block := packed.read(BLOCK):
                out.write(block)
    except EOFError as error:
        raise _truncated(path) from error
    except (OSError, zlib.error) as error:
        raise InputError(
            f"{path.name} is a damaged gzip file ({error})",
            "a gzip file whose checksum is right",
            "fetch or write the file again",
        ) from error
    return target


def _unzstded(path: Path, target: Path) -> Path:
    """Unpack with DuckDB, line by line; a stream that was cut is noticed by its frames."""
    with path.open("rb") as file:
        if not has_whole_frames(file, path.stat().st_size):
            raise _truncated(path)
    lines = lines_of(path, "compression = 'zstd', store_rejects = true")
    try:
        with connect() as connection:
            # chr(1) is no part of text: a line that holds one is refused below.
            connection.execute(
                f"copy (select coalesce(line, '') from {lines}) to {quoted(str(target))} "
                "(format csv, header false, quote '', escape '', delimiter '\x01')"
            )
            rejects = connection.execute("select count(*) from reject_errors").fetchall()
    except duckdb.Error as error:
        raise _not_text(path, f"cannot be unpacked ({first_line(error)})") from error
    if rejects[0][0]:
        raise InputError(
            f"{path.name} holds {rejects[0][0]:,} lines that are not UTF-8 text",
            "UTF-8 text inside a .zst file",
            f"unpack it first (zstd -d {path.name}): plain files in Latin-1 are read",
        )
    return target


def lines_of(path: Path, options: str) -> str:
    """SQL for the physical lines of a text file: one column `line`, NULL where it is blank."""
    return (
        f"read_csv({pattern(path)}, delim = chr(1), quote = '', escape = '', header = false, "
        f"auto_detect = false, strict_mode = false, max_line_size = {MAX_LINE}, "
        f"columns = {{'line': 'VARCHAR'}}, {options})"
    )


def pattern(path: Path) -> str:
    """The path as an SQL string that matches this file alone: [, * and ? are no wildcards."""
    return quoted("".join(f"[{c}]" if c in "[*?" else c for c in str(path)))


def first_line(error: Exception) -> str:
    """The first line of an engine's message, which may run over a page."""
    return str(error).strip().split("\n")[0]


def has_whole_frames(file: BufferedIOBase, size: int) -> bool:
    """Whether every zstd frame reaches its end: follows block sizes (RFC 8878), unpacks nothing."""
    while magic := file.read(4):
        if len(magic) < 4:
            return False
        if 0x184D2A50 <= int.from_bytes(magic, "little") <= 0x184D2A5F:  # a skippable frame
            length = file.read(4)
            if len(length) < 4:
                return False
            file.seek(int.from_bytes(length, "little"), 1)
            continue
        flags = int.from_bytes(file.read(1), "little")
        single, checksum = flags >> 5 & 1, flags >> 2 & 1
        content_size = (single, 2, 4, 8)[flags >> 6]  # 0 or 1 byte in the first case
        file.seek((1 - single) + (0, 1, 2, 4)[flags & 3] + content_size, 1)
        last = False
        while not last:
            header = file.read(3)
            if len(header) < 3:
                return False
            block = int.from_bytes(header, "little")
            last = bool(block & 1)
            repeats_one_byte = block >> 1 & 3 == 1
            file.seek(1 if repeats_one_byte else block >> 3, 1)
        file.seek(4 * checksum, 1)
    return file.tell() <= size


def _as_utf8(path: Path, text: Path, target: Path) -> PlainFile:
    """Look at every byte; rewrite the text if it is not UTF-8 with one kind of line end."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    is_utf8, nul_line, lines = True, 0, 0
    ends = {"crlf": 0, "cr": 0, "lf": 0}
    with text.open("rb") as file:
        wide = file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
        file.seek(0)
        carry = b""
        while block := file.read(BLOCK):
            if not nul_line and b"\0" in block:
                nul_line = 1 + lines + block[: block.index(b"\0")].count(b"\n")
            lines += block.count(b"\n")
            block = carry + block
            carry = b"\r" if block.endswith(b"\r") else b""  # its \n may come with the next block
            block = block[: len(block) - len(carry)]
            both = block.count(b"\r\n")
            ends["crlf"] += both
            ends["cr"] += block.count(b"\r") - both
            ends["lf"] += block.count(b"\n") - both
            is_utf8 = is_utf8 and _decodes(decoder, block)
        ends["cr"] += len(carry)
        is_utf8 = is_utf8 and _decodes(decoder, b"", final=True)
    if wide:
        return _rewritten(path, text, target, "utf-16", "it is UTF-16 text")
    if nul_line:
        raise _not_text(path, f"is no text: line {nul_line:,} holds a NUL byte")
    if not is_utf8:
        said = "it is not UTF-8; read as Latin-1 (Windows-1252)"
        return _rewritten(path, text, target, "cp1252", said)
    if sum(count > 0 for count in ends.values()) > 1:
        return _rewritten(path, text, target, "utf-8", "it mixes line ends (\\n, \\r\\n, \\r)")
    return PlainFile(text)


def _decodes(decoder: codecs.IncrementalDecoder, block: bytes, final: bool = False) -> bool:
    try:
        decoder.decode(block, final)
    except UnicodeDecodeError:
        return False
    return True


def _rewritten(path: Path, text: Path, target: Path, encoding: str, said: str) -> PlainFile:
    try:
        with (
            text.open(encoding=encoding) as file,
            target.open("w", encoding="utf-8", newline="\n") as out,
        ):
            while block := file.read(BLOCK):
                out.write(block)
    except UnicodeError as error:
        raise InputError(
            f"{path.name} is in an encoding that is not recognised ({error})",
            "UTF-8 text; Latin-1, Windows-1252 and UTF-16 are read too",
            f"convert it: iconv -f ENCODING -t UTF-8 {path.name}",
        ) from error
    return PlainFile(target, notes=(f"{path.name}: {said}",))


def _truncated(path: Path) -> InputError:
    return InputError(
        f"{path.name} is truncated: its compressed data end too early",
        "a complete .gz or .zst file",
        "fetch or write the file again",
    )


def _not_text(path: Path, what: str) -> InputError:
    return InputError(
        f"{path.name} {what}",
        "CSV, TSV, ';', '|' or '::' separated text, JSON lines or Parquet (.gz and .zst too)",
        "export it as CSV or Parquet, or read it with pandas or Polars and pass that table",
    )
