"""Each identifier by itself, codes that can be tried a few times, and nothing for who stays unverified."""

import datetime as dt
import json
import re

import pytest
from django.core import mail

from accounts.feeds import signing
from accounts.models import EvidenceEntry
from dsar import outbox, steps
from dsar.identity import challenge, codes
from dsar.identity.links import identifier_of, link_to
from dsar.identity.proof import (
    Kind,
    Proof,
    UnableToCheck,
    ask_for_identity,
    candidates,
    name_agent,
    prove,
    proved,
    unsettled,
)
from dsar.models import ChallengeAnswer, ClockEvent, Identifier, IdentityCode, OutgoingMail, RequestStep
from dsar.workflow import State, UnableToMove, move_request
from tests import factories
from tests.factories import DAY, NOW

pytestmark = pytest.mark.django_db
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture(autouse=True)
def texts(settings, tmp_path):
    settings.SMS_GATEWAY, settings.SMS_FILE_PATH = "dsar.sms.FileGateway", tmp_path / "sms"
    return lambda: [path.read_text() for path in sorted(settings.SMS_FILE_PATH.glob("*.txt"))]


@pytest.fixture
def officer():
    return factories.make_user()


@pytest.fixture
def alice():
    return factories.make_person(factories.make_workspace(), email="Alice@example.test", phone="+447700900123")


@pytest.fixture
def asked(alice, officer):
    """An access request of Alice that waits for a code to her e-mail."""
    request = factories.make_request(officer, person=alice, regime="eu_gdpr", region="IE")
    ask_for_identity(request.pk, [("email", "alice@example.test")], user=officer, now=NOW)
    run_all(NOW)
    request.refresh_from_db()
    return request


def run_all(now) -> None:
    for step_id in steps.to_run(now):
        steps.run_step(step_id, now=now)
    factories.deliver_mails(now)


def last_code() -> str:
    return re.search(r"Code: (\d{6})", mail.outbox[-1].body).group(1)


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06d}"


def test_a_code_to_the_record_proves_it_and_the_request_goes_on_with_its_days_back(asked):
    assert (asked.state, asked.is_paused) == ("identity", True)
    (email,) = asked.identifiers.all()
    codes.enter_code(email.pk, last_code(), user=None, now=NOW + 20 * 60 * MINUTE)
    asked.refresh_from_db()
    assert (asked.state, asked.is_paused) == ("collecting", False)
    assert asked.statutory_due_on == dt.date(2026, 12, 21)  # 20 Nov, a month, one day
    assert list(asked.clock_events.order_by("pk").values_list("kind", flat=True)) == [
        "pause-identity", "resume-identity",
    ]  # fmt: skip
    assert EvidenceEntry.objects.filter(type="IDENTITY_PROVED").get().body == {"of": "email", "by": "code"}


def test_a_verified_email_never_unlocks_a_telephone_number(asked, officer, texts):
    ask_for_identity(asked.pk, [("phone", "+447700900123")], user=officer, now=NOW)
    run_all(NOW)
    email, phone = (asked.identifiers.get(kind=kind) for kind in ("email", "phone"))
    code = last_code()
    with pytest.raises(codes.CodeRefused):
        codes.enter_code(phone.pk, code, user=None, now=NOW)
    codes.enter_code(email.pk, code, user=None, now=NOW)
    asked.refresh_from_db()
    assert asked.state == "identity"
    assert unsettled(asked) == "Not proved yet: telephone number."
    assert (proved(asked, Kind.EMAIL), proved(asked, Kind.PHONE)) == ({"alice@example.test"}, set())
    with pytest.raises(UnableToMove, match="Not proved yet: telephone number"):
        move_request(asked.pk, State.COLLECTING, user=officer, now=NOW)
    (text,) = texts()
    codes.enter_code(phone.pk, re.search(r"\d{6} is", text).group()[:6], user=None, now=NOW + MINUTE)
    asked.refresh_from_db()
    assert asked.state == "collecting"


