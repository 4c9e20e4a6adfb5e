"""Customers in by file: previewed, errors by line, whole or not at all, the same file twice changes nothing."""

import datetime as dt
import io

import openpyxl
import pytest
import tablib
from django.utils import timezone

from accounts.models import Consent, EvidenceEntry, Membership, Person, Subscription, Workspace
from accounts.resources import ConsentResource, PersonResource, SubscriptionResource, WorkspaceResource
from callmama_privacy.demo_data import write_customer_files
from telecom_records.models import Number, NumberAssignment
from telecom_records.resources import NumberAssignmentResource
from tests import factories
from tests.factories import DAY, NOW

pytestmark = pytest.mark.django_db
ORDER = [
    ("workspaces", WorkspaceResource, Workspace), ("people", PersonResource, Person),
    ("subscriptions", SubscriptionResource, Subscription), ("assignments", NumberAssignmentResource, NumberAssignment),
    ("consents", ConsentResource, Consent),
]  # fmt: skip
SOON = (timezone.now() + 30 * DAY).isoformat()
SINCE = (NOW - 10 * DAY).isoformat()


def load(resource, text: str):
    return resource().import_data(tablib.Dataset().load(text, format="csv"), raise_errors=False)


def errors(result) -> str:
    rows = [f"{row.number}: {error.error}" for row in result.invalid_rows for error in [row]]
    rows += [f"{number}: {error.error}" for number, found in result.row_errors() for error in found]
    return " | ".join([*rows, *(str(error.error) for error in result.base_errors)])


def test_the_sample_files_go_in_once_and_a_second_time_change_nothing(tmp_path):
    factories.make_policy("2025-09")
    write_customer_files(tmp_path, now=timezone.now())
    for turn in range(2):
        for name, resource, model in ORDER:
            result = load(resource, (tmp_path / f"{name}.csv").read_text())
            assert not result.has_errors() and not result.has_validation_errors(), errors(result)
            assert result.totals["new"] == (0 if turn else model.objects.count()), name
            assert result.totals["update"] == 0, name
    assert Membership.objects.count() == 1
    assert Number.objects.get().assignments.get().workspace.outside_id == "W-9001"


@pytest.mark.parametrize(
    ("resource", "text", "says"),
    [
        (WorkspaceResource, "outside_id,name,colour\nW-1,A,red\n", "Unknown column: colour"),
        (WorkspaceResource, "outside_id,name,created_at\nW-1,A,9999-12-31T23:59:59+00:00\n", "between 1900 and 2199"),
        (WorkspaceResource, "name\nA\n", "Missing column: outside_id"),
        (WorkspaceResource, "outside_id,name,country\nW-1,A,Germany\n", "two capital letters"),
        (WorkspaceResource, "outside_id,name,time_zone\nW-1,A,Mars/Base\n", "not a time zone"),
        (PersonResource, "outside_id,name,phone\nP-1,A,020 7946\n", "international form"),
        (PersonResource, "outside_id,name,workspaces\nP-1,A,W-none\n", "There is no workspace W-none"),
        (PersonResource, "outside_id,name\nP-1,Card 4242 4242 4242 4242\n", "payment card number"),
        (SubscriptionResource, f"outside_id,workspace,plan,starts_at,expires_at\nS-1,W-none,B,{SINCE},{SOON}\n", "no workspace “W-none”"),
        (SubscriptionResource, f"outside_id,workspace,plan,starts_at,expires_at\nS-1,W-1,B,{SINCE},2026-01-01T00:00:00Z\n", "in the past"),
        (SubscriptionResource, f"outside_id,workspace,plan,starts_at,expires_at\nS-1,W-1,B,{SINCE},2030-01-01\n", "no time zone"),
        (SubscriptionResource, f"outside_id,workspace,plan,starts_at,expires_at\nS-1,W-1,B,{SINCE},soon\n", "not an instant"),
        (ConsentResource, f"outside_id,person,purpose,policy_version,given_at\nC-1,P-1,marketing_email,1999,{SINCE}\n", "no version “1999”"),
        (ConsentResource, f"outside_id,person,purpose,policy_version,given_at\nC-1,P-1,accepts_policy,2025-09,{SINCE}\n", "not a valid choice"),
        (NumberAssignmentResource, f"outside_id,number,voip,workspace,from\nA-1,12345,yes,W-1,{SINCE}\n", "not a telephone number"),
        (NumberAssignmentResource, f"outside_id,number,voip,workspace,from\nA-1,+442079460101,maybe,W-1,{SINCE}\n", "write yes or no"),
        (NumberAssignmentResource, f"outside_id,number,voip,workspace,from,until\nA-1,+442079460101,yes,W-1,{SINCE},2020-01-01T00:00:00Z\n", "ends before"),
    ],
)  # fmt: skip
def test_a_bad_row_is_named_with_its_reason_and_nothing_is_stored(resource, text, says):
    workspace = factories.make_workspace(outside_id="W-1")
    factories.make_person(workspace, outside_id="P-1")
    factories.make_policy()
    before = {model: model.objects.count() for _, _, model in ORDER} | {Number: Number.objects.count()}
    result = load(resource, text)
    assert says in errors(result)
    assert {model: model.objects.count() for model in before} == before


