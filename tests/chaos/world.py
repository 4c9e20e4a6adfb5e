"""Customers for the faults to happen to: many whose time is over, and at least as many who must lose nothing."""

import dataclasses
import datetime as dt
import random
import uuid

from django.db import connection
from django.utils import timezone

from accounts.models import Membership, User, Workspace
from retention.holds import place_hold
from retention.models import Rule
from telecom_records.models import Recording
from telecom_records.partitions import ensure_month, month_of
from tests import factories
from tests.chaos import checker

DAY = dt.timedelta(days=1)
MORE_CALLS = """
    INSERT INTO telecom_records_calldetailrecord (workspace_id, own_number, other_party, other_party_kind, direction,
        started_at, status, currency, source_id, source_key, call_group, time_source, row_hash, revision)
    SELECT %s, '+442079460100', '+442079460199', 'e164', 'outbound', %s::timestamptz - n * interval '1 minute',
        'answered', '', (SELECT id FROM telecom_records_importsource LIMIT 1), %s || n, '', 'explicit_offset', 'x', 0
    FROM generate_series(1, %s) n
"""
RULES = ("workspace_expiry", "subscriber_recording")


@dataclasses.dataclass
class Cast:
    """Who is in the world, by what must become of them."""

    due: list[uuid.UUID] = dataclasses.field(default_factory=list)
    held: list[uuid.UUID] = dataclasses.field(default_factory=list)
    staying: list[uuid.UUID] = dataclasses.field(default_factory=list)
    officers: list[User] = dataclasses.field(default_factory=list)


def make(count: int, *, spread: float, calls: int, chance: random.Random) -> tuple[Cast, checker.World]:
    """Make ``count`` workspaces whose time is over or ends within ``spread`` seconds, a tenth of them held, and half as
    many that run on; return them and what should become of everything.
    """
    now = timezone.now()
    cast = Cast(officers=[factories.make_user(), factories.make_user()])
    for place in range(count):
        workspace = _make_customer(now, calls, expires_at=now + dt.timedelta(seconds=spread * (place / count - 0.3)))
        (cast.held if place % 10 == 9 else cast.due).append(workspace.pk)
    for place in range(count // 2):
        workspace = _make_customer(now, calls, expires_at=(None, now + DAY, now + 90 * DAY)[place % 3])
        cast.staying.append(workspace.pk)
    _share_people(cast, chance)
    for workspace_id in cast.held:
        place_hold(
            workspace=Workspace.objects.get(pk=workspace_id), reason="a claim", authority="a court",
            owner=cast.officers[0], user=cast.officers[0], review_on=now.date() + 30 * DAY, now=now,
        )  # fmt: skip
    Recording.objects.update(started_at=now - 2 * DAY)
    old = list(Recording.objects.filter(workspace__in=cast.staying).order_by("pk").values_list("pk", flat=True)[::4])
    Recording.objects.filter(pk__in=old).update(started_at=now - 40 * DAY)
    before = checker.snapshot()
    takers = checker.what_goes_with(cast.due, before)
    for pk in old:
        takers[("telecom_records.Recording", str(pk))] = {"subscriber_recording"}
        takers[(checker.FILE, f"telecom_records.Recording {pk}")] = {"subscriber_recording"}
    Rule.objects.filter(pk__in=RULES).update(state=Rule.State.ARMED, armed_at=now)
    return cast, checker.World(before=before, takers=takers)


def _make_customer(now: dt.datetime, calls: int, *, expires_at: dt.datetime | None) -> Workspace:
    """A workspace with something everywhere: calls over three months, two recordings, two identity documents."""
    workspace = factories.make_customer(expires_at=expires_at)
    for back in (2, 35, 65):
        ensure_month("telecom_records_calldetailrecord", month_of(now - back * DAY))
        with connection.cursor() as cursor:
            cursor.execute(MORE_CALLS, [workspace.pk, now - back * DAY, f"more-{back}-", calls])
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
