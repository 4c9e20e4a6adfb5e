"""Recordings in, one by one: known, stored with their call, waiting for it, or refused with a reason.

A recording may come before its call, its provider's list before its sound, and either twice. What does not lead to a call yet
waits sealed, its sound encrypted to a key of its own; ``retry_waiting`` looks again, and an officer may tell.
"""

import dataclasses
import datetime as dt
import enum
import logging
import time

from django.db import IntegrityError, transaction
from django.db.models import F, Q

from accounts import files, keys
from accounts.models import KeyPair, Workspace
from retention import tombstones
from retention.deletion import delete_taken_up, discard_old_copy
from telecom_records.clocks import LONGEST_WITHOUT_OWNER
from telecom_records.models import ImportSource, NumberAssignment, Recording, WaitingRecording
from telecom_records.recordings.matching import Call, Facts, find_call
from telecom_records.recordings.placing import (
    AlreadyThere,
    Material,
    PlainFile,
    Refused,
    WaitingFile,
    check_ticket,
    complete,
    place,
)

log = logging.getLogger(__name__)
PURPOSE = "recordings without a call"


class Outcome(enum.StrEnum):
    """Where a recording went."""

    STORED = "stored"  # with its call, and its sound
    ANNOUNCED = "announced"  # with its call; the sound is to come
    WAITING = "waiting"
    KNOWN = "known"
    REFUSED = "refused"


@dataclasses.dataclass(frozen=True, slots=True)
class Taken:
    """What came of one recording; a code and words for one that was refused."""

    outcome: Outcome
    code: str = ""
    message: str = ""


def take(
    facts: Facts, material: PlainFile | None, *, source: ImportSource, now: dt.datetime, call: Call | None = None
) -> Taken:
    """Take one recording: its sound, or without ``material`` the word of a list. ``call`` when somebody has said which.

    The sound is read twice at most for each customer. Raises files.UnableToStore.
    """
    try:
        check_ticket(facts)
        with transaction.atomic():
            return _take(facts, material, source, now, call)
    except Refused as refusal:
        return Taken(Outcome.REFUSED, refusal.code, str(refusal))
    except AlreadyThere:
        return Taken(Outcome.KNOWN)


def _take(facts: Facts, material: PlainFile | None, source: ImportSource, now: dt.datetime, call: Call | None) -> Taken:
    if told := _told_of(facts, source):
        without = [row for row in told if not row.has_sound]
        if not without or material is None:
            return Taken(Outcome.KNOWN)
        complete(without, material, now=now)
        return Taken(Outcome.STORED)
    if material and _is_known(facts, material, source):
        return Taken(Outcome.KNOWN)
    held = _waiting_for(facts, material, source)
    before: Facts | None = None
    if held:
        before = open_facts(held)
        facts = facts.with_more(before)
    use: Material | None = WaitingFile(held) if held and held.file_key else material
    call = call or find_call(facts, source, now=now)
    if call is None:
        return _keep(facts, before, use, held, source, now)
    place(call, facts, use, source=source, now=now)
    if held:
        _take_up(held)
    return Taken(Outcome.STORED if use else Outcome.ANNOUNCED)


def _told_of(facts: Facts, source: ImportSource) -> list[Recording]:
    if not facts.recording_id:
        return []
    rows = Recording.objects.filter(source=source, source_recording_id=facts.recording_id)
    return list(rows.select_for_update().order_by("pk"))


def _is_known(facts: Facts, material: Material, source: ImportSource) -> bool:
    """Return whether the same sound is there; two recordings with ids of their own may both be silence."""
    same = Recording.objects.filter(source=source, sha256=material.sound.sha256)
    return (same.filter(source_recording_id="") if facts.recording_id else same).exists()


def _waiting_for(facts: Facts, material: Material | None, source: ImportSource) -> WaitingRecording | None:
    same = Q(source_recording_id=facts.recording_id) & ~Q(source_recording_id="")
    if material:
        same |= Q(sha256=material.sound.sha256) & (Q(source_recording_id="") if facts.recording_id else Q())
    return WaitingRecording.objects.select_for_update().filter(same, source=source).order_by("received_at").first()


