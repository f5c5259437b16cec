"""A real browser, and pages that fail the test if the browser complains of anything or they ask for anything."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:  # imported where there is a browser: every process collects these tests
    from playwright.sync_api import Browser, Page, Request

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
WIDTHS = (400, 1400)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Begin early with the tests of this folder, and skip them where there is no browser."""
    item.add_marker(pytest.mark.long_setup)
    if CHROMIUM is None:
        item.add_marker(pytest.mark.skip(reason="no Chromium is installed here: apt-get install chromium"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # Containers run as root and with little shared memory, where Chromium's own sandbox does not start.
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield started
        started.close()


class OpenPage:
    """A page in the browser.

    Attributes
    ----------
    page : Page
        Playwright's.
    complaints : list of str
        Messages of the console, errors of scripts, dialogs, and whatever it asked for besides itself.
    """

    def __init__(self, browser: Browser, url: str, *, width: int, **options: Any) -> None:
        self.complaints: list[str] = []
        self._url = url.partition("#")[0]
        self.page: Page = browser.new_page(viewport={"width": width, "height": 900}, **options)
        self.page.on("console", lambda message: self.complaints.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(f"dialog: {dialog.message}"))
        self.page.on("request", self._note_request)
        self.page.goto(url)

    def _note_request(self, request: Request) -> None:
        if request.url != self._url:
            self.complaints.append(request.url)

    def accessibility_findings(self) -> list[str]:
        """Return what axe-core finds that is serious or critical: the rule, and where."""
        from axe_playwright_python.sync_playwright import Axe

        found = Axe().run(self.page).response["violations"]
        serious = (each for each in found if each["impact"] in ("serious", "critical"))
        return [f"{each['id']}: {node['html'][:200]}" for each in serious for node in each["nodes"]]


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Callable[..., OpenPage]]:
    """Open pages, given as HTML or as a file; afterwards nothing may have been complained of."""
    pages: list[OpenPage] = []

    def open_page(html: str | Path, *, width: int = WIDTHS[-1], fragment: str = "", **options: Any) -> OpenPage:
        path = html if isinstance(html, Path) else tmp_path / f"page{len(pages)}.html"
        if isinstance(html, str):
            path.write_text(html, encoding="utf-8", errors="replace")
        pages.append(OpenPage(browser, path.as_uri() + fragment, width=width, **options))
        return pages[-1]

    yield open_page
    complaints = [complaint for page in pages for complaint in page.complaints]
    for page in pages:
        page.page.close()
    assert complaints == []


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add where pictures for the documentation go; none are made without."""
    parser.addoption("--screenshots", type=Path, help="write the pictures of the documentation into this folder")


@pytest.fixture
def picture(request: pytest.FixtureRequest) -> Callable[[OpenPage, str], None]:
    given: Path | None = request.config.getoption("--screenshots", default=None)
    folder = given and given.resolve()  # before a test goes to a folder of its own

    def take(page: OpenPage, name: str) -> None:
        if folder is not None:
            page.page.screenshot(path=folder / name, animations="disabled")

    return take
