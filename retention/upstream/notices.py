"""Notices as rows: chosen at INTENT, released at DONE, sent under a lease until they are confirmed.

A worker that is killed between sending and writing it down sends the same notice once more when its lease is over, under
the same id, by which the recipient knows it. What a notice says of the customer is sealed apart from it (NoticeContent).
"""

import dataclasses
import datetime as dt
import json
import logging
import re
import uuid
from collections.abc import Iterable

from django.conf import settings
from django.db import transaction
from django.db.models import Max, Q, QuerySet

from accounts import delivery, evidence, keys
from accounts.delivery import DAY, Outcome, Result
from accounts.evidence import rfc3339
from accounts.models import User
from retention.deletion import Scope
from retention.models import DeletionJob, Notice, NoticeContent, Recipient
from retention.upstream import mail, webhook
from retention.upstream.identifiers import Ids, choose_identifiers
from retention.upstream.recipients import address_of, category_names

log = logging.getLogger(__name__)

GIVEN_UP_AFTER = 7 * DAY  # past the deadline; then an officer must act
PURPOSE = "notices to recipients"
State = Notice.State
MOVES: dict[str, set[str]] = {
    State.PREPARED: {State.WAITING},
    State.WAITING: {State.SENT, State.CONFIRMED, State.REFUSED, State.FAILED, State.CLOSED},
    State.SENT: {State.SENT, State.WAITING, State.CONFIRMED, State.REFUSED, State.FAILED, State.CLOSED},
    State.REFUSED: {State.WAITING, State.CONFIRMED, State.CLOSED},
    State.FAILED: {State.WAITING, State.CONFIRMED, State.CLOSED},
    State.CONFIRMED: set(),
    State.CLOSED: set(),
}


class UnableToSettle(ValueError):
    """The notice is not in a state from which this can be done; the message says why, for the officer."""


def prepare_notices(chosen: Iterable[tuple[DeletionJob, Scope, dict[str, int]]], *, now: dt.datetime) -> int:
    """Choose whom to tell of these deletions, and seal what: in INTENT's transaction, while the ids still exist.

    Each is a job with its scope and what is planned. Return how many notices. Whoever receives none of what goes is told
    nothing.
    """
    recipients = Recipient.objects.filter(active_from__isnull=False, active_until__isnull=True).order_by("pk")
    told = list(recipients)
    made = []
    for job, scope, planned in chosen:
        gone = set(planned) | ({"accounts.Workspace"} if scope.workspace else set())
        for recipient in told:
            categories = [label for label in recipient.categories if label in gone]
            ids = choose_identifiers(recipient.known_by, scope, categories) if categories else {}
            if ids:
                made.append((Notice(recipient=recipient, job=job, categories=categories, prepared_at=now), ids))
    Notice.objects.bulk_create([notice for notice, _ in made])
    NoticeContent.objects.bulk_create(
        [NoticeContent(notice=notice, sealed=seal_content(notice, ids)) for notice, ids in made]
    )
    return len(made)


def seal_content(notice: Notice, ids: Ids) -> bytes:
    """Seal what a notice says of the customer."""
    return keys.seal(json.dumps(ids).encode(), purpose=PURPOSE, bound_to=str(notice.pk))


def release_notices(job: DeletionJob, *, now: dt.datetime) -> int:
    """Let the notices of a deletion that is DONE go out, in the same transaction; return how many."""
    notices = list(Notice.objects.select_related("recipient").filter(job=job, state=State.PREPARED).order_by("pk"))
    for notice in notices:
        due_at = now + notice.recipient.deadline_days * DAY
        _move(notice, State.WAITING, erased_at=now, due_at=due_at, next_try_at=now)
    if notices:
        evidence.append_entry(
            "RECIPIENTS_TOLD",
            subject=str(job.pk),
            body={"notices": [str(notice.pk) for notice in notices], "everywhere_by": rfc3339(gone_by(job) or now)},
        )
    return len(notices)


def to_send(now: dt.datetime) -> QuerySet[Notice]:
    """Return the notices whose next attempt or reminder is due and that no worker has in hand, oldest first."""
    return delivery.due(Notice.objects.all(), now=now)


def send(notice_id: uuid.UUID, *, now: dt.datetime) -> Notice | None:
    """Make one attempt; return the notice as it then is, or None when it was not due or another worker has it."""
    if not delivery.claim(Notice.objects.all(), notice_id, now=now):
        return None
    notice = Notice.objects.select_related("recipient", "job").get(pk=notice_id)
    try:
        outcome = attempt(notice, now=now)
    except Exception as error:  # a fault of ours: counted like any other failure, and seen by its answer
        log.exception("notice %s: the attempt broke", notice.pk)
        outcome = Outcome(Result.FAILED, f"a fault of the portal ({type(error).__name__})"[:80])
    return record(notice_id, outcome, now=now)


