"""The answer: the dates of one request and how each came about."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any


class UnableToComputeDeadline(ValueError):
    """The input has no deadline; `field` names the argument at fault, so that a form can say it there."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class Step:
    """One step of the calculation: its code, plain words for the officer, and the provision it rests on."""

    rule: str
    text: str
    source: str


@dataclass(frozen=True)
class Reckoned:
    """What a regime's own rule answers. All dates are local to the regime's zone.

    `nominal_on` is the end before it moves off weekends and holidays. `statutory_due` is None while `paused`
    and where no statute gives a date; `statutory_due_at` only where the law counts hours, otherwise it is the end of
    that day. `acknowledge_by` is the last day to confirm receipt, where the law asks for it. `extension_notice_due` is
    the last day for an extension notice, None where none can be given (any more) or the clock stands still.
    `legal_latest` is a later day that could be defended, None where there is none.
    """

    nominal_on: date
    statutory_due: date | None
    steps: tuple[Step, ...]
    paused: bool = False
    due_if_pause_rejected: date | None = None
    acknowledge_by: date | None = None
    extension_notice_due: date | None = None
    legal_latest: date | None = None
    statutory_due_at: datetime | None = None
    holiday_data: str = ""


@dataclass(frozen=True)
class Deadline:
    """The deadline of one request: dates local to `zone`, instants (`…_at`) in UTC.

    A due day may be used to its end, so an instant is the start of the day after it in `zone`: late is `now >= …_at`.
    `service_target` is the date to work to: the earlier of the statutory date and the one month the
    privacy policy promises to everybody; a pause does not stop that promise. `legal_latest` is the last day that could
    be defended before an authority: never a date to work to, and None while the clock stands still.
    """

    regime: str
    rule_version: str
    received_on: date
    zone: str
    nominal_on: date
    statutory_due: date | None
    statutory_due_at: datetime | None
    service_target: date
    service_target_at: datetime
    paused: bool
    due_if_pause_rejected: date | None
    acknowledge_by: date | None
    acknowledge_by_at: datetime | None
    extension_notice_due: date | None
    legal_latest: date | None
    steps: tuple[Step, ...]
    holiday_data: str

    def as_dict(self) -> dict[str, Any]:
        """The deadline in JSON's own types (ISO 8601 texts for dates and instants), for keeping beside a request."""
        kept = asdict(self)
        for name, value in kept.items():
            if isinstance(value, date):  # a datetime is a date too
                kept[name] = value.isoformat()
        kept["steps"] = list(kept["steps"])
        return kept

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> "Deadline":
        """Undo `as_dict`. Raises KeyError, TypeError or ValueError for anything `as_dict` did not make."""
        fields = dict(kept)
        for name in ("received_on", "nominal_on", "service_target"):
            fields[name] = date.fromisoformat(fields[name])
        for name in (
            "statutory_due", "due_if_pause_rejected", "acknowledge_by", "extension_notice_due", "legal_latest",
        ):  # fmt: skip
            fields[name] = date.fromisoformat(fields[name]) if fields[name] else None
        for name in ("statutory_due_at", "service_target_at", "acknowledge_by_at"):
            fields[name] = datetime.fromisoformat(fields[name]) if fields[name] else None
        fields["steps"] = tuple(Step(**step) for step in fields["steps"])
        return cls(**fields)
