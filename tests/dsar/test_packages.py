"""A package is whole, explains itself, is made again the same, and leaves nothing behind when its worker is killed."""

import csv
import dataclasses
import hashlib
import json
import os
import signal
import time

import pytest
from django.db import connection, connections

from accounts import files, keys
from accounts.models import EvidenceEntry, KeyPair, KycDocument
from accounts.verdicts import data_map, personal
from dsar import downloads
from dsar.models import Agent, Package
from dsar.packages import building, categories, contents, states
from dsar.workflow import move_request
from retention import jobs, purge
from retention.models import DeletionJob, Hold
from telecom_records.models import CallDetailRecord, Recording
from tests import factories
from tests.dsar.packages import KEY, build, opened, package_of
from tests.factories import DAY, NOW

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def officer():
    return factories.make_user()


@pytest.fixture
def alice():
    return factories.make_customer(expires_at=NOW + 30 * DAY)


@pytest.fixture
def request_of(officer):
    def make(workspace, **fields):
        return factories.make_request(officer, person=workspace.memberships.get().person, **fields)

    return make


def test_everything_a_customer_has_is_in_it_as_csv_and_json_and_the_manifest_has_the_hash_of_each_file(
    alice, request_of
):
    request, officer = request_of(alice), factories.make_user()
    factories.prove_identity(request, officer)
    Agent.objects.create(request=request, name="Advocate", named_at=NOW, named_by=officer)
    factories.make_letter(request_of(alice), officer)  # of an earlier one
    factories.make_decision(request, officer)
    factories.make_correction(request, officer)
    package = package_of(request)
    collected = {category.name for category in categories.CATEGORIES}
    assert {name for name in collected if package.rows(name)} == collected
    for name in collected:
        assert len(package.csv(name)) == len(package.rows(name)), name
    manifest = package.json("manifest.json")
    assert {file["name"] for file in manifest["files"]} == set(package.names) - {"manifest.json"}
    for file in manifest["files"]:
        assert hashlib.sha256(package.read(file["name"])).hexdigest() == file["sha256"], file["name"]


def test_files_are_in_it_as_they_were_given(alice, request_of):
    package = package_of(request_of(alice))
    (recording,), (document,) = package.rows("recordings"), package.rows("identity-documents")
    (scan,) = package.rows("ticket-files")
    assert package.read(f"{scan['file']}.txt") == b"a scan"
    assert package.read(f"{recording['file']}.wav") == b"RIFF....WAVE"
    assert package.read(f"{document['file']}.png") == b"\x89PNG image"


def test_the_rows_fit_the_schema_that_is_published_with_them(alice, request_of):
    request = request_of(alice)
    factories.make_letter(request_of(alice), request.registered_by)
    package = package_of(request)
    assert package.rows("letters")[0]["reasons"] == ["not_identified"]
    schemas = package.json("schema.json")["files"]
    assert {name for name in package.names if name.startswith("data/") and name.endswith(".json")} <= set(schemas)
    for name, schema in schemas.items():
        for row in package.json(name) if name in package.names else []:
            assert set(row) == set(schema["items"]["required"]), name
            for column, value in row.items():
                assert kind_of(value) in schema["items"]["properties"][column]["type"], (name, column, value)


def kind_of(value) -> str:
    return {bool: "boolean", int: "number", float: "number", str: "string", type(None): "null", list: "array"}[
        type(value)
    ]


def test_the_page_says_what_article_15_asks(alice, request_of):
    page = package_of(request_of(alice, regime="eu_gdpr", region="AT")).read("index.html").decode()
    for words in (
        "What for",
        "Who receives it",
        "How long",
        "From whom",
        "Your rights",
        "Österreichische Datenschutzbehörde",
    ):
        assert words in page
    assert "at the latest 30 days after the call" in page  # the rule in force, not words of the page's own


def test_two_runs_differ_in_nothing_but_the_instant(alice, officer):
    request = factories.make_request(officer, person=alice.memberships.get().person)
    first, same, later = (package_of(request, now=now) for now in (NOW, NOW, NOW + DAY))
    assert first.data == same.data
    assert later.names == first.names
    assert {name for name in later.names if later.read(name) != first.read(name)} == {"index.html", "manifest.json"}
    before, after = first.json("manifest.json"), later.json("manifest.json")
    assert before.pop("data_as_of") != after.pop("data_as_of")
    for manifest in (before, after):
        manifest["files"] = [file for file in manifest["files"] if file["name"] != "index.html"]
    assert before == after


