"""A package holds everything of its person and nothing of anybody else.

A token is planted in every column of words of every row of everybody, and the whole package is searched for each.
"""

import io
import itertools
import uuid

import pytest
from django.db import models

from accounts import files
from accounts.models import Credit, Membership, PaymentReference
from accounts.verdicts import data_map
from dsar.models import SubjectRequest
from dsar.packages.categories import CATEGORIES
from retention import purge
from retention.request_holds import release_request_hold
from telecom_records.models import CallDetailRecord, Recording, SmsRecord
from tests import factories
from tests.dsar.packages import package_of
from tests.factories import DAY, NOW

pytestmark = pytest.mark.django_db(transaction=True)

# Columns of words that the database ties to a form, or that carry what other tests are about.
TIED = {
    "country", "currency", "time_zone", "language", "issuing_country", "e164", "own_number", "other_party", "phone",
    "last_four", "content_type", "file_key", "source_key", "call_group", "other_party_kind", "time_source", "region",
}  # fmt: skip
_tokens = itertools.count(1)
_numbers = itertools.count(1)


def a_number() -> str:
    return f"+1202555{next(_numbers):04d}"


def plant(row) -> set[str]:
    """Write a token of its own into every column of words of a row that a package may show; return them."""
    entry = data_map()[row._meta.label]
    planted = {}
    for field in row._meta.concrete_fields:
        words = isinstance(field, models.CharField | models.TextField) and not field.choices and field.name not in TIED
        if words and entry.columns[field.name].label and (field.max_length or 99) >= 8:
            planted[field.name] = f"tok{next(_tokens):05d}"
    for name in ("phone", "other_party"):
        if name in entry.columns:
            planted[name] = a_number()
    if entry.file_columns:
        token = f"tok{next(_tokens):05d}"
        row.file_key = files.put_encrypted(io.BytesIO(token.encode()), owner="workspace", owner_id=uuid.uuid4())
        row.save(update_fields=["file_key"])
        return plant_columns(row, planted) | {token}
    return plant_columns(row, planted)


def plant_columns(row, planted: dict[str, str]) -> set[str]:
    if planted:
        type(row)._default_manager.filter(pk=row.pk).update(**planted)
    is_masked = "other_party" in planted and getattr(row, "direction", "") != "outbound"
    return {value for name, value in planted.items() if not (name == "other_party" and is_masked)}


def rows_of_everybody() -> set:
    return {row for category in CATEGORIES for row in category.entry.model_class._default_manager.all()}


def everything_of(workspace) -> set:
    """Return every row that stands under a workspace, and its people."""
    found = set()
    for category in CATEGORIES:
        entry = category.entry
        manager = entry.model_class._default_manager
        if entry.workspace:
            found |= set(manager.filter(**{entry.workspace: workspace.pk}))
        elif entry.person:
            found |= set(manager.filter(**{f"{entry.person}__memberships__workspace": workspace.pk}))
    return found | {membership.person for membership in workspace.memberships.all()}


class World:
    """Alice has a workspace of her own and a part in a shared one; Bob and Carol are somebody else."""

    def __init__(self) -> None:
        self.officer = factories.make_user()
        self.own = factories.make_customer(expires_at=NOW + 30 * DAY)
        self.bobs = factories.make_customer(expires_at=NOW + 30 * DAY)
        self.alice, self.bob = (workspace.memberships.get().person for workspace in (self.own, self.bobs))
        self.mine = everything_of(self.own)
        self.recycle()
        self.call_each_other()
        self.share()
        self.request = factories.make_request(self.officer, person=self.alice)
        self.mine.add(self.request)
        self.mine |= {row.number for row in self.mine if row._meta.model_name == "numberassignment"}

    def recycle(self) -> None:
        """A number was Alice's until ten days ago, and is Bob's; one call of his stands under her workspace by mistake."""
        number, turn = factories.make_number(), NOW - 10 * DAY
        self.mine.add(factories.make_assignment(self.own, number, until=turn))
        factories.make_assignment(self.bobs, number, since=turn)
        self.mine |= set(self.call(self.own, number, turn - DAY))
        self.call(self.bobs, number, turn + DAY)
        self.call(self.own, number, turn + DAY)
        self.call(self.bobs, number, turn - DAY)

    def call_each_other(self) -> None:
        """A call between two customers is a row for each."""
        self.mine |= set(factories.make_calls(self.own, direction="outbound"))
        factories.make_calls(self.bobs, direction="inbound")

    def share(self) -> None:
        """A workspace that Carol owns, with Alice in it: some numbers are hers, one was Carol's before, one is nobody's."""
        self.shared = factories.make_workspace()
        carol = factories.make_person(self.shared)
        self.mine.add(
            Membership.objects.create(workspace=self.shared, person=self.alice, role="member", since=NOW - DAY)
        )
        Credit.objects.create(workspace=self.shared, amount=1)
        PaymentReference.objects.create(workspace=self.shared, token="tok", last_four="1111")
        factories.make_subscription(self.shared, expires_at=NOW + 30 * DAY)
        turn = NOW - 10 * DAY
        hers, carols, nobodys, passed_on = (factories.make_number() for _ in range(4))
        self.mine.add(factories.make_assignment(self.shared, hers, person=self.alice))
        factories.make_assignment(self.shared, carols, person=carol)
        factories.make_assignment(self.shared, nobodys)
        factories.make_assignment(self.shared, passed_on, person=carol, until=turn)
        self.mine.add(factories.make_assignment(self.shared, passed_on, since=turn, person=self.alice))
        self.mine |= set(self.call(self.shared, hers, turn)) | set(self.call(self.shared, passed_on, turn + DAY))
        self.call(self.shared, carols, turn)
        self.call(self.shared, nobodys, turn)
        self.call(self.shared, passed_on, turn - DAY)
        for person in (self.alice, carol):
            usage, document = factories.make_usage(self.shared, person), factories.make_kyc(person, self.shared)
            consent = factories.make_consent(person, purpose="marketing_sms")
            ticket = factories.make_ticket(self.shared, person)
            if person == self.alice:
                self.mine |= {usage, document, consent, ticket, *ticket.messages.all()}
        factories.make_ticket(self.shared)
        factories.make_usage(self.shared)

    def call(self, workspace, number, at) -> list:
        made = factories.make_calls(workspace, own_number=number.e164, at=at, direction="outbound")
        made += factories.make_calls(workspace, own_number=number.e164, at=at, direction="inbound")
        message = factories.make_message(workspace, at=at)
        SmsRecord.objects.filter(pk=message.pk).update(own_number=number.e164)
        recording = factories.make_recording(workspace)
        Recording.objects.filter(pk=recording.pk).update(own_number=number.e164, started_at=at)
        return [*made, SmsRecord.objects.get(pk=message.pk), Recording.objects.get(pk=recording.pk)]


