"""Correction, withdrawal of consent and opt-outs, decided on the page that all rights share."""

import json

import pytest

from accounts import approvals, consents
from accounts.approvals import UnableToApprove
from accounts.models import Approval, Consent, EvidenceEntry, Person
from dsar import marketing
from dsar.models import Correction, Decision, OptOut, Statement
from dsar.rights import RIGHTS, UnableToCarryOut
from dsar.rights.decisions import decide, digest_of, preview_of
from retention.models import Notice
from retention.upstream import notices
from tests import factories
from tests.factories import DAY, NOW
from tests.retention.recipients import make_recipient

pytestmark = pytest.mark.django_db


@pytest.fixture
def officers():
    return factories.make_user(), factories.make_user()


@pytest.fixture
def alice():
    return factories.make_person(
        factories.make_workspace(), name="Alice Brant", email="alice@example.test", phone="+447700900111"
    )


def form_of(request, code: str, **typed):
    right = RIGHTS[code]
    first = right.form(subject_request=request).initial_choices()
    return right.form({**first, **typed}, subject_request=request)


def do(request, code: str, user, **typed) -> Decision:
    form = form_of(request, code, **typed)
    assert form.is_valid(), form.errors
    choices = form.chosen()
    shown = preview_of(request, RIGHTS[code], choices, now=NOW)
    seen = digest_of(RIGHTS[code], choices, shown)
    return decide(request.pk, code, choices, seen=seen, user=user, now=NOW)


def to_correct(alice, user, **fields):
    request = factories.make_request(user, type="rectification", person=alice, **fields)
    factories.prove_identity(request, user)
    return request


# --- Correction ---------------------------------------------------------------------------------------------------


def test_what_identifies_somebody_is_corrected_by_two_officers(alice, officers):
    asking, agreeing = officers
    request = to_correct(alice, asking)
    decision = do(request, "correction", asking, **{"accounts.Person.name": "Alice Brandt"})
    assert Person.objects.get(pk=alice.pk).name == "Alice Brant"
    asked = Approval.objects.get(target=str(decision.pk))
    assert "Brandt" not in asked.summary and "name" in asked.summary
    with pytest.raises(UnableToApprove):
        approvals.decide(asked.pk, user=asking, agree=True, now=NOW)
    approvals.decide(asked.pk, user=agreeing, agree=True, now=NOW)
    decision.refresh_from_db(), request.refresh_from_db()
    assert Person.objects.get(pk=alice.pk).name == "Alice Brandt" and request.state == "approved"
    assert "Brandt" not in json.dumps(
        [decision.choices, decision.result]
    )  # what it said stands in the correction alone
    assert Correction.objects.get().before == "Alice Brant"
    assert RIGHTS["correction"].told(decision, "en") == ["Corrected: name."]
    assert RIGHTS["correction"].told(decision, "zh-hant") == ["已更正：姓名。"]


def test_what_was_asked_is_void_when_the_value_has_changed_meanwhile(alice, officers):
    request = to_correct(alice, officers[0])
    decision = do(request, "correction", officers[0], **{"accounts.Person.name": "Alice Brandt"})
    Person.objects.filter(pk=alice.pk).update(name="Alice Miller")
    with pytest.raises(UnableToApprove, match="changed"):
        approvals.decide(Approval.objects.get(target=str(decision.pk)).pk, user=officers[1], agree=True, now=NOW)
    assert Person.objects.get(pk=alice.pk).name == "Alice Miller" and not Correction.objects.exists()


def test_one_officer_corrects_what_identifies_nobody_and_keeps_a_statement_of_the_rest(alice, officers):
    request = to_correct(alice, officers[0])
    do(
        request, "correction", officers[0], **{"accounts.Person.business_name": "Brandt Ltd"},
        refused=["accounts.Person.country"], statement="I have always lived in Wales.",
    )  # fmt: skip
    alice.refresh_from_db()
    assert alice.business_name == "Brandt Ltd"
    said = Statement.objects.get()
    assert (said.person, said.fields, said.text) == (
        alice,
        ["accounts.Person.country"],
        "I have always lived in Wales.",
    )
    decision = Decision.objects.get()
    assert "Wales" not in json.dumps([decision.choices, decision.result])
    assert any("Not corrected" in words for words in RIGHTS["correction"].told(decision, "en"))


def test_clear_values_are_in_no_form(alice, officers):
    request = to_correct(alice, officers[0])
    html = form_of(request, "correction").as_p()
    assert "alice@example.test" not in html and "+447700900111" not in html and "Alice Brant" in html


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"evidence": "document"}, "document"),
        ({"statement": "No."}, "choose what"),
        ({"accounts.Person.business_name": "X", "refused": ["accounts.Person.business_name"]}, "either"),
        ({"statement": "4111 1111 1111 1111", "refused": ["accounts.Person.name"]}, "card"),
    ],
)
def test_what_does_not_fit_together_is_said_in_the_form(alice, officers, typed, words):
    form = form_of(to_correct(alice, officers[0]), "correction", **typed)
    assert not form.is_valid() and words in str(form.errors)


