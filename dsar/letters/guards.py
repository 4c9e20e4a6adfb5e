"""What must have been said before a request is over: its answer, or its refusal with the reasons."""

from django.db.models import QuerySet

from dsar.letters.compose import DECISIONS
from dsar.models import Letter, RequestEvent, SubjectRequest
from dsar.workflow import State, register_guard

ANSWERS = (Letter.Kind.ANSWER, Letter.Kind.PARTIAL, Letter.Kind.NOTHING, *DECISIONS)
# What is answered by doing it: no law wants a letter about an opt-out, and another message is the last thing wished for.
ANSWERED_BY_DOING = ("unsubscribe", "opt_out", "limit")


def letters_of_now(request: SubjectRequest) -> QuerySet[Letter]:
    """Return the letters about a request as it is now: those from before it was over, and reopened, answer it no more."""
    letters = Letter.objects.filter(request=request)
    over = RequestEvent.objects.filter(request=request, kind="moved").exclude(state__in=SubjectRequest.OPEN_STATES)
    last = over.order_by("-pk").values_list("at", flat=True).first()
    return letters.filter(sent_at__gt=last) if last else letters


def unanswered(request: SubjectRequest) -> str:
    """Return what is missing before a request counts as answered, "" when nothing is."""
    if request.type in ANSWERED_BY_DOING or letters_of_now(request).filter(kind__in=ANSWERS).exists():
        return ""
    return "No answer has been sent yet. Write the letter: sending it makes the request “Delivered”."


def unreasoned(request: SubjectRequest) -> str:
    """Return what is missing before a request counts as refused, "" when nothing is."""
    if letters_of_now(request).filter(kind=Letter.Kind.REFUSAL).exists():
        return ""
    return "A refusal needs its reasons and its letter. Write the letter: sending it makes the request “Refused”."


register_guard(unanswered, State.DELIVERED)
register_guard(unreasoned, State.REFUSED)
