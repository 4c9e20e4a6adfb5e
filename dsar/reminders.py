"""Reminders to staff while time passes: at 50, 75 and 90 per cent, and every day once a request is late."""

import datetime as dt
import logging

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from accounts.models import User
from accounts.roles import PRIVACY_OFFICER
from dsar.models import RequestStep, SubjectRequest, Watcher
from dsar.notices import notify
from dsar.outbox import UnableToSend
from dsar.steps import ALARMS, Kind, plan_step, register_kind, title_of

log = logging.getLogger(__name__)
MARKS = (50, 75, 90)  # per cent of the time from receipt to the due date
ESCALATE_AT = 90  # from here on every officer is told, not the owner alone
DAY = dt.timedelta(days=1)
AT_ONCE = 200
REMIND = "remind"


def next_reminder_at(request: SubjectRequest, *, after: dt.datetime) -> dt.datetime:
    """Return the first instant after `after` at which a reminder is due."""
    for mark in MARKS:
        at = request.received_at + (request.due_at - request.received_at) * mark / 100
        if at > after:
            return at
    return request.due_at + DAY * max(0, (after - request.due_at) // DAY + 1)


def passed(request: SubjectRequest, *, now: dt.datetime) -> int:
    """Return how much of the time from receipt to the due date is over, in whole per cent; 100 and more when late."""
    return int((now - request.received_at) * 100 // max(request.due_at - request.received_at, dt.timedelta(seconds=1)))


def plan_reminders(now: dt.datetime) -> int:
    """Plan the reminders that are due, each once, whoever else plans at the same time; return how many."""
    planned = 0
    due = SubjectRequest.objects.filter(remind_at__lte=now, closed_at__isnull=True).order_by("remind_at")
    for pk in due.values_list("pk", flat=True)[:AT_ONCE]:
        with transaction.atomic():
            request = SubjectRequest.objects.select_for_update(skip_locked=True).filter(pk=pk).first()
            if not request or not request.is_open or not request.remind_at or request.remind_at > now:
                continue
            if about := _mark(request, now):
                plan_step(request, REMIND, about=about, now=now)
                planned += 1
            request.remind_at = next_reminder_at(request, after=now)
            request.save(update_fields=["remind_at"])
    return planned


def _mark(request: SubjectRequest, now: dt.datetime) -> str:
    """Return which reminder is due: "50", "75", "90", or "late-3" after three days; "" when none is yet."""
    if now >= request.due_at:
        return f"late-{(now - request.due_at) // DAY}"
    over = passed(request, now=now)
    return str(max((mark for mark in MARKS if mark <= over), default=""))


def watch(request_id, *, user: User, now: dt.datetime) -> None:
    """Tell this member of staff what the owner is told. Doing it again changes nothing."""
    Watcher.objects.get_or_create(request_id=request_id, user=user, ended_at=None, defaults={"since": now})


def unwatch(request_id, *, user: User, now: dt.datetime) -> None:
    Watcher.objects.filter(request=request_id, user=user, ended_at__isnull=True).update(ended_at=now)


def people_to_tell(request: SubjectRequest, *, escalate: bool) -> list[User]:
    """Return the owner and the watchers; every officer too when it escalates, or when nobody else is there."""
    told = {watcher.user for watcher in request.watchers.filter(ended_at__isnull=True).select_related("user")}
    if request.owner:
        told.add(request.owner)
    told = {user for user in told if user.is_active}
    if escalate or not told:
        told |= set(User.objects.filter(is_active=True, groups__name=PRIVACY_OFFICER))
    return sorted(told, key=lambda user: user.pk)


def tell_staff(request: SubjectRequest, *, subject: str, text: str, escalate: bool, now: dt.datetime) -> None:
    """Write to staff about a request, without a word about the person. Raises UnableToSend."""
    address = settings.PORTAL_URL.rstrip("/") + reverse("admin:dsar_subjectrequest_change", args=[request.pk])
    notify(
        request,
        [user.email for user in people_to_tell(request, escalate=escalate) if user.email],
        subject=f"{request.reference}: {subject}",
        text=f"{text}\n\n{address}\n",
        now=now,
    )


def _remind(step: RequestStep, now: dt.datetime) -> None:
    request = step.request
    if not request.is_open:
        return
    due = f"{request.get_type_display()}, {request.get_state_display().lower()}, due {request.due_on:%-d %b %Y}"
    if step.about.startswith("late"):
        days = int(step.about.removeprefix("late-"))
        late = "late since today" if days == 0 else f"{days} day{'s' if days > 1 else ''} late"
        tell_staff(request, subject=late, text=f"{due}: {late}.", escalate=True, now=now)
    else:
        escalate = int(step.about) >= ESCALATE_AT
        tell_staff(
            request, subject=f"{step.about} % of the time is over", text=f"{due}: {step.about} % of the time is over.",
            escalate=escalate, now=now,
        )  # fmt: skip


def _alarm(step: RequestStep, now: dt.datetime) -> None:
    """Tell staff of a step that has stopped. When the mail itself does not go, the page and the log still show it."""
    if step.kind == REMIND:
        return
    text = f"{title_of(step)} has failed {step.attempts} times and waits for somebody: {step.fault}."
    try:
        tell_staff(step.request, subject="a step has failed", text=text, escalate=True, now=now)
    except UnableToSend as error:
        log.error("nobody was told of a stopped step: %s", error)


ALARMS.append(_alarm)
register_kind(Kind(REMIND, "Remind the owner", _remind))
