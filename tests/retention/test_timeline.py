"""What a page says will happen to a record is what deletion does, to the instant; and it says what keeps it."""

import datetime as dt

import pytest

from accounts.models import AccessLogEntry, Approval, KycDocument
from accounts.roles import AUDITOR, SUPPORT_AGENT
from accounts.verdicts import Goes, data_map, map_of
from dsar.models import OptOut, RegisterEntry
from retention.due import past_rows
from retention.holds import lift_hold
from retention.timeline import country_of, timeline, workspaces_of
from telecom_records.models import ImportRun
from tests import factories
from tests.factories import DAY, NOW
from tests.retention import test_clocks
from tests.retention.test_clocks import hold, recording
from tests.retention.test_rules import SECOND, TOMORROW, YEAR, customer_in, set_version

pytestmark = pytest.mark.django_db


@pytest.fixture
def customer():
    return factories.make_customer(expires_at=NOW + YEAR)


def story_of(row, now=NOW):
    return timeline(map_of(row), row, now)


# A child's data goes when two officers say so; the staff's own rows are the libraries' and have no timeline.
WITHOUT_A_DATE = {"childs_data", "erasure_request", "staff_log", "staff_session", "staff_sign_in", "undone_import"}


def test_every_clock_of_a_customers_row_says_when_it_goes():
    assert {
        age.rule for entry in data_map().values() for age in entry.ages if age.goes_at is None
    } - WITHOUT_A_DATE == set()


def everything_dated(customer) -> list:
    """Return one row or more for each clock, dated around NOW."""
    for rule in ("withdrawn_consent", "closed_ticket", "usage_record", "past_assignment"):
        set_version(rule, 50 * DAY)
    set_version("closed_request", 800 * DAY)
    set_version("decided_approval", 50 * DAY)
    set_version("lifted_hold", 50 * DAY)
    set_version("usage_record", 10 * DAY, "GB")
    person = customer.memberships.get().person
    document = customer.kyc_documents.get()
    KycDocument.objects.filter(pk=document.pk).update(result="accepted", decided_at=NOW - 3 * DAY)
    document.refresh_from_db()
    session = factories.make_tool_session(started_at=NOW, ended_at=NOW + SECOND)
    source = factories.make_source()
    run = ImportRun.objects.create(
        source=source,
        format="plain",
        file_name="x.csv",
        file_bytes=1,
        file_sha256="0" * 64,
        file_key="k",
        created_at=NOW,
    )
    ImportRun.objects.filter(pk=run.pk).update(created_at=NOW)
    run.refresh_from_db()
    ticket = factories.make_ticket(customer, person, state="closed", closed_at=NOW - DAY)
    file, mail = factories.make_correspondence(ticket)
    type(mail).objects.filter(pk=mail.pk).update(state="sent", next_try_at=None, settled_at=NOW)
    mail.refresh_from_db()
    officer = factories.make_user()
    request = factories.make_request(officer, person=person)
    correction, _ = factories.make_correction(request, officer)
    letters = factories.make_letter(request, officer)  # which ends it: until then its data is held
    type(request).objects.filter(pk=request.pk).update(closed_at=NOW)
    request.refresh_from_db()
    package = request.packages.create(
        kind="access",
        state="sealed",
        asked_by=officer,
        asked_at=NOW,
        sealed_at=NOW,
        file_key="k",
        file_bytes=1,
        sha256="0" * 64,
    )
    assignment = factories.make_assignment(customer, until=NOW + 2 * DAY)
    lone = factories.make_assignment(customer, factories.make_number(is_voip=False), until=NOW + 2 * DAY)
    type(lone.number).objects.filter(pk=lone.number.pk).update(had_customer=True)
    for row in (assignment, lone, lone.number):
        row.refresh_from_db()
    return [
        recording(customer, started_at=NOW, keep_days=7), recording(customer, started_at=NOW, keep_days=30),
        test_clocks.diagnostic(customer, started_at=NOW),
        test_clocks.diagnostic(customer, started_at=NOW, troubleshooting_ended_at=NOW + DAY),
        factories.make_consent(person, purpose="testimonial", withdrawn_at=NOW), ticket, ticket.messages.get(), request,
        factories.make_usage(customer, at=NOW), factories.make_usage(customer_in("DE"), at=NOW), document, session, run,
        assignment, lone, lone.number, file, mail, package, correction, *letters, *portals_books(officer),
        factories.make_waiting_recording(source), factories.make_waiting_recording(source, now=NOW - DAY),
    ]  # fmt: skip


