"""Rows whose own time is over go, to the instant; what is held, leaving with its workspace, or not yet due stays."""

import datetime as dt
import io

import pytest
from django.contrib.admin.utils import quote

from accounts import approvals, files
from accounts.models import Approval, EvidenceEntry, KycDocument, Workspace
from accounts.roles import PRIVACY_OFFICER
from dsar import searching
from dsar.identity.proof import name_agent, prove
from dsar.models import Ticket, TicketMessage
from dsar.workflow import move_request
from retention import deletion, jobs, periods, planning
from retention.conformance import conformance
from retention.due import anything_past, count_past
from retention.holds import place_hold
from retention.models import DeletionJob, Rule, RuleVersion
from retention.periods import Change
from retention.promises import PROMISES
from retention.purge import carry_out
from retention.rules import aged_maps, aged_rules, period_of, period_words, without_period, words_of
from telecom_records import imports
from telecom_records.models import ImportRun, Recording, UsageRecord
from telecom_records.services import end_troubleshooting
from tests import factories
from tests.factories import DAY, NOW
from tests.retention.state import everything, lost
from tests.retention.test_expiry import tables_with

pytestmark = pytest.mark.django_db
SECOND = dt.timedelta(seconds=1)
HOUR = dt.timedelta(hours=1)
YEAR = 365 * DAY


@pytest.fixture
def customer() -> Workspace:
    """A customer whose workspace lives on."""
    return factories.make_customer(expires_at=NOW + YEAR)


def set_period(rule: str, period: dt.timedelta) -> None:
    first, second = factories.make_user(), factories.make_user()
    number = RuleVersion.objects.filter(rule=rule).count() + 1
    RuleVersion.objects.create(
        rule_id=rule,
        number=number,
        period=period,
        effective_at=NOW - YEAR,
        asked_by=first,
        approved_by=second,
        approved_at=NOW,
    )


def hold(workspace: Workspace):
    officer = factories.make_user()
    return place_hold(
        workspace=workspace, reason="Dispute", authority="Order 1", review_on=NOW.date() + 30 * DAY, owner=officer, user=officer,
        now=NOW,
    )  # fmt: skip


def recording(workspace: Workspace, **fields) -> Recording:
    made = factories.make_recording(workspace)
    Recording.objects.filter(pk=made.pk).update(**fields)
    made.refresh_from_db()
    return made


def diagnostic(workspace: Workspace, **fields) -> Recording:
    return recording(workspace, **{"kind": "diagnostic", "keep_days": None, "ticket_reference": "TCK-1", **fields})


# Each clock: what to make, and the instant from which it goes.
def chosen_days(workspace):
    return recording(workspace, started_at=NOW - 3 * DAY, keep_days=7), NOW + 4 * DAY


def capped_days(workspace):
    set_period("subscriber_recording", 5 * DAY)
    return recording(workspace, started_at=NOW, keep_days=30), NOW + 5 * DAY


def diagnostic_cap(workspace):
    return diagnostic(workspace, started_at=NOW), NOW + 30 * DAY


def troubleshooting_over(workspace):
    return diagnostic(workspace, started_at=NOW, troubleshooting_ended_at=NOW + HOUR), NOW + HOUR


def withdrawn_consent(workspace):
    set_period("withdrawn_consent", 90 * DAY)
    person = workspace.memberships.get().person
    return factories.make_consent(person, purpose="testimonial", withdrawn_at=NOW), NOW + 90 * DAY


def closed_ticket(workspace):
    set_period("closed_ticket", 60 * DAY)
    return factories.make_ticket(workspace, state="closed", closed_at=NOW), NOW + 60 * DAY


def usage(workspace):
    set_period("usage_record", 20 * DAY)
    return factories.make_usage(workspace, at=NOW), NOW + 20 * DAY


def ended_assignment(workspace):
    set_period("past_assignment", 20 * DAY)
    return factories.make_assignment(workspace, until=NOW), NOW + 20 * DAY


CLOCKS = [
    chosen_days,
    capped_days,
    diagnostic_cap,
    troubleshooting_over,
    withdrawn_consent,
    closed_ticket,
    usage,
    ended_assignment,
]


@pytest.mark.parametrize("clock", CLOCKS)
@pytest.mark.parametrize(("late", "goes"), [(-SECOND, False), (dt.timedelta(0), True), (SECOND, True)])
def test_a_row_goes_at_its_instant_and_not_before(customer, clock, late, goes):
    factories.arm()
    row, at = clock(customer)
    carry_out(at + late, now=at + late)
    assert type(row)._default_manager.filter(pk=row.pk).exists() is not goes