def attempt(notice: Notice, *, now: dt.datetime) -> Outcome:
    """Tell the recipient once, by its channel; return what came of it. Changes nothing."""
    message = message_of(notice, now=now)
    body = json.dumps(message, sort_keys=True).encode()
    address = address_of(notice.recipient)
    if notice.recipient.channel == Recipient.Channel.EMAIL:
        return mail.send_notice(address.email, address.key, name=notice.recipient.name, message=message, body=body)
    return webhook.post_notice(address.url, address.secret, notice_id=str(notice.pk), body=body, at=now)


def message_of(notice: Notice, *, now: dt.datetime) -> dict:
    """Return what the recipient is told. Raises NoticeContent.DoesNotExist when its ids are gone."""
    assert notice.erased_at and notice.due_at, "Nobody is told before the deletion is over."
    sealed = bytes(notice.content.sealed)
    ids = json.loads(keys.unseal(sealed, purpose=PURPOSE, bound_to=str(notice.pk)))
    path = f"upstream/confirm/{notice.pk}/"
    if notice.job:
        of = {"deletion": str(notice.job_id), "rule": notice.job.rule_id, "erased_at": rfc3339(notice.erased_at)}
    else:
        of = {"request": str(notice.request_id), "changed_at": rfc3339(notice.erased_at)}
        of |= {name: ids.pop(name) for name in ("asks", "changes") if name in ids}
    return {
        "type": notice.kind,
        "id": str(notice.pk),
        **of,
        "confirm_by": rfc3339(notice.due_at),
        "reminder": notice.sent_at is not None,
        "categories": category_names(notice.categories),
        "customer": ids,
        "confirm_at": f"{settings.PORTAL_URL.rstrip('/')}/{path}" if settings.PORTAL_URL else "",
    }


def record(notice_id: uuid.UUID, outcome: Outcome, *, now: dt.datetime) -> Notice:
    """Write down what came of an attempt, and when the next one is due."""
    with transaction.atomic():
        notice = Notice.objects.select_for_update().get(pk=notice_id)
        if notice.state not in (State.WAITING, State.SENT):  # settled by a call back or an officer meanwhile
            notice.lease_until = None
            notice.save(update_fields=["lease_until"])
        elif outcome.result is Result.CONFIRMED:
            _settle(notice, State.CONFIRMED, how=Notice.Settled.ANSWER, now=now, answer=outcome.answer, sent_at=now)
        elif outcome.result is Result.TAKEN:
            _move(notice, State.SENT, answer=outcome.answer, sent_at=now, tries=0, lease_until=None,
                  next_try_at=next_reminder(notice, now))  # fmt: skip
        elif outcome.result is Result.REFUSED:
            _stop(notice, State.REFUSED, outcome.answer)
        else:
            _try_later(notice, outcome.answer, now=now)
    log.info("notice %s: %s", notice.pk, outcome.answer)
    return notice


def _try_later(notice: Notice, answer: str, *, now: dt.datetime) -> None:
    assert notice.due_at
    next_try_at = delivery.next_try(notice.tries, now=now)
    if next_try_at > notice.due_at + GIVEN_UP_AFTER:
        _stop(notice, State.FAILED, answer)
    else:
        notice.answer, notice.next_try_at, notice.lease_until = answer, next_try_at, None
        notice.save(update_fields=["answer", "next_try_at", "lease_until"])


def _stop(notice: Notice, state: str, answer: str) -> None:
    _move(notice, state, answer=answer, next_try_at=None, lease_until=None)
    code = re.sub(r"[^A-Za-z0-9]+", "_", answer).strip("_")
    evidence.append_entry(f"NOTICE_{state.upper()}", subject=str(notice.pk), body={**_about(notice), "answer": code})


def _about(notice: Notice) -> dict[str, str]:
    return {"job": str(notice.job_id)} if notice.job_id else {"request": str(notice.request_id)}


def next_reminder(notice: Notice, now: dt.datetime) -> dt.datetime | None:
    """Return when a recipient who has the notice is told again: a quarter before the deadline, at it, and 3 and 7 days after."""
    assert notice.erased_at and notice.due_at
    before = notice.due_at - (notice.due_at - notice.erased_at) / 4
    instants = [before, notice.due_at, notice.due_at + 3 * DAY, notice.due_at + GIVEN_UP_AFTER]
    return next((instant for instant in instants if instant > now), None)


