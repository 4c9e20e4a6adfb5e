"""The breaker: whether what came due together may go, or somebody must look first (security.md, faults 7 and 10 to 13).

It is judged on what was frozen, before any of it is destroyed. A month's end with many expiries is normal, and so it
does not count ends that were known; it counts *surprises*: workspaces whose end was changed less than a day before it
came, or after. Everything that goes in a day, and rows by age, have limits of their own, wider ones.

What two officers agreed to is expected: the amount that was past its time when they armed a rule or shortened a
period, and a run that they let go on. It is taken off what is counted.
"""

import dataclasses
import datetime as dt
from statistics import median
from typing import Any

from django.db import connection, router
from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import Now, TruncDay

from accounts.models import Workspace
from retention.due import count_past, due_workspaces
from retention.models import Allowance, BreakerLimit, DeletionRun
from retention.rules import aged_maps

DAY = dt.timedelta(days=1)
LAST_MOMENT = DAY  # an end that was changed so shortly before it came is a surprise
ALLOWANCE_LIFE = 7 * DAY
PACE_DAYS = 30
PACE_NEEDS_DAYS = 7  # with fewer days to compare with, there is no pace yet
Cause = DeletionRun.Cause
Kind = DeletionRun.Kind
State = DeletionRun.State


@dataclasses.dataclass(frozen=True)
class Limit:
    """One limit: what it is in words, its unit, and the bounds within which a value is believed."""

    key: str
    title: str
    unit: str
    strictest: int  # what holds when the value is missing, or beyond the bounds
    usual: int  # of a new installation
    ceiling: int  # no value above it is believed, whoever wrote it

    def words(self, value: int) -> str:
        """Return a value with its unit; a share in per cent beside the thousandths in which it is set."""
        return f"{value} ‰ ({value / 10:g} %)" if self.unit == "‰" else f"{value:,} {self.unit}"


LIMITS: dict[str, Limit] = {
    limit.key: limit
    for limit in (
        Limit("surprises", "Workspaces whose end was changed at the last moment, in 24 hours", "workspaces", 10, 50, 500),
        Limit("surprises_share", "Workspaces whose end was changed at the last moment, as a share of all live ones", "‰", 1, 10, 50),
        Limit("workspaces", "Workspaces that go in 24 hours, however long their end was known", "workspaces", 50, 200, 2_000),
        Limit("workspaces_share", "Workspaces that go in 24 hours, as a share of all live ones", "‰", 10, 250, 500),
        Limit("rows", "Rows that go by one rule in 24 hours", "rows", 500, 5_000, 100_000),
        Limit("rows_share", "Rows that go by one rule in 24 hours, as a share of those there are", "‰", 10, 100, 500),
        Limit("pace", "Rows that go by one rule in 24 hours, compared with a usual day of the last 30", "times", 2, 3, 10),
    )
}  # fmt: skip


def believed(limit: Limit, value: Any) -> int:
    """Return a limit's value if it is a whole number within the bounds, and the strictest one otherwise."""
    if type(value) is not int or not limit.strictest <= value <= limit.ceiling:
        return limit.strictest
    return value


def limits() -> dict[str, int]:
    """Return the limits in force. A row that is missing or out of bounds makes its limit the strictest."""
    written = dict(BreakerLimit.objects.values_list("key", "value"))
    return {key: believed(limit, written.get(key)) for key, limit in LIMITS.items()}


@dataclasses.dataclass(frozen=True)
class Trip:
    """Why a run must stop: the cause, and the figures in words for the officer."""

    cause: str
    words: str


def judge(run: DeletionRun) -> Trip | None:
    """Return why a frozen run must stop, or None when it may go. Counts with every run of its rule of 24 hours."""
    in_force = limits()
    return _judge_rows(run, in_force) if aged_maps(run.rule_id) else _judge_workspaces(run, in_force)


