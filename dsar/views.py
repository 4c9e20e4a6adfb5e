"""What the page of a request shows beside its form."""

import datetime as dt
from typing import Any

from django.utils import timezone

from accounts.masking import mask
from dsar.deadlines import REGIMES
from dsar.duplicates import candidates
from dsar.identity.proof import NEEDS_NO_PROOF, agent_of, identifiers_of, is_on_record, unsettled
from dsar.models import DeadlineResult, Identifier, RecordSearch, RequestPart, RequestStep, SubjectRequest
from dsar.outbox import undelivered
from dsar.packages.states import KINDS as PACKAGED
from dsar.queue import days_left, days_left_words, tone_of
from dsar.rights import rights_for
from dsar.routing import labels_of, parts_of
from dsar.searching import words_of
from dsar.steps import title_of

STEP_FAILED = "Step failed"
State = SubjectRequest.State
STATE_TONES = {
    State.RECEIVED.label: "info",
    State.IDENTITY.label: "warning",
    State.COLLECTING.label: "info",
    State.REVIEW.label: "info",
    State.APPROVED.label: "info",
    State.DELIVERED.label: "success",
    State.CLOSED.label: "success",
    State.REFUSED.label: "warning",
    State.WITHDRAWN.label: "",
    State.ROUTED.label: "",
    State.EXPIRED.label: "warning",
    State.MERGED.label: "",
    STEP_FAILED: "danger",
}
WAY = (State.RECEIVED, State.IDENTITY, State.COLLECTING, State.REVIEW, State.APPROVED, State.DELIVERED, State.CLOSED)
EARLIER_SHOWN = 10


def request_context(request, *, now: dt.datetime, clear: bool) -> dict[str, Any]:
    """Return the header, the way so far, the explanation of the date, earlier dates, what failed, and the trail."""
    left = days_left(request, now=now)
    answers = list(request.deadlines.order_by("-pk")[: EARLIER_SHOWN + 1])
    current = next(answer for answer in answers if answer.ended_at is None)
    return {
        "can_have_package": request.type in PACKAGED,
        "rights": rights_for(request),
        "is_restricted": request.is_restricted,
        "subject_request": request,
        "state_tone": STATE_TONES[request.get_state_display()],
        "left_words": days_left_words(left) if request.is_open else "",
        "left_tone": tone_of(left) if request.is_open else "",
        "at_risk": request.at_risk,
        "way": _way(request),
        "identity": _identity(request, clear),
        "doubles": candidates(request) if request.is_open and request.may_be_double else [],
        "contested_by": list(SubjectRequest.objects.filter(contests=request.pk).order_by("registered_at"))
        if request.has_contests
        else [],
        "searches": [
            _search(each, clear)
            for each in request.searches.select_related("searched_by").order_by("searched_at", "pk")
        ]
        if request.has_searches
        else [],
        "parts": [_part(part, request, now) for part in parts_of(request)] if request.has_parts else [],
        "explanation": [{"title": step["text"], "note": step["source"]} for step in current.answer["steps"]],
        "answer": _dates(current),
        "other_laws": [_other_law(kept) for kept in current.others],
        "earlier": [_earlier(answer) for answer in answers if answer.ended_at],
        "timeline": [*_trail(request), *_ahead(request, current, now)],
        "stopped": [
            {"title": title_of(step), "fault": step.fault, "attempts": step.attempts}
            for step in request.steps.filter(state=RequestStep.State.STOPPED).order_by("planned_at")
        ]
        if request.has_stopped
        else [],
        "undelivered": undelivered(request.reference) if request.has_undelivered else [],
        "regime": REGIMES[request.regime],
        "zone": current.answer["zone"],
        "rule_version": current.rule_version,
        "holiday_data": current.holiday_data,
    }


def _way(request: SubjectRequest) -> list[dict[str, str]]:
    """Return the states from receipt to the end, with where the request stands; one that ended early ends there."""
    if request.state not in WAY:
        return [
            {"title": State.RECEIVED.label, "state": "done"},
            {"title": request.get_state_display(), "state": "now"},
        ]
    at = WAY.index(State(request.state))
    states = ["done"] * at + ["now"] + ["next"] * (len(WAY) - at - 1)
    if request.state == State.CLOSED:
        states[-1] = "done"
    return [{"title": state.label, "state": words} for state, words in zip(WAY, states, strict=True)]