def test_one_bad_row_keeps_the_good_ones_out_too():
    result = load(WorkspaceResource, "outside_id,name,country\nW-1,Good,GB\nW-2,Bad,XYZ\n")
    assert result.has_validation_errors()
    assert not Workspace.objects.exists()


def test_two_overlapping_assignments_are_refused_at_their_line():
    factories.make_workspace(outside_id="W-1")
    factories.make_workspace(outside_id="W-2")
    text = (
        "outside_id,number,voip,workspace,from,until\n"
        "A-1,+442079460101,yes,W-1,2026-01-01T00:00:00Z,2026-03-01T00:00:00Z\n"
        "A-2,+442079460101,yes,W-2,2026-02-01T00:00:00Z,\n"
    )
    result = load(NumberAssignmentResource, text)
    assert "already assigned in part of this time" in errors(result)
    assert not NumberAssignment.objects.exists()
    touching = text.replace("2026-02-01", "2026-03-01")
    assert not load(NumberAssignmentResource, touching).has_validation_errors()
    assert NumberAssignment.objects.count() == 2


def test_an_id_that_stands_twice_in_a_file_is_refused_with_its_rows():
    result = load(WorkspaceResource, "outside_id,name\nW-1,A\nW-2,B\nW-1,C\n")
    assert "more than once: W-1 (rows 1, 3)" in errors(result)
    assert not Workspace.objects.exists()


def test_a_changed_end_by_file_is_evidence_and_an_unchanged_one_is_none():
    workspace = factories.make_workspace(outside_id="W-1")
    subscription = factories.make_subscription(workspace, outside_id="S-1", expires_at=timezone.now() + DAY)
    later = (timezone.now() + 365 * DAY).replace(microsecond=0)
    text = f"outside_id,workspace,plan,starts_at,expires_at\nS-1,W-1,Basic,{subscription.starts_at.isoformat()},{later.isoformat()}\n"
    for _ in range(2):
        assert not load(SubscriptionResource, text).has_errors()
    entry = EvidenceEntry.objects.get(type="EXPIRY_SET")
    assert entry.subject == str(workspace.pk)
    assert entry.body["ends"].startswith(f"{later.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%S}")