def test_pseudonyms_are_the_same_within_a_package_and_another_in_the_next(alice, request_of):
    caller = "+442079460177"
    factories.make_calls(alice, 2, direction="inbound", other_party=caller, at=NOW - 3 * DAY)
    request = request_of(alice)
    first = package_of(request)
    shown = {row["other_party"] for row in first.rows("calls") if row["direction"] == "inbound"}
    digest = hashlib.sha256(KEY + caller.encode()).hexdigest()[:16]
    assert shown == {f"+44 ••• {digest}"}
    assert caller not in first.text
    other = package_of(request, key=b"o" * 32)
    assert shown.isdisjoint({row["other_party"] for row in other.rows("calls")})


@pytest.mark.parametrize(
    ("direction", "number", "setting", "is_shown"),
    [
        ("outbound", "+442079460177", {}, True),
        ("outbound", "+442079460177", {"PACKAGE_DIALLED_HIDDEN_IN": ["GB"]}, False),
        ("outbound", "+12025550142", {"PACKAGE_DIALLED_HIDDEN_IN": ["GB"]}, True),
        ("inbound", "+12025550142", {}, False),
        ("inbound", "+12025550142", {"PACKAGE_CALLERS_SHOWN_FROM": ["US"]}, True),
        ("inbound", "+442079460177", {"PACKAGE_CALLERS_SHOWN_FROM": ["US"]}, False),
        ("internal", "+442079460177", {}, False),
        ("inbound", "7002", {}, True),  # an extension names nobody outside
    ],
)
def test_whether_the_other_number_is_shown_depends_on_direction_and_country(
    alice, request_of, settings, direction, number, setting, is_shown
):
    for name, value in setting.items():
        setattr(settings, name, value)
    CallDetailRecord.objects.all().update(
        direction=direction, other_party=number, other_party_kind="extension" if number == "7002" else "e164"
    )
    rows = package_of(request_of(alice)).rows("calls")
    assert {row["other_party"] == number for row in rows} == {is_shown}


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "＝1", '"quoted", and\na second line', "\\N", "null"]
)
def test_no_text_becomes_a_formula_and_every_text_comes_back_as_it_was(alice, request_of, text):
    ticket = alice.tickets.get()
    ticket.messages.update(body=text)
    package = package_of(request_of(alice))
    assert [row["body"] for row in package.rows("ticket-messages")] == [text]
    (row,) = package.csv("ticket-messages")
    assert row["Text"].lstrip("'") == text
    for file in [name for name in package.names if name.endswith(".csv")]:
        for line in csv.reader(package.read(file).decode().splitlines()):
            assert not any(cell[:1] in ("=", "+", "@", "\t", "\r", "＝") for cell in line), (file, line)


def test_what_is_withheld_is_listed_with_why(alice, request_of):
    KycDocument.objects.update(file_key="")
    package = package_of(request_of(alice))
    withheld = {(item["category"], item["code"]): item for item in package.json("manifest.json")["withheld"]}
    assert withheld["identity-documents", "file_destroyed"]["rows"] == 1
    assert "destroyed when its time was over" in package.read("index.html").decode()
    hidden = [item for item in package.json("manifest.json")["columns_withheld"] if "token" in item["columns"]]
    assert [item["category"] for item in hidden] == ["payment-references"]


def test_a_recording_goes_along_in_its_own_format_and_one_whose_sound_is_to_come_is_named(alice, request_of):
    recording = alice.recordings.get()
    sound = files.read_encrypted(recording.file_key)
    for content_type, ending in ("audio/gsm", "gsm"), ("audio/vnd.wave;codec=31", "wav"), ("audio/mpeg", "mp3"):
        Recording.objects.update(content_type=content_type)
        package = package_of(request_of(alice))
        assert package.read(f"recordings/{recording.pk}.{ending}") == sound
    Recording.objects.update(file_key="")
    package = package_of(request_of(alice))
    assert not [name for name in package.names if name.startswith("recordings/")]
    withheld = package.json("manifest.json")["withheld"]
    assert [(item["category"], item["code"], item["rows"]) for item in withheld] == [("recordings", "file_to_come", 1)]
    assert "has not come in from the provider" in package.read("index.html").decode()


def test_a_damaged_file_is_left_out_and_named_and_the_rest_is_there(alice, request_of):
    key = alice.recordings.get().file_key
    path = files.store()._path(key)
    path.write_bytes(path.read_bytes()[:-3] + b"xxx")
    package = package_of(request_of(alice))
    assert not [name for name in package.names if name.startswith("recordings/")]
    withheld = package.json("manifest.json")["withheld"]
    assert [(item["category"], item["code"], item["rows"]) for item in withheld] == [("recordings", "file_damaged", 1)]
    assert len(package.rows("recordings")) == 1


