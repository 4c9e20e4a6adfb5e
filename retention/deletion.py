"""The door: the only code that deletes, blanks or shreds personal data.

What a bug here does to people: data that should be gone stays readable, or data that should stay is gone for good.
So: what goes is chosen once, under the workspace's lock, and written down before anything is destroyed (``planning.py``);
every batch is one transaction that opens the door, deletes, counts, and closes it by ending; what remains is looked
for by another code path than the one that deleted (``remains``). The transactions are in ``retention/jobs/``.
"""

import contextlib
import dataclasses
import datetime as dt
import graphlib
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q, QuerySet

from accounts import files, keys
from accounts.models import KeyPair, Membership, Person, StoredFile, Workspace
from accounts.verdicts import STAYS, Age, Goes, ModelMap, data_map
from retention import keeping, months
from retention.due import past_rows
from retention.guard import PARTITIONS
from retention.rules import aged_maps

FILES_AT_ONCE = (
    100  # in one batch: a store over the network takes about 0.1 s a file, and a batch must end within its lease
)
OWN_KEYS = (KeyPair.Owner.IMPORT, KeyPair.Owner.PACKAGE)  # a key pair for each file


Owner = tuple[str, uuid.UUID]  # of a key pair: the kind of owner, and which


class UnableToDelete(RuntimeError):
    """Something that should have gone is still there, or the counts differ; the message says what."""


@dataclasses.dataclass(frozen=True)
class Scope:
    """What one job is about, chosen once: a workspace and who leaves with it, or rows whose own time was over.

    Of a workspace, what its keepers keep stays: ``kept`` counts it, by model. Rows by age look at the keepers anew in
    every batch, so that one placed meanwhile wins for every row that is not gone.
    """

    workspace: uuid.UUID | None
    leaving: dict[str, list[Any]]  # ids by model: of rows that go only with the last of their links; of all by age
    rule: str
    cutoff: dt.datetime
    again: bool = False  # after a restored backup: what was chosen once goes, whatever its age
    keepers: Sequence[keeping.Keeper] = ()
    kept: Mapping[str, int] = dataclasses.field(default_factory=dict)
    left: dict[str, list[str]] = dataclasses.field(
        default_factory=dict, compare=False
    )  # months this turn may find rows in

    @property
    def months(self) -> list[months.Month]:
        """The whole months that the job takes; none for a job that is about rows."""
        return months.months_of(self.leaving)


@contextlib.contextmanager
def open_door() -> Iterator[None]:
    """Open the door until the end of the current transaction."""
    assert connection.in_atomic_block, "The door opens inside a transaction, so that it closes itself."
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('callmama.door', 'open', true)")
    yield
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('callmama.door', '', true)")


def maps_in_order(rule: str) -> list[ModelMap]:
    """Return the verdicts that a rule acts on: blanked rows first, then deleted ones, children before parents."""
    aged = {entry.model: entry for entry, _ in aged_maps(rule)}
    entries = aged or {
        entry.model: entry for entry in data_map().values() if entry.goes is not Goes.KEEP and entry.clock == rule
    }
    sorter: graphlib.TopologicalSorter[str] = graphlib.TopologicalSorter()
    for entry in entries.values():
        sorter.add(entry.model)
        for field in entry.model_class._meta.concrete_fields:
            if field.is_relation and field.related_model and field.related_model._meta.label in entries:
                sorter.add(field.related_model._meta.label, entry.model)
    ordered = [entries[label] for label in sorter.static_order()]
    if aged:
        return ordered
    blanked = [entry for entry in ordered if entry.goes is Goes.BLANK and entry.model != "accounts.Workspace"]
    return blanked + [entry for entry in ordered if entry.goes is Goes.DELETE]


def rows_of(entry: ModelMap, scope: Scope) -> QuerySet:
    """Return the rows of one model that the scope covers."""
    manager = entry.model_class._default_manager
    if scope.workspace is None or entry.last_of:
        return manager.filter(pk__in=scope.leaving.get(entry.model, []))
    condition = Q(pk__in=[])
    if entry.workspace:
        condition |= Q(**{entry.workspace: scope.workspace})
    if entry.person:
        condition |= Q(**{f"{entry.person}__in": scope.leaving.get("accounts.Person", [])})
    return manager.filter(condition)


