"""Checkpoints outside the database: signed, over a whole copy, and refused when the log is not the one it was."""

import datetime as dt
import json

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from accounts import checkpoints, evidence, outside, signing, tasks, verify_evidence
from accounts.models import Checkpoint, EvidenceEntry, OutsideState
from tests import factories

pytestmark = pytest.mark.django_db


def append(count: int = 3, type: str = "TEST"):
    for number in range(count):
        evidence.append_entry(type, subject=str(number), body={"rows": number})


def behind_the_portals_back(*statements: str):
    """Do as somebody would who has every right in the database."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE accounts_evidenceentry DISABLE TRIGGER USER")
        for statement in statements:
            cursor.execute(statement)
        cursor.execute("ALTER TABLE accounts_evidenceentry ENABLE TRIGGER USER")


def written_outside() -> list[str]:
    return [line["checkpoint"] for line in outside.lines(checkpoints.CHECKPOINTS)]


def test_a_checkpoint_is_signed_and_the_copy_outside_reaches_as_far():
    append()
    made = checkpoints.write()
    size, root = evidence.tree_now()
    assert (made.size, bytes(made.root)) == (size, root) == (4, root)  # three, and the key
    assert written_outside() == [made.note]
    assert list(outside.lines(checkpoints.COPY)) == [evidence.as_dict(entry) for entry in evidence.entries_after(0)]
    point = verify_evidence.Checkpoint(made.note, verify_evidence.Keys(signing.verifier_key()))
    assert (point.size, point.root) == (size, root)


def test_the_note_has_the_form_of_c2sp():
    note = signing.sign_checkpoint(7, b"r" * 32, dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)).text
    lines = note.split("\n")
    assert lines[:3] == ["callmama-privacy/test", "7", "cnJycnJycnJycnJycnJycnJycnJycnJycnJycnJycnI="]
    assert lines[3:5] == ["2026-01-02T03:04:05.000000Z", ""]
    assert lines[5].startswith("— callmama-privacy/test ") and lines[6:] == [""]


def test_the_copy_takes_only_what_is_new():
    append()
    checkpoints.write()
    append(2)
    checkpoints.write()
    numbers = [line["sequence"] for line in outside.lines(checkpoints.COPY)]
    assert numbers == [1, 2, 3, 4, 5, 6]
    assert [signing.read_checkpoint(note).size for note in written_outside()] == [4, 6]


def test_a_copy_that_was_interrupted_goes_on_where_it_was(monkeypatch):
    append(10)
    monkeypatch.setattr(checkpoints, "COPY_AT_ONCE", 3)
    real, calls = outside.append, []

    def fails_at_the_third(name, *lines):
        calls.append(name)
        if len(calls) == 3:
            raise outside.UnableToWrite("full")
        real(name, *lines)

    with monkeypatch.context() as patch, pytest.raises(outside.UnableToWrite):
        patch.setattr(outside, "append", fails_at_the_third)
        checkpoints.write()
    assert written_outside() == []
    checkpoints.write()
    assert [line["sequence"] for line in outside.lines(checkpoints.COPY)] == list(range(1, 12))


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("UPDATE accounts_evidenceentry SET body = '{}' WHERE sequence = 3", "Entry 3"),
        ("UPDATE accounts_evidenceentry SET leaf = '\\x00' WHERE sequence = 3", "own tree"),
        ("DELETE FROM accounts_evidenceentry WHERE sequence = 3", "no entries"),
    ],
)
def test_a_log_that_does_not_fit_its_tree_is_not_signed(statement, says):
    append(4)
    behind_the_portals_back(statement)
    with pytest.raises(checkpoints.Inconsistent, match=says):
        checkpoints.write()
    assert written_outside() == []


def test_a_tree_that_was_set_back_is_told():
    append(4)
    checkpoints.write()
    behind_the_portals_back("UPDATE accounts_evidencetree SET size = 2")
    with pytest.raises(checkpoints.Inconsistent, match="shorter"):
        checkpoints.write()


def rebuild():
    """Make the database sound in itself again, as somebody with every right and the portal's own code would."""
    entries = list(EvidenceEntry.objects.order_by("sequence"))
    behind_the_portals_back(
        "DELETE FROM accounts_evidenceentry", "DELETE FROM accounts_evidencetree", "DELETE FROM accounts_evidencetile"
    )
    for entry in entries:
        evidence.append_entry(entry.type, subject=entry.subject, body=entry.body)


def test_a_shorter_log_is_refused_and_told():
    append(4)
    checkpoints.write()
    behind_the_portals_back(
        "DELETE FROM accounts_evidenceentry WHERE sequence > 2", "DELETE FROM accounts_evidencetree"
    )
    append(1)
    assert evidence.check_log().is_sound
    with pytest.raises(checkpoints.Inconsistent, match="shorter"):
        checkpoints.write()
    assert len(written_outside()) == 1


def test_a_log_that_was_written_anew_is_refused_and_told():
    append(4)
    checkpoints.write()
    rebuild()
    append(3)
    assert evidence.check_log().is_sound
    with pytest.raises(checkpoints.Inconsistent, match="not the one that was signed"):
        checkpoints.write()


def test_an_old_copy_of_the_database_that_has_grown_again_is_found_by_the_copy_outside():
    """The log was copied and not yet signed when the database was set back; no checkpoint tells, but the copy does."""
    append(2)
    checkpoints.write()
    append(1)
    outside.append(checkpoints.COPY, evidence.as_dict(EvidenceEntry.objects.last()))
    behind_the_portals_back(
        "DELETE FROM accounts_evidenceentry WHERE sequence > 3", "DELETE FROM accounts_evidencetree"
    )
    append(2, type="OTHER")
    with pytest.raises(checkpoints.Inconsistent, match="Entry 4 stands outside"):
        checkpoints.write()


