"""Files that other systems put into a folder or a bucket: each once, none lost, and none left behind."""

import os
import threading
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection, connections

from accounts import files
from accounts.models import StoredFile
from accounts.stores import UnableToStore
from telecom_records import intake, tasks, watching
from telecom_records.models import CallDetailRecord, ImportRun, WatchedFile, WatchedPlace
from telecom_records.watching.tasks import look_at_watched
from tests import factories
from tests.factories import DAY, NOW
from tests.telecom_records.test_imports import HEADER, OURS, THEIRS, line

pytestmark = pytest.mark.django_db
LOOK = watching.QUIET  # from one look to the next
REASONS = ".why.txt"


class FolderSide:
    """What the other system does with a folder."""

    kind = "folder"

    def __init__(self, root: Path):
        self.root = root
        root.mkdir()

    def put(self, path: str, content: bytes) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)

    def there(self) -> dict[str, bytes]:
        return {str(path.relative_to(self.root)): path.read_bytes() for path in self.root.rglob("*") if path.is_file()}


class BucketSide:
    """The same with a bucket. What is there counts old versions too."""

    kind = "bucket"

    def __init__(self, place):
        self.bucket = place.bucket

    def put(self, path: str, content: bytes) -> None:
        self.bucket.client.put_object(Bucket=self.bucket.name, Key=self.bucket.prefix + path, Body=content)

    def there(self) -> dict[str, bytes]:
        page = self.bucket.client.list_object_versions(Bucket=self.bucket.name)
        assert not page.get("DeleteMarkers")
        found = {}
        for one in reversed(page.get("Versions", [])):  # the newest last
            answer = self.bucket.client.get_object(Bucket=self.bucket.name, Key=one["Key"], VersionId=one["VersionId"])
            found[one["Key"].removeprefix(self.bucket.prefix)] = answer["Body"].read()
        return found


@pytest.fixture(params=["folder", "bucket"])
def side(request, settings, tmp_path):
    if request.param == "bucket":
        settings.WATCH_S3 = request.getfixturevalue("bucket_url")
        return BucketSide(watching.places()["bucket"])
    settings.WATCH_FOLDER = str(tmp_path / "watched")
    return FolderSide(tmp_path / "watched")


@pytest.fixture
def folder(settings, tmp_path):
    settings.WATCH_FOLDER = str(tmp_path / "watched")
    return FolderSide(tmp_path / "watched")


@pytest.fixture(autouse=True)
def pbx():
    return factories.make_source("pbx")


@pytest.fixture(autouse=True)
def alice():
    workspace = factories.make_workspace()
    factories.make_subscription(workspace, expires_at=NOW + 30 * DAY)
    factories.make_assignment(workspace, factories.make_number(OURS))
    return workspace


def look(*, at=NOW) -> None:
    for kind, place in watching.places().items():
        watching.look(kind, place, now=at)


def work() -> None:
    """Do what the woken workers do."""
    for run_id in ImportRun.objects.exclude(file_key="").values_list("pk", flat=True):
        tasks.run_import(str(run_id))


def rows(*ids: str) -> bytes:
    return (HEADER + "".join(line(call_id, OURS, THEIRS) for call_id in ids)).encode()


def calls() -> set[str]:
    return set(CallDetailRecord.objects.values_list("source_key", flat=True))


def problem() -> str:
    return WatchedPlace.objects.get().problem


def test_a_file_that_no_longer_changes_is_imported_once_and_gone_and_so_is_its_row(side):
    side.put("pbx/calls.csv", rows("a", "b"))
    look()
    assert not ImportRun.objects.exists(), "it may still be written"
    look(at=NOW + LOOK)
    look(at=NOW + 2 * LOOK)
    run = ImportRun.objects.get()
    assert (run.file_name, run.source.name, run.state) == ("calls.csv", "pbx", "waiting")
    assert side.there() == {"pbx/calls.csv": rows("a", "b")}, "it stays until it is imported"
    work()
    look(at=NOW + 3 * LOOK)
    assert (calls(), side.there(), WatchedFile.objects.count(), StoredFile.objects.count()) == ({"a", "b"}, {}, 0, 0)
    assert run.state == "waiting" and ImportRun.objects.get().state == "done"


def test_a_file_that_changes_between_two_looks_waits_for_the_next(side):
    side.put("pbx/calls.csv", rows("a"))
    look()
    side.put("pbx/calls.csv", rows("a", "b"))
    look(at=NOW + LOOK)
    assert not ImportRun.objects.exists()
    look(at=NOW + 2 * LOOK)
    work()
    assert calls() == {"a", "b"}