def as_xlsx(rows: list[list]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "format", "content", "says"),
    [
        ("w.csv", "0", b'outside_id,name\nW-1,"A\nW-2,B\nW-3,C\n', "The row that begins in line 2 cannot be read"),
        ("w.csv", "0", b'outside_id,name\nW-1,"A"x\n', "a quote in it does not close"),
        ("w.csv", "0", b"outside_id,name\nW-1,A\nW-2,B,C\n", "Line 3 has 3 columns, and the first line has 2"),
        ("w.csv", "0", "outside_id,name\nW-1,Caf\xe9\n".encode("latin-1"), "not UTF-8 text"),
        ("w.csv", "0", b"", "empty"),
        ("w.xlsx", "1", b"outside_id,name\nW-1,A\n", "not an Excel workbook"),
        ("w.xlsx", "1", as_xlsx([["outside_id", "name"], ["W-1", "A"]])[:500], "not an Excel workbook"),
    ],
)
def test_a_file_that_cannot_be_read_for_certain_is_refused_in_words(client, name, format, content, says):
    client.force_login(factories.make_user())
    file = io.BytesIO(content)
    file.name = name
    html = client.post(
        "/admin/accounts/workspace/import/", {"import_file": file, "format": format, "resource": ""}
    ).content.decode()
    assert says in html
    assert "Confirm import" not in html
    assert not Workspace.objects.exists()


def test_a_text_over_several_lines_and_a_workbook_are_read(client):
    client.force_login(factories.make_user())
    people = b'\xef\xbb\xbfoutside_id,name,billing_address\r\nP-1,"A ""B"" C","1 Sample Street\nExampleton"\r\n'
    for model, format, content in (
        ("person", "0", people),
        ("workspace", "1", as_xlsx([["outside_id", "name"], ["W-1", "A"]])),
    ):
        file = io.BytesIO(content)
        file.name = "file"
        html = client.post(
            f"/admin/accounts/{model}/import/", {"import_file": file, "format": format, "resource": ""}
        ).content.decode()
        assert "Confirm import" in html


def test_an_emptied_workspace_is_not_filled_again():
    factories.make_workspace(outside_id="W-1", name="", country="", state="emptied", emptied_at=NOW)
    result = load(WorkspaceResource, "outside_id,name\nW-1,Back again\n")
    assert "cannot be filled again" in errors(result)
    assert "emptied and takes nobody" in errors(load(PersonResource, "outside_id,name,workspaces\nP-1,A,W-1\n"))
    assert Workspace.objects.get().name == ""


def test_the_preview_in_the_admin_shows_errors_by_line_and_stores_nothing(client):
    client.force_login(factories.make_user())
    file = io.BytesIO(b"outside_id,name,country\nW-1,Good,GB\nW-2,Bad,XYZ\n")
    file.name = "workspaces.csv"
    response = client.post("/admin/accounts/workspace/import/", {"import_file": file, "format": "0", "resource": ""})
    html = response.content.decode()
    assert response.status_code == 200
    assert "two capital letters" in html
    assert not Workspace.objects.exists()


def test_an_export_reads_back_as_an_import():
    workspace = factories.make_workspace(outside_id="W-1")
    factories.make_person(workspace, outside_id="P-1")
    factories.make_assignment(workspace)
    for _, resource, model in ORDER[:2] + ORDER[3:4]:
        exported = resource().export(model.objects.all()).csv
        result = load(resource, exported)
        assert not result.has_errors() and not result.has_validation_errors(), errors(result)
        assert result.totals["new"] == result.totals["update"] == 0, resource.__name__


def test_a_renewal_by_file_saves_the_workspace():
    workspace = factories.make_workspace(outside_id="W-1")
    subscription = factories.make_subscription(
        workspace, outside_id="S-1", expires_at=timezone.now() + dt.timedelta(hours=1)
    )
    later = (timezone.now() + 365 * DAY).replace(microsecond=0)
    text = f"outside_id,workspace,plan,starts_at,expires_at\nS-1,W-1,Basic,{subscription.starts_at.isoformat()},{later.isoformat()}\n"
    assert load(SubscriptionResource, text).totals["update"] == 1
    subscription.refresh_from_db()
    assert subscription.expires_at == later
    assert subscription.fed_at is not None


@pytest.mark.parametrize("text", ["=1+1", "+442079460101", "-1", "@x", "\tx", "＝1"])
def test_no_cell_of_an_export_starts_a_formula(text):
    factories.make_person(name=f"{text}", outside_id="P-1")
    exported = PersonResource().export(Person.objects.all())
    cells = [cell for row in exported for cell in row if isinstance(cell, str)]
    assert f"'{text}" in cells
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "＝"))]
