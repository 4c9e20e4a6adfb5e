"""What every test gets."""

import pytest


@pytest.fixture(autouse=True)
def own_files(settings, tmp_path):
    """Give each test a file store of its own."""
    settings.FILES_ROOT = tmp_path / "files"