@pytest.mark.parametrize("clock", CLOCKS)
def test_nothing_else_goes_with_it_and_the_receipt_counts_what_went(customer, clock):
    bystander = factories.make_customer(expires_at=NOW + YEAR)
    row, at = clock(customer)
    rule = next(
        key
        for key in aged_rules()
        for entry, _ in aged_maps(key)
        if entry.model == row._meta.label and count_past(key, at)
    )
    factories.arm(rule)
    before = everything()
    expected = {label: count for label, count in count_past(rule, at).items()}
    (job,) = carry_out(at, now=at)
    gone = lost(before, everything())
    went_of_others = {label: ids for label, ids in gone.items() if label not in expected and label != "files"}
    assert went_of_others == {}
    assert {label: len(ids) for label, ids in gone.items() if label != "files"} == expected
    assert job.state == DeletionJob.State.DONE
    done = EvidenceEntry.objects.get(subject=str(job.pk), type="DONE")
    assert {label: count for label, count in done.body["destroyed"].items() if label != "files"} == expected
    assert done.body["not_by_this_job"] == {}
    assert bystander.call_records.count() == 4


def test_a_recordings_file_is_destroyed_with_it(customer):
    factories.arm()
    row, at = chosen_days(customer)
    assert files.store().exists(row.file_key)
    carry_out(at, now=at)
    assert not files.store().exists(row.file_key)


def test_the_image_of_a_decided_document_is_destroyed_and_the_result_stays(customer):
    factories.arm()
    person = customer.memberships.get().person
    document = customer.kyc_documents.get()
    undecided_file = factories.make_kyc(person, customer).file_key
    KycDocument.objects.filter(pk=document.pk).update(result="accepted", decided_at=NOW)
    carry_out(NOW + 30 * DAY - SECOND, now=NOW)
    assert files.store().exists(document.file_key)
    (job,) = [job for job in carry_out(NOW + 30 * DAY, now=NOW) if job.rule_id == "kyc_image"]
    image = document.file_key
    document.refresh_from_db()
    assert (document.file_key, document.result, document.decided_at) == ("", "accepted", NOW)
    assert not files.store().exists(image)
    assert files.store().exists(undecided_file)
    assert job.destroyed == {"accounts.KycDocument": 1, "files": 1}
    assert not anything_past("kyc_image", NOW + 30 * DAY)


def closed_request():
    set_period("closed_request", 731 * DAY)
    officer = factories.make_user()
    request = factories.make_request(
        officer, requester_name="Zyzzyva", requester_contact="zyzzyva@example.test", note="Zyzzyva asks."
    )
    return move_request(request.pk, "withdrawn", user=officer, now=NOW), NOW + 731 * DAY


def of_closed_request(make):
    """Make something that belongs to a request without words of its own, closed now."""
    set_period("closed_request", 731 * DAY)
    officer = factories.make_user()
    request = factories.make_request(officer, requester_name="")
    row = make(request, officer)
    move_request(request.pk, "withdrawn", user=officer, now=NOW)
    return row, NOW + 731 * DAY


def proved_address(request, officer):
    return prove(request.pk, "email", "zyzzyva@example.test", "code", user=None, now=NOW)


def searched_number(request, officer):
    return searching.search(request.pk, "+442079460177", on=None, user=officer, now=NOW)


def named_agent(request, officer):
    return name_agent(
        request.pk, name="Zyzzyva", contact="z@example.test", authority="lawyer", is_seen=True, user=officer, now=NOW
    )


def left_upload(**fields):
    run = ImportRun.objects.create(
        source=factories.make_source(), format="plain", file_name="Zyzzyva.csv", file_bytes=4
    )
    key = files.put_encrypted(io.BytesIO(b"left"), owner="import", owner_id=run.pk)
    ImportRun.objects.filter(pk=run.pk).update(file_key=key, created_at=NOW, **fields)
    run.refresh_from_db()
    return run