def rows_to_touch(entry: ModelMap, scope: Scope) -> QuerySet:
    """Return the rows that still have to be deleted, blanked or parted from their files."""
    rows = rows_of(entry, scope)
    if scope.workspace is None:
        return _free_rows(entry, scope).filter(pk__in=rows.values("pk"))
    if entry.goes is Goes.BLANK:
        rows = rows.exclude(**blanks_of(entry))
    kept = kept_condition(entry, scope)
    return rows if kept is None else rows.exclude(pk__in=rows_of(entry, scope).filter(kept).values("pk"))


def kept_condition(entry: ModelMap, scope: Scope) -> Q | None:
    """Return which rows of a workspace's scope stay, as it was frozen; None when none of this model do."""
    assert scope.workspace is not None
    return keeping.kept_of(entry, scope.workspace, scope.keepers, scope.leaving) if entry.model in scope.kept else None


def kept_by(entry: ModelMap, scope: Scope, keeper: keeping.Keeper) -> Q | None:
    """Return which rows of a workspace's scope one keeper keeps; None for none."""
    assert scope.workspace is not None
    return keeping.kept_of(entry, scope.workspace, [keeper], scope.leaving)


def with_kept(scope: Scope, kept: Mapping[str, Mapping[str, Any]], keepers: Sequence[keeping.Keeper]) -> Scope:
    """Return a scope of which what ``choose_kept`` found stays, and only the keepers that have a part in it."""
    part = [keeper for keeper in keepers if str(keeper.id) in kept["by"]]
    return dataclasses.replace(scope, keepers=part, kept=dict(kept["rows"]))


def shred_keys(*scopes: Scope, spare: Collection[Owner] = (), ended: Sequence[uuid.UUID] = ()) -> int:
    """Destroy the keys of workspaces and of everybody who leaves with them, and of ``ended`` keepers; return how many.

    ``spare`` are the owners of files that are kept and not entrusted to their keeper yet (``retention/entrusting.py``).
    """
    going: dict[
        str, list[uuid.UUID]
    ] = {}  # by kind of owner, in this order: the workspaces', which open the most, go first
    owners = [owner for scope in scopes if scope.workspace for owner in _owners(scope)]
    for kind, owner_id in [*owners, *((KeyPair.Owner.KEEPER.value, key_id) for key_id in ended)]:
        if (kind, owner_id) not in spare:
            going.setdefault(kind, []).append(owner_id)
    with open_door():
        return sum(keys.destroy_keys(kind, owner_ids) for kind, owner_ids in going.items())


def _owners(scope: Scope) -> list[Owner]:
    """Return whose keys go with a scope: a workspace's and those who leave with it; by age, of the people who are gone."""
    people = [uuid.UUID(str(pk)) for pk in scope.leaving.get("accounts.Person", [])]
    if scope.workspace is None:
        stay = set(Person.objects.filter(pk__in=people).values_list("pk", flat=True))
        return [(KeyPair.Owner.PERSON.value, pk) for pk in people if pk not in stay]
    return [(KeyPair.Owner.WORKSPACE.value, scope.workspace), *((KeyPair.Owner.PERSON.value, pk) for pk in people)]


def batch_limit(entry: ModelMap) -> int:
    """Return how many rows of a model go in one batch. One with fewer was the last of its workspace."""
    return min(settings.RETENTION_BATCH_ROWS, FILES_AT_ONCE) if entry.file_columns else settings.RETENTION_BATCH_ROWS


def destroy_batch(entry: ModelMap, scope: Scope, *, left: dict[str, list[str]] | None = None) -> tuple[int, int]:
    """Delete or blank one batch of rows of a model, with their files; return how many rows and files went.

    Must run inside the transaction that also writes the counts down. (0, 0) means that nothing of this model is left.
    With ``left``, rows by age leave their files and keys: they are noted there, for ``destroy_left`` after the commit. For
    a transaction that rolls back brings the rows back and never a file, and a hold may keep the row before the next try.
    """
    limit = batch_limit(entry)
    with open_door():
        if scope.months:
            return _drop_month(entry, scope), 0
        if scope.workspace is None:
            return _destroy_past(entry, scope, limit, left)
        if entry.partitioned_by:
            return _delete_from_partitions(entry, scope, limit), 0
        rows = rows_to_touch(entry, scope)
        if entry.goes is Goes.BLANK:
            chosen = list(rows.values_list("pk", flat=True)[:limit])
            return entry.model_class._default_manager.filter(pk__in=chosen).update(**blanks_of(entry)), 0
        chosen = list(rows.order_by("pk").values_list("pk", *entry.file_columns)[:limit])
        file_keys = [key for row in chosen for key in row[1:] if key]
        _destroy_files(file_keys)
        ids = [row[0] for row in chosen]
        _cut_links(entry, ids)
        doomed = entry.model_class._default_manager.filter(pk__in=ids)
        return doomed._raw_delete(doomed.db) or 0, len(file_keys)  # type: ignore[attr-defined]


