"""What is past its time right now, rule by rule: it must be nothing (mission A6)."""

import dataclasses
import datetime as dt

from django.db.models import Avg, F, Max, Min

from retention.due import due_remainders, due_workspaces, past_condition, past_parts
from retention.fed import may_act_until
from retention.keeping import wholly_held
from retention.models import DeletionJob, Rule
from retention.promises import PROMISES
from retention.rules import aged_maps, periods_of

GRACE = dt.timedelta(minutes=2)  # policy § 5.2 says the same day; the portal promises two minutes
COUNT_UP_TO = 10_000
State = DeletionJob.State


@dataclasses.dataclass(frozen=True)
class Line:
    """How one rule is kept: what is overdue (workspaces, or rows, counted up to COUNT_UP_TO), what a hold keeps, how late."""

    rule: str
    title: str
    armed: bool
    has_period: bool
    overdue: int
    oldest: dt.datetime | None  # the instant that dates the oldest overdue one
    held: int
    stopped: int  # deletions that wait for a decision
    mean_lag: dt.timedelta | None  # from due to done, of the last 24 hours
    worst_lag: dt.timedelta | None

    @property
    def is_kept(self) -> bool:
        return not self.overdue and not self.stopped

    @property
    def shown(self) -> str:
        return f"{COUNT_UP_TO:,} or more" if self.overdue >= COUNT_UP_TO else f"{self.overdue:,}"

    def as_dict(self) -> dict:
        return {
            **dataclasses.asdict(self),
            "kept": self.is_kept,
            "oldest": self.oldest.isoformat() if self.oldest else None,
            "mean_lag": self.mean_lag.total_seconds() if self.mean_lag else None,
            "worst_lag": self.worst_lag.total_seconds() if self.worst_lag else None,
        }


def conformance(now: dt.datetime) -> list[Line]:
    """Return a line for every rule, as things are at ``now`` (aware). A rule that observes is measured like any other."""
    states = dict(Rule.objects.values_list("key", "state"))
    return [_line(key, states.get(key) == Rule.State.ARMED, now) for key in PROMISES]


def _line(key: str, armed: bool, now: dt.datetime) -> Line:
    overdue, oldest, held = _aged(key, now) if aged_maps(key) else _workspaces(now)
    jobs = DeletionJob.objects.filter(rule=key)
    done = jobs.filter(state=State.DONE, done_at__gt=now - dt.timedelta(days=1))
    lags = done.annotate(lag=F("done_at") - F("due_at")).aggregate(mean=Avg("lag"), worst=Max("lag"))
    return Line(
        rule=key,
        title=PROMISES[key].title,
        armed=armed,
        has_period=not aged_maps(key) or bool(PROMISES[key].without) or bool(periods_of(key, now).known),
        overdue=overdue,
        oldest=oldest,
        held=held,
        stopped=jobs.filter(state=State.QUARANTINED).count(),
        mean_lag=lags["mean"],
        worst_lag=lags["worst"],
    )


def limit_of(rule_key: str, now: dt.datetime) -> dt.datetime:
    """Return the instant before which what is past its time is overdue at ``now``.

    What a feed in time has not told of yet is not: its end may have been renewed. Of a late one, everything is.
    """
    return min(now - GRACE, may_act_until(rule_key, now) or now)


def _workspaces(now: dt.datetime) -> tuple[int, dt.datetime | None, int]:
    """Return the expired workspaces still there: overdue (waiting or half done), since when, and held."""
    held_ids = wholly_held()
    due = due_workspaces(limit_of("workspace_expiry", now))
    waiting = due.exclude(pk__in=held_ids)
    begun = DeletionJob.objects.filter(
        workspace__isnull=False,
        state__in=[State.RUNNING, State.QUARANTINED],
        due_at__lte=now - GRACE,
        intent_at__isnull=False,
    )
    remainders = due_remainders(now - GRACE).exclude(pk__in=held_ids)
    oldest = [rows.first() for rows in (waiting, remainders)]
    instants = [workspace.due_at for workspace in oldest if workspace]  # type: ignore[attr-defined]
    if since := begun.aggregate(at=Min("due_at"))["at"]:
        instants.append(since)
    overdue = sum(rows.values("pk")[:COUNT_UP_TO].count() for rows in (waiting, remainders)) + begun.count()
    return overdue, min(instants, default=None), due.filter(pk__in=held_ids).values("pk")[:COUNT_UP_TO].count()


def _aged(key: str, now: dt.datetime) -> tuple[int, dt.datetime | None, int]:
    """Return the rows past their own time: overdue, the oldest one's instant, and those that a hold or a deletion keeps."""
    overdue, held, instants = 0, 0, []
    at = limit_of(key, now)
    for entry, age in aged_maps(key):
        past = past_condition(entry, age, now=at, periods=periods_of(key, at))
        if past is None:
            continue
        count = 0
        for part in past_parts(entry, age, now=at):
            count += part.values("pk")[: COUNT_UP_TO - count].count()
            instants.append(part.aggregate(at=Min(age.dated_by))["at"])
        overdue += count
        every = entry.model_class._default_manager.filter(past)
        held += every.values("pk")[: COUNT_UP_TO + count].count() - count
    return overdue, min((instant for instant in instants if instant), default=None), held
