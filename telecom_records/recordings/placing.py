"""A recording goes to whoever took part in its call and may have it: to each of them a row and a file of their own.

A subscriber's recording belongs to a customer with the paid feature, for as many days as they chose (policy § 5.2); one made
to find a fault belongs to the customer of the ticket. Whoever else took part gets nothing of it.
"""

import datetime as dt
import uuid
from typing import BinaryIO, Protocol

from django.db import IntegrityError, transaction
from django.db.models import Q

from accounts import files, keys
from accounts.models import KeyPair, PersonErasure, Subscription, Workspace
from accounts.recording_cap import cap_days
from retention.rules import period_of
from telecom_records.clocks import calls_of
from telecom_records.models import CallDetailRecord, ImportSource, Recording, WaitingRecording
from telecom_records.recordings import tickets
from telecom_records.recordings.matching import Call, Facts, end_of
from telecom_records.recordings.sounds import Sound

ONE_HOUR = dt.timedelta(hours=1)
ONE_DAY = dt.timedelta(days=1)
WORDS = {
    "no_feature": "The customer does not have call recording.",
    "over": "Its days are over: it would have to be deleted at once.",
    "no_ticket": "There is no open ticket of a customer with this reference.",
    "not_of_ticket": "The customer of the ticket took no part in this call.",
    "erased_customer": "The recording belongs to a customer whose data was deleted.",
    "changed": "The file changed while it was read.",
}


class Refused(ValueError):
    """The recording is not taken and nothing of it is kept; ``code`` says why, in ``WORDS`` for people."""

    def __init__(self, code: str) -> None:
        super().__init__(WORDS[code])
        self.code = code


class AlreadyThere(ValueError):
    """The same recording has been stored meanwhile."""


class Material(Protocol):
    """Where the plain bytes of a sound come from."""

    sound: Sound

    def encrypt_to(self, owner: str, owner_id: uuid.UUID) -> str:
        """Store the sound encrypted to its owner and return the file's key."""
        ...


class PlainFile:
    """A sound that has just come in."""

    def __init__(self, file: BinaryIO, sound: Sound) -> None:
        self.file, self.sound = file, sound

    def encrypt_to(self, owner: str, owner_id: uuid.UUID) -> str:
        """Raises Refused when the bytes are not those that were looked at, and as ``files.put_encrypted``."""
        self.file.seek(0)
        read = files.Measured(self.file)
        key = files.put_encrypted(read, owner=owner, owner_id=owner_id)  # type: ignore[arg-type]
        if (read.size, read.sha256.hexdigest()) != (self.sound.size, self.sound.sha256):
            files.store().delete(key)
            raise Refused("changed")
        return key


class WaitingFile:
    """The sound of a recording that has waited for its call."""

    def __init__(self, row: WaitingRecording) -> None:
        self.row = row
        self.sound = Sound(row.content_type, row.file_bytes, row.sha256, row.duration_s, row.channels)

    def encrypt_to(self, owner: str, owner_id: uuid.UUID) -> str:
        """Raises as ``files.reencrypt``."""
        return files.reencrypt(self.row.file_key, owner=owner, owner_id=owner_id)


def check_ticket(facts: Facts) -> None:
    """Raise Refused for a recording of a fault without an open ticket of a customer."""
    if facts.kind == Recording.Kind.DIAGNOSTIC and tickets.workspace_of(facts.ticket) is None:
        raise Refused("no_ticket")


def place(
    call: Call, facts: Facts, material: Material | None, *, source: ImportSource, now: dt.datetime
) -> list[Recording]:
    """Give each side of a call that may have it its recording, all or none; without ``material`` its sound comes later.

    Raises Refused, AlreadyThere, and as ``material.encrypt_to``.
    """
    stored: list[str] = []
    try:
        with transaction.atomic():
            return [
                _row(leg, days, began, facts, material, stored, source) for leg, days, began in _sides(call, facts, now)
            ]
    except BaseException as error:
        if stored:
            files.store().delete(*stored)
        if isinstance(error, keys.KeyDestroyed):
            raise Refused("erased_customer") from error
        if isinstance(error, IntegrityError):
            raise _named(error) from error
        raise


def complete(rows: list[Recording], material: Material, *, now: dt.datetime) -> None:
    """Give recordings that were told of their sound, all or none. Raises Refused, and as ``material.encrypt_to``."""
    stored: list[str] = []
    if all(row.keep_days and row.started_at + row.keep_days * ONE_DAY <= now for row in rows):
        raise Refused("over")
    try:
        with transaction.atomic():
            for row in rows:
                stored.append(material.encrypt_to(KeyPair.Owner.WORKSPACE, row.workspace_id))
                row.file_key = stored[-1]
                _describe(row, material.sound)
                row.save(update_fields=["file_key", "content_type", "sha256", "file_bytes", "channels", "duration_s"])
    except BaseException as error:
        if stored:
            files.store().delete(*stored)
        if isinstance(error, keys.KeyDestroyed):
            raise Refused("erased_customer") from error
        raise