# What is emptied and stays: the row, what is blanked, and the instant from which it is.
BLANKED = [
    (
        "closed_request",
        lambda: closed_request(),
        {"requester_name": "", "requester_contact": "", "contact_key": None, "note": ""},
    ),
    ("closed_request", lambda: of_closed_request(proved_address), {"value": ""}),
    ("closed_request", lambda: of_closed_request(searched_number), {"value": ""}),
    ("closed_request", lambda: of_closed_request(named_agent), {"name": "", "contact": ""}),
    ("import_leftover", lambda: (left_upload(), NOW + 7 * DAY), {"file_key": ""}),
    (
        "import_leftover",
        lambda: (left_upload(state="refused", finished_at=NOW + HOUR), NOW + 2 * HOUR),
        {"file_key": ""},
    ),
    ("import_file_name", lambda: (left_upload(), NOW + 30 * DAY), {"file_name": ""}),
]


@pytest.mark.parametrize(("rule", "make", "blanks"), BLANKED)
def test_what_a_clock_blanks_is_blank_at_its_instant_and_the_row_stays(rule, make, blanks):
    factories.arm(rule)
    row, at = make()
    values = dict(row.__class__.objects.filter(pk=row.pk).values()[0])
    assert all(values[name] for name in blanks)
    before = everything()
    assert carry_out(at - SECOND, now=at) == []
    assert row.__class__.objects.filter(pk=row.pk).values()[0] == values
    (job,) = carry_out(at, now=at)
    assert (job.state, job.stopped_because) == (DeletionJob.State.DONE, "")
    assert row.__class__.objects.filter(pk=row.pk).values()[0] == {**values, **blanks}
    gone = lost(before, everything())
    key = values.get("file_key") if "file_key" in blanks else None
    assert gone == ({"files": {key}} if key else {})
    assert job.destroyed == {row._meta.label: 1, **({"files": 1} if key else {})}
    assert not anything_past(rule, at + DAY)
    assert [line.held for line in conformance(at + DAY) if line.rule == rule] == [0]


def test_a_planted_name_is_nowhere_after_its_clocks():
    factories.arm("closed_request", "import_file_name", "import_leftover")
    closed_request(), left_upload()
    assert tables_with("yzzyva") == ["dsar_subjectrequest", "telecom_records_importrun"]
    carry_out(NOW + 731 * DAY, now=NOW)
    assert tables_with("yzzyva") == []


@pytest.mark.parametrize("state", ["open", "younger", "held"])
def test_a_request_keeps_its_words_while(state):
    factories.arm("closed_request")
    request, at = closed_request()
    customer = factories.make_customer(expires_at=NOW + 9 * YEAR)
    if state == "open":
        move_request(request.pk, "identity", user=factories.make_user(), now=NOW + DAY)
    elif state == "younger":
        at -= SECOND
    else:
        type(request).objects.filter(pk=request.pk).update(person=customer.memberships.get().person)
        hold(customer)
    carry_out(at, now=at)
    request.refresh_from_db()
    assert request.requester_name == "Zyzzyva"


@pytest.mark.parametrize("state", ["at work", "over for a minute"])
def test_the_file_of_an_import_stays_while_it_is(state):
    factories.arm("import_leftover")
    run = left_upload(**({"lease_until": NOW + 8 * DAY} if state == "at work" else {"finished_at": NOW}))
    at = NOW + (7 * DAY if state == "at work" else HOUR / 60)
    carry_out(at, now=at)
    assert files.store().exists(run.file_key)


def test_an_import_whose_file_was_destroyed_is_refused_and_says_why(customer):
    factories.arm("import_leftover")
    run = left_upload()
    carry_out(NOW + 7 * DAY, now=NOW)
    imports.end_abandoned(NOW + 7 * DAY)
    run.refresh_from_db()
    assert (run.state, "no longer there" in run.message) == ("refused", True)


@pytest.mark.parametrize(("days", "says"), [(730, "between 731 days"), (0, "zero")])
def test_the_register_of_requests_is_kept_for_24_months_at_least(days, says):
    factories.make_user()
    with pytest.raises(periods.UnableToChange, match=says):
        periods.ask_for_period(Change("closed_request", days * DAY), user=factories.make_user(), now=NOW)


def test_a_rule_whose_period_the_policy_fixes_takes_no_other():
    factories.make_user()
    with pytest.raises(periods.UnableToChange, match="no choice"):
        periods.ask_for_period(Change("number_expiry", DAY), user=factories.make_user(), now=NOW)


