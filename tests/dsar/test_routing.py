"""Of a request of a client's own customer, the client's part is passed on in time and the person told; our own is answered."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction

from accounts.models import EvidenceEntry
from dsar import outbox, queue, routing
from dsar.deadlines.forwarding import forward_by
from dsar.letters import sending
from dsar.models import Letter, OutgoingMail, RequestPart
from dsar.workflow import UnableToMove, move_request
from retention.purge import carry_out
from tests import factories
from tests.factories import DAY, NOW

pytestmark = pytest.mark.django_db
HK = dt.timezone(dt.timedelta(hours=8))


@pytest.fixture
def officer():
    return factories.make_user()


@pytest.fixture
def client_of_ours():
    return factories.make_client()


@pytest.fixture
def asked(officer):
    """A request of a customer of the client, received on Friday 20 November 2026 in Hong Kong."""
    return factories.make_request(
        officer, type="erasure", requester_name="Anneke Brandt", requester_contact="anneke@brandt.example", note="The call."
    )  # fmt: skip


def split(request, client, officer, *, is_ours_too=True):
    return routing.split_request(
        request.pk, account=client.workspace.outside_id, is_ours_too=is_ours_too, user=officer, now=NOW
    )


def forward(part, officer, *, now=NOW, way="email"):
    return routing.forward_part(part.pk, language="en", way=way, user=officer, now=now)


@pytest.mark.parametrize(
    ("received", "days", "by"),
    [
        (dt.datetime(2026, 11, 20, 12, 0, tzinfo=HK), 2, dt.date(2026, 11, 23)),  # Saturday counts, Sunday does not
        (dt.datetime(2026, 11, 20, 23, 59, tzinfo=HK), 2, dt.date(2026, 11, 23)),
        (dt.datetime(2026, 11, 20, 16, 1, tzinfo=dt.UTC), 2, dt.date(2026, 11, 24)),  # already the 21st there
        (dt.datetime(2026, 12, 24, 12, 0, tzinfo=HK), 2, dt.date(2026, 12, 29)),  # 25, 26 holidays, 27 Sunday
        (dt.datetime(2026, 11, 23, 12, 0, tzinfo=HK), 5, dt.date(2026, 11, 28)),
    ],
)
def test_the_working_days_are_those_of_hong_kong(received, days, by):
    last_day, at, _ = forward_by(received, days)
    assert last_day == by
    assert at == dt.datetime.combine(by + DAY, dt.time(), tzinfo=HK)


def test_each_part_has_its_own_clock_and_an_overdue_part_counts_as_overdue(asked, client_of_ours, officer):
    before = asked.due_on
    part = split(asked, client_of_ours, officer)
    asked.refresh_from_db()
    assert (part.due_on, asked.due_on) == (dt.date(2026, 11, 23), dt.date(2026, 11, 23))
    assert asked.answer_on == before
    assert part.categories == ["recordings", "contacts", "conversations"]
    ours = asked.parts.get(role="controller")
    assert ours.categories == ["traffic", "billing", "fraud", "identity"]
    assert queue.counts(part.due_at - dt.timedelta(seconds=1))["overdue"] == 0
    assert queue.counts(part.due_at)["overdue"] == 1
    forward(part, officer, now=part.due_at + DAY)
    asked.refresh_from_db()
    assert asked.due_on == before and queue.counts(part.due_at + DAY)["overdue"] == 0
    assert EvidenceEntry.objects.get(type="REQUEST_PART_FORWARDED").body["late"] is True


def test_passing_on_writes_to_the_client_and_tells_the_person_who_it_is(asked, client_of_ours, officer):
    part = forward(split(asked, client_of_ours, officer), officer)
    to_client = outbox.content_of(OutgoingMail.objects.get(pk=part.mail))
    assert to_client.to == "privacy@harbour.example"
    for words in (
        "Anneke Brandt",
        "anneke@brandt.example",
        "The call.",
        asked.reference,
        "call recordings",
        "not checked by us",
    ):
        assert words in to_client.text, words
    letter = Letter.objects.get(pk=part.letter)
    assert (letter.to, letter.kind) == ("anneke@brandt.example", "forwarded")
    assert "Harbour Bakery Ltd" in letter.body and "we answer ourselves, by 20 December 2026" in letter.body
    asked.refresh_from_db()
    assert asked.state == "received"  # our own part is still to be answered
    told = str(list(EvidenceEntry.objects.values_list("body", flat=True)))
    assert "brandt" not in told.lower() and "harbour" not in told.lower()


def test_a_client_who_may_not_be_named_is_not(asked, officer):
    part = forward(split(asked, factories.make_client(may_be_named=False), officer), officer)
    assert "Harbour" not in Letter.objects.get(pk=part.letter).body


def test_what_is_wholly_the_clients_ends_with_being_passed_on_to_all_of_them(asked, client_of_ours, officer):
    first = split(asked, client_of_ours, officer, is_ours_too=False)
    second = split(asked, factories.make_client(processor_for=["recordings"]), officer, is_ours_too=False)
    forward(first, officer)
    asked.refresh_from_db()
    assert asked.state == "received"
    with pytest.raises(UnableToMove, match="has not been passed on yet"):
        move_request(asked.pk, "routed", user=officer, now=NOW)
    forward(second, officer)
    asked.refresh_from_db()
    assert (asked.state, asked.closed_at) == ("routed", NOW)


def test_nothing_is_routed_without_a_client_or_while_a_part_is_our_own(asked, client_of_ours, officer):
    with pytest.raises(UnableToMove, match="No client has a part"):
        move_request(asked.pk, "routed", user=officer, now=NOW)
    forward(split(asked, client_of_ours, officer), officer)
    with pytest.raises(UnableToMove, match="ends with our answer"):
        move_request(asked.pk, "routed", user=officer, now=NOW)


@pytest.mark.parametrize("end", ["delivered", "refused"])
def test_no_answer_ends_a_request_whose_clients_part_was_not_passed_on(asked, client_of_ours, officer, end):
    part = split(asked, client_of_ours, officer)
    factories.bring_to(asked, "approved", officer)
    finish = {
        "delivered": lambda: factories.bring_to(asked, "delivered", officer),
        "refused": lambda: factories.refuse(asked, officer),
    }
    with pytest.raises(sending.UnableToCompose, match="has not been passed on yet"):
        finish[end]()
    assert not asked.parts.get(role="controller").answered_at
    forward(part, officer)
    finish[end]()
    ours = asked.parts.get(role="controller")
    assert (ours.answer, ours.answered_at, ours.answered_by) == ("ours", NOW, officer)
    routing.record_answer(part.pk, "theirs", user=officer, now=NOW + DAY)  # the client may answer later than we
    part.refresh_from_db()
    assert (part.answer, part.answered_at) == ("theirs", NOW + DAY)


def test_a_part_is_passed_on_once_and_answered_once(asked, client_of_ours, officer):
    part = split(asked, client_of_ours, officer)
    with pytest.raises(routing.UnableToRoute, match="has a part of the request already"):
        split(asked, client_of_ours, officer)
    with pytest.raises(routing.UnableToRoute, match="Pass this part on first"):
        routing.record_answer(part.pk, "theirs", user=officer, now=NOW)
    forward(part, officer)
    with pytest.raises(routing.UnableToRoute, match="passed on already"):
        forward(part, officer)
    routing.record_answer(part.pk, "nothing", user=officer, now=NOW)
    with pytest.raises(routing.UnableToRoute, match="waits for no answer"):
        routing.record_answer(part.pk, "theirs", user=officer, now=NOW)


@pytest.mark.parametrize(
    ("account", "says"), [("W-unknown", "No business client has this account number"), ("", "No business client")]
)
def test_an_account_that_is_no_client_is_refused_and_nothing_is_left(asked, officer, account, says):
    with pytest.raises(routing.UnableToRoute, match=says):
        routing.split_request(asked.pk, account=account, is_ours_too=True, user=officer, now=NOW)
    assert not RequestPart.objects.exists()


def test_of_what_we_are_controller_ourselves_no_client_gets_a_part(asked, officer):
    with pytest.raises(routing.UnableToRoute, match="all of it is our own"):
        split(asked, factories.make_client(processor_for=[]), officer)


def test_when_the_person_cannot_be_told_nothing_is_passed_on(asked, client_of_ours, officer):
    type(asked).objects.filter(pk=asked.pk).update(requester_contact="1 Harbour Road")
    part = split(asked, client_of_ours, officer)
    with pytest.raises(routing.UnableToRoute, match="No e-mail address is known"):
        forward(part, officer)
    part.refresh_from_db()
    assert part.waits and not OutgoingMail.objects.exists()
    assert forward(part, officer, way="post").forwarded_at


def test_a_client_who_has_left_has_nothing(officer):
    workspace = factories.make_customer()
    client = workspace.client
    asked = factories.make_request(
        officer, type="erasure", requester_name="Anneke Brandt", requester_contact="a@brandt.example"
    )
    part = split(asked, client, officer)
    factories.arm("workspace_expiry")
    (job,) = carry_out(NOW, now=NOW)
    assert job.state == "done" and not type(client).objects.exists()
    with pytest.raises(routing.UnableToRoute, match="has left"):
        forward(part, officer)
    routing.record_answer(part.pk, "nothing", user=officer, now=NOW)
    assert routing.unforwarded(asked) == ""
    asked.refresh_from_db()
    assert asked.due_on == asked.answer_on


def test_the_database_keeps_a_part_whole(asked, client_of_ours, officer):
    part = split(asked, client_of_ours, officer)
    for wrong in ({"workspace": None}, {"due_at": None}, {"answer": "theirs"}, {"role": "controller"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            RequestPart.objects.filter(pk=part.pk).update(**wrong)


def test_the_page_of_the_request_leads_through_it(client, officer, asked, client_of_ours):
    client.force_login(officer)
    url = f"/admin/dsar/subjectrequest/{asked.pk}"
    press = lambda name, **data: client.post(f"{url}/{name}/", {"_form_submitted": "True", **data})  # noqa: E731
    assert "Pass on to the client" not in client.get(f"{url}/change/").content.decode()
    press("split", account=client_of_ours.workspace.outside_id, is_ours_too="on")
    html = client.get(f"{url}/change/").content.decode()
    assert "Pass on to the client" in html and "We ourselves" in html and "Overdue" in html
    part = asked.parts.get(role="processor")
    press("forward", part=part.pk, language="zh-hant", way="email")
    assert "passed on late" in client.get(f"{url}/change/").content.decode()
    press("client_answer", part=part.pk, answer="theirs")
    assert "The client answers the person" in client.get(f"{url}/change/").content.decode()
    client.force_login(factories.make_user("Support agent"))
    assert press("split", account=client_of_ours.workspace.outside_id).status_code == 403


def test_a_personal_account_is_no_business_client(client, officer):
    client.force_login(officer)
    personal, business = factories.make_workspace(), factories.make_workspace(kind="business")
    form = {"contact_email": "a@b.example", "processor_for": ["recordings"], "forward_days": "2", "contact_name": ""}
    add = "/admin/accounts/businessclient/add/"
    assert "This account is personal" in client.post(add, {**form, "workspace": personal.pk}).content.decode()
    assert client.post(add, {**form, "workspace": business.pk}).status_code == 302
    assert business.client.processor_for == ["recordings"]
