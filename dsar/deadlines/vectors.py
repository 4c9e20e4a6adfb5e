"""Worked examples in a CSV file, and whether this calculation agrees with them.

Columns: id, regime, request_type, received_at (ISO 8601 with offset), events (separated by ";"), holiday_region,
expected_due_date (a date, PAUSED, or empty where no statute gives one), expected_ack_due (a date or empty).
"""

import csv
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from dsar.deadlines.compute import compute_deadline
from dsar.deadlines.deadline import Deadline, UnableToComputeDeadline
from dsar.deadlines.events import parse_event
from dsar.deadlines.regimes import REGIMES

COLUMNS = (
    "id",
    "regime",
    "request_type",
    "received_at",
    "events",
    "holiday_region",
    "expected_due_date",
    "expected_ack_due",
)
PAUSED = "PAUSED"


class UnableToReadVectors(ValueError):
    """The file is no file of vectors; the message names the line."""


@dataclass(frozen=True)
class Failure:
    """One row that did not come out: what it expects, what was computed or why nothing was."""

    id: str
    expected: str
    got: str


@dataclass
class VectorReport:
    """`not_run` counts the rows of each regime that is not in `REGIMES`."""

    passed: int = 0
    failures: list[Failure] = field(default_factory=list)
    not_run: Counter[str] = field(default_factory=Counter)


def check_vectors(lines: Iterable[str]) -> VectorReport:
    """Run every row of a CSV file. Raises UnableToReadVectors if it is not one of the form above."""
    rows = csv.DictReader(lines, strict=True)
    report = VectorReport()
    try:
        missing = [column for column in COLUMNS if column not in (rows.fieldnames or ())]
        if missing:
            raise UnableToReadVectors(f"the first line lacks the columns {', '.join(missing)}")
        for row in rows:
            if None in row or None in row.values():
                raise UnableToReadVectors(f"line {rows.line_num} has more or fewer cells than the first line")
            _check_row(row, report)
    except csv.Error as error:
        raise UnableToReadVectors(f"after line {rows.line_num}: {error}") from error
    if not report.passed and not report.failures and not report.not_run:
        raise UnableToReadVectors("there are no rows")
    return report


def _check_row(row: Mapping[str, str], report: VectorReport) -> None:
    if row["regime"] not in REGIMES:
        report.not_run[row["regime"]] += 1
        return
    expected = (row["expected_due_date"], row["expected_ack_due"])
    try:
        deadline = compute_deadline(
            regime=row["regime"],
            request_type=row["request_type"],
            received_at=_read_instant(row["received_at"]),
            region=row["holiday_region"],
            events=[parse_event(text) for text in row["events"].split(";") if text.strip()],
        )
    except UnableToComputeDeadline as error:
        report.failures.append(Failure(row["id"], _shown(*expected), str(error)))
        return
    got = (_due_cell(deadline), deadline.acknowledge_by.isoformat() if deadline.acknowledge_by else "")
    if got == expected:
        report.passed += 1
    else:
        report.failures.append(Failure(row["id"], _shown(*expected), _shown(*got)))


def _read_instant(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise UnableToComputeDeadline("received_at", f"{text!r} is no instant") from None


def _due_cell(deadline: Deadline) -> str:
    if deadline.paused:
        return PAUSED
    due = deadline.statutory_due if REGIMES[deadline.regime].is_statutory else deadline.service_target
    return due.isoformat() if due else ""


def _shown(due: str, acknowledge_by: str) -> str:
    return f"due {due or 'without a date'}" + (f", acknowledge by {acknowledge_by}" if acknowledge_by else "")
