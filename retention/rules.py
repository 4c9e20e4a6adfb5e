"""The promises that are kept by themselves, and whether this installation keeps them yet (mission P14)."""

import dataclasses
import datetime as dt
from collections.abc import Callable

from django.db.models import Q

from retention.models import Rule

FREE_TOOL_LIFE = dt.timedelta(hours=1)  # policy § 2.5: immediately after the session, or shortly thereafter
WAITING_CALL_LIFE = dt.timedelta(days=7)  # how late an assignment may arrive behind its calls; our own choice


@dataclasses.dataclass(frozen=True)
class Promise:
    """What the policy promises, in the officer's words. ``aged`` gives the rows of one model that are past their time."""

    key: str
    title: str
    words: str
    policy: str
    aged: Callable[[dt.datetime], Q] | None = None


PROMISES: dict[str, Promise] = {
    promise.key: promise
    for promise in (
        Promise(
            key="workspace_expiry",
            title="Workspace expiry",
            words="When the last subscription of a workspace expires, or at the next billing (or the agreed end) after it was "
            "cancelled, everything of it is deleted at that instant: numbers, "
            "call records, messages, recordings, identity documents, correspondence and remaining credits. "
            "The empty workspace record stays. There is no recovery.",
            policy="§ 5.2",
        ),
        Promise(
            key="free_tool_session",
            title="Free-tool sessions",
            words="What a visitor entered into a free tool is deleted when the session ends, at the latest after an hour.",
            policy="§ 2.5, § 5.2",
            aged=lambda now: Q(ended_at__lte=now) | Q(started_at__lte=now - FREE_TOOL_LIFE),
        ),
        Promise(
            key="waiting_call",
            title="Calls of nobody",
            words="An imported call whose numbers were nobody's is kept sealed for seven days, in case its assignment "
            "arrives late, and is then deleted.",
            policy="§ 5.2",
            aged=lambda now: Q(received_at__lte=now - WAITING_CALL_LIFE),
        ),
    )
}


def promise_of(rule: Rule) -> Promise:
    """Return the words of a rule."""
    return PROMISES[rule.key]


def armed_rules() -> set[str]:
    """Return the keys of the rules that delete."""
    return set(Rule.objects.filter(state=Rule.State.ARMED).values_list("key", flat=True))


def observing_rules() -> list[str]:
    """Return the keys of the rules that only show what they would delete."""
    return list(Rule.objects.filter(state=Rule.State.OBSERVING).order_by("key").values_list("key", flat=True))


def make_rules(*, using: str = "default", **_) -> None:
    """Bring the rows in line with PROMISES after a migration; a new rule observes."""
    for key in PROMISES:
        Rule.objects.using(using).get_or_create(key=key)
