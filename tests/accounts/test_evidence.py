"""The evidence log: a chain without gaps that holds nothing personal and that nobody can change unseen."""

import datetime as dt
import hashlib

import pytest
from django.db import DatabaseError, connection, transaction

from accounts import evidence
from accounts.models import EvidenceEntry

pytestmark = pytest.mark.django_db


def append(count: int = 3):
    for number in range(count):
        evidence.append_entry("TEST", subject=str(number), body={"rows": number})


def test_entries_are_numbered_without_a_gap_and_chained():
    append()
    assert list(EvidenceEntry.objects.order_by("sequence").values_list("sequence", flat=True)) == [1, 2, 3]
    assert evidence.broken_entry() is None


def test_a_transaction_that_fails_takes_its_entry_and_its_number_back():
    append(1)
    with pytest.raises(RuntimeError), transaction.atomic():
        append(1)
        raise RuntimeError
    append(1)
    assert list(EvidenceEntry.objects.order_by("sequence").values_list("sequence", flat=True)) == [1, 2]


@pytest.mark.parametrize(
    "change",
    ["body = '{\"rows\": 9}'", "at = at - interval '1 day'", "subject = 'x'", "sequence = 20", "leaf = '\\x00'"],
)
def test_a_change_behind_the_portals_back_is_found(change):
    append()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE accounts_evidenceentry DISABLE TRIGGER USER")
        cursor.execute(f"UPDATE accounts_evidenceentry SET {change} WHERE sequence = 2")
    assert evidence.broken_entry() in (2, 3)


@pytest.mark.parametrize(
    "statement", ["UPDATE accounts_evidenceentry SET subject = 'x'", "DELETE FROM accounts_evidenceentry"]
)
def test_the_database_refuses_to_change_it(statement):
    append(1)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert EvidenceEntry.objects.count() == 1


@pytest.mark.parametrize(
    ("subject", "body"),
    [
        ("anna@example.test", {}),
        ("ok", {"who": "anna@example.test"}),
        ("ok", {"numbers": ["+442079460123"]}),
        ("ok", {"+442079460123": 1}),
        ("ok", {"why": "she said “no”"}),
        ("ok", {"name": "Zoë"}),
        ("ok", {"text": "a" * 121}),
        ("ok", {"share": 0.5}),
        ("ok", {"deep": [{"x": {"y": "someone@example.test"}}]}),
    ],
)
def test_what_could_be_personal_is_refused(subject, body):
    with pytest.raises(evidence.UnsafeEvidence):
        evidence.append_entry("TEST", subject=subject, body=body)
    assert not EvidenceEntry.objects.exists()


def test_the_leaf_is_that_of_rfc_6962():
    leaf = evidence.leaf_hash(
        sequence=1,
        at=dt.datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=dt.timezone(dt.timedelta(hours=8))),
        type="T",
        subject="s",
        body={},
    )
    text = b'\x00{"at":"2026-01-01T19:04:05.000006Z","body":{},"sequence":1,"subject":"s","type":"T"}'
    assert leaf == hashlib.sha256(text).digest()


@pytest.mark.django_db(transaction=True)
def test_outside_a_transaction_nothing_is_appended():
    with pytest.raises(transaction.TransactionManagementError):
        append(1)