def portals_books(officer) -> list:
    """Return a row of each of the portal's own books that has a clock."""
    content = factories.make_notice().content
    content.settled_at = NOW
    content.save(update_fields=["settled_at"])
    asked = {
        "requested_by": officer,
        "requested_at": NOW,
        "expires_at": NOW + 7 * DAY,
        "digest": "0" * 64,
        "summary": "?",
    }
    lifted = hold(customer_in("FR"))
    lift_hold(lifted.pk, user=officer, now=NOW)
    lifted.refresh_from_db()
    return [
        content,
        lifted,
        factories.make_feed().deliveries.create(nonce="n" * 16, received_at=NOW, state="refused", problem="items"),
        AccessLogEntry.objects.create(at=NOW, user=officer, action=AccessLogEntry.Action.LIST, of="accounts.Person", rows=1),
        Approval.objects.create(action="arm_rule", target="left", **asked),
        RegisterEntry.objects.get(request_id=factories.make_california(officer).pk),
        OptOut.objects.create(
            kind="phone", address_hash=b"x" * 32, channel="letter", asked_at=NOW, recorded_at=NOW, ended_at=NOW
        ),
    ]  # fmt: skip


def test_each_row_is_past_its_time_from_the_instant_that_its_timeline_names_and_not_a_second_earlier(customer):
    factories.arm()
    seen = set()
    for row in everything_dated(customer):
        entry = map_of(row)
        for end in story_of(row).ends:
            age = entry.age(end.rule)
            if age is None or end.at is None:
                continue
            past = [
                past_rows(entry, age, now=end.at + late).filter(pk=row.pk).exists() for late in (-SECOND, 0 * SECOND)
            ]
            assert past == [False, True], (entry.model, end.rule, end.at)
            seen.add(end.rule)
    dated = {age.rule for entry in data_map().values() for age in entry.ages if age.goes_at}
    assert seen == dated - {"waiting_call", "call_record", "message_record"}  # the last two have tests of their own


def test_what_nothing_dates_is_past_no_time_either(customer):
    factories.arm()
    person = customer.memberships.get().person
    for row in [
        factories.make_consent(person, purpose="testimonial"), factories.make_ticket(customer, person),
        factories.make_kyc(person, customer), factories.make_assignment(customer),
    ]:  # fmt: skip
        entry = map_of(row)
        for age in [age for age in entry.ages if age.goes_at]:
            assert next(end for end in story_of(row).ends if end.rule == age.rule).at is None
            assert not past_rows(entry, age, now=NOW + 99 * YEAR).filter(pk=row.pk).exists()


def test_a_recording_goes_as_its_customer_chose_and_the_workspace_comes_later(customer):
    factories.arm()
    story = story_of(recording(customer, started_at=NOW - 2 * DAY, keep_days=7))
    assert story.goes_at == NOW + 5 * DAY
    assert story.sentence == (
        "It is deleted on 28 Nov 2026 at 20:00 (Asia/Hong_Kong), in 5 days (Subscriber recordings: 30 days after the call, "
        "or sooner as the customer chose, § 2.2, § 5.2)."
    )
    assert [(end.rule, end.at) for end in story.ends] == [
        ("subscriber_recording", NOW + 5 * DAY), ("workspace_expiry", NOW + YEAR), ("diagnostic_recording", None),
    ]  # fmt: skip
    assert [step["title"] for step in story.steps()] == [
        "It came", "Now", "Deleted", "Would be deleted then, if it were still there",
    ]  # fmt: skip


def test_a_call_goes_with_its_workspace(customer):
    factories.arm()
    call = customer.call_records.first()
    assert story_of(call).goes_at == NOW + YEAR
    assert "Workspace expiry: when the last subscription ends, § 5.2" in story_of(call).sentence


def test_a_person_goes_with_the_last_of_their_workspaces(customer):
    factories.arm()
    person = customer.memberships.get().person
    assert story_of(person).goes_at == NOW + YEAR
    second = factories.make_workspace()
    second.memberships.create(person=person, since=NOW)
    assert story_of(person).goes_at is None
    factories.make_subscription(second, expires_at=NOW + 2 * YEAR)
    assert story_of(person).goes_at == NOW + 2 * YEAR


def test_somebody_without_a_workspace_is_kept_and_the_page_says_why():
    factories.arm()
    story = story_of(factories.make_person())
    assert story.goes_at is None
    assert "Nothing dates it" in story.sentence


def test_an_observing_rule_deletes_nothing_and_the_sentence_says_so(customer):
    story = story_of(recording(customer, started_at=NOW, keep_days=7))
    assert story.goes_at is None and "only observes" in story.sentence
    factories.arm("workspace_expiry")
    assert story_of(customer.recordings.first()).goes_at == NOW + YEAR


