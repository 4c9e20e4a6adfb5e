"""Deciding under a right: shown, confirmed by a second officer where it must be, carried out once, and followed to its end."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from accounts import approvals, evidence
from accounts.models import Approval, User
from dsar.identity.proof import lock_in_order, unsettled
from dsar.models import Decision, SubjectRequest
from dsar.rights import RIGHTS, Preview, Right, UnableToCarryOut, rights_for
from dsar.trail import tell
from dsar.workflow import UnableToMove, move_locked

CARRY_OUT = "carry_out_decision"
PERMISSION = "dsar.confirm_decision"
State = Decision.State
TO_THE_LETTER = {  # how a request goes on when everything of it is carried out
    SubjectRequest.State.RECEIVED: SubjectRequest.State.COLLECTING,
    SubjectRequest.State.COLLECTING: SubjectRequest.State.REVIEW,
    SubjectRequest.State.REVIEW: SubjectRequest.State.APPROVED,
}


def obstacles_of(request: SubjectRequest, right: Right) -> list[str]:
    """Return why nothing can be decided under a right for a request, whatever is chosen."""
    found = []
    if right not in rights_for(request):
        found.append(f"A request for “{request.get_type_display().lower()}” is not answered by this.")
    if right.in_any_state:
        pass
    elif not request.is_open:
        found.append("The request is closed. Reopen it first.")
    elif request.state == SubjectRequest.State.APPROVED:
        found.append("The answer of this request is approved already. Bring it back to “Collecting” to do more for it.")
    if missing := unsettled(request):
        found.append(missing)
    return found


def preview_of(request: SubjectRequest, right: Right, choices: Mapping[str, Any], *, now: dt.datetime) -> Preview:
    """Return what would happen now. Changes nothing. Raises UnableToCarryOut where there is nothing to show."""
    with transaction.atomic():
        shown = right.preview(request, choices, now)
        transaction.set_rollback(True)
    return shown


def digest_of(right: Right, choices: Mapping[str, Any], shown: Preview) -> str:
    """Return the digest by which the officer confirms just what was shown."""
    return evidence.digest({"right": right.code, "choices": dict(choices), "facts": dict(shown.facts)})


def decide(
    request_id: Any, code: str, choices: Mapping[str, Any], *, seen: str, user: User, now: dt.datetime
) -> Decision:
    """Carry out what was shown, or ask a second officer where it needs one. ``seen`` is the digest of what was shown.

    Raises UnableToCarryOut, approvals.UnableToApprove; nothing is changed then.
    """
    right = RIGHTS[code]
    with transaction.atomic():
        request = lock_in_order(request_id)
        waiting = Decision.objects.select_for_update().filter(
            request=request, right=code, state__in=Decision.OPEN_STATES
        )
        for former in waiting:
            if former.state == State.UNDER_WAY:
                raise UnableToCarryOut("This is being carried out already.")
            if approval_of(former, now=now):
                raise UnableToCarryOut("This was asked for already and waits for a second officer.")
            _end(former, State.DROPPED, now)
        shown = _possible(request, right, choices, now=now)
        if digest_of(right, choices, shown) != seen:
            raise UnableToCarryOut("Something has changed since this was shown. Look at it once more, and confirm.")
        decision = Decision.objects.create(
            request=request, right=code, choices=dict(choices), state=State.WAITING, decided_by=user, decided_at=now
        )
        if shown.needs_second:
            summary = f"{request.reference}, {right.title.lower()}: {shown.summary}"[:300]
            approvals.ask(CARRY_OUT, target=str(decision.pk), summary=summary, user=user, now=now)
            tell(request, "decision", f"{right.title}: a second officer is asked.", user=user, now=now)
        else:
            _carry_out(decision, request, right, [user], now)
    return decision


def approval_of(decision: Decision, *, now: dt.datetime) -> Approval | None:
    """Return the question to the second officer that still waits; None when it was refused, or is too old."""
    asked = Approval.objects.filter(action=CARRY_OUT, target=str(decision.pk), state=Approval.State.WAITING)
    return asked.filter(expires_at__gt=now).first()


def facts(decision_id: str) -> dict[str, Any]:
    """Return what an approval is bound to: what was chosen, and what it would do to whom, as it is now."""
    decision = Decision.objects.select_related("request").get(pk=decision_id)
    request, right = decision.request, RIGHTS[decision.right]
    found: dict[str, Any] = {
        "decision": decision_id,
        "open": decision.state == State.WAITING,
        "right": right.code,
        "choices": evidence.digest(decision.choices),
    }
    try:
        shown = preview_of(request, right, decision.choices, now=decision.decided_at)
    except UnableToCarryOut:
        return {**found, "possible": False}
    return {**found, "possible": not shown.obstacles and not obstacles_of(request, right), "facts": dict(shown.facts)}


def confirm(decision_id: str, requested_by: User, decided_by: User, now: dt.datetime) -> None:
    """Carry out what the second officer has agreed to. Raises approvals.UnableToApprove."""
    decision = Decision.objects.get(pk=decision_id)
    request = lock_in_order(decision.request_id)
    right = RIGHTS[decision.right]
    decision = Decision.objects.select_for_update().get(pk=decision_id)
    try:
        _possible(request, right, decision.choices, now=now)
        decision.confirmed_by = decided_by
        _carry_out(decision, request, right, [requested_by, decided_by], now)
    except UnableToCarryOut as error:
        raise approvals.UnableToApprove(str(error)) from error


ACTION = approvals.Action(CARRY_OUT, "Carry out what a data subject asks", PERMISSION, facts, confirm)


def _possible(request: SubjectRequest, right: Right, choices: Mapping[str, Any], *, now: dt.datetime) -> Preview:
    if found := obstacles_of(request, right):
        raise UnableToCarryOut(found[0])
    shown = preview_of(request, right, choices, now=now)
    if shown.obstacles:
        raise UnableToCarryOut(shown.obstacles[0])
    return shown


def _carry_out(decision: Decision, request: SubjectRequest, right: Right, by: Sequence[User], now: dt.datetime) -> None:
    decision.result = right.carry_out(decision, by, now)
    decision.state = State.UNDER_WAY
    decision.save(update_fields=["state", "confirmed_by", "result"])
    tell(request, "decision", f"{right.title}: carried out.", user=by[-1], now=now)
    evidence.append_entry(
        "RIGHT_CARRIED_OUT",
        subject=str(request.pk),
        body={"right": right.code, "decision": str(decision.pk), "by": [user.pk for user in by]},
    )
    if right.progress is None:
        _finish(decision, request, now)


def follow(decision_id: Any, *, now: dt.datetime) -> bool:
    """End a decision whose work is over; return whether it is."""
    with transaction.atomic():
        decision = Decision.objects.get(pk=decision_id)
        request = lock_in_order(decision.request_id)
        decision = Decision.objects.select_for_update().get(pk=decision_id)
        right = RIGHTS[decision.right]
        progress = right.progress
        if decision.state != State.UNDER_WAY or progress is None or progress(decision, now) is not None:
            return False
        if finish := right.finish:
            decision.result = {**decision.result, **finish(decision, now)}
        tell(request, "decision", f"{right.title}: all of it is done.", user=None, now=now)
        _finish(decision, request, now)
    return True


def under_way() -> list[Any]:
    """Return the decisions whose work goes on, the oldest first."""
    return list(Decision.objects.filter(state=State.UNDER_WAY).order_by("decided_at").values_list("pk", flat=True))


def told_of(request: SubjectRequest, language: str) -> list[str]:
    """Return in the words of a letter what was carried out for a request, in its order."""
    done = Decision.objects.filter(request=request, state=State.DONE).order_by("decided_at", "pk")
    return [words for decision in done for words in RIGHTS[decision.right].told(decision, language)]


def _finish(decision: Decision, request: SubjectRequest, now: dt.datetime) -> None:
    _end(decision, State.DONE, now)
    if not RIGHTS[decision.right].answers(decision):
        return
    if Decision.objects.filter(request=request, state__in=Decision.OPEN_STATES).exists():
        return
    request.refresh_from_db()
    try:
        while state := TO_THE_LETTER.get(SubjectRequest.State(request.state)):
            request = move_locked(request, state, user=None, now=now)
    except UnableToMove:  # an officer is asked for something more, and leads on
        return


def _end(decision: Decision, state: str, now: dt.datetime) -> None:
    decision.state, decision.ended_at = state, now
    decision.save(update_fields=["state", "ended_at", "confirmed_by", "result"])
