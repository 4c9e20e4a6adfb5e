"""Who may receive marketing: a consent in effect, and nobody who opted out, whatever comes later."""

import csv
import datetime as dt
import io

import pytest
import tablib
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from accounts import consents, epochs
from accounts.models import AccessLogEntry, ChildFinding, Consent, Person, Workspace
from accounts.resources import ConsentResource
from accounts.roles import AUDITOR, PRIVACY_OFFICER, SECURITY_ADMINISTRATOR, SUPPORT_AGENT
from dsar import marketing
from dsar.models import OptOut, OutgoingMail, RequestEvent, SubjectRequest
from retention import restrictions
from retention.purge import carry_out
from tests import factories
from tests.dsar import rights
from tests.factories import DAY, NOW

pytestmark = pytest.mark.django_db
E = "marketing_email"


def emails(purpose: str = E, now=NOW) -> set[str]:
    return {each.person.email for each in marketing.audience(purpose, now=now)}


def opt_out(*texts, at=NOW, **fields):
    return marketing.opt_out(texts, channel="chat", asked_at=at, user=None, now=max(at, NOW), **fields)


@pytest.fixture
def alice():
    person = factories.make_person(factories.make_workspace(), email="Alice@example.test", phone="+447700900111")
    factories.make_subscription(person.memberships.get().workspace, expires_at=NOW + 90 * DAY)
    for purpose in marketing.REACHES:
        factories.make_consent(person, purpose=purpose)
    return person


@pytest.fixture
def bob():
    person = factories.make_person(factories.make_workspace(), email="bob@example.test", phone="+447700900222")
    for purpose in marketing.REACHES:
        factories.make_consent(person, purpose=purpose)
    return person


def test_only_consents_in_effect_are_on_the_list(alice, bob):
    never = factories.make_person()
    factories.make_consent(never, purpose="analytics_cookies")
    gone = factories.make_person()
    factories.make_consent(gone, withdrawn_at=NOW - DAY)
    nowhere = factories.make_person(email="")
    factories.make_consent(nowhere)
    later = factories.make_person()
    factories.make_consent(later, given_at=NOW + DAY)
    assert emails() == {alice.email, bob.email}


def test_an_opt_out_stops_every_kind_of_marketing_and_nothing_of_anybody_else(alice, bob):
    opt_out(person=alice)
    for purpose in marketing.REACHES:
        assert emails(purpose) == {bob.email}
    assert not Consent.objects.filter(person=alice, withdrawn_at__isnull=True).exists()
    assert Consent.objects.filter(person=bob, withdrawn_at__isnull=True).count() == 3


def test_an_address_is_known_again_in_whatever_form_it_is_written(alice):
    opt_out(" ALICE@example.TEST ", "+44 7700 900-111")
    assert emails() == emails("marketing_sms") == set()
    assert marketing.opted_out_since("alice@example.test", now=NOW) == NOW
    assert marketing.opted_out_since("bob@example.test", now=NOW) is None


def test_what_is_no_address_is_said_to_be_none():
    with pytest.raises(marketing.UnableToOptOut):
        opt_out("not an address", "12345")
    assert not OptOut.objects.exists()


def test_nothing_but_a_new_consent_brings_somebody_back(alice):
    opt_out(person=alice)
    late = {"outside_id": "C-late", "person": alice.outside_id, "purpose": E, "policy_version": "2025-09"}
    again = Consent.objects.filter(person=alice, purpose=E).get()
    old = {**late, "outside_id": again.outside_id, "given_at": again.given_at.isoformat(), "withdrawn_at": ""}
    for rows in ([old], [{**late, "given_at": (NOW - 5 * DAY).isoformat(), "withdrawn_at": ""}]):
        result = ConsentResource(now=NOW + DAY).import_data(dataset(rows))
        assert not result.has_errors() and not result.has_validation_errors()
    assert Consent.objects.get(pk=again.pk).withdrawn_at == NOW
    assert Consent.objects.filter(
        outside_id="C-late", withdrawn_at__isnull=True
    ).exists()  # it came, and counts for nothing
    alice.email = "new@example.test"  # an address that nobody opted out
    alice.save()
    assert emails(now=NOW + DAY) == set()
    Consent.objects.filter(outside_id="C-late").update(withdrawn_at=NOW + DAY)
    factories.make_consent(alice, given_at=NOW + 2 * DAY)
    assert emails(now=NOW + 3 * DAY) == {"new@example.test"}