def test_closing_a_ticket_ends_its_diagnostic_recordings_and_opening_it_again_does_not_bring_the_date_back(
    customer, client
):
    factories.arm()
    client.force_login(factories.make_user("Support agent"))
    ticket = factories.make_ticket(customer)
    made = diagnostic(customer, started_at=NOW, ticket_reference=ticket.reference)
    other = diagnostic(customer, started_at=NOW, ticket_reference="TCK-OTHER")
    data = {
        "subject": "Bad line", "channel": "email", "state": "closed", "workspace": str(customer.pk), "person": "", "assignee": "",
        "messages-TOTAL_FORMS": "0", "messages-INITIAL_FORMS": "0",
    }  # fmt: skip
    assert client.post(f"/admin/dsar/ticket/{ticket.pk}/change/", data).status_code == 302
    made.refresh_from_db()
    assert made.troubleshooting_ended_at == Ticket.objects.get(pk=ticket.pk).closed_at
    carry_out(made.troubleshooting_ended_at, now=NOW)
    assert list(Recording.objects.filter(kind="diagnostic")) == [other]
    assert end_troubleshooting("TCK-OTHER", at=None) == 1


def test_a_ticket_that_was_opened_again_stays(customer):
    factories.arm()
    ticket, at = closed_ticket(customer)
    Ticket.objects.filter(pk=ticket.pk).update(state="open", closed_at=None)
    carry_out(at, now=at)
    assert TicketMessage.objects.filter(ticket=ticket).exists()


@pytest.mark.parametrize("clock", CLOCKS)
def test_a_hold_keeps_every_row_of_its_workspace(customer, clock):
    factories.arm()
    row, at = clock(customer)
    hold(customer)
    carry_out(at + DAY, now=at)
    assert type(row)._default_manager.filter(pk=row.pk).exists()


def test_a_persons_consent_stays_while_one_of_their_workspaces_is_held(customer):
    factories.arm()
    consent, at = withdrawn_consent(customer)
    second = factories.make_workspace()
    second.memberships.create(person=consent.person, since=NOW)
    hold(second)
    carry_out(at, now=at)
    assert type(consent).objects.filter(pk=consent.pk).exists()


@pytest.mark.parametrize("keeps", ["hold", "emptying"])
def test_what_something_keeps_between_the_choice_and_the_batch_stays_and_the_receipt_says_so(
    customer, keeps, monkeypatch
):
    factories.arm("subscriber_recording")
    other = factories.make_customer(expires_at=NOW + YEAR)
    Recording.objects.update(started_at=NOW - 40 * DAY)
    begin = jobs.begin

    def begin_and_then(job_id, *, now):
        result = begin(job_id, now=now)
        if keeps == "hold":
            hold(customer)
        else:
            Workspace.objects.filter(pk=customer.pk).update(state=Workspace.State.EMPTYING)
        return result

    monkeypatch.setattr(jobs, "begin", begin_and_then)
    (job,) = carry_out(NOW, now=NOW)
    assert (job.state, job.planned["telecom_records.Recording"]) == (DeletionJob.State.DONE, 2)
    assert (customer.recordings.count(), other.recordings.count()) == (1, 0)
    done = EvidenceEntry.objects.get(subject=str(job.pk), type="DONE")
    assert done.body["not_by_this_job"] == {"telecom_records.Recording": 1}


def test_a_row_that_stays_although_nothing_keeps_it_stops_the_job(customer, monkeypatch):
    factories.arm("subscriber_recording")
    Recording.objects.update(started_at=NOW - 40 * DAY)
    monkeypatch.setattr(deletion, "_destroy_past", lambda *_: (0, 0))
    (job,) = carry_out(NOW, now=NOW)
    assert job.state == DeletionJob.State.QUARANTINED
    assert "still there" in job.stopped_because


def test_one_job_takes_a_limited_number_of_rows_and_the_next_takes_the_rest(customer, monkeypatch):
    factories.arm("subscriber_recording")
    monkeypatch.setattr(planning, "AGED_ROWS", 2)
    for _ in range(4):
        factories.make_recording(customer)
    Recording.objects.update(started_at=NOW - 40 * DAY)
    counts = [sum(job.rows_destroyed for job in carry_out(NOW, now=NOW)) for _ in range(4)]
    assert counts == [4, 4, 2, 0]  # a row and its file each
    assert not Recording.objects.exists()


# Periods


def test_a_rule_without_a_period_keeps_everything_and_every_page_says_so(customer, client):
    factories.arm()
    ticket = factories.make_ticket(customer, state="closed", closed_at=NOW - 20 * YEAR)
    assert "closed_ticket" in without_period(NOW)
    carry_out(NOW, now=NOW)
    assert Ticket.objects.filter(pk=ticket.pk).exists()
    client.force_login(factories.make_user())
    html = client.get("/admin/").content.decode()
    assert "Kept without end" in html and "closed tickets" in html


