"""Deciding under a right as officers do: what was shown, and the second officer where it needs one."""

from accounts import approvals
from accounts.models import Approval, User
from dsar.models import Decision, SubjectRequest
from dsar.rights import RIGHTS, Preview
from dsar.rights.decisions import decide, digest_of, preview_of
from tests import factories
from tests.factories import NOW


def chosen(request: SubjectRequest, code: str, **choices) -> dict:
    """Return the choices of the page of a right as it is first shown, with these in their place."""
    right = RIGHTS[code]
    initial = right.form(subject_request=request).initial_choices()
    form = right.form({**initial, **choices}, subject_request=request)
    assert form.is_valid(), form.errors
    return form.chosen()


def show(request: SubjectRequest, code: str, *, now=NOW, **choices) -> Preview:
    return preview_of(request, RIGHTS[code], chosen(request, code, **choices), now=now)


def carry_out(request: SubjectRequest, code: str, officer: User, *, now=NOW, **choices) -> Decision:
    """Decide as one officer; another one agrees where one is asked."""
    second = factories.make_user()
    picked = chosen(request, code, **choices)
    seen = digest_of(RIGHTS[code], picked, preview_of(request, RIGHTS[code], picked, now=now))
    decision = decide(request.pk, code, picked, seen=seen, user=officer, now=now)
    if asked := Approval.objects.filter(target=str(decision.pk), state=Approval.State.WAITING).first():
        approvals.decide(asked.pk, user=second, agree=True, now=now)
    decision.refresh_from_db()
    request.refresh_from_db()
    return decision