def dataset(rows: list[dict]) -> tablib.Dataset:
    made = tablib.Dataset(headers=list(rows[0]))
    for row in rows:
        made.append(list(row.values()))
    return made


def test_a_withdrawal_cannot_be_taken_back_by_hand(alice):
    consent = alice.consents.get(purpose=E)
    consents.withdraw(alice, [E], at=NOW, user=None)
    consent.refresh_from_db()
    consent.withdrawn_at = None
    with pytest.raises(Exception, match="final"):
        consent.full_clean()


def test_the_memory_survives_the_erasure_and_holds_no_address(alice):
    workspace = alice.memberships.get().workspace
    kept = opt_out(person=alice)
    workspace.subscriptions.update(expires_at=NOW - DAY)
    factories.arm("workspace_expiry")
    factories.know_for_long()
    carry_out(NOW, now=NOW)
    assert not Person.objects.filter(pk=alice.pk).exists()
    assert OptOut.objects.count() == len(kept) == 2
    returned = factories.make_person(email="alice@example.test", phone="+447700900999")
    factories.make_consent(returned, given_at=NOW - DAY)
    assert emails() == set()
    written = " ".join(str(value) for row in OptOut.objects.values() for value in row.values()).lower()
    hashes = b"".join(bytes(each.address_hash) for each in kept)
    assert "alice" not in written and "7700900111" not in written and b"alice" not in hashes.lower()


def test_it_survives_new_epochs_of_keys(alice, bob):
    opt_out(person=alice)
    epochs.current()
    epochs.rotate(now=NOW, user=factories.make_user())
    assert emails() == {bob.email}


@pytest.mark.parametrize("who", ["somebody else", "the same customer"])
def test_it_ends_when_the_number_is_somebody_elses(alice, bob, who):
    workspace = alice.memberships.get().workspace
    number = factories.make_number()
    factories.make_assignment(workspace, number, until=NOW + DAY)
    alice.phone = number.e164
    alice.save()
    opt_out(person=alice)
    Person.objects.filter(pk=bob.pk).update(phone=number.e164)
    assert emails("marketing_sms") == set()
    other = bob.memberships.get().workspace if who == "somebody else" else workspace
    factories.make_assignment(other, number, since=NOW + 2 * DAY)
    assert emails("marketing_sms", now=NOW + DAY) == set()
    assert emails("marketing_sms", now=NOW + 3 * DAY) == ({bob.email} if who == "somebody else" else set())
    assert OptOut.objects.filter(kind="email", ended_at__isnull=True).count() == 1


def test_a_number_that_never_was_ours_stays_opted_out(alice, bob):
    opt_out("+442079460199")
    factories.make_assignment(bob.memberships.get().workspace, factories.make_number("+442079460199"), since=NOW + DAY)
    assert marketing.opted_out_since("+442079460199", now=NOW + 2 * DAY) == NOW


def test_children_and_those_who_cancelled_receive_none(alice, bob):
    officer = factories.make_user()
    ChildFinding.objects.create(person=bob, found_at=NOW, how="staff", recorded_by=officer, recorded_at=NOW)
    assert emails() == {alice.email}
    ChildFinding.objects.update(dropped_at=NOW)
    assert emails() == {alice.email, bob.email}
    alice.memberships.get().workspace.subscriptions.update(cancelled_at=NOW - DAY, next_billing_at=NOW + 20 * DAY)
    assert emails() == {bob.email}


