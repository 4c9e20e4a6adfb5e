"""Requests from before the moves: their states, dates and trail come along, and go back."""

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from tests import factories
from tests.factories import DAY, NOW

BEFORE = ("dsar", "0002_more_laws")


def migrate(target):
    executor = MigrationExecutor(connection)
    executor.migrate([target])
    return MigrationExecutor(connection).loader.project_state([target]).apps


@pytest.mark.django_db(transaction=True)
def test_what_was_in_progress_or_answered_is_carried_over_with_its_dates():
    officer = factories.make_user()
    open_one, answered = factories.make_request(officer), factories.make_request(officer)
    answer = open_one.deadlines.get().answer
    try:
        old = migrate(BEFORE)
        requests = old.get_model("dsar", "SubjectRequest").objects
        kept = {
            name: answer[name] for name in answer if name not in ("acknowledge_by", "acknowledge_by_at", "legal_latest")
        }
        assert requests.get(pk=open_one.pk).explanation == answer  # carried back
        requests.filter(pk=open_one.pk).update(state="working", explanation=kept)
        requests.filter(pk=answered.pk).update(state="answered", closed_at=NOW)
        event = old.get_model("dsar", "RequestEvent").objects
        event.create(request_id=open_one.pk, at=NOW + DAY, kind="moved", text="In progress.", by_id=officer.pk)
    finally:
        call_command(
            "migrate", "dsar", verbosity=0
        )  # to the newest one, with the guards of tables that were made again
    open_one.refresh_from_db(), answered.refresh_from_db()
    assert (open_one.state, open_one.state_since, open_one.remind_at) == ("collecting", NOW + DAY, open_one.due_at)
    assert (answered.state, answered.closed_at, answered.remind_at) == ("closed", NOW, None)
    result = open_one.deadlines.get()
    assert (result.cause, result.rule_version, result.answer["steps"]) == (
        "registered",
        "policy_default-1",
        answer["steps"],
    )
    assert list(open_one.events.order_by("at").values_list("state", flat=True)) == ["received", "collecting"]
