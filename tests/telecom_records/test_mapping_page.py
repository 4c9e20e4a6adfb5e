"""Mapping the columns of a file that nothing knows: from the upload to calls, without a second upload."""

import gzip
import json
from pathlib import Path

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command

from accounts.models import AccessLogEntry
from accounts.models.files import StoredFile
from accounts.roles import AUDITOR, PRIVACY_OFFICER
from telecom_records import drafts, tasks
from telecom_records.formats import FORMATS
from telecom_records.formats.guesses import guess_mapping
from telecom_records.formats.mapping import read_mapping
from telecom_records.imports import UnableToImport
from telecom_records.mapping_pages import PERMISSIONS
from telecom_records.models import CallDetailRecord, ImportRun, ImportSource, SmsRecord
from tests import factories
from tests.factories import NOW, UNKNOWN_FILE

pytestmark = pytest.mark.django_db
UPLOAD = "/admin/calls/import/"
COLUMNS = [("begin", "start"), ("a_number", "caller"), ("b_number", "dialled"), ("sec", "talk"), ("result", "status")]


@pytest.fixture
def officer(client):
    user = factories.make_user(PRIVACY_OFFICER)
    client.force_login(user)
    return user


@pytest.fixture
def alice():
    workspace = factories.make_workspace()
    factories.make_assignment(workspace, factories.make_number("+442079460101"))
    return workspace


def upload(client, data: bytes = UNKNOWN_FILE, *, source: str = "unknown-switch", name: str = "calls.txt", **more):
    return client.post(UPLOAD, {"file": SimpleUploadedFile(name, data), "source": source, **more})


def page_of(run: ImportRun) -> str:
    return f"/admin/calls/imports/{run.pk}/columns/"


def settings_of(response, **changes) -> dict:
    """Return what the page's form would send, with some of it changed."""
    context = response.context
    form, columns = context["form"], context["places"]
    sent = {name: form[name].value() for name in form.fields}
    sent = {name: value for name, value in sent.items() if value not in (None, False)}
    words = {}
    for each in context["glossaries"]:
        words |= {
            f"{each.means}_at": each.at, f"{each.means}_word": [word for word, _ in each.words],
            f"{each.means}_means": [value for _, value in each.words],
        }  # fmt: skip
    return {
        **sent, "shape": context["shape"], "place": [each.at for each in columns], "means": [each.means for each in columns],
        "action": "preview", **words, **changes,
    }  # fmt: skip


def test_a_file_that_nothing_knows_is_kept_mapped_and_imported(
    client, officer, alice, django_capture_on_commit_callbacks
):
    answer = upload(client)
    run = ImportRun.objects.get()
    assert (answer.status_code, answer.url, run.state) == (302, page_of(run), "mapping")
    page = client.get(answer.url)
    assert [(each.at, each.means) for each in page.context["places"]] == [
        ("begin", "start"), ("a_number", "caller"), ("b_number", "dialled"), ("sec", ""), ("result", "status"),
    ]  # fmt: skip
    assert "never guessed" in page.content.decode()

    sent = settings_of(page, means=[means for _, means in COLUMNS], time_zone="Europe/London", country="gb")
    refused = client.post(answer.url, {**sent, "action": "import"})
    assert refused.status_code == 400 and "time_style" in refused.context["form"].errors

    seen = client.post(answer.url, {**sent, "time_style": "dmy"})
    (line,) = seen.context["preview"].lines
    assert [cell for _, cell in line.told] == [
        "01 Jul 2026 09:00:00", "01 Jul 10:00:00", "+442079460101", "+442079460871", "Answered", "60 s",
    ]  # fmt: skip
    with django_capture_on_commit_callbacks():
        done = client.post(answer.url, {**settings_of(seen), "action": "import"})
    assert (done.status_code, done.url) == (302, f"/admin/telecom_records/importrun/{run.pk}/change/")
    tasks.run_import(str(run.pk))
    run.refresh_from_db()
    assert (run.state, run.inserted, run.file_key) == ("done", 1, "")
    call = CallDetailRecord.objects.get()
    assert (call.other_party, call.talk_s, call.status) == ("+442079460871", 60, "answered")

    upload(client, UNKNOWN_FILE.replace(b"10:00:00", b"11:00:00"))  # the next file of the source needs no mapping
    latest = ImportRun.objects.latest("created_at")
    assert (latest.state, latest.format, latest.mapping) == ("waiting", "mapped", run.mapping)


