"""Stored files: unreadable without the key of their row, whole or not there, and one with their row."""

import hashlib
import importlib
import io
import os
import resource
import uuid

import pytest
from django.db import DatabaseError, connection, transaction

from accounts import files, keys
from accounts.models import KeyEpoch, KeyPair, StoredFile
from accounts.verdicts import data_map
from dsar.models import Attachment
from retention.deletion import discard_file
from tests import factories

WORDS = b"the spoken words"


def store(words: bytes = WORDS, *, owner="workspace", owner_id=None) -> StoredFile:
    key = files.put_encrypted(io.BytesIO(words), owner=owner, owner_id=owner_id or uuid.uuid4())
    return StoredFile.objects.get(pk=key)


def on_disk(row: StoredFile):
    return files.store()._path(row.key)


@pytest.mark.django_db
def test_a_stored_file_is_unreadable_on_disk_and_for_good_without_its_key():
    row = store()
    path = on_disk(row)
    assert b"spoken" not in path.read_bytes() and path.stat().st_mode & 0o777 == 0o600
    assert files.read_encrypted(row.key) == WORDS
    assert keys.destroy_keys("workspace", [row.owner_id]) == 1
    with pytest.raises(keys.KeyDestroyed):
        files.read_encrypted(row.key)
    with pytest.raises(keys.KeyDestroyed):
        files.put_encrypted(io.BytesIO(b"more"), owner="workspace", owner_id=row.owner_id)


@pytest.mark.django_db
@pytest.mark.parametrize("size", [0, 1, 65_536, 300_000])
def test_the_row_says_what_is_in_the_store(size):
    row = store(b"x" * size)
    encrypted = on_disk(row).read_bytes()
    assert (row.size, row.sha256) == (len(encrypted), hashlib.sha256(encrypted).hexdigest())
    assert files.read_encrypted(row.key) == b"x" * size


@pytest.mark.django_db
def test_a_key_that_names_no_file_is_not_found():
    with pytest.raises(FileNotFoundError):
        files.read_encrypted(keys.random_name())
    row = store()
    files.store().delete(row.key)
    with pytest.raises(FileNotFoundError):
        files.read_encrypted(row.key)


@pytest.mark.django_db
@pytest.mark.parametrize("same_owner", [True, False])
def test_files_that_were_swapped_cannot_be_read(same_owner):
    first = store(b"of Alice")
    second = store(b"of Bob, or another of Alice", owner_id=first.owner_id if same_owner else None)
    one, two = on_disk(first).read_bytes(), on_disk(second).read_bytes()
    on_disk(first).write_bytes(two)
    on_disk(second).write_bytes(one)
    for row in (first, second):
        with pytest.raises(files.FileChanged):
            files.read_encrypted(row.key)


@pytest.mark.django_db
@pytest.mark.parametrize("owner", ["person", "import"])
def test_a_row_that_names_another_owner_does_not_open_the_file(owner):
    row, other = store(), store(owner=owner)
    StoredFile.objects.filter(pk=row.pk).update(owner=owner, owner_id=other.owner_id)
    with pytest.raises(files.FileChanged, match="not encrypted to the key of its row"):
        files.read_encrypted(row.key)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "damage", [lambda all: all[:-1], lambda all: all[:70_000], lambda all: all + b"x", lambda all: b""]
)
def test_a_damaged_file_is_not_taken_for_the_original(damage):
    row = store(b"x" * 200_000)
    path = on_disk(row)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(files.FileChanged):
        files.read_encrypted(row.key)


@pytest.mark.django_db
def test_a_file_encrypted_to_another_owner_opens_with_the_new_key_alone():
    words = os.urandom(3_000_000)
    row, keeper = store(words), uuid.uuid4()
    new_key = files.reencrypt(row.key, owner=KeyPair.Owner.KEEPER, owner_id=keeper)
    copy = StoredFile.objects.get(pk=new_key)
    assert (copy.owner, copy.owner_id) == ("keeper", keeper)
    assert files.read_encrypted(row.key) == files.read_encrypted(new_key) == words
    keys.destroy_keys("workspace", [row.owner_id])
    with pytest.raises(keys.KeyDestroyed):
        files.read_encrypted(row.key)
    assert files.read_encrypted(new_key) == words


@pytest.mark.django_db
def test_nothing_is_left_of_a_copy_that_differs(monkeypatch):
    row, real = store(b"x" * 200_000), files.put_encrypted
    monkeypatch.setattr(files, "put_encrypted", lambda source, **owner: real(io.BytesIO(source.read()[:-1]), **owner))
    with pytest.raises(files.FileChanged, match="does not hold what the original does"):
        files.reencrypt(row.key, owner="keeper", owner_id=uuid.uuid4())
    assert set(files.store().list()) == set(StoredFile.objects.values_list("key", flat=True)) == {row.key}


@pytest.mark.django_db
@pytest.mark.parametrize("at", [10, 100_000, 200_500])
def test_nothing_is_left_of_a_copy_of_a_damaged_file(at):
    row = store(b"x" * 200_000)
    path = on_disk(row)
    whole = bytearray(path.read_bytes())
    at = min(at, len(whole) - 1)
    whole[at] ^= 1
    path.write_bytes(whole)
    with pytest.raises(files.FileChanged):
        files.reencrypt(row.key, owner="keeper", owner_id=uuid.uuid4())
    assert set(files.store().list()) == set(StoredFile.objects.values_list("key", flat=True)) == {row.key}


