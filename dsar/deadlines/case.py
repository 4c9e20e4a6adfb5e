"""What a rule is asked about."""

from dataclasses import dataclass
from datetime import date, datetime

from dsar.deadlines.events import Event, Pause


@dataclass(frozen=True)
class Case:
    """A request of `request_type` received at the aware instant `received_at`, on the day `received_on` in `zone`.

    `region` is a code of the regime's `regions`. `events` are in order of date; `pauses` are the questions among them
    with their answers.
    """

    request_type: str
    received_at: datetime
    received_on: date
    zone: str
    region: str
    events: tuple[Event, ...] = ()
    pauses: tuple[Pause, ...] = ()

    def notices(self) -> list[Event]:
        """The extension notices."""
        return [event for event in self.events if event.kind == "extend"]
