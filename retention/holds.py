"""Placing and lifting legal holds. A hold and a deletion take the same lock, so one of them is first and both know."""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from django.db import transaction
from django.db.models import Q, QuerySet

from accounts import evidence, keys
from accounts.models import Person, User, Workspace
from accounts.verdicts import Goes, ModelMap, data_map
from retention import keeping
from retention.models import DeletionJob, Hold, Remainder, Tombstone
from retention.tombstones import hash_number

COUNT_UP_TO = 10_000
GONE = (Workspace.State.EMPTYING, Workspace.State.EMPTIED)


class UnableToHold(ValueError):
    """The hold cannot be placed; the message says why, for the officer. ``code`` says it in the evidence."""

    def __init__(self, message: str, code: str = "impossible"):
        super().__init__(message)
        self.code = code


@dataclasses.dataclass(frozen=True)
class Covers:
    """What a hold is about: the rows that fit everything that is given. Dates are instants, the second one excluded."""

    workspace: Workspace | None = None
    person: Person | None = None
    number: str = ""  # E.164
    categories: Sequence[str] = ()  # models of the data map
    rows_from: dt.datetime | None = None
    rows_until: dt.datetime | None = None

    @property
    def narrowed_by(self) -> list[str]:
        given = {
            "workspace": self.workspace,
            "person": self.person,
            "number": self.number,
            "categories": self.categories,
            "dates": self.rows_from or self.rows_until,
        }
        return [name for name, value in given.items() if value]


def holdable() -> list[ModelMap]:
    """Return the categories that a hold may name: what goes and is of a customer, by its own words in the data map."""
    return [
        entry
        for entry in data_map().values()
        if entry.goes is Goes.DELETE and (entry.workspace or entry.person or entry.last_of or entry.numbers)
    ]


def place_hold(
    *,
    workspace: Workspace | None = None,
    person: Person | None = None,
    number: str = "",
    categories: Sequence[str] = (),
    rows_from: dt.datetime | None = None,
    rows_until: dt.datetime | None = None,
    reason: str,
    authority: str,
    owner: User,
    review_on: dt.date,
    user: User,
    now: dt.datetime,
) -> Hold:
    """Keep the rows that fit everything given, at once and against every path of deletion.

    Raises UnableToHold when nothing is given, when the parts exclude each other, when nothing would be kept, and when
    it comes too late. A refusal is written down too.
    """
    covers = Covers(workspace, person, number, tuple(categories), rows_from, rows_until)
    fields = {"reason": reason, "authority": authority, "owner": owner, "review_on": review_on}
    try:
        with transaction.atomic():
            keeping.against_deletions()
            hold = _place(covers, user=user, now=now, **fields)
            gone = {model: count for model, rows in _covered_rows(hold, under_way=True) if (count := rows.count())}
            body = {**scope_codes(hold), "by": user.pk, **({"too_late": gone} if gone else {})}
            evidence.append_entry("HOLD_PLACED", subject=str(hold.pk), body=body)
    except UnableToHold as error:
        with transaction.atomic():
            subject = str(workspace.pk if workspace else person.pk if person else "hold")
            body = {"by": user.pk, "why": error.code, "narrowed_by": covers.narrowed_by}
            evidence.append_entry("HOLD_REFUSED", subject=subject, body=body)
        raise
    return hold


def preview_hold(covers: Covers, *, user: User, now: dt.datetime) -> dict[str, int]:
    """Return how many rows of each model such a hold would keep now, counted up to COUNT_UP_TO. Raises UnableToHold.

    The hold is really placed, counted, and rolled back.
    """
    with transaction.atomic():
        keeping.against_deletions()
        hold = _place(covers, user=user, now=now, reason="-", authority="-", owner=user, review_on=now.date())
        counts = count_kept(keeping.HoldKeeper(hold))
        transaction.set_rollback(True)
    return counts


def count_kept(keeper: keeping.Keeper) -> dict[str, int]:
    """Return how many rows of each model a keeper keeps now, with what they point to, counted up to COUNT_UP_TO."""
    counts = {}
    for entry in data_map().values():
        condition = keeping.kept(entry, [keeper]) if entry.goes is not Goes.KEEP else None
        if condition is not None:
            rows = entry.model_class._default_manager.filter(condition).values("pk")
            if count := rows[:COUNT_UP_TO].count():
                counts[entry.model] = count
    return counts