def test_a_marker_says_that_a_file_is_finished_and_goes_with_it(side):
    side.put("pbx/calls.csv", rows("a"))
    side.put("pbx/calls.csv.FIN", b"")
    look()
    work()
    look(at=NOW + LOOK)
    assert (calls(), side.there()) == ({"a"}, {})
    side.put("pbx/more.csv.FIN", rows("b"))  # as those do that give the file itself the name
    look()
    work()
    look(at=NOW + LOOK)
    assert (calls(), side.there()) == ({"a", "b"}, {})


def test_what_is_unfinished_or_of_no_source_is_left_alone_and_said(side):
    untouched = {
        "pbx/calls.csv.tmp": rows("a"), "pbx/.calls.csv": rows("a"), "pbx/calls.csv.part": rows("a"),
        "stranger/calls.csv": rows("a"),
    }  # fmt: skip
    for path, content in untouched.items():
        side.put(path, content)
    for count in range(3):
        look(at=NOW + count * LOOK)
    assert side.there() == untouched and not ImportRun.objects.exists() and not WatchedFile.objects.exists()
    assert WatchedPlace.objects.get().left_alone == "“stranger” is no source"


@pytest.mark.parametrize(
    ("content", "reason"), [(b"", "The file is empty."), (b"%PDF-1.7 no calls", None), (b"x" * 5_000, "larger than 4,000 bytes")]
)  # fmt: skip
def test_a_refused_file_is_moved_aside_with_its_reason_and_removed_after_days(side, settings, content, reason):
    settings.WATCH_LARGEST_BYTES = 4_000
    side.put("pbx/calls.csv", content)
    look()
    look(at=NOW + LOOK)
    there = side.there()
    assert there.pop("refused/pbx/calls.csv") == content
    why = there.pop(f"refused/pbx/calls.csv{REASONS}").decode()
    assert not there and why.strip() and (reason or "") in why
    look(at=NOW + 2 * LOOK)
    file = WatchedFile.objects.get()
    assert (file.folder, file.run, file.reason) == ("refused", None, why.strip())
    look(at=file.seen_at + 7 * DAY - LOOK)
    assert len(side.there()) == 2
    look(at=file.seen_at + 7 * DAY)
    assert side.there() == {} and not WatchedFile.objects.exists() and not ImportRun.objects.exists()


def test_a_file_that_turns_out_broken_while_it_is_imported_is_refused_too(side):
    side.put("pbx/calls.csv", rows("a"))
    look()
    look(at=NOW + LOOK)
    ImportRun.objects.update(state="refused", message="It breaks off in the middle.")
    look(at=NOW + 2 * LOOK)
    assert side.there() == {
        "refused/pbx/calls.csv": rows("a"), f"refused/pbx/calls.csv{REASONS}": b"It breaks off in the middle.\n",
    }  # fmt: skip


def test_two_refused_files_of_one_name_are_both_kept(side):
    for content in (b"one", b"two"):
        side.put("pbx/calls.csv", content)
        look()
        look(at=NOW + LOOK)
    assert {path: content for path, content in side.there().items() if not path.endswith(REASONS)} == {
        "refused/pbx/calls.csv": b"one", "refused/pbx/2-calls.csv": b"two",
    }  # fmt: skip


def test_the_same_bytes_under_two_names_are_one_import_and_both_go(side):
    side.put("pbx/calls.csv", rows("a"))
    side.put("pbx/copy.csv", rows("a"))
    look()
    look(at=NOW + LOOK)
    work()
    look(at=NOW + 2 * LOOK)
    assert (ImportRun.objects.count(), side.there()) == (1, {})


def test_a_file_that_takes_the_place_of_one_that_is_being_imported_is_imported_too(side):
    side.put("pbx/calls.csv", rows("a"))
    look()
    look(at=NOW + LOOK)
    side.put("pbx/calls.csv", rows("a", "b"))
    work()
    look(at=NOW + 2 * LOOK)
    assert "pbx/calls.csv" in side.there(), "what was put there later is not what was imported"
    look(at=NOW + 3 * LOOK)
    work()
    look(at=NOW + 4 * LOOK)
    assert (calls(), side.there(), ImportRun.objects.count()) == ({"a", "b"}, {}, 2)