def test_portability_holds_what_was_given_and_observed_and_no_more(alice, request_of):
    package = package_of(request_of(alice, type="portability"))
    assert {"person", "calls", "recordings", "consents"} <= {
        name for name in (c.name for c in categories.CATEGORIES) if package.rows(name)
    }
    assert not package.rows("suspensions") and not package.rows("identity-documents") and not package.rows("billing")
    assert "information.json" not in package.names
    assert "source" not in package.rows("person")[0]


def test_a_model_that_no_package_collects_fails_the_check():
    entry = dataclasses.replace(
        data_map()["accounts.Credit"],
        model="accounts.PolicyVersion",
        columns={"summary": personal("user.content", "Words")},
    )
    (error,) = categories.uncollected([entry])
    assert error.id == "packages.E001"
    assert "accounts.PolicyVersion" in error.msg


def test_the_hold_ends_with_the_sealed_package_and_deletion_goes_on_while_the_package_stays(officer):
    factories.arm("workspace_expiry", "request_package")
    alice = factories.make_customer()
    request = factories.make_request(officer, person=alice.memberships.get().person)
    purge.carry_out(NOW, now=NOW)
    alice.refresh_from_db()
    assert alice.state == "hidden"  # past its time, on no page, and kept for the request
    package = build(request)
    assert package.contents["calls"]["rows"] == 4
    assert not Hold.objects.filter(lifted_at__isnull=True).exists()
    move_request(request.pk, "identity", user=officer, now=NOW)
    assert not Hold.objects.filter(lifted_at__isnull=True).exists()
    purge.carry_out(NOW, now=NOW)
    alice.refresh_from_db()
    assert (alice.state, CallDetailRecord.objects.count()) == ("emptied", 0)
    assert len(opened(package).rows("calls")) == 4


def test_it_is_destroyed_by_its_own_rule_after_the_request_was_closed_its_key_first(alice, officer, request_of):
    factories.arm("request_package")
    request = request_of(alice)
    package = build(request)
    states.approve(package.pk, user=officer, now=NOW)
    purge.carry_out(NOW + 100 * DAY, now=NOW + 100 * DAY)
    assert opened(package).rows("calls")  # the request is open: nobody's answer is destroyed before it was given
    factories.bring_to(request, "delivered", officer)
    purge.carry_out(NOW + 29 * DAY, now=NOW + 29 * DAY)
    assert opened(package).rows("calls")
    purge.carry_out(NOW + 30 * DAY, now=NOW + 30 * DAY)
    key = package.file_key
    package.refresh_from_db()
    assert (package.file_key, package.state, package.contents["calls"]["rows"]) == ("", "approved", 4)
    assert not files.store().exists(key)
    with pytest.raises(keys.KeyDestroyed):
        keys.identity_of("package", package.key_id)


def test_a_killed_worker_leaves_nothing_that_can_be_read_and_the_next_one_makes_it_whole(
    alice, request_of, monkeypatch
):
    package = states.ask(request_of(alice).pk, user=factories.make_user(), now=NOW)
    before = set(files.store().list())
    write = contents.write
    connections.close_all()
    child = os.fork()
    if not child:
        try:

            def stall(out, **options):
                out.write(os.urandom(1_000_000))
                out.flush()
                time.sleep(60)

            contents.write = stall
            building.build(package.pk, now=NOW)
        finally:
            os._exit(1)
    try:
        stop_at = time.monotonic() + 20
        while not [path for path in files.store().root.rglob("*.part") if path.stat().st_size > 100_000]:
            assert time.monotonic() < stop_at
            time.sleep(0.02)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    contents.write = write
    assert building.build(package.pk, now=NOW) is None  # the dead worker's lease
    package.refresh_from_db()
    lost = package.key_id
    assert (package.state, bool(package.file_key)) == ("running", True)
    Package.objects.update(lease_until=NOW - 3650 * DAY)
    made = building.build(package.pk, now=NOW, key=KEY)
    assert made.state == "sealed"
    assert set(files.store().list()) - before == {made.file_key}
    assert KeyPair.objects.get(owner_id=lost).destroyed_at
    assert len(opened(made).rows("calls")) == 4


