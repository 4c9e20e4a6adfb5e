"""Files in a bucket that keeps versions: gone means that no version, marker or part is left, whatever the store says."""

import io
import socket
import uuid

import pytest
from botocore.exceptions import ClientError

from accounts import files, s3, stores
from accounts.models import EvidenceEntry, StoredFile
from retention import jobs
from retention.models import DeletionJob
from retention.purge import carry_out
from tests import factories
from tests.factories import NOW
from tests.retention.state import everything, lost
from tests.retention.test_expiry import ids_of

WORDS = b"the spoken words"


@pytest.fixture
def bucket(bucket_url, settings) -> s3.Bucket:
    settings.FILES_URL = bucket_url
    return files.store()


def write(words: bytes):
    return lambda file: file.write(words)


def everything_in(bucket: s3.Bucket) -> list[str]:
    """Return the names of all versions, markers and unfinished uploads, asked past the adapter."""
    page = bucket.client.list_object_versions(Bucket=bucket.name)
    uploads = bucket.client.list_multipart_uploads(Bucket=bucket.name).get("Uploads", [])
    return sorted(one["Key"] for one in [*page.get("Versions", []), *page.get("DeleteMarkers", []), *uploads])


def test_what_is_stored_is_read_back_and_lies_under_the_prefix(bucket):
    bucket.put("abc", write(WORDS))
    assert bucket.open("abc").read() == WORDS
    assert everything_in(bucket) == ["portal/files/abc"]
    assert bucket.exists("abc") and list(bucket.list()) == ["abc"]
    with pytest.raises(FileNotFoundError):
        bucket.open("abd")
    with pytest.raises(ValueError):
        bucket.delete("../abc")


def test_every_version_and_marker_of_a_file_goes_and_nothing_of_another(bucket):
    for words in (b"first", b"second", b"third"):
        bucket.put("abc", write(words))
    bucket.put("abcd", write(b"another, whose name begins alike"))
    bucket.client.delete_object(Bucket=bucket.name, Key="portal/files/abc")
    bucket.put("abc", write(b"again"))
    bucket.client.delete_object(Bucket=bucket.name, Key="portal/files/abc")
    bucket.client.put_object(Bucket=bucket.name, Key="elsewhere/abc", Body=b"of another program")
    assert everything_in(bucket).count("portal/files/abc") == 6
    assert bucket.left("abc", "abcd", "abce") == {"abc", "abcd"}
    bucket.delete("abc")
    assert everything_in(bucket) == ["elsewhere/abc", "portal/files/abcd"]
    assert bucket.left("abc", "abcd") == {"abcd"}
    bucket.delete("abc")  # again is fine


def test_a_marker_on_top_is_not_taken_for_gone(bucket):
    bucket.put("abc", write(WORDS))
    bucket.client.delete_object(Bucket=bucket.name, Key="portal/files/abc")
    with pytest.raises(ClientError):
        bucket.client.head_object(Bucket=bucket.name, Key="portal/files/abc")
    assert bucket.left("abc") == {"abc"}


def test_an_upload_that_was_never_finished_is_found_and_aborted(bucket):
    bucket.client.create_multipart_upload(Bucket=bucket.name, Key="portal/files/abc")
    bucket.client.create_multipart_upload(Bucket=bucket.name, Key="portal/files/other")
    assert [found.finished for found in bucket.walk()] == [False, False]
    assert bucket.left("abc", "nothere") == {"abc"}
    bucket.delete("abc")
    assert everything_in(bucket) == ["portal/files/other"]


def test_many_files_go_in_few_requests(bucket, monkeypatch):
    monkeypatch.setattr(s3, "DELETED_AT_ONCE", 10)
    names = [f"file{number:03}" for number in range(25)]
    for name in names:
        bucket.put(name, write(WORDS))
    bucket.put("stays", write(WORDS))
    sizes, real = [], bucket.client.delete_objects

    def counted(**request):
        sizes.append(len(request["Delete"]["Objects"]))
        return real(**request)

    monkeypatch.setattr(bucket.client, "delete_objects", counted)
    bucket.delete(*names)
    assert sizes == [10, 10, 5]
    assert everything_in(bucket) == ["portal/files/stays"]


def test_a_file_that_cannot_be_written_whole_leaves_nothing(bucket):
    def fail(file):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(files.UnableToStore, match="No space left"):
        bucket.put("abc", fail)
    assert everything_in(bucket) == []


def test_looking_uses_credentials_of_its_own(bucket):
    assert bucket.client._request_signer._credentials.access_key == "writer"
    assert bucket.verifier._request_signer._credentials.access_key == "looker"


@pytest.mark.parametrize(
    "url", ["ftp://x/y", "s3://", "file://host/x", "file:///", "s3://b/p?endpiont=http://x", "/srv/files"]
)
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(ValueError, match="FILES_URL"):
        stores.store_at(url)


def test_a_folder_has_an_address_too(tmp_path, settings):
    settings.FILES_URL = f"file://{tmp_path}/some%20where"
    files.store().put("abc", write(WORDS))
    assert (tmp_path / "some where" / "ab" / "abc").read_bytes() == WORDS


@pytest.mark.django_db
def test_a_large_file_goes_up_in_parts_and_comes_back(bucket):
    words = b"0123456789abcdef" * 1_100_000  # two parts and a bit: boto3 cuts at 8 MiB
    key = files.put_encrypted(io.BytesIO(words), owner="workspace", owner_id=uuid.uuid4())
    assert files.read_encrypted(key) == words
    new_key = files.reencrypt(key, owner="keeper", owner_id=uuid.uuid4())
    assert files.read_encrypted(new_key) == words
    assert b"0123456789abcdef" not in bucket.open(key).read()