def _row(
    leg: CallDetailRecord,
    days: int | None,
    began: dt.datetime,
    facts: Facts,
    material: Material | None,
    stored: list[str],
    source: ImportSource,
) -> Recording:
    row = Recording(
        workspace_id=leg.workspace_id, kind=facts.kind, call=leg, source=source, source_recording_id=facts.recording_id,
        started_at=began, duration_s=facts.duration_s, channels=facts.channels, own_number=leg.own_number,
        other_party=leg.other_party, keep_days=days, ticket_reference=facts.ticket,
    )  # fmt: skip
    if material:
        stored.append(material.encrypt_to(KeyPair.Owner.WORKSPACE, leg.workspace_id))
        row.file_key = stored[-1]
        _describe(row, material.sound)
    row.save(force_insert=True)
    return row


def _describe(row: Recording, sound: Sound) -> None:
    row.content_type, row.sha256, row.file_bytes = sound.content_type, sound.sha256, sound.size
    row.duration_s = row.duration_s if sound.duration_s is None else sound.duration_s
    row.channels = sound.channels or row.channels


def _sides(call: Call, facts: Facts, now: dt.datetime) -> list[tuple[CallDetailRecord, int | None, dt.datetime]]:
    """Return the leg of each customer who may have the recording, for how many days, and when it began."""
    check_ticket(facts)
    of_ticket = tickets.workspace_of(facts.ticket) if facts.kind == Recording.Kind.DIAGNOSTIC else None
    found, why = [], "erased_customer"
    for workspace in Workspace.objects.filter(pk__in={leg.workspace_id for leg in call}, state__in=Workspace.INTACT):
        leg = _best([leg for leg in call if leg.workspace_id == workspace.pk])
        began = _began(facts, leg)
        days = None
        if _was_erased(leg, began):
            why = "erased_customer"
            continue
        if facts.kind == Recording.Kind.DIAGNOSTIC:
            if workspace.pk != of_ticket:
                why = "not_of_ticket"
                continue
            period = period_of("diagnostic_recording", now, workspace.country)
        else:
            days = days_chosen(workspace, began, now)
            if days is None:
                why = "no_feature"
                continue
            longest = period_of("subscriber_recording", now, workspace.country)
            period = min(days * ONE_DAY, longest) if longest else days * ONE_DAY
        if period is not None and began + period <= now:
            why = "over"
            continue
        found.append((leg, days, began))
    if not found:
        raise Refused(why)
    return found


def _was_erased(leg: CallDetailRecord, began: dt.datetime) -> bool:
    """Return whether the recordings of the person whose call it is were erased at their request since it began."""
    erased = PersonErasure.objects.filter(
        person__memberships__workspace=leg.workspace_id,
        categories__contains=[Recording._meta.label],
        decided_at__gt=began,
    ).values("person")
    return CallDetailRecord.objects.filter(calls_of(erased), pk=leg.pk).exists()


def days_chosen(workspace: Workspace, at: dt.datetime, now: dt.datetime) -> int | None:
    """Return for how many days a customer keeps recordings of a call at ``at``, or None without the feature then.

    Of several subscriptions the strictest counts; what was chosen under a cap that was lowered since is cut to it.
    """
    running = Subscription.objects.filter(
        Q(ends_at__isnull=True) | Q(ends_at__gt=at), workspace=workspace, recording_enabled=True, starts_at__lte=at
    )
    chosen = [days for days in running.values_list("recording_days", flat=True) if days]
    return min(*chosen, cap_days(workspace.country, now)) if chosen else None


def _best(legs: Call) -> CallDetailRecord:
    """Return the leg that a recording hangs on: one that was answered, the earliest."""
    return min(legs, key=lambda leg: (leg.status != CallDetailRecord.Status.ANSWERED, leg.started_at, leg.pk))


def _began(facts: Facts, leg: CallDetailRecord) -> dt.datetime:
    """Return when the recording began: as it says, if that is within its call; a name's clock may be in another zone."""
    at = facts.started_at
    return at if at and leg.started_at - ONE_HOUR <= at <= end_of(leg) + ONE_HOUR else leg.started_at


def _named(error: IntegrityError) -> Exception:
    name = getattr(getattr(error.__cause__, "diag", None), "constraint_name", "") or ""
    if name == "workspace_is_active":
        return Refused("erased_customer")
    return AlreadyThere("This recording is stored already.") if name.startswith("recording_once") else error
