"""What is wrong is corrected: shown, told, kept for a while, and not brought back by what comes late."""

import json

import pytest
import tablib
from django.core.exceptions import ValidationError

from accounts.models import EvidenceEntry, Person
from accounts.resources import PersonResource
from dsar import clocks, corrections
from dsar.models import Correction, Statement
from retention.models import Notice
from retention.purge import carry_out
from retention.upstream import notices
from tests import factories
from tests.factories import DAY, NOW
from tests.retention.recipients import make_recipient

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice():
    return factories.make_person(
        factories.make_workspace(), name="Alice Brant", email="alice@example.test", language="en", country="GB"
    )


@pytest.fixture
def request_(alice):
    return factories.make_request(factories.make_user(), type="rectification", person=alice)


def correct(request, now=NOW, **values):
    changes = corrections.changes_of(request, {f"accounts.Person.{name}": value for name, value in values.items()})
    return corrections.apply(request, changes, shown_by="word", file=None, now=now)


def test_a_field_is_corrected_and_what_it_said_is_kept(alice, request_):
    bob = factories.make_person(name="Alice Brant")
    made = correct(request_, name="Alice Brandt", language="en")
    alice.refresh_from_db(), bob.refresh_from_db()
    assert (alice.name, alice.email, bob.name) == ("Alice Brandt", "alice@example.test", "Alice Brant")
    assert [(each.field, each.before, each.after) for each in made] == [("name", "Alice Brant", "Alice Brandt")]
    told = EvidenceEntry.objects.get(type="DATA_CORRECTED")
    assert told.body["fields"] == ["accounts.Person.name"] and "Brandt" not in json.dumps(told.body)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("email", "no address", "E-mail"),
        ("phone", "020 7946 0123", "Telephone"),
        ("country", "Germany", "Country"),
        ("name", "", "Name"),
        ("billing_address", "4111 1111 1111 1111", "Billing address"),
        ("outside_id", "P-1", "outside_id"),
        ("created_at", "2020-01-01", "created_at"),
    ],
)
def test_what_a_field_may_not_hold_or_may_not_be_corrected_is_refused(request_, field, value, words):
    with pytest.raises(corrections.UnableToCorrect, match=words):
        correct(request_, **{field: value})
    assert not Correction.objects.exists()


def test_who_must_agree_follows_from_the_data_map(request_):
    def second(**values) -> bool:
        wanted = {f"accounts.Person.{name}": value for name, value in values.items()}
        return corrections.needs_second(corrections.changes_of(request_, wanted))

    assert second(name="Somebody Else") and second(email="b@example.test") and second(country="DE")
    assert not second(language="de") and not second(business_name="Brandt Ltd")
    assert second(language="de", phone="+442079460123")


def test_a_workspace_is_corrected_only_by_somebody_who_is_in_it(alice, request_):
    mine, other = alice.memberships.get().workspace, factories.make_workspace()
    request_.workspace = other
    assert corrections.rows_of(request_) == [alice]
    request_.workspace = mine
    assert corrections.rows_of(request_) == [alice, mine]
    changes = corrections.changes_of(request_, {"accounts.Workspace.name": "Brandt"})
    (made,) = corrections.apply(request_, changes, shown_by="word", file=None, now=NOW)
    mine.refresh_from_db()
    assert mine.name == "Brandt" and made.workspace == mine and made.person is None


def test_what_changed_meanwhile_is_not_overwritten(alice, request_):
    changes = corrections.changes_of(request_, {"accounts.Person.language": "de"})
    Person.objects.filter(pk=alice.pk).update(language="fr")
    with pytest.raises(corrections.UnableToCorrect, match="meanwhile"):
        corrections.apply(request_, changes, shown_by="word", file=None, now=NOW)


def test_the_facts_are_bound_to_both_values_and_say_neither(request_):
    def facts(value):
        return corrections.facts(corrections.changes_of(request_, {"accounts.Person.email": value}))

    assert facts("b@example.test") != facts("c@example.test")
    assert "example" not in json.dumps(facts("b@example.test"))