def confirm_by_call(notice: Notice, *, now: dt.datetime) -> bool:
    """Settle a notice by the recipient's own signed call; return whether that was news. Raises UnableToSettle."""
    with transaction.atomic():
        notice = Notice.objects.select_for_update().get(pk=notice.pk)
        if notice.state == State.CONFIRMED:
            return False
        if State.CONFIRMED not in MOVES[notice.state]:
            raise UnableToSettle("This notice cannot be confirmed now.")
        _settle(notice, State.CONFIRMED, how=Notice.Settled.CALL_BACK, now=now)
    return True


def settle_by_hand(notice_id: uuid.UUID, *, confirmed: bool, note: str, user: User, now: dt.datetime) -> None:
    """Settle a notice by an officer: confirmed as the note says, or closed without a confirmation. Raises UnableToSettle."""
    if not note.strip():
        raise UnableToSettle("Write how you know, or why it is closed.")
    with transaction.atomic():
        notice = Notice.objects.select_for_update().get(pk=notice_id)
        _settle(notice, State.CONFIRMED if confirmed else State.CLOSED, how=Notice.Settled.OFFICER, now=now,
                note=note.strip(), settled_by=user)  # fmt: skip


def send_again(notice_id: uuid.UUID, *, user: User, now: dt.datetime) -> None:
    """Put a notice that was refused, not delivered or not confirmed out again. Raises UnableToSettle."""
    with transaction.atomic():
        notice = Notice.objects.select_for_update().get(pk=notice_id)
        if notice.state == State.PREPARED:
            raise UnableToSettle("Its deletion is not over yet.")
        _move(notice, State.WAITING, next_try_at=now, tries=0, answer="")
        evidence.append_entry("NOTICE_AGAIN", subject=str(notice.pk), body={"by": user.pk})


def _settle(notice: Notice, state: str, *, how: str, now: dt.datetime, **fields) -> None:
    """Close a locked notice; its content's clock starts."""
    _move(notice, state, settled_at=now, settled_how=how, next_try_at=None, lease_until=None, **fields)
    NoticeContent.objects.filter(notice=notice).update(settled_at=now)
    body: dict = {**_about(notice), "recipient": str(notice.recipient_id), "how": how}
    if notice.settled_by_id:
        body["by"] = notice.settled_by_id
    evidence.append_entry(f"NOTICE_{state.upper()}", subject=str(notice.pk), body=body)


def _move(notice: Notice, state: str, **fields) -> None:
    if state not in MOVES[notice.state]:
        raise UnableToSettle(f"A notice cannot go from “{notice.get_state_display()}” to “{State(state).label}”.")
    notice.state = state
    for name, value in fields.items():
        setattr(notice, name, value)
    notice.save(update_fields=["state", *fields])


@dataclasses.dataclass(frozen=True)
class Everywhere:
    """How far an erasure has come outside: ``by`` is the instant at which it is, or must be, gone everywhere."""

    notices: list[Notice]
    confirmed: int
    by: dt.datetime | None

    @property
    def is_complete(self) -> bool:
        return self.confirmed == len(self.notices)


def everywhere(job: DeletionJob) -> Everywhere:
    """Return whom this deletion was told, what came of it, and by when it is gone everywhere."""
    notices = list(job.notices.select_related("recipient", "settled_by").order_by("recipient__name"))
    confirmed = sum(notice.state == State.CONFIRMED for notice in notices)
    return Everywhere(notices=notices, confirmed=confirmed, by=gone_by(job))


def gone_by(job: DeletionJob) -> dt.datetime | None:
    """Return the last instant at which a recipient has confirmed or must have; None before the deletion is done."""
    known = job.notices.aggregate(
        due=Max("due_at", filter=~Q(state=State.CONFIRMED)),
        confirmed=Max("settled_at", filter=Q(state=State.CONFIRMED)),
    )
    return max((instant for instant in known.values() if instant), default=job.done_at)


def needs_somebody(now: dt.datetime) -> QuerySet[Notice]:
    """Return the notices that an officer must look at: late, refused or not delivered; the longest overdue first."""
    late = Q(state__in=[State.WAITING, State.SENT], due_at__lte=now)
    return Notice.objects.filter(late | Q(state__in=[State.REFUSED, State.FAILED])).order_by("due_at", "pk")
