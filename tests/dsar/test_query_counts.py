"""The pages of requests ask the database a bounded number of questions, however many rows there are."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dsar.identity.proof import ask_for_identity
from tests import factories
from tests.factories import DAY, NOW

pytestmark = pytest.mark.django_db
MOST = 15


def asked_by(client, path) -> list[str]:
    client.get(path)  # what a process learns once, it knows the second time
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert client.get(path).status_code == 200
    return [query["sql"][:200] for query in asked.captured_queries]


@pytest.fixture
def officer(client):
    officer = factories.make_user()
    client.force_login(officer)
    return officer


def test_the_queue_and_the_page_of_a_request(client, officer, settings):
    settings.PAGE_FACTS_SECONDS = 60
    for n in range(30):
        workspace = factories.make_workspace()
        request = factories.make_request(
            officer,
            person=factories.make_person(workspace),
            workspace=workspace,
            owner=officer,
            received_at=NOW - n * DAY,
        )
    ask_for_identity(request.pk, [("email", request.person.email)], user=officer, now=NOW)
    queue = asked_by(client, "/admin/dsar/subjectrequest/")
    page = asked_by(client, f"/admin/dsar/subjectrequest/{request.pk}/change/")
    assert len(queue) <= MOST, "\n".join(queue)
    assert len(page) <= MOST, "\n".join(page)