def test_a_hold_keeps_it_and_says_until_when_it_is_reviewed(customer):
    factories.arm()
    row = recording(customer, started_at=NOW - 30 * DAY, keep_days=7)
    assert "within two minutes" in story_of(row).sentence
    hold(customer)
    story = story_of(row)
    assert story.goes_at is None
    assert "it is kept by a hold, to be reviewed on 23 Dec 2026" in story.sentence


def test_a_shorter_period_that_comes_is_told_ahead_and_a_row_goes_no_sooner_than_it_begins(customer):
    factories.arm()
    set_version("usage_record", 50 * DAY)
    set_version("usage_record", 10 * DAY, at=TOMORROW)
    old, young = factories.make_usage(customer, at=NOW - 20 * DAY), factories.make_usage(customer, at=NOW)
    assert story_of(old).ends[0].at == TOMORROW
    assert story_of(young).ends[0].at == NOW + 10 * DAY
    assert story_of(factories.make_usage(customer, at=NOW - 50 * DAY)).ends[0].at == NOW


def test_the_variant_of_its_country_dates_a_row_and_is_named():
    factories.arm()
    set_version("usage_record", 50 * DAY)
    set_version("usage_record", 10 * DAY, "DE")
    row = factories.make_usage(customer_in("DE"), at=NOW)
    assert story_of(row).goes_at == NOW + 10 * DAY
    assert "10 days in DE after the visit" in story_of(row).sentence


def test_an_emptied_workspace_is_gone(customer):
    type(customer).objects.filter(pk=customer.pk).update(state="emptying")
    customer.refresh_from_db()
    assert "being emptied now" in story_of(customer).sentence


def test_rows_lead_to_their_workspaces_and_countries_as_the_map_says(customer):
    person = customer.memberships.get().person
    ticket = factories.make_ticket(None, factories.make_person(country="FR"))
    rows = {"ticket": ticket, "message": ticket.messages.get(), "person": person, "call": customer.call_records.first()}
    found = {
        name: (workspaces_of(map_of(row), row), country_of(map_of(row), row, [customer])) for name, row in rows.items()
    }
    assert found == {
        "ticket": ([], "FR"), "message": ([], "FR"), "person": ([customer], ""), "call": ([customer], "GB"),
    }  # fmt: skip


# Pages


def test_the_page_of_every_record_that_goes_says_what_happens_to_it(client, customer):
    factories.arm()
    client.force_login(factories.make_user())
    rows = [
        recording(customer, started_at=dt.datetime.now(dt.UTC), keep_days=7), customer.call_records.first(),
        customer.subscriptions.get(), customer.kyc_documents.get(), customer.number_assignments.first(),
        customer.memberships.get().person, customer, customer.tickets.get(),
    ]  # fmt: skip
    for row in rows:
        meta = row._meta
        url = f"/admin/retention/record/{meta.label}/{row.pk}/"
        assert url in client.get(f"/admin/{meta.app_label}/{meta.model_name}/{row.pk}/change/").content.decode(), (
            meta.label
        )
        html = client.get(url).content.decode()
        assert "pp-timeline" in html and "§ 5.2" in html, meta.label


@pytest.mark.parametrize(
    ("role", "status"),
    [(SUPPORT_AGENT, {"tickets": 200, "recordings": 403}), (AUDITOR, {"tickets": 403, "recordings": 403})],
)
def test_whoever_may_not_see_the_record_does_not_see_its_time(client, customer, role, status):
    client.force_login(factories.make_user(role))
    for name, expected in status.items():
        row = getattr(customer, name).first()
        assert client.get(f"/admin/retention/record/{row._meta.label}/{row.pk}/").status_code == expected


def test_an_agent_sees_that_it_is_held_and_not_by_which_authority(client, customer):
    factories.arm()
    hold(customer)
    client.force_login(factories.make_user(SUPPORT_AGENT))
    html = client.get(f"/admin/retention/record/dsar.Ticket/{customer.tickets.get().pk}/").content.decode()
    assert "kept by a hold" in html and "Order 1" not in html
    client.force_login(factories.make_user())
    assert "Order 1" in client.get(f"/admin/retention/record/dsar.Ticket/{customer.tickets.get().pk}/").content.decode()


@pytest.mark.parametrize("address", ["dsar.Ticket/0/", "dsar.Ticket/x/", "nobody.Nothing/1/", "accounts.Workspace/1/"])
def test_an_address_of_nothing_is_told(client, address):
    client.force_login(factories.make_user())
    assert client.get(f"/admin/retention/record/{address}").status_code == 404


def test_no_model_that_goes_is_without_a_story(customer):
    for entry in data_map().values():
        row = entry.model_class._default_manager.first()
        if row is not None and entry.goes is not Goes.KEEP:
            assert timeline(entry, row, NOW).sentence, entry.model