def test_a_worker_whose_lease_was_lost_gives_up_and_leaves_nothing(alice, request_of, monkeypatch):
    package = states.ask(request_of(alice).pk, user=factories.make_user(), now=NOW)
    before = set(files.store().list())
    write = contents.write

    def write_and_lose(out, **options):
        made = write(out, **options)
        with connection.copy().cursor() as cursor:  # another worker, while this one sees its instant only
            cursor.execute("UPDATE dsar_package SET attempts = attempts + 1")
        return made

    monkeypatch.setattr(contents, "write", write_and_lose)
    assert building.build(package.pk, now=NOW) is None
    assert set(files.store().list()) == before


def test_a_failure_is_tried_again_then_shown_and_can_be_retried(alice, request_of, officer, monkeypatch):
    request = request_of(alice)
    package = states.ask(request.pk, user=officer, now=NOW)
    before = set(files.store().list())

    def fail(out, **options):
        out.write(b"half")
        raise files.UnableToAsk("The file store broke off.")

    with monkeypatch.context() as patched:
        patched.setattr(contents, "write", fail)
        for attempt in range(1, 4):
            Package.objects.update(lease_until=None)
            package = building.build(package.pk, now=NOW)
            assert package.state == ("failed" if attempt == 3 else "waiting")
    assert package.problem == "The file store broke off."
    assert set(files.store().list()) == before
    assert Hold.objects.filter(lifted_at__isnull=True).exists()  # nothing was collected: the data is kept
    states.retry(package.pk, user=officer, now=NOW)
    assert building.build(package.pk, now=NOW).state == "sealed"


def test_a_dropped_package_is_destroyed_and_the_data_is_kept_again(alice, request_of, officer):
    package = build(request_of(alice))
    key = package.file_key
    states.drop(package.pk, user=officer, now=NOW)
    assert not files.store().exists(key)
    assert Hold.objects.filter(lifted_at__isnull=True).exists()


def test_an_approved_package_is_what_a_letter_hands_out_until_it_is_destroyed(alice, request_of, officer):
    request = request_of(alice)
    package = build(request)
    assert downloads.answer_file(request) is None  # nobody has reviewed it
    states.approve(package.pk, user=officer, now=NOW)
    answer = downloads.answer_file(request)
    data = b"".join(answer.pieces())
    assert (answer.size, hashlib.sha256(data).hexdigest()) == (len(data), package.sha256)
    states.drop(package.pk, user=officer, now=NOW)
    assert downloads.answer_file(request) is None


def test_of_several_packages_the_approved_one_stays(alice, request_of, officer):
    request = request_of(alice)
    first, second = build(request), build(request, now=NOW + DAY)
    states.approve(second.pk, user=officer, now=NOW)
    first.refresh_from_db()
    assert (first.state, first.file_key) == ("dropped", "")
    with pytest.raises(states.UnableToPackage, match="waits for its review"):
        states.approve(first.pk, user=officer, now=NOW)


def test_what_cannot_be_packaged_is_refused_with_the_reason(alice, request_of, officer):
    with pytest.raises(states.UnableToPackage, match="names no customer"):
        states.ask(factories.make_request(officer).pk, user=officer, now=NOW)
    with pytest.raises(states.UnableToPackage, match="something else"):
        states.ask(request_of(alice, type="erasure").pk, user=officer, now=NOW)
    request = request_of(alice)
    states.ask(request.pk, user=officer, now=NOW)
    with pytest.raises(states.UnableToPackage, match="being made already"):
        states.ask(request.pk, user=officer, now=NOW)


def test_what_stands_in_the_evidence_names_nobody(alice, request_of, officer):
    package = build(request_of(alice))
    states.approve(package.pk, user=officer, now=NOW)
    kinds = (
        EvidenceEntry.objects.filter(type__startswith="PACKAGE_").order_by("sequence").values_list("type", flat=True)
    )
    assert list(kinds) == ["PACKAGE_ASKED", "PACKAGE_SEALED", "PACKAGE_APPROVED"]
    said = json.dumps(list(EvidenceEntry.objects.values_list("body", flat=True)))
    assert alice.memberships.get().person.name not in said


def test_of_a_workspace_whose_deletion_has_begun_nothing_is_collected(officer):
    factories.arm("workspace_expiry")
    alice = factories.make_customer()
    person = factories.make_person(alice)
    other = factories.make_workspace()
    other.memberships.create(person=person, since=NOW - DAY)
    jobs.schedule_due(NOW)
    assert jobs.begin([DeletionJob.objects.get().pk], now=NOW)
    package = package_of(factories.make_request(officer, person=person))
    assert not package.rows("calls")
    assert "gone" in {item["code"] for item in package.json("manifest.json")["withheld"]}