@pytest.mark.django_db
def test_everything_of_an_expired_workspace_goes_from_the_bucket_too(bucket):
    factories.arm()
    alice, _bob = factories.make_customer(), factories.make_customer(expires_at=None)
    recording = alice.recordings.get()
    assert files.read_encrypted(recording.file_key) == b"RIFF....WAVE"
    bucket.client.delete_object(Bucket=bucket.name, Key=f"portal/files/{recording.file_key}")  # hidden, not gone
    expected, before = ids_of(alice), set(StoredFile.objects.values_list("key", flat=True))
    (job,) = carry_out(NOW, now=NOW)
    assert (job.state, job.stopped_because) == (DeletionJob.State.DONE, "")
    after = set(StoredFile.objects.values_list("key", flat=True))
    assert before - after == expected["files"]
    assert everything_in(bucket) == sorted(f"portal/files/{key}" for key in after)


def run_until_it_stops(job_id) -> DeletionJob:
    for _ in range(jobs.MAX_ATTEMPTS + 2):  # the first ones get somewhere
        jobs.run_job(job_id, now=NOW)
    return DeletionJob.objects.get(pk=job_id)


def keep(bucket: s3.Bucket, doomed: set[str], answer):
    """Return a ``delete_objects`` that does something else for some files and the right thing for the others."""
    real = bucket.client.delete_objects

    def act(**request):
        if any(one["Key"].rpartition("/")[2] in doomed for one in request["Delete"]["Objects"]):
            return answer(request)
        return real(**request)

    return act


def lie(request):
    return {}


def refuse(request):
    return {"Errors": [{"Key": one["Key"], "Code": "AccessDenied"} for one in request["Delete"]["Objects"]]}


def fail(request):
    raise ClientError(
        {"Error": {"Code": "InternalError"}, "ResponseMetadata": {"HTTPStatusCode": 500}}, "DeleteObjects"
    )


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lie, "file store still has 1 of 1"),
        (refuse, "kept 1 of 1: AccessDenied"),
        (fail, "file store refused: InternalError"),
    ],
)
def test_a_store_that_lies_refuses_or_fails_stops_its_job_and_no_other(bucket, monkeypatch, answer, words):
    factories.arm()
    alice, bob = factories.make_customer(), factories.make_customer()
    expected, before = ids_of(bob), everything()
    monkeypatch.setattr(bucket.client, "delete_objects", keep(bucket, ids_of(alice)["files"], answer))
    jobs.schedule_due(NOW)
    stopped = run_until_it_stops(DeletionJob.objects.get(workspace=alice).pk)
    done = run_until_it_stops(DeletionJob.objects.get(workspace=bob).pk)
    assert (stopped.state, done.state) == (DeletionJob.State.QUARANTINED, DeletionJob.State.DONE)
    assert words in stopped.stopped_because
    assert not EvidenceEntry.objects.filter(type="DONE", subject=str(stopped.pk)).exists()
    assert EvidenceEntry.objects.filter(type="QUARANTINED", subject=str(stopped.pk)).count() == 1
    gone = lost(before, everything())
    assert gone["files"] == expected["files"]
    assert ids_of(alice)["files"] <= {found.key for found in bucket.walk()}
    monkeypatch.undo()
    jobs.retry(stopped, user=factories.make_user())
    assert run_until_it_stops(stopped.pk).state == DeletionJob.State.DONE


@pytest.fixture
def silent():
    """Return the address of a server that takes every call and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["hangs", "is not there"])
def test_a_store_that_hangs_or_is_not_there_costs_an_attempt_and_not_the_worker(
    bucket, silent, monkeypatch, settings, kind
):
    factories.arm()
    alice = factories.make_customer()
    monkeypatch.setattr(s3, "READ_SECONDS", 0.1)
    monkeypatch.setattr(s3, "TRIES", 1)
    settings.FILES_URL = f"s3://bucket/{uuid.uuid4().hex}?endpoint={silent if kind == 'hangs' else 'http://127.0.0.1:9'}&region=us-east-1"
    jobs.schedule_due(NOW)
    job = run_until_it_stops(DeletionJob.objects.get().pk)
    assert job.state == DeletionJob.State.QUARANTINED
    assert "file store does not answer" in job.stopped_because
    assert not EvidenceEntry.objects.filter(type="DONE").exists()
    assert alice.recordings.count() == 1
    with pytest.raises(files.UnableToStore):
        files.put_encrypted(io.BytesIO(WORDS), owner="person", owner_id=uuid.uuid4())
    with pytest.raises(files.UnableToAsk):
        list(files.store().walk())


@pytest.mark.django_db
def test_a_store_that_breaks_off_while_it_is_read_is_not_taken_for_a_damaged_file(bucket, monkeypatch):
    key = files.put_encrypted(io.BytesIO(WORDS * 50_000), owner="person", owner_id=uuid.uuid4())

    class Broken(io.BytesIO):
        def read(self, size=-1):
            if self.tell() > 100_000:
                raise ConnectionResetError("by peer")
            return super().read(size)

    broken = Broken(bucket.open(key).read())
    monkeypatch.setattr(s3.Bucket, "open", lambda self, key: broken)
    with pytest.raises(files.UnableToAsk, match="broke off"):
        files.read_encrypted(key)