def test_a_checkpoint_outside_that_somebody_forged_is_not_believed(settings):
    append(2)
    checkpoints.write()
    key, settings.SIGNING_KEY = settings.SIGNING_KEY, "somebody else's key, long enough to be one at all"
    forged = signing.sign_checkpoint(1, evidence.root_at(1), dt.datetime.now(dt.UTC))
    settings.SIGNING_KEY = key
    outside.append(checkpoints.CHECKPOINTS, {"checkpoint": forged.text})
    with pytest.raises(checkpoints.Inconsistent, match="not signed by a key"):
        checkpoints.write()


@pytest.mark.parametrize("line", [{"checkpoint": "nonsense"}, {"checkpoint": None}, {"other": 1}])
def test_a_line_outside_that_is_no_checkpoint_is_told(line):
    append(2)
    outside.append(checkpoints.CHECKPOINTS, line)
    with pytest.raises(checkpoints.Inconsistent, match="no checkpoint"):
        checkpoints.write()


def test_a_folder_that_is_gone_is_told_and_a_new_one_is_begun_only_when_somebody_says_so(settings, tmp_path):
    append(2)
    checkpoints.write()
    settings.OUTSIDE_ROOT = tmp_path / "new disk"
    checkpoints.write_if_due()
    assert "not there any more" in checkpoints.fault()
    with pytest.raises(CommandError, match="not there any more"):
        call_command("write_checkpoint")
    call_command("write_checkpoint", "--new-place")
    assert EvidenceEntry.objects.filter(type="OUTSIDE_LOST").count() == 1
    assert [line["sequence"] for line in outside.lines(checkpoints.COPY)] == [1, 2, 3, 4]
    checkpoints.write_if_due()
    assert checkpoints.fault() == ""


def test_one_is_due_each_hour_and_at_once_after_a_deletion():
    append(1)
    assert checkpoints.write_if_due().size == 2
    append(1)
    assert checkpoints.write_if_due() is None
    append(1, type="DONE")
    assert checkpoints.write_if_due().size == 4
    Checkpoint.objects.update(at=dt.datetime.now(dt.UTC) - dt.timedelta(hours=1))
    assert checkpoints.write_if_due().size == 4
    assert checkpoints.write_if_due() is None


def test_what_stands_against_a_checkpoint_is_told_on_every_page_until_it_is_over(client, settings, tmp_path):
    append(1)
    tasks.write_checkpoint()
    client.force_login(factories.make_user("Support agent"))
    assert "written outside" not in client.get("/admin/").content.decode()
    there, settings.OUTSIDE_ROOT = settings.OUTSIDE_ROOT, tmp_path / "elsewhere"
    tasks.write_checkpoint()
    for page in ("/admin/", "/admin/dsar/ticket/"):
        assert "were written outside the database are not there any more" in client.get(page).content.decode()
    settings.OUTSIDE_ROOT = there
    tasks.write_checkpoint()
    assert "written outside" not in client.get("/admin/").content.decode()


def test_a_full_disk_outside_stops_nothing_but_the_checkpoint(monkeypatch):
    def full(*args):
        raise outside.UnableToWrite("“evidence” could not be written outside the database: No space left on device")

    append(1)
    with monkeypatch.context() as patch:
        patch.setattr(outside, "append", full)
        assert checkpoints.write_if_due() is None
    assert "No space left" in checkpoints.fault()
    append(1)
    assert checkpoints.write_if_due().size == 3
    assert OutsideState.objects.get().fault == ""


def test_the_key_and_its_change_stand_in_the_log(settings):
    append(1)
    checkpoints.write()
    checkpoints.write()
    (first,) = EvidenceEntry.objects.filter(type="SIGNING_KEY")
    old = signing.public_key()
    assert (first.subject, first.body) == (signing.key_id(), {"public": old.hex()})
    settings.SIGNING_KEY = "another key of this installation, long enough to be one"
    made = checkpoints.write()
    second = EvidenceEntry.objects.filter(type="SIGNING_KEY").last()
    assert second.body == {"public": signing.public_key().hex(), "replaces": first.subject}
    assert checkpoints.public_keys() == [signing.public_key(), old]
    assert signing.has_signed(signing.public_key(), signing.read_checkpoint(made.note))
    assert not signing.has_signed(old, signing.read_checkpoint(made.note))


def test_who_takes_one_away_is_remembered():
    officer = factories.make_user()
    append(1)
    made = checkpoints.take(officer)
    assert (made.taken_by, made.taken_at is None) == (officer, False)
    assert EvidenceEntry.objects.get(type="CHECKPOINT_TAKEN").body == {"size": made.size, "by": officer.pk}
    assert json.loads(json.dumps(list(outside.lines(checkpoints.CHECKPOINTS)))) == [{"checkpoint": made.note}]


@pytest.mark.django_db(transaction=True)
def test_two_at_once_copy_every_entry_once():
    import threading

    with transaction.atomic():
        append(40)
    barrier = threading.Barrier(3)

    def write():
        barrier.wait()
        try:
            checkpoints.write()
        finally:
            connection.close()

    threads = [threading.Thread(target=write) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [line["sequence"] for line in outside.lines(checkpoints.COPY)] == list(range(1, 42))
    assert {signing.read_checkpoint(note).size for note in written_outside()} == {41}
