"""While identity is not proved: the person is reminded, and after a month the request is over, unverified.

Not where the law goes on without us: in Hong Kong or California a request of somebody who is not identified is refused
in writing, by its date. There the officers are told instead.
"""

import datetime as dt

from dsar.deadlines import REGIMES
from dsar.identity.links import link_to
from dsar.models import Identifier, RequestStep, SubjectRequest
from dsar.notices import notify
from dsar.reminders import tell_staff
from dsar.steps import Kind, plan_step, register_kind
from dsar.trail import tell
from dsar.workflow import State, UnableToMove, move_request

REMIND_AFTER = (dt.timedelta(days=7), dt.timedelta(days=21))
GIVE_UP_AFTER = dt.timedelta(days=30)
REMIND, GIVE_UP, LETTER = "remind_identity", "give_up_identity", "letter_unverified"

REMINDER = """\
We have had a privacy request in your name and still wait for proof that it is yours.

Reference: {reference}

We sent you a code earlier; you can have a new one at
{link}
Without it we close the request on {day}. You may ask again at any time.
Callmama Limited, privacy office
"""
UNVERIFIED = """\
We could not make sure that the privacy request below is yours, so we have closed it. Nothing was disclosed or changed.

Reference: {reference}

You may ask again at any time, free of charge, and you may complain to your data protection authority.
Callmama Limited, privacy office
"""


def wait_for_identity(request: SubjectRequest, *, now: dt.datetime) -> None:
    """Plan the reminders and the end of the wait that begins now."""
    since = request.state_since.isoformat()
    for pause in REMIND_AFTER:
        plan_step(request, REMIND, about=since, now=now, at=now + pause)
    plan_step(request, GIVE_UP, about=since, now=now, at=now + GIVE_UP_AFTER)


def must_be_refused(request: SubjectRequest) -> bool:
    """Return whether the law's clock runs on while identity is open, so that only a written refusal ends it."""
    return REGIMES[request.regime].is_statutory and not request.is_paused and request.statutory_due_on is not None


def _still_waits(step: RequestStep) -> bool:
    request = step.request
    return request.state == State.IDENTITY and request.state_since == dt.datetime.fromisoformat(step.about)


def _remind(step: RequestStep, now: dt.datetime) -> None:
    if not _still_waits(step):
        return
    request = step.request
    day = f"{request.state_since + GIVE_UP_AFTER:%-d %B %Y}"
    unproved = Identifier.objects.filter(request=request, kind=Identifier.Kind.EMAIL, proved_at__isnull=True)
    for identifier in unproved.order_by("asked_at"):
        text = REMINDER.format(reference=request.reference, link=link_to(identifier), day=day)
        subject = f"Privacy request {request.reference}: we wait for you"
        notify(request, [identifier.value], subject=subject, text=text, now=now)
    tell(request, "identity", "Reminded of the proof of identity.", user=None, now=now)


def _give_up(step: RequestStep, now: dt.datetime) -> None:
    if not _still_waits(step):
        return
    request = step.request
    if must_be_refused(request):
        text = (
            f"Identity is not proved. The law’s clock runs: refuse in writing by {request.statutory_due_on:%-d %b %Y}."
        )
        tell_staff(request, subject="refuse in writing", text=text, escalate=True, now=now)
        tell(request, "identity", text, user=None, now=now)
        return
    try:
        move_request(request.pk, State.EXPIRED, user=None, now=now, because="Identity was not proved.")
    except UnableToMove:  # it was proved this moment
        return
    plan_step(request, LETTER, now=now)


def _write(step: RequestStep, now: dt.datetime) -> None:
    request = step.request
    for identifier in Identifier.objects.filter(request=request, kind=Identifier.Kind.EMAIL).order_by("asked_at"):
        text = UNVERIFIED.format(reference=request.reference)
        notify(
            request, [identifier.value], subject=f"Privacy request {request.reference} is closed", text=text, now=now
        )


register_kind(Kind(REMIND, "Remind of the proof of identity", _remind))
register_kind(Kind(GIVE_UP, "End the wait for identity", _give_up))
register_kind(Kind(LETTER, "Tell that the request has expired", _write))
