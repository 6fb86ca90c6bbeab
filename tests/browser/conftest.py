"""A browser without a window, and pages in it that may not complain nor ask for anything."""

import shutil
from dataclasses import dataclass, field
from importlib.util import find_spec

import pytest

NO_BROWSER = "no Chromium on this machine: apt-get install chromium"
"""Why these tests are skipped, where they are."""
NAMES = ("chromium", "google-chrome", "chromium-browser")
READY = 20_000
"""Milliseconds that a page may take to be ready."""


def chromium():
    """Path of the first Chromium that is found; None without one or without its driver."""
    paths = [path for name in NAMES if (path := shutil.which(name))]
    return paths[0] if paths and find_spec("playwright") else None


@pytest.fixture(scope="session")
def browser():
    """One Chromium for all tests of a process."""
    path = chromium()
    if path is None:
        pytest.skip(NO_BROWSER)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield launched
        launched.close()


@dataclass
class Opener:
    """Opens pages, and notes what goes wrong in them."""

    browser: object
    folder: object
    faults: list = field(default_factory=list)
    contexts: list = field(default_factory=list)

    def __call__(self, html, *, width=1280, height=800, scheme="light", scripts=True, **options):
        """A page that shows this HTML from a file."""
        path = self.folder / f"page{len(self.contexts)}.html"
        path.write_text(html, encoding="utf-8", newline="\n")
        context = self.browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            java_script_enabled=scripts,
            reduced_motion="reduce",
            **options,
        )
        self.contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(READY)
        page.on("console", lambda one: self.faults.append(f"console {one.type}: {one.text}"))
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        page.on("dialog", self._refuse)
        # Asked on the side of the network, so that nothing the page does can hide it.
        page.on("request", lambda one: self._asked(one.url, path.as_uri()))
        page.goto(path.as_uri())
        return page

    def _asked(self, url, own):
        if url.split("#")[0] != own and url != "about:srcdoc":
            self.faults.append(f"request: {url}")

    def _refuse(self, dialog):
        self.faults.append(f"dialog: {dialog.message}")
        dialog.dismiss()


@pytest.fixture
def opener(browser, tmp_path):
    """A function from HTML to an open page, which notes what goes wrong."""
    opens = Opener(browser, tmp_path)
    yield opens
    for context in opens.contexts:
        context.close()


@pytest.fixture
def opened(opener):
    """The same; a complaint or a request of a page fails the test."""
    yield opener
    assert opener.faults == []