def test_a_period_takes_two_officers_and_starts_no_sooner_than_the_next_day(customer):
    first, second = factories.make_user(), factories.make_user()
    row = recording(customer, started_at=NOW - 20 * DAY, keep_days=30)
    rule = Rule.objects.get(pk="subscriber_recording")
    asked = periods.ask_for_period(Change(rule.pk, 10 * DAY), user=first, now=NOW)
    assert "10 days instead of 30 days" in asked.summary and "1 recordings at once" in asked.summary
    assert period_of(rule.pk, NOW + 9 * DAY) == 30 * DAY
    with pytest.raises(approvals.UnableToApprove, match="Another officer"):
        approvals.decide(asked.pk, user=first, agree=True, now=NOW)
    approvals.decide(asked.pk, user=second, agree=True, now=NOW)
    version = RuleVersion.objects.get()
    assert (version.period, version.asked_by, version.approved_by) == (10 * DAY, first, second)
    assert version.effective_at == dt.datetime(2026, 11, 23, 16, 0, tzinfo=dt.UTC)  # midnight in Hong Kong
    assert period_of(rule.pk, version.effective_at - SECOND) == 30 * DAY
    factories.arm()
    carry_out(version.effective_at - SECOND, now=NOW)
    assert Recording.objects.filter(pk=row.pk).exists()
    carry_out(version.effective_at, now=NOW)
    assert not Recording.objects.filter(pk=row.pk).exists()
    assert EvidenceEntry.objects.filter(type="PERIOD_SET", subject=rule.pk).exists()


@pytest.mark.parametrize(
    ("rule", "period", "says"),
    [
        ("subscriber_recording", dt.timedelta(0), "zero would delete at once"),
        ("subscriber_recording", -DAY, "zero would delete at once"),
        ("subscriber_recording", 31 * DAY, "needs a published version"),
        ("subscriber_recording", 30 * DAY, "is 30 days already"),
        ("free_tool_session", 2 * HOUR, "between 1 minute and 1 hour"),
        ("workspace_expiry", 3 * DAY, "has no period"),
    ],
)
def test_a_period_that_breaks_the_promise_is_refused(rule, period, says):
    factories.make_user()
    with pytest.raises(periods.UnableToChange, match=says):
        periods.ask_for_period(Change(rule, period), user=factories.make_user(), now=NOW)
    assert not Approval.objects.exists()


def test_a_rule_without_a_period_cannot_be_armed(client):
    factories.make_user()
    client.force_login(factories.make_user(PRIVACY_OFFICER))
    address = f"/admin/retention/rule/{quote('closed_ticket')}/ask_to_arm/"
    response = client.post(address, {"_form_submitted": "True"})
    assert "it keeps everything. Set it first." in client.get(response["HX-Redirect"]).content.decode()
    assert not Approval.objects.exists()
    set_period("closed_ticket", YEAR)
    client.post(address, {"_form_submitted": "True"})
    assert Approval.objects.get().target == "closed_ticket"


def test_a_second_period_asked_before_the_first_is_decided_voids_neither_by_itself_but_only_one_holds():
    first, second = factories.make_user(), factories.make_user()
    rule = "closed_ticket"
    one = periods.ask_for_period(Change(rule, 10 * DAY), user=first, now=NOW)
    two = periods.ask_for_period(Change(rule, 20 * DAY), user=first, now=NOW)
    approvals.decide(one.pk, user=second, agree=True, now=NOW)
    with pytest.raises(approvals.UnableToApprove, match="asked for again"):
        approvals.decide(two.pk, user=second, agree=True, now=NOW)
    assert RuleVersion.objects.count() == 1


def test_every_rule_says_in_words_what_it_does():
    for key in PROMISES:
        assert "{" not in words_of(key, NOW)
    assert "at the latest 30 days after the call" in words_of("subscriber_recording", NOW)
    assert [period_words(period) for period in (None, DAY, 30 * DAY, HOUR, HOUR / 2)] == [
        "a period not set yet", "1 day", "30 days", "1 hour", "30 minutes",
    ]  # fmt: skip


def test_every_rule_acts_on_something():
    assert set(PROMISES) == {"workspace_expiry", *aged_rules()}
    assert UsageRecord._meta.label in {entry.model for entry, _ in aged_maps("usage_record")}