def test_nothing_of_a_draft_is_stored_in_clear(client, officer, settings):
    upload(client)
    run = ImportRun.objects.get()
    client.get(page_of(run))
    assert StoredFile.objects.get().key == run.file_key
    stored = [path for path in Path(settings.FILES_ROOT).rglob("*") if path.is_file()]
    assert stored and not any(b"02079460101" in path.read_bytes() for path in stored)
    assert b"02079460101" in drafts.head_of_draft(run)
    assert "02079460101" not in json.dumps(list(ImportRun.objects.values()), default=str)


def test_the_history_says_what_was_mapped_and_holds_nothing_of_the_file(client, officer):
    run = factories.make_draft(officer)
    page = client.get(page_of(run))
    client.post(page_of(run), settings_of(page, time_style="dmy", action="save"))
    entry = LogEntry.objects.get()
    assert entry.get_change_message() == "Columns mapped: Start, Caller, Number dialled, Status."
    assert AccessLogEntry.objects.filter(action="look", subject=str(run.pk)).count() == 1
    source, run = ImportSource.objects.get(), ImportRun.objects.get()
    assert (source.format, run.state, run.file_key) == ("mapped", "refused", "")
    assert "2079460" not in json.dumps(source.mapping) and not StoredFile.objects.exists()


def test_a_column_of_numbers_taken_for_the_status_leaves_none_of_them_in_the_mapping(client, officer):
    run = factories.make_draft(officer)
    page = client.get(page_of(run))
    means = ["start", "caller", "status", "", "dialled"]
    seen = client.post(page_of(run), settings_of(page, time_style="dmy", means=means))
    assert [each.words for each in seen.context["glossaries"]] == [[], []]
    forged = settings_of(
        seen, time_style="dmy", status_at="b_number", status_word=["02079460871"], status_means=["busy"], action="save"
    )
    assert client.post(page_of(run), forged).status_code == 400
    assert ImportSource.objects.get().mapping == {}


def test_thrown_away_the_file_is_destroyed(client, officer):
    run = factories.make_draft(officer)
    client.post(page_of(run), {"action": "discard"})
    run.refresh_from_db()
    assert (run.state, run.file_key, StoredFile.objects.count()) == ("refused", "", 0)
    assert client.get(page_of(run)).status_code == 302


def test_a_draft_whose_file_went_by_its_rule_is_ended(officer):
    kept, gone = factories.make_draft(officer), factories.make_draft(officer)
    ImportRun.objects.filter(pk=gone.pk).update(file_key="")
    assert drafts.end_forgotten(NOW) == 1
    assert set(ImportRun.objects.values_list("pk", "state")) == {(kept.pk, "mapping"), (gone.pk, "refused")}


def test_a_draft_is_never_claimed_by_a_worker(officer):
    run = factories.make_draft(officer)
    tasks.run_import(str(run.pk))
    run.refresh_from_db()
    assert run.state == "mapping" and run.file_key


def test_splitting_the_lines_anew_guesses_the_columns_anew(client, officer):
    run = factories.make_draft(officer, data=UNKNOWN_FILE.replace(b";", b"|"))
    page = client.get(page_of(run))
    assert (page.context["mapping"].delimiter, len(page.context["columns"])) == ("|", 5)
    seen = client.post(page_of(run), settings_of(page, delimiter=";"))
    assert len(seen.context["columns"]) == 1
    back = client.post(page_of(run), settings_of(seen, delimiter="|"))
    assert [each.means for each in back.context["places"]] == ["start", "caller", "dialled", "", "status"]


def test_fixed_places_are_typed_with_the_preview_beside_them(client, officer):
    line = b"20260701100000" + b"02079460101 " + b"02079460871 " + b"000061\n"
    run = factories.make_draft(officer, data=line * 3)
    page = client.get(page_of(run))
    seen = client.post(page_of(run), settings_of(page, layout="fixed"))
    assert seen.context["ruler"] and b"20260701100000" in seen.content
    sent = settings_of(
        seen, place=["1-14", "15-26", "27-38", "39-44", ""], means=["start", "caller", "dialled", "talk", ""],
        time_style="compact", country="GB", times_in="utc",
    )  # fmt: skip
    seen = client.post(page_of(run), sent)
    assert seen.context["preview"].taken == 3
    assert [each.means for each in seen.context["places"]] == ["start", "caller", "dialled", "talk", "", "", "", ""]
    done = client.post(page_of(run), {**sent, "action": "save"})
    assert done.status_code == 302 and ImportSource.objects.get().mapping["layout"] == "fixed"