def test_recipients_are_told_the_new_value_where_nobody_else_reads_it(alice, request_):
    webhook = make_recipient(categories=["accounts.Person"])
    clear = make_recipient("", email="desk@example.test", categories=["accounts.Person"])
    make_recipient(categories=["telecom_records.Recording"])
    lately = make_recipient(categories=["accounts.Person"])
    lately.active_until = NOW + DAY
    lately.save()
    long_ago = make_recipient(categories=["accounts.Person"])
    long_ago.active_until = NOW
    long_ago.save()
    correct(request_, now=NOW + 365 * DAY, name="Alice Brandt")
    told = {notice.recipient: notice for notice in Notice.objects.filter(request_id=request_.pk)}
    assert set(told) == {webhook, clear, lately}
    says = notices.message_of(told[webhook], now=NOW)
    assert says["type"] == "correction" and says["changes"] == {"Name": "Alice Brandt"}
    assert says["customer"] == {"people": [alice.outside_id]} and "erased_at" not in says
    assert "Brandt" not in json.dumps(notices.message_of(told[clear], now=NOW))


def rows_of_the_platform(name: str) -> tablib.Dataset:
    person = Person.objects.get()
    return tablib.Dataset((person.outside_id, name), headers=["outside_id", "name"])


def test_a_feed_that_still_has_the_old_value_does_not_bring_it_back(alice, request_):
    platform = make_recipient(kind="platform", categories=["accounts.Person"])
    correct(request_, name="Alice Brandt")
    for said, kept in (("Alice Brant", "Alice Brandt"), ("Alice Miller", "Alice Miller")):
        result = PersonResource(now=NOW + DAY).import_data(rows_of_the_platform(said))
        assert not result.has_errors() and not result.has_validation_errors()
        assert Person.objects.get().name == kept
    notices.settle_by_hand(
        Notice.objects.get(recipient=platform).pk, confirmed=True, note="done", user=factories.make_user(), now=NOW
    )
    PersonResource(now=NOW + 2 * DAY).import_data(rows_of_the_platform("Alice Brant"))
    assert Person.objects.get().name == "Alice Brant"  # it has done the same: this is news


def test_older_news_does_not_undo_a_correction(alice, request_):
    correct(request_, name="Alice Brandt")
    PersonResource(now=NOW, as_of=NOW - DAY).import_data(rows_of_the_platform("Alice Miller"))
    assert Person.objects.get().name == "Alice Brandt"


def test_the_old_value_goes_a_year_after_the_request_or_with_the_person(alice, request_):
    correct(request_, name="Alice Brandt")
    request_.refresh_from_db()
    assert clocks.correction_goes_at(Correction.objects.get(), 365 * DAY) is None  # it is open
    corrections.state_disagreement(request_, "I never lived there.", ["accounts.Person.billing_address"],
                                   user=factories.make_user(), now=NOW)  # fmt: skip
    factories.make_subscription(alice.memberships.get().workspace)
    bob = factories.make_request(factories.make_user(), type="rectification", person=factories.make_person())
    correct(bob, name="Bob")
    factories.arm("workspace_expiry")
    factories.know_for_long()
    carry_out(NOW, now=NOW)
    assert not Person.objects.filter(pk=alice.pk).exists()
    assert [each.request for each in Correction.objects.all()] == [bob] and not Statement.objects.exists()


def test_a_statement_needs_somebody_and_holds_no_card_number(request_):
    user = factories.make_user()
    nobody = factories.make_request(user, type="rectification")
    with pytest.raises(corrections.UnableToCorrect):
        corrections.state_disagreement(nobody, "No.", [], user=user, now=NOW)
    made = corrections.state_disagreement(request_, "4111 1111 1111 1111", [], user=user, now=NOW)
    with pytest.raises(ValidationError):
        made.full_clean()