def test_whoever_is_restricted_or_past_their_time_receives_none(alice, bob):
    officer = factories.make_user()
    request = factories.make_request(officer, type="restriction", person=alice)
    restrictions.restrict(alice, ground="accuracy", request_id=request.pk, user=officer, now=NOW)
    assert emails() == {bob.email}
    Workspace.objects.filter(memberships__person=bob).update(state="hidden")
    assert emails() == set()


def test_an_objection_to_marketing_is_remembered_as_an_opt_out(alice, bob):
    officer = factories.make_user()
    request = factories.make_request(officer, type="objection", person=alice)
    factories.prove_identity(request, officer)
    rights.carry_out(request, "objection", officer, purpose="marketing")
    assert emails() == {bob.email} and OptOut.objects.filter(request_id=request.pk).count() == 2


@pytest.mark.parametrize("known", [True, False])
def test_a_request_to_unsubscribe_is_done_when_it_is_registered(alice, bob, known):
    officer = factories.make_user()
    mails = OutgoingMail.objects.count()
    request = factories.make_request(
        officer, type="unsubscribe", person=alice if known else None, requester_contact="alice@example.test",
        channel="ticket", received_at=NOW - DAY,
    )  # fmt: skip
    assert emails() == {bob.email}
    assert OptOut.objects.filter(request_id=request.pk, asked_at=NOW - DAY).count() == (2 if known else 1)
    assert RequestEvent.objects.filter(request=request, kind="decision").exists()
    assert SubjectRequest.objects.get(pk=request.pk).is_open and OutgoingMail.objects.count() == mails


def test_an_opt_out_of_sharing_ends_what_could_be_sharing(alice):
    for purpose in ("data_sharing", "advertising_cookies"):
        factories.make_consent(alice, purpose=purpose)
    factories.make_request(factories.make_user(), type="opt_out", regime="us_ca_ccpa", person=alice)
    assert not consents.may(alice, "data_sharing", now=NOW) and not consents.may(alice, "advertising_cookies", now=NOW)
    assert consents.may(alice, E, now=NOW)


def test_an_ended_opt_out_goes_after_three_years_and_one_in_effect_never():
    from dsar import clocks

    living, ended = opt_out("a@example.test")[0], opt_out("b@example.test")[0]
    OptOut.objects.filter(pk=ended.pk).update(ended_at=NOW + DAY)
    period = dt.timedelta(days=1096)
    past = clocks.opt_out_has_ended
    assert list(OptOut.objects.filter(past(NOW + period - dt.timedelta(seconds=1), period))) == []
    assert list(OptOut.objects.filter(past(NOW + period, period))) == [ended]
    assert clocks.opt_out_goes_at(OptOut.objects.get(pk=living.pk), period) is None


# --- The page -----------------------------------------------------------------------------------------------------


@pytest.fixture
def officer(client):
    user = factories.make_user()
    client.force_login(user)
    return user


def rows_of(response) -> list[list[str]]:
    return list(csv.reader(io.StringIO(b"".join(response).decode())))


def test_the_list_leaves_as_a_stream_without_formulas_and_is_written_down(client, officer, alice, bob):
    Person.objects.filter(pk=bob.pk).update(name="=HYPERLINK(1)")
    opt_out(person=alice)
    response = client.post("/admin/marketing/list/", {"purpose": E, "reason": "Winter"})
    assert response.streaming and not AccessLogEntry.objects.filter(action="export").exists()
    (titles, row) = rows_of(response)
    assert row[titles.index("name")] == "'=HYPERLINK(1)" and row[titles.index("address")] == bob.email
    entry = AccessLogEntry.objects.get(action="export")
    assert (entry.rows, entry.user) == (1, officer) and "Winter" in entry.reason


def test_a_list_that_is_cut_off_is_written_down_as_far_as_it_went(client, officer, alice, bob):
    response = client.post("/admin/marketing/list/", {"purpose": E, "reason": "Winter"})
    stream = iter(response.streaming_content)
    next(stream), next(stream)
    for close in response._resource_closers:  # what close() does first, before it lets the connection go
        close()
    assert AccessLogEntry.objects.get(action="export").rows == 1