def _keep(
    facts: Facts,
    before: Facts | None,
    use: Material | None,
    held: WaitingRecording | None,
    source: ImportSource,
    now: dt.datetime,
) -> Taken:
    """Let a recording wait for its call. Raises Refused for one that nobody may keep."""
    if facts.started_at and facts.started_at + LONGEST_WITHOUT_OWNER <= now:
        raise Refused("over")
    _refuse_erased(facts)
    brings_sound = bool(use and not (held and held.file_key))
    if held and facts == before and not brings_sound:
        return Taken(Outcome.KNOWN)
    row = held or WaitingRecording(source=source, received_at=now)
    row.source_recording_id, row.kind, row.ticket_reference = facts.recording_id, facts.kind, facts.ticket
    row.started_at, row.duration_s, row.channels = facts.started_at, facts.duration_s, facts.channels
    if use:
        sound = use.sound
        row.content_type, row.sha256, row.file_bytes = sound.content_type, sound.sha256, sound.size
        row.duration_s, row.channels = sound.duration_s or facts.duration_s, sound.channels or facts.channels
    row.sealed = keys.seal(facts.to_json(), purpose=PURPOSE, bound_to=str(row.pk))
    if use and brings_sound:
        row.file_key = use.encrypt_to(KeyPair.Owner.IMPORT, row.pk)
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:  # the same has come in meanwhile
        if row.file_key and brings_sound:
            files.store().delete(row.file_key)
        raise AlreadyThere("The recording waits.") from error
    return Taken(Outcome.WAITING)


def _refuse_erased(facts: Facts) -> None:
    """Raise Refused when the numbers were an erased customer's at that time, and nobody else's who is here."""
    at = facts.started_at
    if not facts.numbers or at is None:
        return
    here = NumberAssignment.objects.filter(
        number__e164__in=facts.numbers, window__contains=at, workspace__state__in=Workspace.INTACT
    )
    past = {workspace for _, window, workspace in tombstones.windows_of(set(facts.numbers)) if at in window}
    living = Workspace.objects.filter(pk__in=[pk for pk in past if pk], state__in=Workspace.INTACT)
    if past and not here.exists() and not living.exists():
        raise Refused("erased_customer")


def open_facts(row: WaitingRecording) -> Facts:
    """Return what came with a waiting recording. Raises cryptography's InvalidTag when the row was tampered with."""
    return Facts.from_json(keys.unseal(bytes(row.sealed), purpose=PURPOSE, bound_to=str(row.pk)))


def place_waiting(row_id, call: Call, *, now: dt.datetime) -> int:
    """Give a waiting recording to the customers of its call; return to how many.

    Raises Refused, and then it waits on; AlreadyThere when it was placed meanwhile, or came in again; and as ``place``.
    """
    with transaction.atomic():
        rows = WaitingRecording.objects.select_for_update(of=("self",)).select_related("source")
        row = rows.filter(pk=row_id).first()
        if row is None:
            raise AlreadyThere("Somebody else was first.")
        material = WaitingFile(row) if row.file_key else None
        made = place(call, open_facts(row), material, source=row.source, now=now)
        _take_up(row)
    return len(made)


def set_aside(row_id, *, now: dt.datetime) -> bool:
    """Say that a waiting recording is of none of our calls: it is not looked at again, and goes on its day."""
    return bool(WaitingRecording.objects.filter(pk=row_id, set_aside_at__isnull=True).update(set_aside_at=now))


def retry_waiting(now: dt.datetime, *, most: int = 200, seconds: float = 20) -> int:
    """Look for the calls of those that wait, the longest untried first, for about ``seconds``; return how many were placed.

    What turns out to be nobody's to keep, for want of the feature, is discarded: it is refused, as it would have been at first.
    """
    rows = WaitingRecording.objects.filter(set_aside_at__isnull=True)
    placed, stop_at = 0, time.monotonic() + seconds
    for row in rows.select_related("source").order_by(F("tried_at").asc(nulls_first=True), "pk")[:most]:
        if time.monotonic() > stop_at:
            break
        WaitingRecording.objects.filter(pk=row.pk).update(tried_at=now)
        call = find_call(open_facts(row), row.source, now=now)
        if call is None:
            continue
        try:
            place_waiting(row.pk, call, now=now)
            placed += 1
        except (Refused, AlreadyThere) as refusal:
            log.info("waiting recording %s: %s", row.pk, getattr(refusal, "code", "known"))
            with transaction.atomic():
                _take_up(row)
        except (
            files.FileChanged,
            FileNotFoundError,
            keys.KeyDestroyed,
            files.UnableToAsk,
            files.UnableToStore,
        ) as error:
            log.error("waiting recording %s: %s", row.pk, type(error).__name__)
    return placed


def _take_up(row: WaitingRecording) -> None:
    """Let a row of the queue go with its file and its key, when the transaction commits."""
    delete_taken_up(WaitingRecording.objects.filter(pk=row.pk))
    if row.file_key:
        discard_old_copy(row.file_key)
        transaction.on_commit(lambda: keys.destroy_keys(KeyPair.Owner.IMPORT, [row.pk]))
