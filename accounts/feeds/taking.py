"""Storing a message: every item by the resource of the file imports, all of them or none.

A message has a number, one more than the last one taken: so a message that was lost, or refused and not mended, stops
the next, the feed becomes late, and nothing expires that it may have renewed. The last number may come again.
"""

import dataclasses
import datetime as dt
import logging
from collections.abc import Iterable
from typing import Any

import tablib
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts import erased
from accounts.feeds import messages
from accounts.feeds.messages import Fault, Message, UnableToRead
from accounts.models import Feed, FeedDelivery, Workspace
from accounts.models.feeds import Kind
from accounts.resources import (
    ConsentResource,
    CustomerResource,
    InstantWidget,
    MembershipResource,
    PersonResource,
    SubscriptionResource,
    WorkspaceResource,
)

log = logging.getLogger(__name__)

CLOCKS_APART = dt.timedelta(minutes=5)  # how far a sender's as_of may be ahead of us
PER_MINUTE = 60
STORED_FAULTS = 20
RESOURCES: dict[str, type[CustomerResource]] = {
    Kind.WORKSPACES: WorkspaceResource,
    Kind.PEOPLE: PersonResource,
    Kind.MEMBERSHIPS: MembershipResource,
    Kind.SUBSCRIPTIONS: SubscriptionResource,
    Kind.CONSENTS: ConsentResource,
}


class UnableToTake(ValueError):
    """The message cannot be taken now; ``code`` and the message say why, ``again_in`` when to try again (seconds)."""

    def __init__(self, code: str, message: str, *, again_in: int | None = None):
        super().__init__(message)
        self.code, self.again_in = code, again_in