def destroy_left(left: Mapping[str, list[str]]) -> int:
    """Destroy what rows by age have left when they went; return how many files. Again does no harm. Raises UnableToDelete."""
    file_keys = left.get("files", [])
    with open_door():
        keys.destroy_keys(KeyPair.Owner.PERSON, [uuid.UUID(pk) for pk in left.get("people", [])])
        _destroy_files(file_keys)
    return len(file_keys)


def blank_workspace(workspace: Workspace, now: dt.datetime, *, remainder: bool) -> None:
    """Leave of the workspace record its ids and dates, and nothing else (policy § 5.2).

    While a remainder is kept, the country stays: it decides which law keeps it.
    """
    blanks = blanks_of(data_map()["accounts.Workspace"])
    if remainder:
        del blanks["country"], blanks["time_zone"]
    state = Workspace.State.REMAINDER if remainder else Workspace.State.EMPTIED
    Workspace.objects.filter(pk=workspace.pk).update(**blanks, state=state, emptied_at=now)


def remains(scope: Scope) -> dict[str, int]:
    """Return what of the scope can still be found, by another path than the deletion took; empty when all is gone.

    What is kept is taken off as it was counted at INTENT: a kept row that is missing shows as less than nothing.
    Counts are taken table by table in plain SQL on the columns that lead to the workspace or the people, on the parent
    of a partitioned table, and the keys are tried.
    """
    if scope.months:
        return months.remains(scope.months, cutoff=scope.cutoff)
    found: dict[str, int] = {}
    with connection.cursor() as cursor:
        for entry in maps_in_order(scope.rule):
            if scope.workspace is None:
                count = _count_by_ids(cursor, entry, scope) - kept_rows(entry, scope).count()
            else:
                count = _count_by_columns(cursor, entry, scope) - scope.kept.get(entry.model, 0)
            if count:
                found[entry.model] = count
    readable = sum(_key_is_readable(owner, owner_id) for owner, owner_id in _owners(scope))
    if readable:
        found["keys"] = readable
    return found


def kept_rows(entry: ModelMap, scope: Scope) -> QuerySet:
    """Return the chosen rows that something has kept since: a hold, their workspace's own deletion, a changed date."""
    free = _free_rows(entry, scope)
    kept = rows_of(entry, scope).exclude(pk__in=free.filter(pk__in=scope.leaving.get(entry.model, [])).values("pk"))
    emptied = entry.emptied_by(_age(entry, scope))
    return kept.exclude(**emptied) if emptied else kept


def _free_rows(entry: ModelMap, scope: Scope) -> QuerySet:
    """Return the rows that a scope by age may take: those past their time, or, again, those not emptied yet."""
    if not scope.again:
        return past_rows(entry, _age(entry, scope), now=scope.cutoff)
    rows = entry.model_class._default_manager.all()
    emptied = entry.emptied_by(_age(entry, scope))
    return rows.exclude(**emptied) if emptied else rows


def _age(entry: ModelMap, scope: Scope) -> Age:
    age = entry.age(scope.rule)
    assert age is not None, f"{entry.model} has no clock under {scope.rule}."
    return age


def columns_of_lost_files(entry: ModelMap, scope: Scope) -> list[str]:
    """Return the columns whose stored files go under this scope: none where only other columns are blanked."""
    if scope.workspace is None and _age(entry, scope).blanks and not _age(entry, scope).shreds:
        return []
    return entry.file_columns


