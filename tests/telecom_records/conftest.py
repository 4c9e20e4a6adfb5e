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