def test_an_address_that_is_not_on_record_proves_nothing_about_the_customer(officer, alice):
    request = factories.make_request(officer, person=alice, requester_contact="mallory@example.test")
    assert candidates(request) == [
        ("email", "alice@example.test", "on record"),
        ("phone", "+447700900123", "on record"),
        ("email", "mallory@example.test", "given with the request"),
    ]
    ask_for_identity(request.pk, [("email", "mallory@example.test")], user=officer, now=NOW)
    run_all(NOW)
    codes.enter_code(request.identifiers.get().pk, last_code(), user=None, now=NOW)
    request.refresh_from_db()
    assert request.state == "identity"
    assert "not on the customer’s record" in unsettled(request)


def test_a_code_is_hashed_with_a_key_and_stands_nowhere_else(asked):
    code = last_code()
    kept = IdentityCode.objects.get()
    assert code not in kept.digest
    assert kept.digest == codes._digest(kept, code) != codes._digest(kept, wrong(code))
    told = json.dumps(list(EvidenceEntry.objects.values_list("body", flat=True)))
    assert code not in told + "".join(asked.events.values_list("text", flat=True))


def test_five_wrong_tries_void_a_code_and_the_right_one_comes_too_late(asked):
    (email,) = asked.identifiers.all()
    code = last_code()
    for left in (4, 3, 2, 1):
        with pytest.raises(codes.CodeRefused, match=f"{left} tr"):
            codes.enter_code(email.pk, wrong(code), user=None, now=NOW)
    with pytest.raises(codes.CodeRefused, match="tried too often"):
        codes.enter_code(email.pk, wrong(code), user=None, now=NOW)
    with pytest.raises(codes.CodeRefused, match="no code that can be used"):
        codes.enter_code(email.pk, code, user=None, now=NOW)
    assert IdentityCode.objects.get().end == "exhausted"


@pytest.mark.parametrize(("after", "works"), [(codes.LIFE[Kind.EMAIL] - MINUTE, True), (codes.LIFE[Kind.EMAIL], False)])
def test_a_code_expires_at_its_instant(asked, after, works):
    (email,) = asked.identifiers.all()
    if works:
        assert codes.enter_code(email.pk, last_code(), user=None, now=NOW + after).proved_at
    else:
        with pytest.raises(codes.CodeRefused, match="expired"):
            codes.enter_code(email.pk, last_code(), user=None, now=NOW + after)


def test_only_the_newest_code_is_alive_and_five_a_day_are_sent(asked):
    (email,) = asked.identifiers.all()
    first = last_code()
    with pytest.raises(codes.UnableToSendCode, match="just now"):
        codes.ask_for_code(email.pk, now=NOW + dt.timedelta(seconds=30))
    for n in range(1, codes.A_DAY):
        codes.ask_for_code(email.pk, now=NOW + n * 2 * MINUTE)
        run_all(NOW + n * 2 * MINUTE)
    with pytest.raises(codes.UnableToSendCode, match="Ask for another one tomorrow"):
        codes.ask_for_code(email.pk, now=NOW + 60 * MINUTE)
    assert len(mail.outbox) == codes.A_DAY
    assert IdentityCode.objects.filter(ended_at__isnull=True).count() == 1
    with pytest.raises(codes.CodeRefused, match="not the code"):
        codes.enter_code(email.pk, first, user=None, now=NOW + 60 * MINUTE)
    codes.ask_for_code(email.pk, now=NOW + DAY + 2 * MINUTE)


