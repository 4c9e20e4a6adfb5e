"""Customers for the faults to happen to: many whose time is over, and at least as many who must lose nothing."""

import dataclasses
import datetime as dt
import random
import uuid
from collections.abc import Iterable
from pathlib import Path

import tablib
from django.utils import timezone

from accounts.models import Consent, Membership, Person, Subscription, User, Workspace
from accounts.resources import (
    ConsentResource,
    CustomerResource,
    MembershipResource,
    PersonResource,
    SubscriptionResource,
    WorkspaceResource,
)
from retention.holds import place_hold
from retention.models import Rule
from telecom_records.imports import import_file
from telecom_records.models import ImportRun, NumberAssignment, Recording
from telecom_records.resources import NumberAssignmentResource
from tests import factories
from tests.chaos import checker

DAY = dt.timedelta(days=1)
RULES = ("workspace_expiry", "subscriber_recording")
RECORDINGS = 5  # of each workspace that runs on: some of their own time is over, or will be


@dataclasses.dataclass
class Cast:
    """Who is in the world, by what must become of them."""

    due: list[uuid.UUID] = dataclasses.field(default_factory=list)
    held: list[uuid.UUID] = dataclasses.field(default_factory=list)
    staying: list[uuid.UUID] = dataclasses.field(default_factory=list)
    officers: list[User] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class OldFiles:
    """What an operator keeps in a drawer: a file of all calls, and for each workspace the files that its customer came by."""

    calls: Path
    customers: dict[uuid.UUID, list[tuple[type[CustomerResource], tablib.Dataset]]]


def make(count: int, *, calls: int, chance: random.Random, folder: Path) -> tuple[Cast, checker.World, OldFiles]:
    """Make ``count`` workspaces that are to go, a tenth of them held, and half as many that run on; return them, what
    should become of everything, and the files that they came from.

    Each has ``calls`` calls in each of three months, imported from a file in ``folder``. The time of those that go is
    over when ``expire`` says so, that of the held ones is.
    """
    now = timezone.now()
    cast = Cast(officers=[factories.make_user(), factories.make_user()])
    for place in range(count):
        is_held = place % 10 == 9
        workspace = _make_customer(expires_at=now - DAY if is_held else now + 30 * DAY)
        (cast.held if is_held else cast.due).append(workspace.pk)
    for place in range(count // 2):
        workspace = _make_customer(expires_at=(None, now + DAY, now + 90 * DAY)[place % 3])
        for _ in range(RECORDINGS - 2):
            factories.make_recording(workspace)
        cast.staying.append(workspace.pk)
    _share_people(cast, chance)
    old_files = OldFiles(_write_calls(folder, now, calls), _customers())
    assert import_calls(old_files, now=now).inserted == Workspace.objects.count() * calls * 3
    for workspace_id in cast.held:
        place_hold(
            workspace=Workspace.objects.get(pk=workspace_id), reason="a claim", authority="a court",
            owner=cast.officers[0], user=cast.officers[0], review_on=now.date() + 30 * DAY, now=now,
        )  # fmt: skip
    Recording.objects.update(started_at=now - 2 * DAY)
    told = checker.World(before=checker.snapshot(), takers={})
    told.takers = checker.what_goes_with(cast.due, told.before)
    grow_old(
        told, Recording.objects.filter(workspace__in=cast.staying).order_by("pk").values_list("pk", flat=True)[::4]
    )
    told.before = checker.snapshot()
    Rule.objects.filter(pk__in=RULES).update(state=Rule.State.ARMED, armed_at=now)
    return cast, told, old_files


def expire(told: checker.World, workspace_ids: Iterable[uuid.UUID]) -> None:
    """Let the time of workspaces be over, now."""
    for subscription in Subscription.objects.filter(workspace__in=workspace_ids):
        told.changed.add((Subscription._meta.label, str(subscription.pk)))
        subscription.expires_at = timezone.now()
        subscription.save(update_fields=["expires_at"])


def grow_old(told: checker.World, recordings) -> None:
    """Let the time of some recordings be over by their own rule."""
    ids = list(recordings)
    for pk in ids:
        for row in checker.recording_and_file(pk):
            told.takers[row] = {"subscriber_recording"}
    Recording.objects.filter(pk__in=ids).update(started_at=timezone.now() - 40 * DAY)


def import_calls(old_files: OldFiles, *, now: dt.datetime) -> ImportRun:
    """Import the file of all calls, for the first time or again."""
    return import_file(old_files.calls, source=factories.make_source(), now=now)


def _make_customer(*, expires_at: dt.datetime | None) -> Workspace:
    """A workspace with something everywhere; with another recording and another identity document."""
    workspace = factories.make_customer(expires_at=expires_at)
    factories.make_recording(workspace, sound=b"RIFF" + workspace.pk.bytes * 200)
    person = Membership.objects.get(workspace=workspace).person
    factories.make_kyc(person, image=b"\x89PNG" + person.pk.bytes * 300)
    return workspace


def _share_people(cast: Cast, chance: random.Random) -> None:
    """Put some people of expired workspaces into a second one: another that goes, one that is held, one that stays."""
    for others in (cast.due, cast.held, cast.staying):
        for _ in range(len(cast.due) // 12):
            person = Membership.objects.filter(workspace=chance.choice(cast.due)).order_by("pk").first().person
            Membership.objects.get_or_create(
                workspace_id=chance.choice(others), person=person, defaults={"since": timezone.now() - 50 * DAY}
            )


def _write_calls(folder: Path, now: dt.datetime, calls: int) -> Path:
    lines = ["call_id,started_at,from,to,talk_seconds,status"]
    numbers = (
        NumberAssignment.objects.filter(number__is_voip=True).order_by("pk").values_list("number__e164", flat=True)
    )
    for number in numbers:
        for back in (2, 35, 65):
            for minute in range(calls):
                at = now - back * DAY - minute * dt.timedelta(minutes=1)
                lines.append(f"{number}-{back}-{minute},{at.isoformat()},{number},+13125550117,61,answered")
    path = folder / "calls.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def _customers() -> dict[uuid.UUID, list[tuple[type[CustomerResource], tablib.Dataset]]]:
    """Export every workspace as the files of the customer imports, in their order."""
    return {
        workspace.pk: [
            (WorkspaceResource, WorkspaceResource().export(Workspace.objects.filter(pk=workspace.pk))),
            (PersonResource, PersonResource().export(Person.objects.filter(memberships__workspace=workspace))),
            (MembershipResource, MembershipResource().export(Membership.objects.filter(workspace=workspace))),
            (SubscriptionResource, SubscriptionResource().export(Subscription.objects.filter(workspace=workspace))),
            (ConsentResource, ConsentResource().export(Consent.objects.filter(person__memberships__workspace=workspace))),
            (NumberAssignmentResource, NumberAssignmentResource().export(NumberAssignment.objects.filter(workspace=workspace))),
        ]
        for workspace in Workspace.objects.all()
    }  # fmt: skip