def test_a_package_holds_everything_of_its_person_and_nothing_of_anybody_else():
    world = World()
    tokens = {row: plant(row) for row in rows_of_everybody()}
    own = {token for row in world.mine for token in tokens[row]}
    others = {token for row, planted in tokens.items() if row not in world.mine for token in planted}
    others |= {row.other_party for row in CallDetailRecord.objects.exclude(direction="outbound")}
    others |= {row.e164 for row in set(tokens) - world.mine if row._meta.model_name == "number"}
    own |= {row.e164 for row in world.mine if row._meta.model_name == "number"}
    world.shared.refresh_from_db()
    others.discard(world.shared.outside_id)  # what her place in it, her number and her documents there are called by
    assert len(own) > 50
    assert len(others) > 50
    text = package_of(world.request).text
    missing = sorted(str((row, tokens[row])) for row in world.mine if not all(token in text for token in tokens[row]))
    assert missing == []
    assert [token for token in own if token not in text] == []
    strangers = sorted(
        str((row, planted)) for row, planted in tokens.items() if any(t in text for t in planted & others)
    )
    assert strangers == []
    assert not [token for token in others if token in text]


def test_what_of_a_shared_workspace_and_a_recycled_number_is_left_out_is_listed():
    world = World()
    manifest = package_of(world.request).json("manifest.json")
    listed = {(item["category"], item["code"], item["rows"]) for item in manifest["withheld"]}
    assert listed == {
        ("calls", "shared", 2), ("messages", "shared", 1), ("recordings", "shared", 1), ("usage", "shared", 1),
        ("calls", "recycled", 2), ("messages", "recycled", 1), ("recordings", "recycled", 1), ("tickets", "shared", 1),
        ("ticket-messages", "shared", 1), ("number-assignments", "shared", 1),
        *((name, "not_theirs", 1) for name in (
            "workspaces", "subscriptions", "suspensions", "credits", "payment-references", "billing", "client-agreements")),
    }  # fmt: skip


def test_a_workspace_that_asks_itself_gets_its_account_and_none_of_its_people():
    world = World()
    tokens = {row: plant(row) for row in rows_of_everybody()}
    request = factories.make_request(world.officer, workspace=world.shared)
    text = package_of(request).text
    people = {row for row in tokens if getattr(row, "person_id", None) or row._meta.model_name == "person"}
    assert not [row for row in people if any(token in text for token in tokens[row])]
    account = Credit.objects.get(workspace=world.shared), PaymentReference.objects.get(workspace=world.shared)
    assert "1.0000" in text and account[1].last_four in text


@pytest.mark.parametrize("kept_by", ["request", "restriction", "hold"])
def test_what_is_past_its_time_is_collected_as_long_as_the_request_keeps_it(kept_by):
    factories.arm("workspace_expiry", "subscriber_recording")
    alice = factories.make_customer()
    person, officer = alice.memberships.get().person, factories.make_user()
    Recording.objects.update(started_at=NOW - 60 * DAY)
    request = factories.make_request(officer, person=person)
    if kept_by == "restriction":
        factories.make_request(officer, type="restriction", person=person)
    if kept_by == "hold":
        from retention.models import Hold

        Hold.objects.create(
            workspace=alice, reason="Suit", authority="Court", owner=officer, review_on=NOW.date(), placed_by=officer,
            placed_at=NOW, narrowed_by=["workspace"],
        )  # fmt: skip
    purge.carry_out(NOW, now=NOW)
    alice.refresh_from_db()
    assert alice.state == "hidden"
    package = package_of(request)
    assert [len(package.rows(name)) for name in ("person", "calls", "recordings", "subscriptions")] == [1, 4, 1, 1]


def test_what_is_past_its_time_and_no_longer_kept_for_the_request_is_left_out():
    factories.arm("workspace_expiry", "subscriber_recording")
    alice = factories.make_customer(expires_at=NOW + DAY)
    Recording.objects.update(started_at=NOW - 60 * DAY)
    request = factories.make_request(factories.make_user(), person=alice.memberships.get().person)
    release_request_hold(request.pk, now=NOW)
    package = package_of(request)
    assert [len(package.rows(name)) for name in ("person", "calls", "recordings")] == [1, 4, 0]
    assert SubjectRequest.objects.get().packages.get().contents["recordings"]["rows"] == 0
