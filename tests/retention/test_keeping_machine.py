"""Whatever is held, lifted, demanded by law or broken in between: the database holds what must still exist, and nothing else.

The model is written by hand and reads neither the data map nor the keepers.
"""

import dataclasses
import datetime as dt
import itertools
import os

import pytest
from django.db import transaction
from django.test import TestCase
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from accounts import evidence, files
from accounts.models import BillingRecord, Consent, KycDocument, Membership, Person, Workspace
from dsar.models import Ticket, TicketMessage
from retention import deletion, keeping, laws, purge
from retention.holds import UnableToHold, lift_hold, place_hold
from retention.models import DeletionJob, Hold, LegalRetention
from telecom_records.models import CallDetailRecord, Recording
from tests import factories
from tests.factories import DAY, NOW

MODELS = {
    "call": CallDetailRecord, "recording": Recording, "ticket": Ticket, "message": TicketMessage, "document": KycDocument,
    "consent": Consent, "invoice": BillingRecord, "person": Person, "membership": Membership,
}  # fmt: skip
LABELS = {kind: model._meta.label for kind, model in MODELS.items()}
NUMBERS = ["+442079460101", "+442079460102"]
OF_A_PERSON = {"ticket", "message", "document", "consent", "membership"}
DATED = set(MODELS)
WITH_NUMBER = {"call", "recording"}
IS_ON_FILE = {"recording", "document"}


@dataclasses.dataclass(eq=False)
class Row:
    kind: str
    pk: object
    workspace: "Place"
    at: dt.datetime
    number: str = ""
    points_to: "Row | None" = None


@dataclasses.dataclass(eq=False)
class Place:
    """A workspace of the model, with its one person."""

    pk: object
    country: str
    ends: dt.datetime
    begun: bool = False  # its deletion has begun at some tick
    rows: list[Row] = dataclasses.field(default_factory=list)

    def of(self, kind: str) -> list[Row]:
        return [row for row in self.rows if row.kind == kind]


@dataclasses.dataclass(eq=False)
class Held:
    hold: Hold
    place: Place | None = None
    person: Row | None = None
    number: str = ""
    kinds: frozenset = frozenset()
    start: dt.datetime | None = None
    end: dt.datetime | None = None

    @property
    def is_whole(self) -> bool:
        return bool(self.place) and not (self.person or self.number or self.kinds or self.start or self.end)

    def covers(self, row: Row) -> bool:
        if self.person is row:
            return True
        return (
            (not self.kinds or row.kind in self.kinds)
            and (self.place is None or row.workspace is self.place)
            and (self.person is None or (row.kind in OF_A_PERSON and row.workspace is self.person.workspace))
            and (not self.number or (row.kind in WITH_NUMBER and row.number == self.number))
            and (self.start is None or row.at >= self.start)
            and (self.end is None or row.at < self.end)
        )