@dataclasses.dataclass
class Outcome:
    """What became of the items of a message."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    ignored: list[dict[str, str]] = dataclasses.field(default_factory=list)


def register(kind: Kind, resource: type[CustomerResource]) -> None:
    """Make known by which resource an upper app takes a kind of items."""
    RESOURCES[kind] = resource


def open_delivery(feed: Feed, *, nonce: str, now: dt.datetime) -> FeedDelivery:
    """Write down that a message came, before it is read. Raises UnableToTake when it came before, or too many came."""
    lately = FeedDelivery.objects.filter(feed=feed, received_at__gt=now - dt.timedelta(minutes=1)).count()
    if lately >= PER_MINUTE:
        raise UnableToTake("too_many", f"At most {PER_MINUTE} messages a minute.", again_in=60)
    try:
        with transaction.atomic():
            return FeedDelivery.objects.create(feed=feed, nonce=nonce, received_at=now)
    except IntegrityError as error:
        raise UnableToTake("replay", "A message with this nonce has come already.") from error


def take(delivery: FeedDelivery, body: bytes, *, now: dt.datetime) -> Outcome:
    """Read and store a message, and write its counts down. Raises UnableToRead, UnableToTake; then nothing is stored."""
    try:
        with transaction.atomic():
            feed = Feed.objects.select_for_update().get(pk=delivery.feed_id)
            message = messages.read(body, carries=feed.carries, now=now, ahead=CLOCKS_APART)
            delivery.sequence, delivery.as_of, delivery.items = message.sequence, message.as_of, message.count
            _expect(feed, message)
            outcome = store(feed, message, now=now)
            feed.sequence, feed.heard_at = message.sequence, now
            feed.as_of = max(feed.as_of or message.as_of, message.as_of)
            feed.save(update_fields=["sequence", "as_of", "heard_at"])
            delivery.state = FeedDelivery.State.TAKEN
            delivery.new, delivery.changed, delivery.unchanged = outcome.new, outcome.changed, outcome.unchanged
            delivery.ignored = len(outcome.ignored)
            delivery.save()
    except UnableToRead as error:
        known = {field for resource in RESOURCES.values() for field in columns_of(resource)}
        _refuse(delivery, "items", [
            {"item": fault.item, "field": fault.field if fault.field in known else ""} for fault in error.faults[:STORED_FAULTS]
        ])  # fmt: skip
        raise
    except UnableToTake as error:
        _refuse(delivery, error.code, [])
        raise
    except Exception as error:
        _refuse(delivery, "failed", [])
        log.error("feed delivery %s failed: %s", delivery.pk, type(error).__name__)  # its text could hold content
        raise UnableToTake("failed", "The portal could not take this message. Send it again.", again_in=60) from None
    log.info("feed delivery %s: %s items taken", delivery.pk, delivery.items)
    return outcome


def store(feed: Feed, message: Message, *, now: dt.datetime) -> Outcome:
    """Store all items of a message or none. Must run inside a transaction. Raises UnableToRead with the faults."""
    outcome = Outcome()
    for kind, items in message.items.items():
        if faults := list(_faults_of_form(kind, items)):
            raise UnableToRead(*faults)
        ignored = dict(_of_the_erased(kind, items))
        outcome.ignored += [{"item": f"{kind}/{place}", "why": why} for place, why in sorted(ignored.items())]
        instants = {field.column_name for field in _fields(RESOURCES[kind]) if isinstance(field.widget, InstantWidget)}
        instants |= {"from", "until"} if kind == Kind.ASSIGNMENTS else set()
        rows = [
            (place, messages.at_hours(item, instants, zone=feed.date_zone, hour=feed.date_hour))
            for place, item in enumerate(items)
            if place not in ignored
        ]
        for group in _alike(rows):
            _take_group(kind, group, outcome, feed=feed, message=message, now=now)
    return outcome


def columns_of(resource: type[CustomerResource]) -> list[str]:
    """Return the columns that a resource takes."""
    return [field.column_name for field in _fields(resource)]


def _fields(resource: type[CustomerResource]) -> list[Any]:
    return resource().get_import_fields()


def _expect(feed: Feed, message: Message) -> None:
    if feed.sequence is not None and message.sequence not in (feed.sequence, feed.sequence + 1):
        raise UnableToTake(
            "sequence",
            f"Expected number {feed.sequence + 1}, or {feed.sequence} again; this is {message.sequence}. "
            "A message between was not taken: send it first.",
        )


def _refuse(delivery: FeedDelivery, problem: str, faults: list[dict[str, str]]) -> None:
    delivery.state, delivery.problem, delivery.faults = FeedDelivery.State.REFUSED, problem, faults
    delivery.new = delivery.changed = delivery.unchanged = delivery.ignored = 0
    delivery.save()


def _faults_of_form(kind: str, items: list[dict[str, str]]) -> Iterable[Fault]:
    """Yield what can be said of the items without the database: unknown and missing fields, the same item twice."""
    resource = RESOURCES[kind]
    columns = set(columns_of(resource))
    seen: dict[tuple[str, ...], int] = {}
    for place, item in enumerate(items):
        where = f"{kind}/{place}"
        if unknown := sorted(set(item) - columns):
            yield Fault(where, ascii(unknown[0])[:40], f"Not known here: there are {', '.join(sorted(columns))}.")
        if missing := [name for name in resource.required if not item.get(name, "").strip()]:
            yield Fault(where, missing[0], "This is needed.")
        key = tuple(item.get(name, "").strip() for name in resource.identity)
        if key in seen:
            yield Fault(where, resource.identity[0], f"The same as {kind}/{seen[key]}: one message tells of each once.")
        seen.setdefault(key, place)


def _of_the_erased(kind: str, items: list[dict[str, str]]) -> Iterable[tuple[int, str]]:
    """Yield the items about what was deleted, with the reason why they are ignored: a feed brings nothing back.

    People lose the workspaces that are gone, and are ignored when none is left and they were erased.
    """
    column = {Kind.WORKSPACES: "outside_id", Kind.PEOPLE: "workspaces"}.get(Kind(kind), "workspace")
    named = {name for item in items for name in item.get(column, "").split()}
    gone = set(
        Workspace.objects.filter(outside_id__in=named)
        .exclude(state__in=Workspace.INTACT)
        .values_list("outside_id", flat=True)
    )
    person = "outside_id" if kind == Kind.PEOPLE else "person"
    erased_ids = erased.erased_people({item[person] for item in items if item.get(person)})
    for place, item in enumerate(items):
        if kind == Kind.PEOPLE:
            wanted = item.get(column, "").split()
            left = [name for name in wanted if name not in gone]
            if wanted:
                item[column] = " ".join(left)
            if erased_ids.get(item[person]) or (not left and (wanted or item[person] in erased_ids)):
                yield place, "erased"
        elif gone & set(item.get(column, "").split()):
            yield place, "erased"
        elif item.get(person) in erased_ids:
            if kind == Kind.ASSIGNMENTS:
                item[person] = ""
            else:
                yield place, "erased"


def _alike(rows: list[tuple[int, dict[str, str]]]) -> Iterable[list[tuple[int, dict[str, str]]]]:
    """Yield the rows in groups that have the same fields: what an item does not say is left as it is."""
    groups: dict[frozenset[str], list[tuple[int, dict[str, str]]]] = {}
    for place, row in rows:
        groups.setdefault(frozenset(row), []).append((place, row))
    yield from groups.values()


def _take_group(
    kind: str,
    group: list[tuple[int, dict[str, str]]],
    outcome: Outcome,
    *,
    feed: Feed,
    message: Message,
    now: dt.datetime,
) -> None:
    resource = RESOURCES[kind](now=now, as_of=message.as_of, earliest_end=message.as_of - feed.expected)
    headers = list(group[0][1])
    dataset = tablib.Dataset(*[[row[name] for name in headers] for _, row in group], headers=headers)
    result = resource.import_data(dataset, raise_errors=False)
    faults = [Fault(kind, "", _words(error.error)) for error in result.base_errors]
    for (place, _), row in zip(group, result.rows, strict=False):
        where = f"{kind}/{place}"
        if row.validation_error is not None:
            faults += [
                Fault(where, "" if name == "__all__" else name, " ".join(texts))
                for name, texts in _by_field(row.validation_error).items()
            ]
        faults += [Fault(where, "", _words(error.error)) for error in row.errors]
    if faults:
        raise UnableToRead(*faults)
    outcome.ignored += [{"item": f"{kind}/{group[line][0]}", "why": "older"} for line in sorted(resource.older)]
    outcome.new += result.totals["new"]
    outcome.changed += result.totals["update"]
    outcome.unchanged += result.totals["skip"] - len(resource.older)


def _by_field(error: ValidationError) -> dict[str, list[str]]:
    return error.message_dict if hasattr(error, "error_dict") else {"__all__": error.messages}


def _words(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return " ".join(error.messages)
    return str(error) if isinstance(error, ValueError) else "This could not be stored."