def test_a_file_that_is_replaced_at_the_last_moment_is_not_removed(side, monkeypatch):
    side.put("pbx/calls.csv", rows("a"))
    look()
    look(at=NOW + LOOK)
    work()
    place = watching.places()[side.kind]
    listing = place.list({"pbx"})
    side.put("pbx/calls.csv", rows("b"))
    monkeypatch.setattr(type(place), "list", lambda self, sources: listing)  # it came between the look and the removal
    look(at=NOW + 2 * LOOK)
    monkeypatch.undo()
    assert side.there()["pbx/calls.csv"] == rows("b")


def test_imported_files_may_be_kept_for_some_days(side, settings):
    settings.WATCH_DONE_DAYS = 2
    side.put("pbx/calls.csv", rows("a"))
    look()
    look(at=NOW + LOOK)
    work()
    look(at=NOW + DAY)
    look(at=NOW + DAY + LOOK)
    assert side.there() == {"done/pbx/calls.csv": rows("a")}
    look(at=NOW + 3 * DAY)
    look(at=NOW + 3 * DAY + LOOK)
    assert side.there() == {} and ImportRun.objects.count() == 1


@pytest.mark.parametrize("step", ["taken", "imported", "removed"])
def test_a_crash_between_two_steps_loses_nothing_and_does_nothing_twice(side, monkeypatch, step):
    side.put("pbx/calls.csv", rows("a"))
    look()

    def dies(*_, **__):
        raise SystemExit("killed")

    with monkeypatch.context() as patch:
        if step == "taken":  # the run is made, the transaction is not over
            patch.setattr(WatchedFile, "save", dies)
        elif step == "imported":
            look(at=NOW + LOOK)
            work()
            patch.setattr(type(watching.places()[side.kind]), "remove", dies)
        else:
            look(at=NOW + LOOK)
            work()
            patch.setattr(WatchedFile, "delete", dies)
        with pytest.raises(SystemExit):
            look(at=NOW + LOOK)
    for count in range(3):
        look(at=NOW + (2 + count) * LOOK)
        work()
    assert (calls(), side.there(), ImportRun.objects.count(), WatchedFile.objects.count()) == ({"a"}, {}, 1, 0)


def test_a_full_store_keeps_the_file_where_it_is_and_is_told_until_there_is_room(side, monkeypatch, client):
    side.put("pbx/calls.csv", rows("a"))
    side.put("pbx/second.csv", b"no calls")
    look()

    def full(*_, **__):
        raise UnableToStore("The file could not be stored: No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(files, "put_encrypted", full)
        look(at=NOW + LOOK)
    assert "pbx/calls.csv" in side.there() and not ImportRun.objects.exists()
    assert "refused/pbx/second.csv" in side.there(), "the others do not wait behind it"
    client.force_login(factories.make_user())
    said = "A watched file cannot be taken or removed."
    assert said in client.get("/admin/").content.decode()
    assert "No space left on device" in client.get("/admin/telecom_records/watchedfile/").content.decode()
    look(at=NOW + 2 * LOOK)
    assert ImportRun.objects.count() == 1
    assert said not in client.get("/admin/").content.decode()


def test_a_file_that_changes_while_it_is_read_is_taken_at_a_later_look(folder, monkeypatch):
    folder.put("pbx/calls.csv", rows("a"))
    look()
    plain = intake.open_run

    def open_run(source, file, **options):
        run = plain(source, file, **options)
        folder.put("pbx/calls.csv", rows("a", "b"))
        return run

    with monkeypatch.context() as patch:
        patch.setattr(intake, "open_run", open_run)
        look(at=NOW + LOOK)
    assert not ImportRun.objects.exists() and not StoredFile.objects.exists() and not list(files.store().list())
    for count in range(2, 4):
        look(at=NOW + count * LOOK)
    work()
    assert calls() == {"a", "b"}


def test_links_and_special_files_are_never_followed(folder, tmp_path):
    secret = tmp_path / "secret.csv"
    secret.write_bytes(rows("a"))
    (folder.root / "pbx").mkdir()
    (folder.root / "pbx" / "link.csv").symlink_to(secret)
    os.link(secret, folder.root / "pbx" / "hard.csv")
    os.mkfifo(folder.root / "pbx" / "pipe.csv")
    (folder.root / "pbx" / "folder.csv").mkdir()
    (folder.root / os.fsdecode(b"pbx/\xff.csv")).write_bytes(rows("a"))
    factories.make_source("linked")
    (folder.root / "linked").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "calls.csv").write_bytes(rows("a"))
    for count in range(3):
        look(at=NOW + count * LOOK)
    assert not ImportRun.objects.exists() and not WatchedFile.objects.exists()
    place = WatchedPlace.objects.get()
    assert place.left_alone == "5 in “pbx” are no ordinary file"
    assert "folder of linked cannot be read" in place.problem