def _destroy_past(
    entry: ModelMap, scope: Scope, limit: int, left: dict[str, list[str]] | None = None
) -> tuple[int, int]:
    """Destroy up to ``limit`` of the chosen rows that are still past their time, under their workspaces' locks.

    A hold takes the same lock, so either it is first and the row stays, or the row is gone when it comes.
    """
    waiting = list(rows_to_touch(entry, scope).order_by("pk").values_list("pk", flat=True)[:limit])
    _lock_workspaces(entry, waiting)
    rows = rows_to_touch(entry, scope).filter(pk__in=waiting).select_for_update(of=("self",))
    chosen = list(rows.order_by("pk").values_list("pk", *columns_of_lost_files(entry, scope)))
    ids = [row[0] for row in chosen]
    emptied = entry.emptied_by(_age(entry, scope))
    goes = {"files": [key for row in chosen for key in row[1:] if key]}
    if entry.model == "accounts.Person" and not emptied:
        goes["people"] = [str(pk) for pk in ids]
    doomed = entry.model_class._default_manager.filter(pk__in=ids)
    if emptied:
        rows_gone = doomed.update(**emptied)
    else:
        _cut_links(entry, ids)
        rows_gone = doomed._raw_delete(doomed.db) or 0  # type: ignore[attr-defined]
    if left is None:
        return rows_gone, destroy_left(goes)
    left |= {kind: found for kind, found in goes.items() if found}
    return rows_gone, 0


def _drop_month(entry: ModelMap, scope: Scope) -> int:
    try:
        return months.destroy_next(entry, scope.months, rule=scope.rule, cutoff=scope.cutoff)
    except months.MonthInUse as error:
        raise UnableToDelete(str(error)) from error


def _lock_workspaces(entry: ModelMap, ids: list[Any]) -> None:
    rows = entry.model_class._default_manager.filter(pk__in=ids)
    owners: set[Any] = set()
    if entry.workspace:
        owners |= set(rows.values_list(entry.workspace, flat=True))
    if entry.person:
        people = rows.values(entry.person)
        owners |= set(Membership.objects.filter(person__in=people).values_list("workspace", flat=True))
    list(Workspace.objects.select_for_update().filter(pk__in=owners - {None}).order_by("pk").values("pk"))


def _count_by_ids(cursor, entry: ModelMap, scope: Scope) -> int:
    model = entry.model_class._meta
    condition = f"{model.pk.column}::text = ANY(%s)"
    values: list[Any] = [[str(pk) for pk in scope.leaving.get(entry.model, [])]]
    if emptied := entry.emptied_by(_age(entry, scope)):
        filled = [f"{model.get_field(name).column} IS DISTINCT FROM %s" for name in emptied]  # type: ignore[union-attr]
        condition += f" AND ({' OR '.join(filled)})"
        values += [model.get_field(name).get_db_prep_save(value, connection) for name, value in emptied.items()]  # type: ignore[union-attr]
    cursor.execute(f"SELECT count(*) FROM {model.db_table} WHERE {condition}", values)
    return cursor.fetchone()[0]


def blanks_of(entry: ModelMap) -> dict[str, Any]:
    """Return what a blanked row of this model has in its columns."""
    return {name: column.blank for name, column in entry.columns.items() if column.blank is not STAYS}


def _cut_links(entry: ModelMap, ids: list[Any]) -> None:
    """Cut the optional links by which rows of somebody else name rows that go: an assignment its person."""
    for relation in entry.model_class._meta.related_objects:
        field = relation.field
        owner = data_map().get(relation.related_model._meta.label)  # type: ignore[union-attr]
        if field.null and owner and owner.person != field.name:
            relation.related_model._default_manager.filter(**{f"{field.name}__in": ids}).update(**{field.name: None})  # type: ignore[union-attr]


def _destroy_files(file_keys: list[str]) -> None:
    """Destroy stored files and then their rows. The door must be open. Raises UnableToDelete, and then no row goes.

    The key pair of a file that has one of its own goes before the file.
    """
    store = files.store()
    for owner, owner_id in StoredFile.objects.filter(key__in=file_keys, owner__in=OWN_KEYS).values_list(
        "owner", "owner_id"
    ):
        keys.destroy_keys(owner, [owner_id])
    try:
        store.delete(*file_keys)
        left = store.left(*file_keys)
    except files.UnableToAsk as error:
        raise UnableToDelete(str(error)) from error
    if left:
        raise UnableToDelete(f"The file store still has {len(left)} of {len(file_keys)} files after deleting them.")
    rows = StoredFile.objects.filter(key__in=file_keys)
    rows._raw_delete(rows.db)  # type: ignore[attr-defined]