def lift_hold(hold_id: uuid.UUID | str, *, user: User, now: dt.datetime) -> None:
    """End a hold. Only an approved request leads here (``retention/approved_actions.py``)."""
    with transaction.atomic():
        keeping.against_deletions()
        hold = Hold.objects.select_for_update().get(pk=hold_id, lifted_at__isnull=True)
        end_hold(hold, user=user, now=now)
        evidence.append_entry(
            "HOLD_LIFTED", subject=str(hold.pk), body={"workspace": str(hold.workspace_id or ""), "by": user.pk}
        )


def end_hold(hold: Hold, *, user: User | None, now: dt.datetime) -> None:
    """Mark a locked hold as ended; what it kept is looked at again, and the person and number in it are forgotten."""
    hold.lifted_by, hold.lifted_at = user, now
    hold.save(update_fields=["lifted_by", "lifted_at"])
    Remainder.objects.filter(kept__has_key=str(hold.pk)).update(look_again_at=now)
    if hold.workspace_id:
        Remainder.objects.filter(workspace=hold.workspace_id).update(look_again_at=now)
    forget_subjects()


def overdue_reviews(today: dt.date) -> int:
    """Return how many active holds should have been reviewed before ``today``."""
    return Hold.objects.filter(lifted_at__isnull=True, kind=Hold.Kind.OFFICER, review_on__lt=today).count()


def forget_subjects() -> int:
    """Blank the customer and the number in lifted holds that no deletion under way goes by; return in how many."""
    frozen: set[str] = set()
    under_way = DeletionJob.objects.exclude(state__in=[DeletionJob.State.DONE, DeletionJob.State.CANCELLED])
    for kept in under_way.exclude(kept={}).values_list("kept", flat=True):
        frozen |= set(kept["by"])
    lifted = Hold.objects.filter(lifted_at__isnull=False).exclude(person__isnull=True, number="")
    return lifted.exclude(pk__in=frozen).update(person=None, number="")


def scope_codes(hold: Hold) -> dict[str, Any]:
    """Return what a hold covers in codes and opaque ids, for the evidence: a number only by its being there."""
    return {
        "kind": hold.kind,
        "narrowed_by": list(hold.narrowed_by),
        "workspace": str(hold.workspace_id or ""),
        "person": str(hold.person_id or ""),
        "categories": sorted(hold.categories),
        "from": evidence.rfc3339(hold.rows_from) if hold.rows_from else "",
        "until": evidence.rfc3339(hold.rows_until) if hold.rows_until else "",
    }


def facts(hold_id: str) -> dict[str, Any]:
    """Return what the approval of a lift is bound to: everything that the hold covers, and that it is in force."""
    hold = Hold.objects.get(pk=hold_id)
    number = keys.keyed_hash(hold.number, purpose="numbers in holds").hex() if hold.number else ""
    return {
        **scope_codes(hold),
        "hold": hold_id,
        "number": number,
        "review": str(hold.review_on),
        "active": hold.is_active,
    }


def _place(covers: Covers, *, user: User, now: dt.datetime, **fields: Any) -> Hold:
    """Store a hold under the lock. Raises UnableToHold."""
    _refuse_impossible(covers)
    workspace = covers.workspace
    if workspace:
        workspace = Workspace.objects.select_for_update().get(pk=workspace.pk)
        if workspace.state in GONE:
            raise UnableToHold(
                "Too late: the deletion of this workspace has begun, and its keys are destroyed.", "too_late"
            )
    if (
        covers.person
        and Person.objects.filter(rows_under_way(data_map()[keeping.PERSON]), pk=covers.person.pk).exists()
    ):
        raise UnableToHold("Too late: the deletion of this customer has begun.", "too_late")
    hold = Hold.objects.create(
        workspace=workspace,
        person=covers.person,
        number=covers.number,
        categories=sorted(covers.categories),
        rows_from=covers.rows_from,
        rows_until=covers.rows_until,
        narrowed_by=covers.narrowed_by,
        placed_by=user,
        placed_at=now,
        **fields,
    )
    if not any(rows.exists() for _, rows in _covered_rows(hold, under_way=False)):
        _say_why_nothing(hold)
    return hold


