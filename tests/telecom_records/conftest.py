"""What several files of these tests begin with."""

import pytest

from tests import factories
from tests.telecom_records import recordings


@pytest.fixture
def alice():
    """A customer with call recording, who keeps it for 14 days."""
    return recordings.customer(recordings.OURS)


@pytest.fixture
def source():
    """A switch in London."""
    return factories.make_source("pbx", country="GB", time_zone="Europe/London")


@pytest.fixture
def made(alice, source):
    """A call of hers."""
    return recordings.call(alice, source)


@pytest.fixture
def officer(client):
    """Whoever is signed in."""
    user = factories.make_user()
    client.force_login(user)
    return user


@pytest.fixture
def at_now(monkeypatch):
    """Let the pages live at NOW, like the rows."""
    monkeypatch.setattr("django.utils.timezone.now", lambda: factories.NOW)
