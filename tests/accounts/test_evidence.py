"""The evidence log: a chain without gaps that holds nothing personal and that nobody can change unseen."""

import datetime as dt
import hashlib

import pytest
from django.db import DatabaseError, connection, transaction

from accounts import evidence, merkle
from accounts.models import EvidenceEntry, EvidenceTile, EvidenceTree

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
        ("ok", {"who": "Anna Marsh"}),
        ("ok", {"number": "442079460123"}),
        ("ok", {"number": "020-7946-0123"}),
        ("2079460123", {}),
        ("ok", {"count": 2**53}),
        ("ok", {"at": dt.datetime(2026, 1, 1, tzinfo=dt.UTC)}),
    ],
)
def test_what_could_be_personal_is_refused(subject, body):
    with pytest.raises(evidence.UnsafeEvidence):
        evidence.append_entry("TEST", subject=subject, body=body)
    assert not EvidenceEntry.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        {"at": "2026-11-23T12:00:00.000000Z"},
        {"on": "2026-11-23"},
        {"target": "closed_ticket:5184000"},
        {"who": "6f2c1d1e-0000-4000-8000-123456789012"},
        {"hash": "0" * 64},
        {"counts": {"accounts.Credit": 12_345_678}},
        {"nothing": None, "yes": True},
    ],
)
def test_codes_ids_instants_and_counts_are_taken(body):
    assert evidence.append_entry("TEST", subject="ok", body=body).body == body
    assert evidence.check_log().is_sound


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


@pytest.fixture
def small_tiles(monkeypatch):
    """Tiles of four entries, so that a short log has many."""
    monkeypatch.setattr(evidence, "TILE", 4)


def test_the_tree_grows_with_the_log_and_its_root_is_the_one_over_all_leaves(small_tiles):
    for size in range(1, 30):
        append(1)
        leaves = [bytes(leaf) for leaf in EvidenceEntry.objects.order_by("sequence").values_list("leaf", flat=True)]
        assert evidence.tree_now() == (size, merkle.root(leaves))
        assert EvidenceTile.objects.count() == size // 4
    assert evidence.check_log() == evidence.Check(29, merkle.root(leaves), broken=None)
    for size in range(30):
        assert evidence.root_at(size) == merkle.root(leaves[:size])


def test_proofs_from_tiles_are_those_from_all_leaves(small_tiles):
    append(30)
    leaves = [bytes(leaf) for leaf in EvidenceEntry.objects.order_by("sequence").values_list("leaf", flat=True)]
    for size in range(1, 31):
        stored, whole = evidence.stored_subtrees(), merkle.over(leaves)
        for index in range(size):
            assert merkle.inclusion_proof(index, size, stored) == merkle.inclusion_proof(index, size, whole)
            assert merkle.consistency_proof(index + 1, size, stored) == merkle.consistency_proof(index + 1, size, whole)


def test_a_log_from_before_the_tree_gets_one_with_its_next_entry(small_tiles):
    append(9)
    EvidenceTree.objects.all().delete()
    EvidenceTile.objects.all().delete()
    append(1)
    leaves = [bytes(leaf) for leaf in EvidenceEntry.objects.order_by("sequence").values_list("leaf", flat=True)]
    assert evidence.tree_now() == (10, merkle.root(leaves))
    assert EvidenceTile.objects.count() == 2
    assert evidence.check_log().is_sound


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("DELETE FROM accounts_evidenceentry WHERE sequence = 5", 6),
        ("DELETE FROM accounts_evidenceentry WHERE sequence > 7", 8),
        ("UPDATE accounts_evidencetile SET root = '\\x00' WHERE number = 1", 8),
        ("DELETE FROM accounts_evidencetile WHERE number = 0", 4),
        ("UPDATE accounts_evidencetree SET size = 11", 11),
        ("UPDATE accounts_evidencetree SET frontier = '\\x00'", 11),
    ],
)
def test_a_missing_entry_and_a_changed_tree_are_found(small_tiles, statement, broken):
    append(10)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE accounts_evidenceentry DISABLE TRIGGER USER")
        cursor.execute(statement)
    assert evidence.broken_entry() == broken


def test_entries_that_are_gone_have_no_root():
    append(3)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE accounts_evidenceentry DISABLE TRIGGER USER")
        cursor.execute("DELETE FROM accounts_evidenceentry WHERE sequence = 2")
    with pytest.raises(LookupError):
        evidence.root_at(3)
