"""Key epochs: the keys that wrap the key pairs change every thirty days, two are kept, older ones are destroyed.

What it is for: a copy of the key store that got away (a backup, a stolen disk) opens only while the key of its epoch
exists. So the exposure of a destroyed pair ends, at the latest, KEY_EPOCHS_KEPT × KEY_EPOCH_DAYS + KEY_EPOCH_PENDING_DAYS
after its epoch began: 2 × 30 + 7 = 67 days. What must never happen: that wrapping anew brings a destroyed pair back
(each pair is exchanged only against the very bytes that were unwrapped), or that a key is destroyed which a living pair
still needs (refused when asked, when agreed, and when done).
"""

import datetime as dt
import logging
import time
import uuid

from cryptography.exceptions import InvalidTag
from django.conf import settings
from django.db import connections, router, transaction
from django.db.models import Count, Q, QuerySet

from accounts import approvals, evidence
from accounts.epoch_keys import EpochKeyMissing, provider
from accounts.models.approvals import Approval
from accounts.models.keys import KeyEpoch, KeyPair

log = logging.getLogger(__name__)

PRUNE = "prune_key_epoch"
EPOCH_LOCK = 0x4B455953  # a number only this module uses in pg_advisory_xact_lock
BATCH = 500
State = KeyEpoch.State


class UnableToPrune(ValueError):
    """The key of this epoch must not be destroyed; the message says why, for the officer."""


def key_store() -> str:
    """Return the alias of the database that holds key pairs and epochs."""
    return router.db_for_write(KeyPair)


def bound_to(pair: KeyPair) -> str:
    """Return what a wrapped private half is bound to: it opens for this pair of this owner only."""
    return f"{pair.pk}|{pair.owner}|{pair.owner_id}"


def with_keys() -> QuerySet[KeyEpoch]:
    """Return the epochs, newest first, each with the number of living pairs that need it as ``keys``."""
    living = Count("pairs", filter=Q(pairs__wrapped__isnull=False))
    return KeyEpoch.objects.annotate(keys=living).order_by("-number")


def current() -> KeyEpoch:
    """Return the epoch that wraps new pairs; the first one is made when it is needed."""
    epoch = KeyEpoch.objects.filter(state=State.CURRENT).first()
    if epoch is None:
        with transaction.atomic(using=key_store()):
            _lock()
            epoch = KeyEpoch.objects.filter(state=State.CURRENT).first() or _make(None)
    return epoch


def rotate(*, now: dt.datetime, user=None) -> KeyEpoch | None:
    """Begin a new epoch; return it, or None when nobody asked and the current one is younger than KEY_EPOCH_DAYS.

    The pairs are wrapped anew by ``rewrap``. An installation that has stored nothing yet has no epoch, and gets none.
    """
    with transaction.atomic(using=key_store()), transaction.atomic():
        _lock()
        was = KeyEpoch.objects.filter(state=State.CURRENT).first()
        if user is None and (was is None or now < was.began_at + dt.timedelta(days=settings.KEY_EPOCH_DAYS)):
            return None
        if was:
            was.state, was.ended_at = State.KEPT, now
            was.save(update_fields=["state", "ended_at"])
        made = _make(now)
        body = {"number": made.number, "by": user.pk if user else 0}
        evidence.append_entry("KEY_EPOCH_BEGAN", subject=str(made.pk), body=body)
    log.info("keys: epoch %s began", made.number)
    return made


def rewrap(*, seconds: float) -> tuple[int, int]:
    """Wrap pairs of older epochs by the current one, for about ``seconds``; return how many were and how many are left.

    Each pair is a transaction of its own, so that whoever destroys pairs meanwhile waits for one row at most; run
    twice at once, or killed anywhere, it does no harm. A pair that cannot be opened is skipped, logged, and stays left.
    """
    epoch, stop_at, done = KeyEpoch.objects.filter(state=State.CURRENT).first(), time.monotonic() + seconds, 0
    if epoch is None:
        return 0, 0
    older = KeyPair.objects.filter(wrapped__isnull=False).exclude(epoch=epoch).order_by("pk")
    last = uuid.UUID(int=0)
    while time.monotonic() < stop_at:
        pairs = list(older.filter(pk__gt=last)[:BATCH])
        for pair in pairs:
            done += _rewrap_one(pair, epoch)
        if len(pairs) < BATCH:
            break
        last = pairs[-1].pk
    return done, older.count()