def _judge_workspaces(run: DeletionRun, in_force: dict[str, int]) -> Trip | None:
    expected = _expected(run)
    if run.kind == Kind.SURPRISE:
        count = run.amount + _gone(run, kind=Kind.SURPRISE) - expected
        if count > in_force["surprises"]:
            live = live_workspaces()
            limit = max(in_force["surprises"], live * in_force["surprises_share"] // 1000)
            if count > limit:
                return Trip(
                    Cause.SURPRISES,
                    f"{count:,} workspaces of {live:,} came to their end within 24 hours although it was changed less "
                    f"than a day before. Up to {limit:,} are usual.",
                )
    count = run.amount + _gone(run) - expected
    if count > in_force["workspaces"]:
        live = live_workspaces()
        limit = max(in_force["workspaces"], live * in_force["workspaces_share"] // 1000)
        if count > limit:
            return Trip(
                Cause.AMOUNT,
                f"{count:,} of {live:,} workspaces would go within 24 hours. Up to {limit:,} are usual.",
            )
    return None


def _judge_rows(run: DeletionRun, in_force: dict[str, int]) -> Trip | None:
    floor = in_force["rows"]
    before, expected = _gone(run), _expected(run)
    count = before + _waiting(run, up_to=floor + expected + 1) - expected
    if count <= floor:
        return None
    rows = _rows_there(run.rule_id)
    limit = max(floor, rows * in_force["rows_share"] // 1000)
    count = before + _waiting(run, up_to=limit + expected + 1) - expected
    if count > limit:
        return Trip(Cause.AMOUNT, f"More than {limit:,} of about {rows:,} rows would go by this rule within 24 hours.")
    usual = usual_pace(run)
    if usual is not None and count > max(floor, usual * in_force["pace"]):
        return Trip(
            Cause.PACE,
            f"{count:,} rows would go by this rule within 24 hours. On the middle one of the last days it was {usual:,}.",
        )
    return None


def live_workspaces() -> int:
    """Return how many workspaces there are whose deletion has not begun."""
    return Workspace.objects.filter(state__in=Workspace.INTACT).count()


def usual_pace(run: DeletionRun) -> int | None:
    """Return the median of what went by the run's rule on each of the last 30 days that had any; None without enough."""
    days = (
        _counted(run)
        .filter(frozen_at__gt=Now() - PACE_DAYS * DAY, frozen_at__lte=Now() - DAY)
        .annotate(day=TruncDay("frozen_at"))
        .order_by()
        .values_list("day")
        .annotate(Sum("amount"))
    )
    amounts = [amount for _, amount in days]
    return int(median(amounts)) if len(amounts) >= PACE_NEEDS_DAYS else None


def expect(rule_key: str, *, now: dt.datetime) -> Allowance:
    """Write down that what is past its time at ``now`` (aware, maybe to come) goes by the will of two officers."""
    if aged_maps(rule_key):
        amount = sum(count_past(rule_key, now).values())
    else:
        amount = due_workspaces(now).count()
    return Allowance.objects.create(rule_id=rule_key, amount=amount, granted_at=Now())


def make_limits(*, using: str = "default", **_) -> None:
    """Give each limit that has no row yet its usual value, after a migration."""
    if not router.allow_migrate_model(using, BreakerLimit):
        return
    for limit in LIMITS.values():
        BreakerLimit.objects.using(using).get_or_create(key=limit.key, defaults={"value": limit.usual})


def _counted(run: DeletionRun) -> QuerySet[DeletionRun]:
    """Return the other runs of the rule that went without anybody's decision: those count against the limits."""
    went = Q(state__in=[State.GOING, State.CANARY, State.OVER])
    return DeletionRun.objects.filter(went, rule=run.rule_id, decided_by__isnull=True).exclude(pk=run.pk)


def _gone(run: DeletionRun, **only: Any) -> int:
    runs = _counted(run).filter(frozen_at__gt=Now() - DAY, **only)
    return runs.aggregate(total=Sum("amount"))["total"] or 0


def _expected(run: DeletionRun) -> int:
    """Return how much of what goes now, or went in the last 24 hours, two officers have agreed to beforehand."""
    allowance = (
        Allowance.objects.filter(rule=run.rule_id, granted_at__gt=Now() - ALLOWANCE_LIFE)
        .order_by("-granted_at", "-pk")
        .first()
    )
    if allowance is None:
        return 0
    used = _counted(run).filter(frozen_at__gte=allowance.granted_at, frozen_at__lte=Now() - DAY)
    return max(0, allowance.amount - (used.aggregate(total=Sum("amount"))["total"] or 0))


def _waiting(run: DeletionRun, *, up_to: int) -> int:
    """Return how many rows are past their time under the run's rule, those that it took up among them, up to a cap."""
    return max(run.amount, sum(count_past(run.rule_id, run.cutoff, up_to=up_to).values()))


def _rows_there(rule_key: str) -> int:
    """Return about how many rows a rule by age could ever take, as the database last estimated it; at least none."""
    tables = {entry.model_class._meta.db_table for entry, _ in aged_maps(rule_key)}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(greatest(reltuples, 0)), 0)::bigint FROM pg_class WHERE relkind = 'r' AND ("
            "oid = ANY(%s::text[]::regclass[]) OR "
            "oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = ANY(%s::text[]::regclass[])))",
            [list(tables), list(tables)],
        )
        return cursor.fetchone()[0]
