"""What the workers do for requests and for mail. A message is a wake-up call; the row is the work."""

import datetime as dt
import uuid

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from dsar import bulk, dating, forecast, outbox, reminders, steps
from dsar.mail.fetching import fetch_all
from dsar.rights import decisions
from retention.schedule import take_slot

MAILS_AT_ONCE = 100  # in a tick; the next one takes the rest


@shared_task
def carry_on() -> None:
    """Plan the reminders that are due, end what is done for requests, and wake a worker for every step in nobody's hand."""
    now = timezone.now()
    if not take_slot("requests", now=now, every=dt.timedelta(seconds=settings.RETENTION_TICK_SECONDS)):
        return
    reminders.plan_reminders(now)
    for decision_id in decisions.under_way():
        decisions.follow(decision_id, now=now)
    for step_id in steps.to_run(now):
        run_step.delay(str(step_id))
    for action_id in bulk.under_way():
        do_many.delay(str(action_id))


@shared_task
def run_step(step_id: str) -> None:
    """Make one attempt at one step."""
    steps.run_step(uuid.UUID(step_id), now=timezone.now())


@shared_task
def do_many(action_id: str) -> None:
    """Do some of what is done to many requests, and leave the rest to the next message."""
    if bulk.carry_on(uuid.UUID(action_id), now=timezone.now()) == bulk.AT_ONCE:
        do_many.delay(action_id)


@shared_task
def look_at_all() -> None:
    """Date anew what rests on old rules or holidays, and measure how long requests take. Twice at once does no harm."""
    now = timezone.now()
    dating.date_stale_anew(now)
    if take_slot("request_pace", now=now, every=dt.timedelta(days=1)):
        forecast.measure_pace(now)


@shared_task
def fetch_mail() -> None:
    """Look into the mailboxes, where there are any. Two at once take turns, mail by mail."""
    now = timezone.now()
    if settings.MAIL_IN and take_slot("fetch_mail", now=now, every=dt.timedelta(seconds=60)):
        fetch_all(settings.MAIL_IN, now=now)


@shared_task
def send_mail() -> None:
    """Wake a worker for every mail whose attempt is due."""
    now = timezone.now()
    if take_slot("send_mail", now=now, every=dt.timedelta(seconds=settings.RETENTION_TICK_SECONDS)):
        for mail_id in outbox.to_send(now).values_list("pk", flat=True)[:MAILS_AT_ONCE]:
            deliver_mail.delay(str(mail_id))


@shared_task
def deliver_mail(mail_id: str) -> None:
    """Make one attempt to send one mail."""
    outbox.deliver(uuid.UUID(mail_id), now=timezone.now())