def test_a_code_that_could_not_be_sent_is_no_code_and_the_failure_shows(asked, officer, settings):
    settings.SMS_GATEWAY = "dsar.sms.NoGateway"
    ask_for_identity(asked.pk, [("phone", "+447700900123")], user=officer, now=NOW)
    for hours in (0, 1, 2, 3, 6):
        run_all(NOW + dt.timedelta(hours=hours))
    step = RequestStep.objects.get(kind="send_code", state="stopped")
    assert step.fault == "no gateway for text messages is set up (SMS_GATEWAY)"
    phone = asked.identifiers.get(kind="phone")
    assert set(phone.codes.values_list("end", flat=True)) == {"unsent"}
    settings.SMS_GATEWAY = "dsar.sms.FileGateway"
    steps.retry_step(step.pk, user=officer, now=NOW + DAY)
    run_all(NOW + DAY)
    assert phone.codes.filter(ended_at__isnull=True).count() == 1


def test_a_code_that_has_ended_is_never_sent_late(asked, officer):
    (email,) = asked.identifiers.all()
    sent = len(mail.outbox)
    codes.ask_for_code(email.pk, now=NOW + 60 * MINUTE)
    (step,) = steps.to_run(NOW + 60 * MINUTE)
    steps.run_step(step, now=NOW + 60 * MINUTE)  # and no worker is there to send it
    first = OutgoingMail.objects.get(state="queued")
    codes.send_code(email.pk, now=NOW + 120 * MINUTE)  # the newer one ends it
    second = OutgoingMail.objects.get(state="queued")
    first.refresh_from_db()
    assert (first.state, first.answer) == ("closed", "no longer needed")
    assert outbox.deliver(second.pk, now=NOW + 120 * MINUTE + codes.LIFE[Kind.EMAIL]).answer == "too late"
    with pytest.raises(outbox.UnableToSend, match="not sent twice"):
        outbox.send_again(second.pk, now=NOW + 2 * DAY)
    assert len(mail.outbox) == sent


def test_a_code_goes_out_until_the_last_minute_of_its_life(asked):
    (email,) = asked.identifiers.all()
    codes.send_code(email.pk, now=NOW + 60 * MINUTE)
    sent = len(mail.outbox)
    factories.deliver_mails(NOW + 59 * MINUTE + codes.LIFE[Kind.EMAIL])
    assert len(mail.outbox) == sent + 1
    codes.enter_code(email.pk, last_code(), user=None, now=NOW + 59 * MINUTE + codes.LIFE[Kind.EMAIL])


def test_who_stays_unverified_is_reminded_and_the_request_expires(asked):
    days = []
    for day in range(32):
        before = len(mail.outbox)
        run_all(NOW + day * DAY)
        days += [day] * len([m for m in mail.outbox[before:] if m.to == ["alice@example.test"]])
    asked.refresh_from_db()
    assert (asked.state, asked.closed_at) == ("expired", NOW + 30 * DAY)
    assert days == [7, 21, 31]  # two reminders, and the letter that it is over
    assert "Nothing was disclosed" in mail.outbox[-1].body
    (email,) = asked.identifiers.all()
    assert codes.why_no_code(email, now=NOW + 31 * DAY) == "This request waits for no code."


def test_where_the_law_wants_a_refusal_the_request_is_not_closed_by_itself(officer, alice):
    request = factories.make_request(officer, person=alice, regime="hk_pdpo", owner=officer)
    ask_for_identity(request.pk, [("email", "alice@example.test")], user=officer, now=NOW)
    for day in range(32):
        run_all(NOW + day * DAY)
    request.refresh_from_db()
    assert (request.state, request.is_paused) == ("identity", False)
    assert [message.to for message in mail.outbox if "refuse in writing" in message.subject] == [[officer.email]]


def test_a_wait_that_began_anew_is_not_ended_by_the_old_one(asked, officer):
    (email,) = asked.identifiers.all()
    prove(asked.pk, "email", email.value, Proof.CALL_BACK, user=officer, now=NOW + 20 * DAY)
    ask_for_identity(asked.pk, [("phone", "+447700900123")], user=officer, now=NOW + 25 * DAY)
    run_all(NOW + 31 * DAY)
    asked.refresh_from_db()
    assert asked.state == "identity"