def test_a_source_is_mapped_again_with_another_file_beside_its_mapping(client, officer):
    run = factories.make_draft(officer)
    client.post(page_of(run), settings_of(client.get(page_of(run)), time_style="dmy", action="save"))
    source = ImportSource.objects.get()
    assert b"a_number: Caller" in client.get(f"/admin/telecom_records/importsource/{source.pk}/change/").content
    answer = client.post(
        f"/admin/calls/sources/{source.pk}/columns/", {"file": SimpleUploadedFile("next.txt", UNKNOWN_FILE)}
    )
    page = client.get(answer.url)
    assert page.context["mapping"].time_style == "dmy"
    client.post(answer.url, settings_of(page, time_style="mdy", action="save"))
    source.refresh_from_db()
    assert source.mapping["time_style"] == "mdy"


def test_a_running_import_keeps_the_mapping_it_began_with(client, officer, alice):
    run = factories.make_draft(officer)
    sent = settings_of(
        client.get(page_of(run)), time_style="dmy", time_zone="Europe/London", country="GB", action="import"
    )
    client.post(page_of(run), sent)
    source = ImportSource.objects.get()
    source.mapping = {**source.mapping, "time_style": "mdy"}
    source.save()
    tasks.run_import(str(run.pk))
    assert f"{CallDetailRecord.objects.get().started_at:%d %b %Y}" == "01 Jul 2026"


def test_a_draft_goes_on_once(client, officer):
    run = factories.make_draft(officer)
    sent = settings_of(client.get(page_of(run)), time_style="dmy", action="import")
    client.post(page_of(run), sent)
    mapping = read_mapping(ImportSource.objects.get().mapping)
    with pytest.raises(UnableToImport, match="any more"):
        drafts.start_draft(run.pk, mapping, time_zone="", country="")
    with pytest.raises(UnableToImport, match="any more"):
        drafts.discard_draft(run.pk, now=NOW, why="")
    assert StoredFile.objects.count() == 1


@pytest.mark.parametrize(
    ("data", "name", "shown"),
    [
        (gzip.compress(UNKNOWN_FILE, mtime=0), "calls.gz", "02079460101"),
        ("Début;Appelant;Appelé\n2026-07-01 10:00:00;02079460101;101\n".encode("utf-16"), "calls.txt", "Début"),
        (UNKNOWN_FILE * 40_000, "large.txt", "02079460101"),
        (b"Begin;A number;B number\n", "header.txt", "There is no row under the titles"),
        (b"one line without any sign\n", "line.txt", "one line without any sign"),
        (b";".join(b"column %d" % number for number in range(60)) + b"\n" + b";".join([b"x" * 300] * 60) + b"\n", "wide.txt", "column 59"),
    ],
)  # fmt: skip
def test_files_at_the_edges_are_shown(client, officer, data, name, shown):
    answer = upload(client, data, name=name, format="map")
    page = client.get(answer.url)
    assert page.status_code == 200 and shown in page.content.decode()
    assert client.post(answer.url, settings_of(page)).status_code == 200


@pytest.mark.parametrize("data", [b"\n\n", b"%PDF-1.7", b'{"calls": 1}', b"<?xml version='1.0'?><a/>", b"a\x00b"])
def test_what_has_no_columns_is_refused_and_nothing_is_kept(client, officer, data):
    assert upload(client, data).status_code == 400
    assert not ImportRun.objects.exists() and not StoredFile.objects.exists()


def test_only_who_may_import_and_see_numbers_in_clear_sees_a_draft(client):
    run = factories.make_draft(factories.make_user(PRIVACY_OFFICER))
    client.force_login(factories.make_user(AUDITOR))
    assert client.get(page_of(run)).status_code == 403
    assert client.get(f"/admin/telecom_records/importrun/{run.pk}/change/").status_code == 200


@pytest.mark.parametrize("lacking", PERMISSIONS)
def test_each_of_the_permissions_is_needed(client, lacking):
    run, user = factories.make_draft(factories.make_user(PRIVACY_OFFICER)), factories.make_user(role=None)
    for name in PERMISSIONS:
        if name != lacking:
            app, codename = name.split(".")
            user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    client.force_login(user)
    assert client.get(page_of(run)).status_code == 403
    assert client.post(page_of(run), {"action": "discard"}).status_code == 403
    assert client.get(f"/admin/calls/sources/{run.source_id}/columns/").status_code == 403


@pytest.mark.parametrize("junk", [{}, {"layout": "x"}, {"means": ["start"] * 400, "place": ["1"] * 400}, {"skip_lines": "-5"},
                                  {"comments": "x" * 500}, {"time_zone": "../etc"}, {"status_word": ["a"], "status_means": []}])  # fmt: skip
