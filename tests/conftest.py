"""What every test gets."""

import pytest
from django.core.cache import cache
from django.db import connection
from playwright.sync_api import sync_playwright

from tests import database
from tests.plugin import CHROMIUM

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings, django_db_blocker):
    """Have each worker's database copied from the one that was migrated."""
    with django_db_blocker.unblock():
        connection.settings_dict["TEST"]["TEMPLATE"] = database.migrated()


@pytest.fixture(autouse=True)
def own_files(settings, tmp_path):
    """Give each test a file store of its own, the keys to it, and files outside the database of its own."""
    settings.FILES_ROOT = tmp_path / "files"
    settings.EPOCH_KEYS_ROOT = tmp_path / "epochs"
    settings.OUTSIDE_ROOT = tmp_path / "outside"


@pytest.fixture
def facts_remembered(settings):
    """Remember the notices and counts of every page, as the portal does, where hundreds of pages see the same ones."""
    cache.clear()
    settings.PAGE_FACTS_SECONDS = 300
    yield
    cache.clear()


@pytest.fixture(scope="session")
def chromium():
    """One browser for the whole run: Playwright allows one event loop a process."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()