@pytest.mark.parametrize("type", ["unsubscribe", "withdraw_consent"])
def test_what_discloses_and_takes_nothing_needs_no_proof(officer, type):
    request = factories.make_request(officer, type=type)
    assert unsettled(request) == ""
    move_request(request.pk, State.COLLECTING, user=officer, now=NOW)
    with pytest.raises(UnableToCheck, match="needs no proof"):
        ask_for_identity(request.pk, [("email", "a@example.test")], user=officer, now=NOW)


def test_nothing_leaves_before_somebody_made_sure_who_asks(officer, alice):
    request = factories.make_request(officer, person=alice)
    with pytest.raises(UnableToMove, match="check their identity first"):
        move_request(request.pk, State.COLLECTING, user=officer, now=NOW)


def test_an_agent_needs_a_paper_that_was_seen_and_the_word_of_the_person(officer, alice):
    request = factories.make_request(officer, person=alice)
    name_agent(request.pk, name="Asha Rao", contact="", authority="written", is_seen=False, user=officer, now=NOW)
    ask_for_identity(request.pk, [("email", "alice@example.test")], user=officer, now=NOW)
    run_all(NOW)
    assert "Asha Rao asks us about your data on your behalf" in mail.outbox[-1].body
    (email,) = request.identifiers.all()
    codes.enter_code(email.pk, last_code(), user=None, now=NOW)
    request.refresh_from_db()
    assert (request.state, unsettled(request)) == ("identity", "Nobody has seen the authority of the agent yet.")
    name_agent(request.pk, name="Asha Rao", contact="", authority="written", is_seen=True, user=officer, now=NOW)
    request.refresh_from_db()
    assert request.state == "collecting"
    name_agent(request.pk, name="Somebody else", contact="", authority="written", is_seen=True, user=officer, now=NOW)
    assert "has not confirmed yet that the agent may ask" in unsettled(request)


def test_an_officer_who_called_back_does_not_speak_for_the_person_about_the_agent(officer, alice):
    request = factories.make_request(officer, person=alice)
    name_agent(request.pk, name="Asha Rao", contact="", authority="lawyer", is_seen=True, user=officer, now=NOW)
    prove(request.pk, "account", alice.outside_id, Proof.CALL_BACK, user=officer, now=NOW)
    assert "has not confirmed yet" in unsettled(request)


@pytest.fixture
def with_record(alice):
    workspace = alice.memberships.get().workspace
    factories.make_subscription(workspace, plan="Business Plus", starts_at=dt.datetime(2025, 3, 5, tzinfo=dt.UTC))
    factories.make_assignment(workspace, factories.make_number("+442079460123"))
    return alice


def test_answers_that_match_the_record_prove_the_account_and_only_it(officer, with_record):
    request = factories.make_request(officer, person=with_record)
    assert [question.code for question in challenge.questions_for(request)] == ["started", "plan", "number"]
    said = {"plan": " business plus", "number": "+44 20 7946 0123"}
    account = challenge.ask_the_record(request.pk, said, user=officer, now=NOW)
    assert (account.kind, account.value, account.proof) == ("account", with_record.outside_id, "challenge")
    assert (proved(request, Kind.PHONE), unsettled(request)) == (set(), "")


def test_one_wrong_answer_is_too_many_and_three_rounds_are_all(officer, with_record):
    request = factories.make_request(officer, person=with_record)
    for _ in range(challenge.ROUNDS):
        said = {"plan": "Business Plus", "started": "2025-03", "number": "+442079460124"}
        assert challenge.ask_the_record(request.pk, said, user=officer, now=NOW) is None
    with pytest.raises(UnableToCheck, match="3 times in vain"):
        challenge.ask_the_record(request.pk, {"plan": "Business Plus", "started": "2025-03"}, user=officer, now=NOW)
    assert not Identifier.objects.filter(request=request).exists()
    assert ChallengeAnswer.objects.filter(matched=True).count() == 6