def test_whatever_is_sent_the_page_answers(client, officer, junk):
    run = factories.make_draft(officer)
    sent = settings_of(client.get(page_of(run)))
    assert client.post(page_of(run), {**sent, **junk}).status_code == 200
    assert client.post(page_of(run), {"action": "import", **junk}).status_code == 400


@pytest.mark.parametrize(
    ("row", "style"),
    [("13/07/2026 10:00", "dmy"), ("07/13/2026 10:00", "mdy"), ("07/12/2026 10:00", ""), ("2026-07-01 10:00", "iso"),
     ("1782896400", "epoch"), ("20260701100000", "compact"), ("Wed, 01 Jul 2026 10:00:00 +0000", "mail"), ("1 Jul 2026 10:00", "named")],
)  # fmt: skip
def test_a_form_of_times_is_preselected_only_where_it_can_be_no_other(row, style):
    assert guess_mapping(f"Start;From;To\n{row};1;2\n".encode()).time_style == style


def test_a_file_without_titles_is_guessed_by_its_values():
    mapping = guess_mapping(b"c1,2026-07-01 10:00:00,+442079460101,02079460102,60\n" * 3)
    assert (mapping.header, mapping.width, [(each.at, each.means) for each in mapping.columns if each.means]) == (
        False, 5, [("2", "start"), ("3", "caller"), ("4", "dialled")],
    )  # fmt: skip


def test_a_draft_without_its_file_says_so_and_goes_nowhere(client, officer):
    run = factories.make_draft(officer)
    ImportRun.objects.filter(pk=run.pk).update(file_key="")
    answer = client.get(page_of(run), follow=True)
    assert answer.status_code == 200 and "Upload it again" in answer.content.decode()


def test_a_mapped_source_is_imported_at_the_terminal_too(tmp_path, client, officer, alice, capsys):
    run = factories.make_draft(officer)
    sent = settings_of(
        client.get(page_of(run)), time_style="dmy", time_zone="Europe/London", country="GB", action="save"
    )
    client.post(page_of(run), sent)
    (tmp_path / "next.txt").write_bytes(UNKNOWN_FILE)
    call_command("import_cdrs", str(tmp_path / "next.txt"), source="unknown-switch", json=True)
    assert json.loads(capsys.readouterr().out)["inserted"] == 1


def test_a_format_of_mapped_columns_needs_a_mapping(client, officer):
    source = factories.make_source("bare")
    source.format = "mapped"
    with pytest.raises(ValidationError, match="Map those of a file first"):
        source.full_clean()
    source.mapping = {"kind": "calls", "columns": []}
    with pytest.raises(ValidationError, match="Say which column is"):
        source.full_clean()


def test_people_choose_formats_by_their_names_by_what_they_give(client, officer):
    groups = dict(client.get(UPLOAD).context["form"].fields["format"].choices[2:])
    assert ("asterisk", "Asterisk Master.csv") in groups["Calls"]
    assert ("twilio-messages", "Twilio messages (JSON)") in groups["Messages"]
    keys = [key for choices in groups.values() for key, _ in choices]
    assert sorted(keys) == sorted(key for key in FORMATS if not key.startswith("mapped"))
    page = client.get("/admin/telecom_records/importsource/add/").content.decode()
    assert "Asterisk Master.csv" in page and "Messages, by columns that were mapped" not in page


def test_a_file_that_is_not_known_has_a_way_in_of_its_own(client, officer):
    listed = client.get("/admin/telecom_records/importrun/").content.decode()
    assert "Import an unknown file" in listed
    answer = client.get("/admin/telecom_records/importrun/go-to-unknown/", follow=True)
    assert answer.context["form"]["format"].value() == "map"


def test_a_message_file_is_mapped_and_imported_as_messages(client, officer, alice):
    run = factories.make_draft(
        officer, data=b"Sent at;Sender;Recipient;Parts\n2026-07-01T10:00:00Z;Callmama;+442079460101;2\n"
    )
    page = client.get(page_of(run))
    seen = client.post(page_of(run), settings_of(page, kind="messages"))
    assert [each.means for each in seen.context["places"]] == ["start", "caller", "dialled", ""]
    sent = settings_of(seen, means=["start", "caller", "dialled", "segments"], action="import")
    assert client.post(page_of(run), sent).status_code == 302
    run.refresh_from_db()
    assert (run.format, run.mapping["kind"], run.state) == ("mapped-messages", "messages", "waiting")
    tasks.run_import(str(run.pk))
    message = SmsRecord.objects.get()
    assert (message.own_number, message.other_party, message.direction, message.segments) == (
        "+442079460101", "Callmama", "inbound", 2,
    )  # fmt: skip