def _rewrap_one(pair: KeyPair, epoch: KeyEpoch) -> int:
    """Exchange the wrapped bytes for new ones if they still are the ones that were read. Destroyed stays destroyed."""
    old, keys = bytes(pair.wrapped or b""), provider()
    try:
        secret = keys.unwrap(pair.epoch_id, old, bound_to=bound_to(pair))  # type: ignore[arg-type]
    except (InvalidTag, EpochKeyMissing) as error:
        log.error("keys: pair %s of epoch %s does not open: %s", pair.pk, pair.epoch_id, type(error).__name__)
        return 0
    new = keys.wrap(epoch.pk, secret, bound_to=bound_to(pair))
    same = KeyPair.objects.filter(pk=pair.pk, epoch=pair.epoch_id, wrapped=old)
    return same.update(wrapped=new, epoch=epoch)


def opens(epoch: KeyEpoch) -> bool:
    """Return whether the key of this epoch is there and is the right one."""
    try:
        return provider().unwrap(epoch.pk, bytes(epoch.proof), bound_to="proof") == str(epoch.number).encode()
    except (EpochKeyMissing, InvalidTag):
        return False


def retires_at(epoch: KeyEpoch) -> dt.datetime:
    """Return when nothing of this epoch can be opened any more: when its key was, will be, or is to be destroyed."""
    days = settings.KEY_EPOCHS_KEPT * settings.KEY_EPOCH_DAYS + settings.KEY_EPOCH_PENDING_DAYS
    return epoch.destroyed_at or epoch.destroy_after or epoch.began_at + dt.timedelta(days=days)


def overdue(now: dt.datetime) -> list[KeyEpoch]:
    """Return the epochs that two officers should have destroyed by now, oldest first."""
    waiting = dt.timedelta(days=settings.KEY_EPOCH_PENDING_DAYS)
    kept = KeyEpoch.objects.filter(state=State.KEPT).order_by("number")
    return [epoch for epoch in kept if now >= retires_at(epoch) - waiting and not why_not_prune(epoch)]


def why_not_prune(epoch: KeyEpoch) -> str:
    """Return why the key of this epoch must stay, in words; empty when it may go."""
    if epoch.state != State.KEPT:
        return f"The state of this epoch is “{epoch.get_state_display()}”."
    if living := KeyPair.objects.filter(epoch=epoch, wrapped__isnull=False).count():
        return f"{living:,} keys still need this epoch. They are wrapped anew first."
    newest = KeyEpoch.objects.order_by("-number").values_list("pk", flat=True)[: settings.KEY_EPOCHS_KEPT]
    if epoch.pk in newest:
        return f"The newest {settings.KEY_EPOCHS_KEPT} epochs are kept, for backups of the key store."
    return ""


def ask_to_prune(epoch: KeyEpoch, *, user, now: dt.datetime) -> Approval:
    """Ask a second officer to destroy the key of an epoch. Raises approvals.UnableToApprove."""
    if reason := why_not_prune(epoch):
        raise approvals.UnableToApprove(reason)
    days = settings.KEY_EPOCH_PENDING_DAYS
    summary = f"Destroy the key of epoch {epoch.number}, {days} days after the approval"
    return approvals.ask(PRUNE, target=str(epoch.pk), summary=summary, user=user, now=now)


def keep(epoch_id: uuid.UUID, *, user) -> None:
    """Take back the destruction of an epoch, by one officer, as long as it waits. Raises UnableToPrune."""
    with transaction.atomic(using=key_store()), transaction.atomic():
        waiting = KeyEpoch.objects.filter(pk=epoch_id, state=State.PENDING)
        if not waiting.update(state=State.KEPT, destroy_after=None):
            raise UnableToPrune("This epoch does not wait for its destruction any more.")
        evidence.append_entry("KEY_EPOCH_KEPT", subject=str(epoch_id), body={"by": user.pk})


