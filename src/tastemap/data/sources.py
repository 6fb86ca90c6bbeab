"""Where a data set can be fetched from, and how: from an address, or out of a wheel by pip."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pooch

CONNECT_SECONDS = 5
"""How long to wait for a site that does not answer before the next source is tried."""

READ_SECONDS = 30
PIP_SECONDS = 120

Catalogue = dict[int, tuple[str, tuple[str, ...]]]
"""Title and genres by item id."""


@dataclass(frozen=True)
class Source:
    """One archive that holds a data set: where it is, what is in it, how to know it again.

    Parameters
    ----------
    fetch
        Puts the archive into a folder and returns its path: `download` or `pip_download`.
    address
        What `fetch` is given: an address or a pip requirement.
    archive
        The archive's file name. A file of this name in the cache folder is used first.
    ratings, items
        Member files: one row an event (user, item, rating, seconds), and titles with genres.
    read_items
        Parses the second.
    separator
        Between the fields of a rating.
    header
        Whether the ratings begin with a line of column names.
    archive_sha256, items_sha256
        Checksums, where known.
    """

    fetch: Callable[[str, Path], Path]
    address: str
    archive: str
    ratings: str
    items: str
    read_items: Callable[[bytes], Catalogue]
    separator: str
    header: bool = False
    archive_sha256: str | None = None
    items_sha256: str | None = None


@dataclass(frozen=True)
class DataSet:
    """A data set: its name, its full title, the sources in the order they are tried.

    `rows_sha256` is the checksum of the rating rows without a header: whatever the source, the
    rows are these.
    """

    name: str
    title: str
    sources: tuple[Source, ...]
    rows_sha256: str | None = None


def download(address: str, folder: Path) -> Path:
    """Fetch an address into a folder; gives up soon where a site does not answer."""
    path = folder / address.rsplit("/", 1)[1]
    seconds = (CONNECT_SECONDS, READ_SECONDS)
    fetch = pooch.HTTPDownloader(progressbar=sys.stderr.isatty(), timeout=seconds)
    fetch(address, str(path), None)
    return path


def pip_download(requirement: str, folder: Path) -> Path:
    """Fetch the wheel of a requirement into a folder; nothing of it is installed or run."""
    options = "--no-deps --only-binary :all: --quiet --retries 1 --timeout 15".split()
    pip = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", *options]
    try:
        done = subprocess.run(
            [*pip, "--dest", str(folder), requirement],
            capture_output=True,
            text=True,
            timeout=PIP_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise OSError(f"pip did not finish in {PIP_SECONDS} s") from error
    found = sorted(folder.glob("*.whl"))
    if done.returncode or not found:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        errors = [line for line in said if line.startswith("ERROR")] or said
        raise OSError(errors[-1].strip() if errors else f"pip gave exit code {done.returncode}")
    return found[0]
