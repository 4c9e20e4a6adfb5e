"""Show the dates of a request and the steps that lead to them."""

import json
from argparse import ArgumentParser
from datetime import date, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from dsar.deadlines import (
    EVENT_KINDS,
    REGIMES,
    REQUEST_TYPES,
    Deadline,
    UnableToComputeDeadline,
    compute_deadline,
    parse_event,
)
from dsar.deadlines.dates import written_with_weekday


class Command(BaseCommand):
    help = "Compute the deadline of a data subject's request and explain each step."
    requires_system_checks = []  # needs no database

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--regime", required=True, help=", ".join(REGIMES))
        parser.add_argument("--type", required=True, help=", ".join(REQUEST_TYPES))
        parser.add_argument("--received", required=True, help="instant with offset, for example 2026-01-30T23:30:00Z")
        parser.add_argument("--region", default="", help="country code of the requester, where the regime asks for it")
        parser.add_argument(
            "--event",
            action="append",
            default=[],
            metavar="KIND@DATE",
            help=f"repeatable, local to the regime; kinds: {', '.join(EVENT_KINDS)}",
        )
        parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")

    def handle(self, **options: Any) -> None:
        try:
            received_at = datetime.fromisoformat(options["received"])
        except ValueError as error:
            raise CommandError(
                f"--received: {options['received']!r} is no instant like 2026-01-30T23:30:00Z"
            ) from error
        try:
            deadline = compute_deadline(
                regime=options["regime"],
                request_type=options["type"],
                received_at=received_at,
                region=options["region"],
                events=[parse_event(text) for text in options["event"]],
            )
        except UnableToComputeDeadline as error:
            raise CommandError(f"{OPTION_OF[error.field]}: {error}") from error
        if options["json"]:
            self.stdout.write(json.dumps(deadline.as_dict()))
        else:
            self.stdout.write("\n".join(describe(deadline, options["type"])))


OPTION_OF = {
    "regime": "--regime",
    "request_type": "--type",
    "received_at": "--received",
    "region": "--region",
    "events": "--event",
}


def describe(deadline: Deadline, request_type: str) -> list[str]:
    """The deadline as lines for people."""
    regime = REGIMES[deadline.regime]
    statutory = "paused" if deadline.paused else _until(deadline.statutory_due, deadline.statutory_due_at) or "none"
    rows = [
        ("Regime", f"{regime.label}, {regime.law}"),
        ("Request", REQUEST_TYPES[request_type]),
        ("Statutory due", statutory),
        ("If pause rejected", _until(deadline.due_if_pause_rejected, None)),
        ("Service target", _until(deadline.service_target, deadline.service_target_at)),
        ("Extension notice", _until(deadline.extension_notice_due, None)),
        ("Time zone", deadline.zone),
        ("Holidays", deadline.holiday_data or "not used"),
        ("Rule", deadline.rule_version),
    ]
    lines = [f"{name + ':':<19}{value}" for name, value in rows if value]
    lines += ["", "Steps"]
    lines += [f"{n:>3}. {step.text}\n     [{step.source}]" for n, step in enumerate(deadline.steps, start=1)]
    return lines


def _until(day: date | None, over_at: datetime | None) -> str:
    if day is None:
        return ""
    return written_with_weekday(day) + (f" (over at {over_at:%Y-%m-%d %H:%M} UTC)" if over_at else "")
