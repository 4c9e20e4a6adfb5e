"""What happens to a request while its clock runs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from dsar.deadlines.dates import written
from dsar.deadlines.deadline import UnableToComputeDeadline

EVENT_KINDS = {
    "extend": "extension notice sent",
    "pause-identity": "proof of identity asked for",
    "pause-clarification": "clarification asked for",
    "pause-fee": "fee asked for",
    "resume": "sufficient answer or payment received",
    "resume-identity": "identity proved",
    "resume-clarification": "clarification received",
    "resume-fee": "fee paid",
    "confirm": "second step of a deletion confirmed",
    "gale": "gale warning in Hong Kong",
    "blackrain": "black rainstorm warning in Hong Kong",
}
PAUSE_REASONS = {"identity": "proof of identity", "clarification": "clarification", "fee": "fee"}
ONE_DAY = timedelta(days=1)
WEATHER = {"gale": "a gale warning day", "blackrain": "a black rainstorm warning day"}  # of a day, not of a request


@dataclass(frozen=True)
class Event:
    """One event, on a date local to the regime's zone. `kind` is a key of `EVENT_KINDS`.

    `until` is the new date that an extension notice names, where the law leaves the length to it.
    """

    kind: str
    on: date
    until: date | None = None

    @property
    def is_answer(self) -> bool:
        return self.kind.startswith("resume")

    def __str__(self) -> str:
        return f"{self.kind}@{self.on}" + (f"/{self.until}" if self.until else "")


@dataclass(frozen=True)
class Pause:
    """A question put to the requester: `reason` is a key of `PAUSE_REASONS`; unanswered without `answered_on`."""

    reason: str
    asked_on: date
    answered_on: date | None = None

    @property
    def asks_for(self) -> str:
        return PAUSE_REASONS[self.reason]


def parse_event(text: str) -> Event:
    """Read "kind@YYYY-MM-DD", for an extension also "extend@YYYY-MM-DD/YYYY-MM-DD". Raises UnableToComputeDeadline."""
    kind, _, days = text.strip().partition("@")
    if kind not in EVENT_KINDS:
        raise UnableToComputeDeadline("events", f"event {text!r}: {kind!r} is not one of {', '.join(EVENT_KINDS)}")
    day, _, until = days.partition("/")
    try:
        if until and kind != "extend":
            raise ValueError
        return Event(kind, date.fromisoformat(day), date.fromisoformat(until) if until else None)
    except ValueError:
        raise UnableToComputeDeadline(
            "events", f"event {text!r}: expected {kind}@YYYY-MM-DD with a date that exists"
        ) from None


def pair_pauses(events: Iterable[Event]) -> list[Pause]:
    """The pauses in `events` (in order of date), each with its answer; an answer closes the latest open one.

    One that names what it answers ("resume-fee") closes the latest of those. Raises UnableToComputeDeadline for an answer to nothing.
    """
    pauses: list[Pause] = []
    for event in events:
        if event.kind.startswith("pause-"):
            pauses.append(Pause(event.kind.removeprefix("pause-"), event.on))
        elif event.is_answer:
            reason = event.kind.partition("-")[2]
            open_at = [
                n for n, pause in enumerate(pauses) if pause.answered_on is None and reason in ("", pause.reason)
            ]
            if not open_at:
                raise UnableToComputeDeadline(
                    "events", f"{event}: nothing was asked that is still open on {written(event.on)}"
                )
            latest = pauses[open_at[-1]]
            pauses[open_at[-1]] = Pause(latest.reason, latest.asked_on, event.on)
    return pauses


def days_paused(pauses: Sequence[Pause], until: date) -> int:
    """Days from asking (counted) to answering, or `until` at the latest (not counted), under at least one of `pauses`.

    A day under two pauses at once is one day: a clock that stands still cannot be stopped again.
    """
    days: set[int] = set()
    for pause in pauses:
        end = until if pause.answered_on is None else min(pause.answered_on, until)
        days.update(range(pause.asked_on.toordinal(), end.toordinal()))
    return len(days)


def days_excluded(pauses: Sequence[Pause], after: date, until: date) -> int:
    """Days after `after` from asking to answering, or `until` at the latest, both counted, under one of `pauses`."""
    days: set[int] = set()
    for pause in pauses:
        end = until if pause.answered_on is None else min(pause.answered_on, until)
        days.update(range(max(pause.asked_on, after + ONE_DAY).toordinal(), end.toordinal() + 1))
    return len(days)


def weather_days(events: Iterable[Event]) -> dict[date, str]:
    """The days of weather warnings among `events`, with the words for each."""
    return {event.on: WEATHER[event.kind] for event in events if event.kind in WEATHER}
