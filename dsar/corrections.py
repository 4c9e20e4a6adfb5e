"""Correcting what is wrong about a person, and keeping what they say of what was not corrected (policy § 6.1)."""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet

from accounts import evidence, keys
from accounts.models import Person, User, Workspace
from accounts.verdicts import Column, Corrected, data_map
from dsar.models import Attachment, Correction, Statement, SubjectRequest
from retention.models import Notice
from retention.upstream.changes import tell_of_change

MODELS: dict[str, type[Person] | type[Workspace]] = {"accounts.Person": Person, "accounts.Workspace": Workspace}


class UnableToCorrect(ValueError):
    """It cannot be corrected so; the message says why, for the officer."""


@dataclasses.dataclass(frozen=True)
class Change:
    """One field as it is and as it shall be."""

    row: Person | Workspace
    field: str
    before: str
    after: str

    @property
    def model(self) -> str:
        return self.row._meta.label

    @property
    def column(self) -> Column:
        return data_map()[self.model].columns[self.field]

    @property
    def key(self) -> str:
        return f"{self.model}.{self.field}"


def correctable(model: str) -> dict[str, Column]:
    """Return the columns of a model that the data map lets be corrected."""
    return {name: column for name, column in data_map()[model].columns.items() if column.corrected}


def rows_of(request: SubjectRequest) -> list[Person | Workspace]:
    """Return what a request may correct: its customer, and the workspace it names if the customer is in it."""
    person, workspace = request.person, request.workspace
    rows: list[Person | Workspace] = [person] if person else []
    if workspace and workspace.state in Workspace.INTACT and (
        person is None or person.memberships.filter(workspace=workspace).exists()
    ):  # fmt: skip
        rows.append(workspace)
    return rows


def changes_of(request: SubjectRequest, wanted: Mapping[str, str]) -> list[Change]:
    """Return what would change: ``wanted`` has new values by “model.field”; what is the same already is left out.

    Raises UnableToCorrect when a value is none that the field may have, or the field is not one to be corrected.
    """
    found: list[Change] = []
    for row in rows_of(request):
        label = row._meta.label
        mine = {key.rpartition(".")[2]: value for key, value in wanted.items() if key.rpartition(".")[0] == label}
        if wrong := sorted(set(mine) - set(correctable(label))):
            raise UnableToCorrect(f"“{wrong[0]}” is no field that is corrected.")
        changed = [Change(row, name, getattr(row, name), value) for name, value in mine.items()
                   if getattr(row, name) != value]  # fmt: skip
        draft = MODELS[label](**{name: getattr(row, name) for name in correctable(label)} | mine)
        others = {field.name for field in row._meta.fields} - {change.field for change in changed}
        try:
            draft.clean_fields(exclude=others)
        except ValidationError as error:
            name, texts = next(iter(error.message_dict.items()))
            raise UnableToCorrect(f"{correctable(label)[name].label}: {texts[0]}") from error
        found += changed
    return found


def needs_second(changes: Sequence[Change]) -> bool:
    """Return whether another officer must agree: it identifies the person, or a deletion depends on it."""
    return any(change.column.corrected is Corrected.BY_TWO for change in changes)


def facts(changes: Sequence[Change]) -> dict[str, str]:
    """Return what an approval is bound to: each field with a keyed hash of both values."""
    return {
        change.key: keys.keyed_hash(f"{change.before}\x1f{change.after}", purpose="facts of corrections").hex()
        for change in changes
    }


def files_of(request: SubjectRequest) -> QuerySet[Attachment]:
    """Return the files of the request's ticket, any of which may show what is right."""
    tickets = Attachment.objects.filter(message__ticket__reference=request.ticket_reference)
    return (tickets if request.ticket_reference else tickets.none()).order_by("pk")


def apply(
    request: SubjectRequest, changes: Sequence[Change], *, shown_by: str, file: uuid.UUID | None, now: dt.datetime
) -> list[Correction]:
    """Correct these fields, keep what they were, and tell the recipients; inside the transaction of the caller.

    Older news of the row by a file or feed is older than this. Raises UnableToCorrect when a value changed meanwhile.
    """
    made: list[Correction] = []
    for row in dict.fromkeys(change.row for change in changes):
        mine = [change for change in changes if change.row == row]
        locked = type(row)._default_manager.select_for_update().get(pk=row.pk)
        if any(getattr(locked, change.field) != change.before for change in mine):
            raise UnableToCorrect("A value has changed meanwhile. Look at it once more.")
        for change in mine:
            setattr(locked, change.field, change.after)
        locked.fed_at = max(locked.fed_at or now, now)
        locked.save(update_fields=[*(change.field for change in mine), "fed_at"])
        whose: dict[str, Any] = {"workspace": locked} if isinstance(locked, Workspace) else {"person": locked}
        made += [
            Correction.objects.create(
                request=request, model=change.model, field=change.field, before=change.before, after=change.after,
                evidence=shown_by, file=file, at=now, **whose,
            )
            for change in mine
        ]  # fmt: skip
        values = {change.column.label: change.after for change in mine}
        tell_of_change("correction", locked._meta.label, request_id=request.pk, changes=values, now=now, **whose)
    body = {"fields": [each.key for each in changes], "shown_by": shown_by}
    evidence.append_entry("DATA_CORRECTED", subject=str(request.pk), body=body)
    return made


def state_disagreement(
    request: SubjectRequest, text: str, fields: Sequence[str], *, user: User, now: dt.datetime
) -> Statement:
    """Put a person's own statement beside data that was not corrected. Raises UnableToCorrect without a customer."""
    if request.person is None:
        raise UnableToCorrect("A statement stands beside the data of a customer: choose the customer first.")
    return Statement.objects.create(
        request=request, person=request.person, fields=list(fields), text=text, made_at=now, entered_by=user
    )


def old_values(model: str) -> dict[str, dict[str, set[str]]]:
    """Return the corrected rows of a model with the old values of their fields (``accounts/corrected.py``).

    Once the service platform has confirmed a correction, an old value that it sends is news.
    """
    found: dict[str, dict[str, set[str]]] = {}
    done = Notice.objects.filter(kind="correction", recipient__kind="platform", state=Notice.State.CONFIRMED)
    rows = Correction.objects.filter(model=model).exclude(request__in=done.values("request_id"))
    for person, workspace, field, before in rows.values_list("person", "workspace", "field", "before"):
        found.setdefault(str(workspace or person), {}).setdefault(field, set()).add(before)
    return found