def destroy_due(now: dt.datetime) -> int:
    """Destroy the keys of epochs whose days of waiting are over, and say so in the evidence; return how many.

    Looks again whether a living pair needs it, and whether two officers did agree: the key store may be another database
    than the approval's, and this is the last moment.
    """
    due = KeyEpoch.objects.filter(state=State.PENDING, destroy_after__lte=now).order_by("number")
    return sum(_destroy(epoch_id, now) for epoch_id in list(due.values_list("pk", flat=True)))


def _destroy(epoch_id: uuid.UUID, now: dt.datetime) -> bool:
    with transaction.atomic(using=key_store()), transaction.atomic():
        _lock()
        epoch = KeyEpoch.objects.select_for_update().get(pk=epoch_id)
        if epoch.state != State.PENDING or epoch.destroy_after is None or epoch.destroy_after > now:
            return False
        agreed = Approval.objects.filter(action=PRUNE, target=str(epoch.pk), state=Approval.State.DONE).exists()
        if not agreed or KeyPair.objects.filter(epoch=epoch, wrapped__isnull=False).exists():
            log.error("keys: epoch %s was to be destroyed, and must not: it is kept", epoch.number)
            epoch.state, epoch.destroy_after = State.KEPT, None
            epoch.save(update_fields=["state", "destroy_after"])
            return False
        provider().destroy(epoch.pk)
        if opens(epoch):
            raise UnableToPrune(f"The key of epoch {epoch.number} still opens after it was destroyed.")
        epoch.state, epoch.destroyed_at = State.DESTROYED, now
        epoch.save(update_fields=["state", "destroyed_at"])
        body = {"number": epoch.number, "began": evidence.rfc3339(epoch.began_at), "keys": 0}
        evidence.append_entry("KEY_EPOCH_DESTROYED", subject=str(epoch.pk), body=body)
    log.info("keys: epoch %s is destroyed", epoch.number)
    return True


def _facts(epoch_id: str) -> dict:
    epoch = with_keys().get(pk=epoch_id)
    return {"epoch": epoch_id, "number": epoch.number, "state": epoch.state, "keys": epoch.keys}  # type: ignore[attr-defined]


def _prune(epoch_id: str, requested_by, decided_by, now: dt.datetime) -> None:
    with transaction.atomic(using=key_store()):
        _lock()
        epoch = KeyEpoch.objects.select_for_update().get(pk=epoch_id)
        if reason := why_not_prune(epoch):
            raise approvals.UnableToApprove(reason)
        epoch.state = State.PENDING
        epoch.destroy_after = now + dt.timedelta(days=settings.KEY_EPOCH_PENDING_DAYS)
        epoch.save(update_fields=["state", "destroy_after"])
    body = {
        "number": epoch.number,
        "by": [requested_by.pk, decided_by.pk],
        "after": evidence.rfc3339(epoch.destroy_after),
    }
    evidence.append_entry("KEY_EPOCH_PENDING", subject=epoch_id, body=body)


def register() -> None:
    """Make the destruction of an epoch known to four eyes; called once at start."""
    approvals.register(approvals.Action(PRUNE, "Destroy a key epoch", "accounts.prune_keyepoch", _facts, _prune))


def _lock() -> None:
    """Let one process at a time begin or end epochs, until the key store's transaction ends."""
    with connections[key_store()].cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [EPOCH_LOCK])


def _make(now: dt.datetime | None) -> KeyEpoch:
    newest = KeyEpoch.objects.order_by("-number").values_list("number", flat=True).first() or 0
    epoch = KeyEpoch(number=newest + 1, **({"began_at": now} if now else {}))
    provider().make(epoch.pk)
    epoch.proof = provider().wrap(epoch.pk, str(epoch.number).encode(), bound_to="proof")
    epoch.save(force_insert=True)
    return epoch