@pytest.mark.django_db
def test_a_copy_that_cannot_be_stored_ends_and_leaves_nothing(monkeypatch):
    row = store(os.urandom(1_000_000))

    def full(self, key, write):
        raise files.UnableToStore("no space")

    monkeypatch.setattr(files.LocalFolder, "put", full)
    with pytest.raises(files.UnableToStore):
        files.reencrypt(row.key, owner="keeper", owner_id=uuid.uuid4())
    assert set(files.store().list()) == set(StoredFile.objects.values_list("key", flat=True)) == {row.key}


@pytest.mark.django_db
def test_a_file_whose_row_cannot_be_written_is_taken_back(monkeypatch):
    def refuse(**_):
        raise DatabaseError("no")

    monkeypatch.setattr(StoredFile.objects, "create", refuse)
    with pytest.raises(DatabaseError):
        store()
    assert list(files.store().list()) == []


@pytest.mark.django_db
def test_a_rollback_leaves_a_file_without_a_row_and_never_a_row_without_a_file():
    with pytest.raises(RuntimeError), transaction.atomic():
        row = store()
        raise RuntimeError
    assert not StoredFile.objects.exists()
    assert list(files.store().list()) == [row.key]


@pytest.mark.django_db
def test_file_and_row_go_together():
    row, other = store(owner="import"), store()
    discard_file(row.key, owner="import", owner_id=row.owner_id)
    assert set(files.store().list()) == set(StoredFile.objects.values_list("key", flat=True)) == {other.key}


@pytest.mark.django_db
def test_the_row_leaves_only_by_the_door():
    row = store()
    for statement in ("DELETE FROM accounts_storedfile", "TRUNCATE accounts_storedfile"):
        with (
            pytest.raises(DatabaseError, match="only by the door"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
    assert StoredFile.objects.filter(pk=row.pk).exists()


@pytest.mark.django_db
def test_files_of_an_older_installation_get_their_rows():
    customer = factories.make_customer()
    names = {
        *customer.recordings.values_list("file_key", flat=True),
        *customer.kyc_documents.values_list("file_key", flat=True),
    }
    later = Attachment.objects.values("file_key")  # an older installation had none of these
    with connection.cursor() as cursor, transaction.atomic():
        cursor.execute("SELECT set_config('callmama.door', 'open', true)")
        StoredFile.objects.filter(pk__in=later).delete()
    before = set(StoredFile.objects.values_list("key", "owner", "owner_id", "size", "sha256"))
    assert {row[0] for row in before} == names and len(names) == 2
    with connection.cursor() as cursor, transaction.atomic():
        cursor.execute("SELECT set_config('callmama.door', 'open', true)")
        StoredFile.objects.all().delete()
    from django.apps import apps

    importlib.import_module("telecom_records.migrations.0004_stored_files").make_rows(apps, None)
    assert set(StoredFile.objects.values_list("key", "owner", "owner_id", "size", "sha256")) == before


def test_every_file_column_of_the_data_map_is_known_to_that_migration():
    known = {label for label, _, _ in importlib.import_module("telecom_records.migrations.0004_stored_files").OWNERS}
    made_later = {
        "dsar.Attachment",
        "dsar.Package",
        "telecom_records.WaitingRecording",
    }  # their rows have had a StoredFile from the first one on
    assert {entry.model for entry in data_map().values() if entry.file_columns} <= known | made_later


def test_a_store_that_fails_leaves_nothing():
    def fail(file):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(files.UnableToStore, match="No space left"):
        files.store().put("abcdef", fail)
    assert list(files.store().list()) == []


@pytest.fixture
def file_size_limit():
    """Let no file of this process grow past a size, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.django_db
@pytest.mark.parametrize(("words", "room"), [(16, 0), (16, 100), (300_000, 70_000), (300_000, 300_000)])
def test_a_full_disk_leaves_neither_a_file_nor_a_row(file_size_limit, words, room):
    owner_id = uuid.uuid4()
    keys.recipient_of("workspace", owner_id)
    file_size_limit(room)
    with pytest.raises(files.UnableToStore, match="The file could not be stored"):
        store(b"x" * words, owner_id=owner_id)
    assert list(files.store().list()) == []
    assert not StoredFile.objects.exists()


@pytest.mark.django_db
def test_a_full_disk_at_the_first_key_leaves_nothing(file_size_limit, settings):
    file_size_limit(0)
    with pytest.raises(files.UnableToStore, match="The key could not be stored"):
        store()
    assert [*files.store().list(), *settings.EPOCH_KEYS_ROOT.iterdir()] == []
    assert not KeyEpoch.objects.exists()


@pytest.mark.django_db
def test_a_failure_of_the_very_last_write_is_told():
    """pyrage keeps silent about it."""

    class Full(files.LocalFolder):
        def put(self, key, write):
            class LastWriteFails(io.BytesIO):
                def write(self, data):
                    raise OSError(28, "No space left on device")

            write(LastWriteFails())

    with pytest.MonkeyPatch.context() as patch, pytest.raises(OSError, match="No space left"):
        patch.setattr(files, "store", lambda: Full(None))
        store(b"small enough for one write")
    assert not StoredFile.objects.exists()


@pytest.mark.parametrize("key", ["../../etc/passwd", "a/b", "", "a.b"])
def test_a_file_key_is_no_path(key):
    with pytest.raises(ValueError):
        files.store().delete(key)
