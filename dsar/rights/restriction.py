"""Restriction (GDPR Art. 18, policy § 6.3): the data is stored and used for nothing else, until it is lifted.

It begins at once, by one officer: it protects. Lifting it takes two, and the person is told before (Art. 18(3)): the
letter must have been sent for a while. Asked for instead of erasure it is a hold as well (``dsar/workflow.py``).
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminRadioSelectWidget

from accounts.models import Person, Restriction, User
from accounts.verdicts import Goes, data_map
from dsar.models import Decision, Letter, SubjectRequest
from dsar.rights import Line, Preview, Right, register
from dsar.rights.forms import RightForm
from dsar.rights.subject import person_of
from retention import restrictions
from retention.request_holds import release_request_hold

TOLD_BEFORE = dt.timedelta(days=7)  # the law says only “before”: a week to answer
COUNT_UP_TO = 10_000


class RestrictionForm(RightForm):
    """The ground; none is asked for when it is to be lifted."""

    ground = forms.ChoiceField(
        choices=Restriction.Ground.choices, widget=UnfoldAdminRadioSelectWidget, initial=Restriction.Ground.ACCURACY
    )

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        if restrictions.in_force(self.subject_request.pk).exists():
            del self.fields["ground"]


def lines_of(person: Person, happens: str, tone: str) -> list[Line]:
    """Return a line for each category of which the person has rows."""
    found = []
    for entry in data_map().values():
        rows = (
            restrictions.rows_of(entry, person).values("pk")[:COUNT_UP_TO].count() if entry.goes is Goes.DELETE else 0
        )
        if rows:
            found.append(Line(entry.plural, happens, rows=rows, tone=tone))
    return found


def preview(request: SubjectRequest, choices: Mapping[str, Any], now: dt.datetime) -> Preview:
    """Show what is restricted, or what would be used again."""
    if found := restrictions.in_force(request.pk).first():
        return _preview_lifting(request, found, now)
    person = person_of(request)
    ground = Restriction.Ground(choices["ground"])
    notes = [
        "From now on the data is in no list, page, search, export or marketing. It is stored, and used for this person’s own "
        "requests and for claims; what they write to us afterwards is answered as usual."
    ]
    if ground in Restriction.INSTEAD_OF_ERASURE:
        notes.append(
            "It is asked for instead of erasure: until it is lifted nothing of it is deleted either, as under a hold."
        )
    return Preview(
        lines=lines_of(person, "only stored", "warning"),
        notes=notes,
        button="Restrict this person’s data",
        summary=f"restrict on the ground {ground}",
        facts={"person": str(person.pk), "ground": ground.value},
        obstacles=[] if request.is_open else ["The request is closed. Reopen it first."],
    )


def _preview_lifting(request: SubjectRequest, found: Restriction, now: dt.datetime) -> Preview:
    told = (
        Letter.objects.filter(request=request, kind=Letter.Kind.LIFTING, sent_at__gte=found.began_at)
        .order_by("sent_at")
        .first()
    )
    obstacles = []
    if told is None:
        obstacles.append("Tell the person first: write the letter “Restriction is to be lifted” (Art. 18(3) GDPR).")
    elif told.sent_at > now - TOLD_BEFORE:
        from_on = told.sent_at + TOLD_BEFORE
        obstacles.append(
            f"The person was told on {told.sent_at:%-d %b %Y}. It can be lifted from {from_on:%-d %b %Y, %H:%M} UTC on."
        )
    return Preview(
        lines=lines_of(found.person, "used again", "info") if found.person else [],
        notes=[f"The data is restricted since {found.began_at:%-d %b %Y}: {found.get_ground_display().lower()}."],
        button="Lift the restriction",
        summary="lift the restriction: the data is used again, and is no longer kept for it",
        facts={"restriction": str(found.pk)},
        needs_second=True,
        obstacles=obstacles,
    )


def carry_out(decision: Decision, by: Sequence[User], now: dt.datetime) -> dict[str, Any]:
    """Restrict at once, or lift."""
    request = decision.request
    if found := restrictions.in_force(request.pk).first():
        restrictions.lift(found, user=by[-1], now=now)
        release_request_hold(request.pk, now=now)
        return {"lifted": str(found.pk)}
    made = restrictions.restrict(
        person_of(request), ground=decision.choices["ground"], request_id=request.pk, user=by[-1], now=now
    )
    return {"restriction": str(made.pk)}


def told(decision: Decision, language: str) -> list[str]:
    if "lifted" in decision.result:
        return {"en": ["The restriction was lifted."], "zh-hant": ["有關限制已經解除。"]}[language]
    return []


register(
    Right(
        code="restriction",
        title="Restriction",
        types=("restriction", "objection"),
        about="The person’s data is only stored until it is settled. It begins at once; before it is lifted, the person is told.",
        form=RestrictionForm,
        preview=preview,
        carry_out=carry_out,
        told=told,
        in_any_state=True,
    )
)