class Keeping(RuleBasedStateMachine):
    """Two officers, some workspaces, holds, laws, and a worker that may break at any step."""

    def __init__(self):
        super().__init__()
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        factories.arm("workspace_expiry", "subscriber_recording")
        self.officer, self.second = factories.make_user(), factories.make_user()
        self.now, self.count = NOW, itertools.count(1)
        self.places: list[Place] = []
        self.holds: list[Held] = []
        self.laws: list[LegalRetention] = []

    def teardown(self):
        transaction.set_rollback(True)
        self.atomic.__exit__(None, None, None)
        for key in list(files.store().list()):
            files.store().delete(key)

    # Rules

    @precondition(lambda self: len(self.places) < 3)
    @rule(country=st.sampled_from(["HK", "GB"]), days=st.integers(1, 40))
    def add_workspace(self, country, days):
        workspace = factories.make_workspace(country=country)
        person = factories.make_person(workspace, created_at=self.now)
        factories.make_subscription(workspace, expires_at=self.now + days * DAY)
        place = Place(workspace.pk, country, self.now + days * DAY)
        row = self._add(place, "person", person.pk, self.now)
        link = person.memberships.get()
        self._add(place, "membership", link.pk, link.since, points_to=row)
        self.places.append(place)

    @precondition(lambda self: self._live())
    @rule(data=st.data(), days=st.integers(0, 20), number=st.sampled_from(NUMBERS))
    def add_rows(self, data, days, number):
        place = data.draw(st.sampled_from(self._live()))
        workspace, at = Workspace.objects.get(pk=place.pk), self.now - days * DAY
        person_row = place.of("person")[0]
        person = Person.objects.get(pk=person_row.pk)
        (call,) = factories.make_calls(workspace, 1, at=at, own_number=number)
        call_row = self._add(place, "call", call.pk, at, number=number)
        recording = factories.make_recording(workspace)
        Recording.objects.filter(pk=recording.pk).update(started_at=at, own_number=number, call=call)
        self._add(place, "recording", recording.pk, at, number=number, points_to=call_row)
        ticket = factories.make_ticket(workspace, person)
        Ticket.objects.filter(pk=ticket.pk).update(opened_at=at)
        ticket_row = self._add(place, "ticket", ticket.pk, at, points_to=person_row)
        message = ticket.messages.get()
        TicketMessage.objects.filter(pk=message.pk).update(at=at)
        self._add(place, "message", message.pk, at, points_to=ticket_row)
        document = factories.make_kyc(person, workspace)
        KycDocument.objects.filter(pk=document.pk).update(received_at=at)
        self._add(place, "document", document.pk, at, points_to=person_row)
        if not place.of("consent"):
            consent = factories.make_consent(person, given_at=at)
            self._add(place, "consent", consent.pk, at, points_to=person_row)
        invoice = BillingRecord.objects.create(
            outside_id=f"INV-M{next(self.count)}", workspace=workspace, kind="invoice", amount=1, issued_at=at
        )
        self._add(place, "invoice", invoice.pk, at)

    @precondition(lambda self: self.places)
    @rule(data=st.data())
    def place_a_hold(self, data):
        place = data.draw(st.none() | st.sampled_from(self.places))
        people = [row for each in self.places for row in each.of("person")]
        person = data.draw(st.none() | st.sampled_from(people)) if people else None
        number = data.draw(st.sampled_from(["", "", *NUMBERS]))
        kinds = data.draw(st.frozensets(st.sampled_from(sorted(MODELS)), max_size=3))
        start = data.draw(st.none() | st.integers(0, 20).map(lambda days: self.now - days * DAY))
        end = data.draw(st.none() | st.integers(-1, 20).map(lambda days: self.now - days * DAY))
        wanted = Held(Hold(), place, person, number, kinds, start, end)
        covered = [row for each in self.places for row in each.rows if wanted.covers(row) and row is not person]
        if person and not (place or number or kinds or start or end):
            covered.append(person)
        try:
            wanted.hold = place_hold(
                workspace=Workspace.objects.get(pk=place.pk) if place else None,
                person=Person.objects.get(pk=person.pk) if person else None,
                number=number, categories=[LABELS[kind] for kind in kinds], rows_from=start, rows_until=end,
                reason="-", authority="-", owner=self.officer, review_on=self.now.date(), user=self.officer, now=self.now,
            )  # fmt: skip
        except UnableToHold as error:
            # Refused: then it is impossible, or covers nothing of this machine's, or what it names has been emptied.
            if error.code == "empty":
                assert not covered
            return
        self.holds.append(wanted)

    @precondition(lambda self: self.holds)
    @rule(data=st.data())
    def lift(self, data):
        held = data.draw(st.sampled_from(self.holds))
        lift_hold(held.hold.pk, user=self.second, now=self.now)
        self.holds.remove(held)

    @rule(
        country=st.sampled_from(["HK", "GB"]),
        kind=st.sampled_from(["invoice", "call", "document"]),
        months=st.integers(1, 3),
    )
    def activate_a_law(self, country, kind, months):
        law = LegalRetention.objects.create(
            country=country, category=LABELS[kind], law="Law", section=f"§ {next(self.count)}", months=months,
            verified_by="Counsel", verified_on=self.now.date(), review_on=self.now.date(),
        )  # fmt: skip
        laws.activate(str(law.pk), self.officer, self.second, self.now)
        law.refresh_from_db()
        self.laws.append(law)

    @precondition(lambda self: self.laws)
    @rule(data=st.data())
    def end_a_law(self, data):
        law = data.draw(st.sampled_from(self.laws))
        laws.end(str(law.pk), self.officer, self.second, self.now)
        self.laws.remove(law)

    @rule(days=st.integers(0, 35))
    def tick(self, days):
        self.now += days * DAY
        self._carry_out()
        self._forget()

    @rule(
        days=st.integers(0, 35),
        step=st.sampled_from(["shred_keys", "destroy_batch", "remains", "blank_workspace"]),
        times=st.integers(1, 4),
    )
    def crash_and_tick(self, days, step, times):
        """A step breaks once, wherever it is; the next turn must end the same."""
        self.now += days * DAY
        real, calls = getattr(deletion, step), itertools.count(1)

        def breaks(*args, **kwargs):
            if next(calls) == times:
                raise OSError("power cut")
            return real(*args, **kwargs)

        patch = pytest.MonkeyPatch()
        with patch.context() as patched:
            patched.setattr(deletion, step, breaks)
            self._carry_out()
        self._carry_out()
        self._forget()

    # What must be

    @invariant()
    def the_database_holds_what_must_still_exist(self):
        for kind, model in MODELS.items():
            expected = {row.pk for place in self.places for row in place.of(kind)}
            assert set(model._default_manager.values_list("pk", flat=True)) == expected, kind
        stored = set(Recording.objects.values_list("file_key", flat=True)) | set(
            KycDocument.objects.values_list("file_key", flat=True)
        )
        assert set(files.store().list()) == stored
        for key in stored:
            assert files.read_encrypted(key)

    @invariant()
    def states_and_receipts_fit(self):
        for place in self.places:
            state = Workspace.objects.get(pk=place.pk).state
            assert state == ("remainder" if place.rows else "emptied") if place.begun else state in ("active", "hidden")
        done = DeletionJob.objects.filter(state="done")
        assert all(job.destroyed == job.planned for job in done if job.workspace_id)
        assert not DeletionJob.objects.filter(state__in=["running", "quarantined", "pending"]).exists()
        assert evidence.broken_entry() is None

    # Helpers

    def _carry_out(self):
        with TestCase.captureOnCommitCallbacks(execute=True):
            purge.carry_out(self.now, now=self.now)

    def _live(self) -> list[Place]:
        return [place for place in self.places if not place.begun and place.ends > self.now]

    def _add(self, place: Place, kind: str, pk, at: dt.datetime, **fields) -> Row:
        row = Row(kind, pk, place, at, **fields)
        place.rows.append(row)
        return row

    def _kept(self) -> set[Row]:
        kept = {row for place in self.places for row in place.rows if self._is_covered(row)}
        while more := {row.points_to for row in kept if row.points_to} - kept:
            kept |= more
        return kept

    def _is_covered(self, row: Row) -> bool:
        by_law = any(
            LABELS[row.kind] == law.category
            and row.workspace.country == law.country
            and row.at > keeping.months_before(self.now, law.months)
            for law in self.laws
        )
        return by_law or any(held.covers(row) for held in self.holds)

    def _forget(self) -> None:
        """Take out of the model what must be gone by now: rows by age first or last, it makes no difference."""
        kept = self._kept()
        for place in self.places:
            if not place.begun:
                old = {row for row in place.of("recording") if row.at <= self.now - 30 * DAY} - kept
                place.rows = [row for row in place.rows if row not in old]
            whole = any(held.is_whole and held.place is place for held in self.holds)
            if place.ends > self.now or whole:
                continue
            place.begun = True
            people = {row for row in place.of("person") if row in kept}
            links = set(place.of("membership")) if people else set()
            place.rows = [row for row in place.rows if row in kept | links]


@pytest.fixture
def small_batches(settings):
    settings.RETENTION_BATCH_ROWS = 3


@pytest.mark.django_db
def test_whatever_happens_what_must_still_exist_is_what_exists(small_batches):
    """The same few orders each time; ``EXAMPLES=500``, as in ``make chaos``, takes as many others."""
    examples = int(os.environ.get("EXAMPLES", 0))
    run_state_machine_as_test(
        Keeping,
        settings=settings(
            max_examples=examples or 12,
            derandomize=not examples,
            stateful_step_count=14,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),  # fmt: skip
    )
