"""Jobs for what is due: hidden first, then made, one for each workspace and one for each rule by age, and frozen as a run."""

import datetime as dt
import uuid

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q

from accounts.models import Subscription
from retention import breaker, keeping, person_erasure, planning, runs, visibility
from retention.due import due_remainders, due_workspaces
from retention.fed import may_act_until
from retention.jobs.moves import State
from retention.models import DeletionJob, DeletionRun, Hold
from retention.models.jobs import OPEN
from retention.rules import aged_rules, armed_rules

ONE_SCHEDULER = 0x53434844  # a number only the scheduler uses in pg_advisory_xact_lock


def hide(now: dt.datetime) -> None:
    """Bring what pages show in line with what is due at ``now``, before any of it is deleted and whatever stops that."""
    runs.end_corrected_reprieves(now)
    visibility.show_again(now)
    if "workspace_expiry" in armed_rules():
        visibility.hide_due(now)


def schedule_due(now: dt.datetime) -> int:
    """Make a job for everything that is due under an armed rule and has none yet; return how many were made.

    They are frozen as a run and judged by the breaker in the same transaction.
    """
    hide(now)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ONE_SCHEDULER])
        armed = armed_rules()
        made = 0
        if "workspace_expiry" in armed:
            made += _workspace_jobs(now)
        for key in aged_rules():
            until = may_act_until(key, now)
            if key in armed and until:
                made += _person_jobs(until) if key == person_erasure.RULE else _rows_job(key, until)
        runs.freeze_waiting()
    return made


def _rows_job(rule: str, until: dt.datetime, *, of: uuid.UUID | None = None) -> int:
    if DeletionJob.objects.filter(rule=rule, state__in=OPEN, workspace=None, subject=of).exists():
        return 0
    scope = planning.choose_past(rule, until, of=of)
    wanted = DeletionJob(rule_id=rule, subject=of, due_at=until, cutoff=until, scope=_as_text(scope))
    return _make([wanted] if scope else [])


def _person_jobs(until: dt.datetime) -> int:
    """Make a deletion for each person whose request was granted: its certificate is theirs, and none waits for another."""
    return sum(_rows_job(person_erasure.RULE, until, of=pk) for pk in person_erasure.subjects(until))


def _workspace_jobs(now: dt.datetime) -> int:
    rule = "workspace_expiry"
    open_jobs = DeletionJob.objects.filter(rule=rule, state__in=OPEN)
    changed = Subscription.objects.filter(
        workspace=OuterRef("pk"), end_changed_at__gt=OuterRef("ends_at") - breaker.LAST_MOMENT
    )
    until = may_act_until(rule, now)
    fed = Q(ends_at__lte=until) if until else Q(pk__in=[])
    told = due_workspaces(now).filter(fed | Q(goes_at__lte=now))  # what officers decided waits for no feed
    due = told.exclude(pk__in=open_jobs.values("workspace")).annotate(surprise=Exists(changed))
    waits = runs.kinds_waiting(rule)
    kinds = {True: DeletionRun.Kind.SURPRISE, False: DeletionRun.Kind.KNOWN}
    found = list(due.values_list("pk", "due_at", "surprise"))
    for workspace in due_remainders(now).exclude(pk__in=open_jobs.values("workspace")).select_related("remainder"):
        by_hold = Hold.objects.filter(pk__in=list(workspace.remainder.kept)).exists()  # a law's end was known before
        found.append((workspace.pk, workspace.due_at, by_hold))  # type: ignore[attr-defined]
    return _make(
        [
            DeletionJob(rule_id=rule, workspace_id=pk, due_at=due_at, cutoff=now, surprise=surprise)
            for pk, due_at, surprise in found
            if kinds[surprise] not in waits
        ]
    )


def _make(wanted: list[DeletionJob]) -> int:
    """Make jobs unless another scheduler was quicker; the unique constraints decide."""
    return len(DeletionJob.objects.bulk_create(wanted, ignore_conflicts=True, batch_size=2_000))


def _as_text(scope: dict) -> dict:
    return {label: [str(pk) for pk in ids] for label, ids in scope.items()}


def release_held(now: dt.datetime) -> int:
    """Let jobs go on whose workspace is held no more; return how many.

    The next run freezes them, as surprises: lifting many holds at once must not delete everything overnight.
    """
    return (
        DeletionJob.objects.filter(state=State.HELD)
        .exclude(workspace__in=keeping.wholly_held())
        .update(state=State.PENDING, run=None, canary=False, surprise=True, stopped_because="")
    )