def _identity(request: SubjectRequest, clear: bool) -> dict[str, Any]:
    """Return what was asked and proved about who asks; addresses masked for those who may not see them."""
    return {
        "needed": request.type not in NEEDS_NO_PROOF,
        "missing": unsettled(request),
        "agent": agent_of(request),
        "identifiers": [
            {
                "kind": each.get_kind_display(),
                "value": (each.value if clear or each.kind == Identifier.Kind.ACCOUNT else mask(each.value)) or "–",
                "on_record": is_on_record(each, request),
                "proved_at": each.proved_at,
                "proof": each.get_proof_display(),
                "by": each.proved_by,
            }
            for each in identifiers_of(request)
        ],
    }


def _part(part: RequestPart, request: SubjectRequest, now: dt.datetime) -> dict[str, Any]:
    """Return who decides about a part, by when it is due, and how it stands."""
    mine = {"what": labels_of(part), "note": part.get_answer_display()}
    if part.role == RequestPart.Role.CONTROLLER:
        state = ("Answered", "success") if part.answered_at else ("Ours to answer", "info")
        return mine | {
            "addressee": "We ourselves",
            "due": f"{request.answer_on:%-d %b %Y}",
            "state": state[0],
            "tone": state[1],
        }
    late = part.due_at is not None and (part.forwarded_at or now) >= part.due_at
    if part.answered_at:
        state = ("Answered", "success")
    elif part.forwarded_at:
        state = (f"With the client since {timezone.localtime(part.forwarded_at):%-d %b %Y}", "info")
    else:
        state = ("Overdue" if late else "To be passed on", "danger" if late else "warning")
    note = mine["note"] or ("passed on late" if late and part.forwarded_at else "")
    return mine | {
        "addressee": f"Client {part.workspace}", "due": f"{part.due_on:%-d %b %Y}", "state": state[0], "tone": state[1], "note": note,
    }  # fmt: skip


def _search(made: RecordSearch, clear: bool) -> dict[str, Any]:
    value = made.value if clear else mask(made.value)
    return {"row": made, "value": value or "–", "found": words_of(made), "tone": "warning" if made.found else "success"}


def _other_law(kept: dict[str, Any]) -> dict[str, Any]:
    """Return what one of the other laws says: its date, and the steps that lead to it."""
    law = REGIMES[kept["regime"]]
    due = "stands still" if kept["paused"] else _day(kept["statutory_due"]) or "no date"
    steps = [{"title": step["text"], "note": step["source"]} for step in kept["steps"]]
    return {"label": law.label, "law": law.law, "rule": kept["rule_version"], "due": due, "steps": steps}


def _dates(result: DeadlineResult) -> dict[str, dt.date | None]:
    """Return the days of an answer that the page shows beside those the request itself has."""
    names = ("due_if_pause_rejected", "extension_notice_due", "legal_latest")
    return {name: dt.date.fromisoformat(day) if (day := result.answer.get(name)) else None for name in names}


def _earlier(result: DeadlineResult) -> dict[str, Any]:
    answer = result.answer
    return {
        "computed_at": result.computed_at,
        "cause": result.get_cause_display(),
        "statutory": "stands still" if answer["paused"] else _day(answer["statutory_due"]) or "none",
        "target": _day(answer["service_target"]),
        "rule": result.rule_version,
        "holidays": result.holiday_data,
        "steps": [{"title": step["text"], "note": step["source"]} for step in answer["steps"]],
    }


def _trail(request: SubjectRequest) -> list[dict[str, str]]:
    tones = {"step_failed": "danger", "moved": "info"}
    return [
        {
            "title": event.text,
            "date": f"{timezone.localtime(event.at):%-d %b %Y, %H:%M}",
            "note": str(event.by or ""),
            "tone": tones.get(event.kind, ""),
        }
        for event in request.events.select_related("by").order_by("at", "pk")
    ]


def _ahead(request: SubjectRequest, result: DeadlineResult, now: dt.datetime) -> list[dict[str, str]]:
    """Return the dates to come of an open request; those that have passed unmet come first, in red."""
    if not request.is_open:
        return []
    dates = [
        ("Confirm receipt", request.acknowledge_by_on if not request.acknowledged_at else None),
        ("Last day for an extension notice", _dates(result)["extension_notice_due"]),
        ("Service target", request.service_target_on),
        ("Due by law", request.statutory_due_on),
        ("Due by law if the pause is contested", _dates(result)["due_if_pause_rejected"]),
    ]
    today = timezone.localtime(now).date()
    known = sorted(((day, title) for title, day in dates if day), key=lambda pair: pair[0])
    return [
        {"title": title, "date": f"{day:%-d %b %Y}", "state": "next", "tone": "danger" if day < today else ""}
        for day, title in known
    ]


def _day(text: str | None) -> str:
    return f"{dt.date.fromisoformat(text):%-d %b %Y}" if text else ""
