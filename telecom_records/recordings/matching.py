"""Which call a recording is of: by the call's id at the source, else by numbers and time, and only if one call fits.

A call is the legs that its source ties together, in the rows of every customer who took part.
"""

import dataclasses
import datetime as dt
import itertools
import json
from collections.abc import Iterable
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet

from accounts.recording_cap import POLICY_DAYS
from telecom_records.models import CallDetailRecord, ImportRun, ImportSource, Recording
from telecom_records.phone_numbers import classify
from telecom_records.recordings.lists import Listed
from telecom_records.recordings.names import Named

NEAR = dt.timedelta(minutes=2)  # between the clock of a recorder and that of the switch, which are often one
LONGEST_CALL = dt.timedelta(hours=12)
BY_ID = dt.timedelta(days=1)  # around the instant that came with the id: a wrong zone is less
FAR_BACK = dt.timedelta(days=POLICY_DAYS + 1)  # where no instant is known: what waits does not wait longer
FOR_REVIEW = dt.timedelta(hours=1)
MOST_LEGS, MOST_CANDIDATES = 200, 12

Call = list[CallDetailRecord]  # its legs, the earliest first


@dataclasses.dataclass(frozen=True, slots=True)
class Facts:
    """What came with a recording. ``numbers`` are E.164; nothing in here is certain but the ids."""

    recording_id: str = ""
    call_id: str = ""
    numbers: tuple[str, ...] = ()
    started_at: dt.datetime | None = None
    duration_s: Decimal | None = None
    channels: int | None = None
    kind: str = Recording.Kind.SUBSCRIBER.value
    ticket: str = ""

    @property
    def can_be_matched(self) -> bool:
        """Whether a call could be found by them."""
        return bool(self.call_id or (self.numbers and self.started_at))

    def with_more(self, other: "Facts") -> "Facts":
        """Return these with what only the other knows."""
        known = {
            field.name: getattr(self, field.name) or getattr(other, field.name) for field in dataclasses.fields(self)
        }
        return Facts(**known)

    def to_json(self) -> bytes:
        """Return them for sealing."""
        return json.dumps(dataclasses.asdict(self), default=str).encode()

    @classmethod
    def from_json(cls, text: bytes) -> "Facts":
        """Return what ``to_json`` wrote."""
        values = json.loads(text)
        values["numbers"] = tuple(values["numbers"])
        values["started_at"] = dt.datetime.fromisoformat(values["started_at"]) if values["started_at"] else None
        values["duration_s"] = Decimal(values["duration_s"]) if values["duration_s"] is not None else None
        return cls(**values)


def facts_of_name(named: Named, source: ImportSource, *, kind: str, ticket: str) -> Facts:
    """Return what a file's name says, its numbers read as those of the source's country and its time in its zone."""
    parties = (classify(party, source.country).e164 for party in named.parties)
    numbers = tuple(sorted({e164 for e164 in parties if e164}))
    zone = ZoneInfo(source.time_zone) if source.time_zone else None
    return Facts(
        named.recording_id, named.call_id, numbers, named.instant(zone), kind=kind, ticket=ticket
    )  # fmt: skip


def facts_of_entry(entry: Listed, *, kind: str, ticket: str) -> Facts:
    """Return what an entry of a provider's list says."""
    return Facts(
        entry.recording_id, entry.call_id, (), entry.started_at, entry.duration_s, entry.channels, kind, ticket
    )  # fmt: skip


def find_call(facts: Facts, source: ImportSource, *, now: dt.datetime) -> Call | None:
    """Return the one call that a recording is of, or None when none or several could be meant."""
    if facts.call_id and (found := _by_id(facts, source, now)):
        return found
    fitting = _by_numbers(facts, NEAR)
    calls = [call for call in fitting if call[0].source_id == source.pk] or fitting  # the carrier may record it too
    return calls[0] if len(calls) == 1 else None