def test_a_file_that_becomes_a_link_before_it_is_opened_is_not_read(folder, tmp_path):
    folder.put("pbx/calls.csv", rows("a"))
    look()
    place = watching.places()["folder"]
    (entry,) = place.list({"pbx"}).entries
    (tmp_path / "secret.csv").write_bytes(rows("b"))
    (folder.root / "pbx" / "calls.csv").unlink()
    (folder.root / "pbx" / "calls.csv").symlink_to(tmp_path / "secret.csv")
    with pytest.raises(OSError):
        place.open(entry)


def test_what_a_crash_left_aside_is_found_again(folder):
    folder.put("pbx/.taken-0a1b2c3d-calls.csv", rows("a"))
    look()
    look(at=NOW + LOOK)
    work()
    look(at=NOW + 2 * LOOK)
    assert (calls(), folder.there()) == ({"a"}, {})


def test_a_folder_that_cannot_be_read_is_told_on_every_page_until_it_can(folder, client):
    look()
    assert problem() == ""
    folder.root.rmdir()
    look(at=NOW + DAY)
    assert problem() == "It cannot be read: No such file or directory."
    client.force_login(factories.make_user())
    page = client.get("/admin/").content.decode()
    assert "The watched folder has a problem since 24 Nov 2026 20:00: It cannot be read" in page
    client.force_login(factories.make_user("Support agent"))
    assert "The watched folder" not in client.get("/admin/").content.decode()
    folder.root.mkdir()
    look(at=NOW + DAY + LOOK)
    assert problem() == "" and WatchedPlace.objects.get().problem_since is None


def test_files_of_a_folder_that_cannot_be_read_for_a_moment_are_remembered(folder):
    folder.put("pbx/calls.csv", rows("a"))
    look()
    look(at=NOW + LOOK)
    folder.root.rename(folder.root.parent / "away")
    look(at=NOW + 2 * LOOK)
    assert WatchedFile.objects.get().run is not None
    (folder.root.parent / "away").rename(folder.root)
    work()
    look(at=NOW + 3 * LOOK)
    assert folder.there() == {} and ImportRun.objects.count() == 1


def test_a_bucket_that_is_not_there_is_told(settings, bucket_url):
    settings.WATCH_S3 = bucket_url.replace("s3://b", "s3://c")
    look()
    assert problem() == "The file store refused: NoSuchBucket."


def test_an_address_that_is_none_is_refused_at_the_start(settings):
    settings.WATCH_S3 = "https://bucket.example.com"
    with pytest.raises(SystemCheckError, match="WATCH_S3 must be s3://bucket/prefix"):
        call_command("check")


def test_nobody_looking_is_told(folder, client):
    look()
    WatchedPlace.objects.update(looked_at=NOW - 3 * DAY)
    client.force_login(factories.make_user())
    assert "Nobody has looked at the watched folder for minutes." in client.get("/admin/").content.decode()


def test_the_imports_say_what_waits_and_what_was_refused(folder, client):
    client.force_login(factories.make_user())
    page = "/admin/telecom_records/importrun/"
    assert "Last look" in client.get(page).content.decode()
    folder.put("pbx/calls.csv", rows("a"))
    folder.put("pbx/broken.csv", b"")
    for count in range(3):
        look(at=NOW + count * LOOK)
    (summary,) = watching.summaries()
    assert (summary["waiting"], summary["taken"], summary["refused"]) == (0, 1, 1)
    listed = client.get("/admin/telecom_records/watchedfile/").content.decode()
    assert all(word in listed for word in ("broken.csv", "Refused", "calls.csv", "Being imported"))


def test_without_a_watched_place_nothing_is_looked_at_and_nothing_shown(client):
    look_at_watched()
    client.force_login(factories.make_user())
    assert "Last look" not in client.get("/admin/telecom_records/importrun/").content.decode()
    assert not WatchedPlace.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_workers_that_look_at_once_take_a_file_once(folder):
    folder.put("pbx/calls.csv", rows("a"))
    look()
    barrier, failures = threading.Barrier(2), []

    def worker():
        barrier.wait()
        try:
            look(at=NOW + LOOK)
        except Exception as error:
            failures.append(error)
        finally:
            connections.close_all()

    workers = [threading.Thread(target=worker) for _ in range(2)]
    for thread in workers:
        thread.start()
    for thread in workers:
        thread.join()
    assert not failures and ImportRun.objects.count() == 1 and WatchedFile.objects.get().run is not None
    connection.close()