@pytest.mark.parametrize(
    ("role", "may_see", "may_add", "may_take"),
    [(PRIVACY_OFFICER, True, True, True), (SUPPORT_AGENT, True, True, False), (AUDITOR, True, False, False),
     (SECURITY_ADMINISTRATOR, False, False, False)],
)  # fmt: skip
def test_who_may_do_what(client, role, may_see, may_add, may_take):
    client.force_login(factories.make_user(role))
    assert client.get("/admin/marketing/").status_code == (200 if may_see else 403)
    typed = {"addresses": "a@example.test", "channel": "chat"}
    assert client.post("/admin/marketing/", typed).status_code == (302 if may_add else 403)
    assert OptOut.objects.exists() is may_add
    assert client.post("/admin/marketing/list/", {"purpose": E, "reason": "x"}).status_code == (
        200 if may_take else 403
    )
    assert client.get("/admin/marketing/list/").status_code == 405


def upload(client, text: str | bytes):
    file = SimpleUploadedFile("opt-outs.csv", text if isinstance(text, bytes) else text.encode())
    return client.post("/admin/marketing/", {"addresses": "", "channel": "file", "file": file})


def test_a_file_of_opt_outs_is_taken_whole(client, officer, alice, bob):
    lines = f"address,asked_at\nalice@EXAMPLE.test,{(NOW - DAY).isoformat()}\n'+442079460199,\nc@example.test,\n"
    assert upload(client, lines).status_code == 302
    assert emails(now=timezone.now()) == {bob.email} and OptOut.objects.count() == 3
    assert marketing.opted_out_since("+442079460199", now=timezone.now())
    assert OptOut.objects.get(asked_at=NOW - DAY).kind == "email"
    assert upload(client, lines).status_code == 302 and OptOut.objects.count() == 3


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("address\na@example.test\nnot an address\n", "Line 3"),
        ("mail\na@example.test\n", "first line"),
        ("address,asked_at\na@example.test,2026-01-01\n", "Line 2"),
        ("address,asked_at\na@example.test,2199-01-01T00:00:00+00:00\n", "future"),
        ('address\n"a@example.test\n', "quote"),
        (b"address\n\xff\xfe@example.test\n", "UTF-8"),
        ("address\n", "no line"),
        ("", "empty"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_whole_and_says_where(client, officer, text, words):
    response = upload(client, text)
    assert response.status_code == 400 and words in response.content.decode() and not OptOut.objects.exists()


def test_an_opt_out_by_address_alone_holds_for_whoever_has_it_and_changes_it_later(alice, bob):
    opt_out(alice.email)
    alice.email = "new@example.test"
    alice.save()
    assert emails() == {bob.email} and emails("marketing_sms") == {alice.email, bob.email}


def test_whether_an_address_wants_marketing_is_told_to_those_who_may_see_it(client, officer):
    opt_out("a@example.test")
    assert "No marketing" in client.post("/admin/marketing/check/", {"address": "A@example.test"}).content.decode()
    assert "Not opted out" in client.post("/admin/marketing/check/", {"address": "b@example.test"}).content.decode()
    assert client.post("/admin/marketing/check/", {"address": "x"}).status_code == 400


def test_a_large_list_asks_the_database_once_a_batch(django_assert_max_num_queries):
    person = factories.make_person()
    policy = factories.make_policy()
    people = Person.objects.bulk_create(
        [Person(outside_id=f"B-{i}", name="B", email=f"b{i}@example.test") for i in range(3000)]
    )
    Consent.objects.bulk_create(
        [Consent(outside_id=f"CB-{i}", person=each, purpose=E, policy_version=policy, given_at=NOW - DAY)
         for i, each in enumerate(people)]
    )  # fmt: skip
    with django_assert_max_num_queries(6):
        assert sum(1 for _ in marketing.audience(E, now=NOW)) == 3000 and person
    with django_assert_max_num_queries(40):
        marketing.opt_out_many([(each.email, NOW) for each in people[:10]], channel="file", user=None, now=NOW)