def candidates(facts: Facts, source: ImportSource, *, now: dt.datetime) -> list[Call]:
    """Return the calls that an officer chooses from, those nearest in time first."""
    found = [_by_id(facts, source, now)] if facts.call_id else []
    if facts.started_at:
        found += _by_numbers(facts, FOR_REVIEW) if facts.numbers else _of_source(facts.started_at, source)
    calls = {call_key(call[0]): call for call in found if call}
    at = facts.started_at or now
    return sorted(calls.values(), key=lambda call: abs(call[0].started_at - at))[:MOST_CANDIDATES]


def legs_of(leg: CallDetailRecord) -> Call:
    """Return all legs of the call that a leg belongs to."""
    near = _legs().filter(
        source=leg.source_id, started_at__range=(leg.started_at - LONGEST_CALL, leg.started_at + LONGEST_CALL)
    )
    tied = Q(call_group=leg.call_group) if leg.call_group else Q(source_key=leg.source_key)
    return list(near.filter(tied).order_by("started_at", "id")[:MOST_LEGS])


def call_key(leg: CallDetailRecord) -> tuple[int, str]:
    """Return what the legs of one call have in common."""
    return leg.source_id, leg.call_group or leg.source_key


def _by_id(facts: Facts, source: ImportSource, now: dt.datetime) -> Call | None:
    since = facts.started_at - BY_ID if facts.started_at else now - FAR_BACK
    until = facts.started_at + BY_ID if facts.started_at else now + BY_ID
    # A channel of Asterisk: its key is the id with a number or a hash behind it (formats/asterisk.py).
    of_channel = Q(source_key__startswith=f"{facts.call_id}.") | Q(source_key__startswith=f"{facts.call_id}/")
    legs = (
        _legs()
        .filter(source=source, started_at__range=(since, until))
        .filter(Q(call_group=facts.call_id) | Q(source_key=facts.call_id) | of_channel)
    )
    # By numbers there is an index, by ids there is none: without a number, the legs of two days are looked through.
    calls = (_grouped(legs.filter(_of_numbers(facts))) if facts.numbers else []) or _grouped(legs)
    return legs_of(calls[0][0]) if len(calls) == 1 else None


def _by_numbers(facts: Facts, near: dt.timedelta) -> list[Call]:
    """Return the calls of these numbers that were going on at this time, or ``near`` it."""
    if not facts.numbers or facts.started_at is None:
        return []
    at = facts.started_at
    legs = _legs().filter(_of_numbers(facts), started_at__range=(at - LONGEST_CALL, at + near))
    return [
        call
        for call in _grouped(legs)
        if set(facts.numbers) <= {number for leg in call for number in (leg.own_number, leg.other_party)}
        and min(leg.started_at for leg in call) - near <= at <= max(map(end_of, call)) + near
    ]


def _legs() -> QuerySet[CallDetailRecord]:
    """Return the legs of calls, but for those of imports that are undone: they go, and may name the wrong customer."""
    undone = ImportRun.objects.filter(undone_at__isnull=False, undone_whole_at__isnull=True)
    return CallDetailRecord.objects.exclude(run__in=undone)


def _of_numbers(facts: Facts) -> Q:
    return Q(own_number__in=facts.numbers) | Q(other_party__in=facts.numbers)


def _of_source(at: dt.datetime, source: ImportSource) -> list[Call]:
    return _grouped(_legs().filter(source=source, started_at__range=(at - NEAR, at + NEAR)))


def end_of(leg: CallDetailRecord) -> dt.datetime:
    """Return when a leg ended, as far as its record says."""
    return leg.ended_at or leg.started_at + dt.timedelta(seconds=float(leg.duration_s or leg.talk_s or 0))


def _grouped(legs: QuerySet[CallDetailRecord] | Iterable[CallDetailRecord]) -> list[Call]:
    found = list(legs.order_by("started_at", "id")[:MOST_LEGS]) if isinstance(legs, QuerySet) else list(legs)
    found.sort(key=lambda leg: (*call_key(leg), leg.started_at, leg.pk))
    return [list(call) for _, call in itertools.groupby(found, key=call_key)]
