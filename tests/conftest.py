"""What every test gets."""

import pytest
from playwright.sync_api import sync_playwright

from tests.plugin import CHROMIUM

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


@pytest.fixture(autouse=True)
def own_files(settings, tmp_path):
    """Give each test a file store of its own, the keys to it, and files outside the database of its own."""
    settings.FILES_ROOT = tmp_path / "files"
    settings.EPOCH_KEYS_ROOT = tmp_path / "epochs"
    settings.OUTSIDE_ROOT = tmp_path / "outside"


@pytest.fixture(scope="session")
def chromium():
    """One browser for the whole run: Playwright allows one event loop a process."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()