def test_specific_pieces_in_california_need_three_matches(officer, with_record):
    request = factories.make_request(officer, person=with_record, regime="us_ca_ccpa")
    with pytest.raises(UnableToCheck, match="at least 3 answers"):
        challenge.ask_the_record(request.pk, {"plan": "Business Plus", "started": "2025-03"}, user=officer, now=NOW)


def test_the_page_takes_the_code_without_a_session_and_shows_nothing_in_clear(client, asked):
    asked.identifiers.update(asked_at=NOW)
    (email,) = asked.identifiers.all()
    IdentityCode.objects.update(expires_at=dt.datetime(2100, 1, 1, tzinfo=dt.UTC))
    path = re.search(r"/identity/\S+", mail.outbox[-1].body).group()
    page = client.get(path)
    html = page.content.decode()
    assert "a•••@example.test" in html
    assert "alice" not in html
    assert (page["Referrer-Policy"], page.cookies) == ("no-referrer", {})
    assert "no-store" in page["Cache-Control"]
    refused = client.post(path, {"code": wrong(last_code())})
    assert (refused.status_code, "4 tries are left" in refused.content.decode()) == (422, True)
    done = client.post(path, {"code": last_code()})
    assert "is yours" in done.content.decode()
    email.refresh_from_db()
    assert email.proof == "code"
    assert "waits for no code" not in client.get(path).content.decode()


def test_a_link_that_is_changed_or_too_old_opens_nothing(client, asked, settings):
    (email,) = asked.identifiers.all()
    token = link_to(email).rstrip("/").rpartition("/")[2]
    assert identifier_of(token) == email
    assert client.get(f"/identity/{token}x/").status_code == 404
    assert client.get(f"/identity/{email.pk}/").status_code == 404


def signed(client, feed, secret, body: dict, *, nonce="nonce-0123456789abcdef"):
    text, at = json.dumps(body).encode(), str(int(dt.datetime.now(dt.UTC).timestamp()))
    signature = signing.signature_of(secret.encode(), timestamp=at, nonce=nonce, body=text)
    headers = {signing.TIMESTAMP: at, signing.NONCE: nonce, signing.SIGNATURE: signature}
    return client.post(f"/identity/signed-in/{feed.name}/", text, content_type="application/json", headers=headers)


def test_the_platforms_word_that_somebody_is_signed_in_proves_the_account(client, asked, officer, alice):
    feed = factories.make_feed()
    secret = signing.make_secret(feed.pk, user=officer, now=NOW)
    feed.refresh_from_db()
    asked.identifiers.update(proved_at=NOW, proof="code")
    other = factories.make_person()
    refused = signed(client, feed, secret, {"request": asked.reference, "person": other.outside_id})
    assert refused.status_code == 404
    assert signed(client, feed, "guess", {"request": asked.reference, "person": alice.outside_id}).status_code == 401
    assert signed(client, feed, secret, {"request": asked.reference}).status_code == 422
    assert signed(client, feed, secret, {"request": asked.reference, "person": alice.outside_id}).status_code == 200
    asked.refresh_from_db()
    assert (asked.state, proved(asked, Kind.ACCOUNT)) == ("collecting", {alice.outside_id})


def test_what_was_asked_of_the_clock_names_its_answer(asked, officer):
    """Clarification asked later stays open when identity is proved."""
    from dsar.dating import record_event

    record_event(asked.pk, ClockEvent.Kind.PAUSE_CLARIFICATION, on=NOW.date(), user=officer, now=NOW)
    (email,) = asked.identifiers.all()
    codes.enter_code(email.pk, last_code(), user=None, now=NOW + 20 * 60 * MINUTE)
    asked.refresh_from_db()
    assert (asked.state, asked.is_paused) == ("collecting", True)
    assert "Waiting for clarification" in asked.deadlines.get(ended_at=None).answer["steps"][1]["text"]