def rows_under_way(entry: ModelMap) -> Q:
    """Return which rows of a model a deletion that has begun is about: no hold can keep them any more."""
    leaving: dict[str, list[str]] = {}
    begun = DeletionJob.objects.filter(workspace__isnull=False, intent_sequence__isnull=False)
    for scope in begun.exclude(state=DeletionJob.State.DONE).values_list("scope", flat=True):
        for label, ids in scope.items():
            leaving.setdefault(label, []).extend(ids)
    condition = Q(pk__in=leaving.get(entry.model, []))
    if entry.workspace:
        condition |= Q(**{f"{entry.workspace}__in": Workspace.objects.filter(state__in=GONE)})
    if entry.person:
        condition |= Q(**{f"{entry.person}__in": leaving.get(keeping.PERSON, [])})
    return condition


def _covered_rows(hold: Hold, *, under_way: bool) -> Iterator[tuple[str, QuerySet]]:
    """Yield by model the rows that a hold itself covers: those it can keep, or those that are being deleted already."""
    keeper = keeping.HoldKeeper(hold)
    for entry in data_map().values():
        condition = keeper.rows(entry) if entry.goes is not Goes.KEEP else None
        if condition is None or _is_kept_besides(entry, hold.narrowed_by):
            continue
        rows = entry.model_class._default_manager.filter(condition)
        going = rows.filter(rows_under_way(entry)).values("pk")
        yield entry.model, rows.filter(pk__in=going) if under_way else rows.exclude(pk__in=going)


def _is_kept_besides(entry: ModelMap, narrowed_by: Sequence[str]) -> bool:
    """Return whether a model's rows stay only because a narrower hold names the customer: it is not about them."""
    return entry.model == keeping.PERSON and "person" in narrowed_by and len(narrowed_by) > 1


def _refuse_impossible(covers: Covers) -> None:
    if not covers.narrowed_by:
        raise UnableToHold("Say what is to be kept: a workspace, a customer, a number, categories or dates.")
    known = {entry.model: entry for entry in holdable()}
    if unknown := set(covers.categories) - set(known):
        raise UnableToHold(f"There is no category {', '.join(sorted(unknown))}.")
    if covers.rows_from and covers.rows_until and covers.rows_from >= covers.rows_until:
        raise UnableToHold("The dates are the wrong way round: nothing lies between them.")
    chosen = [known[name] for name in covers.categories]
    for given, reaches, words in (
        (covers.person, lambda entry: entry.person or entry.model == keeping.PERSON, "belong to no single customer"),
        (covers.number, lambda entry: entry.numbers, "are about no telephone number"),
        (covers.rows_from or covers.rows_until, lambda entry: entry.dated_by, "have no date"),
        (covers.workspace, lambda entry: entry.workspace or entry.person or entry.last_of, "are of no workspace"),
    ):
        if given and (out := [entry.plural for entry in chosen if not reaches(entry)]):
            raise UnableToHold(f"Such a hold would keep no {' and no '.join(out)}: they {words}.")
    keeper = keeping.HoldKeeper(Hold(
        workspace=covers.workspace, person=covers.person, number=covers.number, categories=list(covers.categories),
        rows_from=covers.rows_from, rows_until=covers.rows_until, narrowed_by=covers.narrowed_by,
    ))  # fmt: skip
    if not any(
        keeper.rows(entry) is not None for entry in known.values() if not _is_kept_besides(entry, covers.narrowed_by)
    ):
        raise UnableToHold("No category of records can fit all of this together. Leave something out.")


def _say_why_nothing(hold: Hold) -> NoReturn:
    if any(rows.exists() for _, rows in _covered_rows(hold, under_way=True)):
        raise UnableToHold("Too late: the deletion of all of this has begun.", "too_late")
    if hold.number and Tombstone.objects.filter(number_hash=hash_number(hold.number)).exists():
        raise UnableToHold("Too late: what there was of this number has been deleted.", "too_late")
    raise UnableToHold(
        "It would keep nothing: there is no such record now. Check the ids, the number and the dates.", "empty"
    )