def _delete_from_partitions(entry: ModelMap, scope: Scope, limit: int) -> int:
    """Delete up to ``limit`` rows, partition by partition.

    Never by ctid on the parent: the same ctid exists in every partition, and strangers would go (architecture.md).
    A batch takes from as many months as it needs: most workspaces have a few calls in each, and one commit is enough.
    A month once seen empty is not looked into again in this turn: the database refuses new rows of a workspace that is
    being emptied, and looking costs a walk over all index entries that the turn has made dead (measured: two thirds of
    the time of a million rows). ``remains`` looks everywhere.
    """
    table = entry.model_class._meta.db_table
    left = limit
    kept = kept_condition(entry, scope)
    condition, values = ("", []) if kept is None else keeping.as_sql(entry, kept)
    stays = f"AND ({condition}) IS NOT TRUE" if condition else ""
    with connection.cursor() as cursor:
        if table not in scope.left:
            cursor.execute(f"{PARTITIONS} ORDER BY 1", [table])
            scope.left[table] = [partition for (partition,) in cursor.fetchall()]
        while partitions := scope.left[table]:
            partition = partitions[0]
            cursor.execute(
                f"DELETE FROM {partition} WHERE ctid = ANY(ARRAY("
                f"SELECT ctid FROM {partition} AS {table} WHERE workspace_id = %s {stays} LIMIT %s))",
                [scope.workspace, *values, left],
            )
            left -= cursor.rowcount
            if not left:
                break
            del partitions[0]
    return limit - left


def _count_by_columns(cursor, entry: ModelMap, scope: Scope) -> int:
    table = entry.model_class._meta.db_table
    columns = {field.attname: field.column for field in entry.model_class._meta.concrete_fields}
    conditions: list[str] = []
    values: list[Any] = []
    if entry.last_of:
        conditions.append(f"{entry.model_class._meta.pk.column}::text = ANY(%s)")
        values.append([str(pk) for pk in scope.leaving.get(entry.model, [])])
    if entry.workspace == "workspace" and entry.goes is Goes.DELETE:
        conditions.append(f"{columns['workspace_id']} = %s")
        values.append(scope.workspace)
    if entry.person == "person":
        conditions.append(f"{columns['person_id']}::text = ANY(%s)")
        values.append([str(pk) for pk in scope.leaving.get("accounts.Person", [])])
    if not conditions:
        return rows_of(entry, scope).count()
    if entry.partitioned_by:  # an index alone says nothing of rows that have just gone: it would ask the heap for each
        cursor.execute("SET LOCAL enable_indexonlyscan = off")
    cursor.execute(f"SELECT count(*) FROM {table} WHERE {' OR '.join(conditions)}", values)
    return cursor.fetchone()[0]


def _key_is_readable(owner: str, owner_id: uuid.UUID) -> bool:
    try:
        keys.identity_of(owner, owner_id)
    except keys.KeyDestroyed:
        return False
    return True


def delete_taken_up(waiting: QuerySet) -> int:
    """Delete sealed calls or recordings that have just been stored for their customer, in the same transaction; return how many."""
    with open_door():
        return waiting._raw_delete(waiting.db) or 0  # type: ignore[attr-defined]


def discard_old_copy(key: str) -> None:
    """Destroy a stored file whose copy has been verified and taken its place, when the transaction commits.

    A crash in between leaves a file without a row, which the reconcile finds; its key goes in a moment.
    """
    with open_door():
        rows = StoredFile.objects.filter(pk=key)
        rows._raw_delete(rows.db)  # type: ignore[attr-defined]
    transaction.on_commit(lambda: files.store().delete(key))


def discard_file(key: str, *, owner: str, owner_id: uuid.UUID) -> None:
    """Destroy a stored file that has served its purpose, its key first."""
    keys.destroy_keys(owner, [owner_id])
    with transaction.atomic(), open_door():
        _destroy_files([key])


def destroy_strays(file_keys: list[str]) -> None:
    """Destroy files that no row refers to. Raises UnableToDelete."""
    with open_door():
        _destroy_files(file_keys)