def test_a_document_of_the_ticket_shows_it(alice, officers):
    ticket = factories.make_ticket(alice.memberships.get().workspace, alice)
    file, _ = factories.make_correspondence(ticket)
    request = to_correct(alice, officers[0], ticket_reference=ticket.reference)
    do(
        request, "correction", officers[0], **{"accounts.Person.business_name": "Brandt Ltd"}, evidence="document",
        file=str(file.pk),
    )  # fmt: skip
    assert Correction.objects.get().file == file.pk
    assert not form_of(request, "correction", evidence="document", file=str(alice.pk)).is_valid()


def test_nothing_is_corrected_before_the_person_is_known(alice, officers):
    request = factories.make_request(officers[0], type="rectification", person=alice)
    with pytest.raises(UnableToCarryOut):
        do(request, "correction", officers[0], **{"accounts.Person.business_name": "Brandt Ltd"})
    alice.refresh_from_db()
    assert alice.business_name == ""


# --- Withdrawal of consent ----------------------------------------------------------------------------------------


def test_a_withdrawn_consent_ends_what_rests_on_it_and_is_kept_as_proof(alice, officers):
    website = make_recipient(categories=["accounts.Consent"])
    make_recipient(categories=["telecom_records.Recording"])
    bob = factories.make_person()
    for person in (alice, bob):
        for purpose in ("marketing_email", "testimonial", "analytics_cookies"):
            factories.make_consent(person, purpose=purpose)
    newer = factories.make_consent(alice, purpose="data_sharing", given_at=NOW - DAY)
    request = factories.make_request(officers[0], type="withdraw_consent", person=alice)
    do(request, "withdraw_consent", officers[0], purposes=["marketing_email", "testimonial", "data_sharing"])
    for purpose, stands in (
        ("marketing_email", False),
        ("testimonial", False),
        ("analytics_cookies", True),
        ("data_sharing", True),
    ):
        assert consents.may(alice, purpose, now=NOW) is stands
        assert consents.may(bob, purpose, now=NOW) is (purpose != "data_sharing")
    assert [each.person for each in marketing.audience("marketing_email", now=NOW)] == [bob]
    kept = Consent.objects.get(person=alice, purpose="testimonial")
    assert kept.withdrawn_at == request.received_at and newer.pk
    (notice,) = Notice.objects.filter(request_id=request.pk)
    says = notices.message_of(notice, now=NOW)
    assert notice.recipient == website and says["type"] == "withdrawal" and "testimonial" in says["asks"]
    assert says["customer"] == {"people": [alice.outside_id]}
    request.refresh_from_db()
    assert request.state == "approved"
    assert EvidenceEntry.objects.filter(type="CONSENT_WITHDRAWN").count() == 2


def test_every_purpose_says_what_rests_on_it():
    assert set(consents.RESTS_ON) == set(Consent.Purpose.values)
    assert all(rest.here and rest.outside for rest in consents.RESTS_ON.values())


def test_a_withdrawal_without_a_consent_says_so(alice, officers):
    request = factories.make_request(officers[0], type="withdraw_consent", person=alice)
    with pytest.raises(UnableToCarryOut, match="No consent"):
        do(request, "withdraw_consent", officers[0])


# --- Opt-outs -----------------------------------------------------------------------------------------------------


def test_an_opt_out_is_carried_out_and_waits_for_its_letter(alice, officers):
    factories.make_consent(alice)
    website = make_recipient(categories=["accounts.Consent"])
    request = factories.make_request(
        officers[0], type="unsubscribe", person=alice, requester_contact="other@example.test"
    )
    decision = request.decisions.get()
    assert request.state == "approved" and decision.state == "done" and decision.result["consents"] == 1
    assert OptOut.objects.count() == 3 and "example" not in json.dumps([decision.choices, decision.result])
    assert [notice.recipient for notice in Notice.objects.filter(request_id=request.pk)] == [website]
    for language in ("en", "zh-hant"):
        assert RIGHTS["marketing_opt_out"].told(decision, language)


def test_an_opt_out_without_an_address_waits_for_an_officer(officers):
    request = factories.make_request(officers[0], type="unsubscribe", requester_contact="8 Hennessy Road")
    assert request.state == "received" and not Decision.objects.exists()
    assert request.events.filter(kind="opt_out_waits").exists()
    do(request, "marketing_opt_out", officers[0], addresses="new@example.test\n+44 7700 900222")
    assert marketing.opted_out_since("+447700900222", now=NOW) == request.received_at


def test_an_opt_out_of_sale_confirms_that_nothing_is_sold(alice, officers):
    factories.make_consent(alice, purpose="data_sharing")
    request = factories.make_request(officers[0], type="opt_out", regime="us_ca_ccpa", person=alice)
    assert request.state == "approved" and not consents.may(alice, "data_sharing", now=NOW)
    assert "do not sell" in RIGHTS["sale_opt_out"].told(request.decisions.get(), "en")[0]
