"""What must be true during and after any fault.

I1 one INTENT and one DONE. I2 nothing goes before its INTENT. I3 nothing is lost or changed that should stay. I4 DONE is
true: nothing is left, and as much went as was planned. I5 the evidence verifies. I6 everything comes to its end. I7 nothing
is left that should go. I8 nothing comes that nobody brought: nobody comes back.

It knows nothing of how the engine deletes: what should go follows from foreign keys, read in plain SQL before anything
begins, and what is there now is read row by row. While deletions run, it scans for what is missing, *then* reads the
evidence, *then* scans for what is still there: a row that goes between two readings is then never a false alarm.
"""

import dataclasses
import hashlib
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable

from django.db import connection, transaction

from accounts import evidence, files, keys
from accounts.models import EvidenceEntry, KeyPair, Workspace
from accounts.verdicts import STAYS, Goes, ModelMap, data_map
from retention.models import DeletionJob

Row = tuple[str, str]  # table's model and the text of its key
FILE, KEY = "file", "key"  # what is checked beside rows: stored contents, private halves


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """Every row with personal data (a digest of its personal columns), every readable content, every readable key."""

    digests: dict[Row, str]

    def of(self, kind: str) -> set[str]:
        return {key for model, key in self.digests if model == kind}


@dataclasses.dataclass
class World:
    """What there was, and what of it should go, with the workspaces (or the rule) whose deletion takes it."""

    before: Snapshot
    takers: dict[Row, set[str]]  # row → ids of workspaces, or keys of rules
    changed: set[Row] = dataclasses.field(default_factory=set)  # rows that somebody changed rightfully meanwhile

    @property
    def goes(self) -> set[Row]:
        return set(self.takers)

    def spare(self, workspace_id: uuid.UUID) -> None:
        """From now on a workspace stays: it was held or renewed before its deletion began."""
        taker = str(workspace_id)
        self.takers = {row: takers for row, takers in self.takers.items() if taker not in takers}

    def spare_rows(self, rows: Iterable[Row]) -> None:
        """From now on these rows stay, though they were changed: a hold came while others of their deletion went."""
        for row in rows:
            self.takers.pop(row, None)
            self.changed.add(row)


def personal_maps() -> list[ModelMap]:
    return [entry for entry in data_map().values() if entry.goes is not Goes.KEEP]


def snapshot() -> Snapshot:
    """Read everything that a person could miss or find: rows, the contents of files as their owner reads them, keys."""
    digests: dict[Row, str] = {}
    contents: list[tuple[Row, str]] = []
    with connection.cursor() as cursor:
        for entry in personal_maps():
            model = entry.model_class._meta
            told = [
                model.get_field(name.removesuffix("_id") if name not in _field_names(entry) else name).column  # type: ignore[union-attr]
                for name, column in entry.columns.items()
                if column.category != "system.operations" and not column.file
            ]
            stored = [model.get_field(name).column for name in entry.file_columns]  # type: ignore[union-attr]
            columns = ", ".join(f'"{column}"::text' for column in told)
            cursor.execute(
                f"SELECT {model.pk.column}::text, md5(ROW({columns})::text)"
                f"{''.join(f', {column}' for column in stored)} FROM {model.db_table}"
            )
            for key, digest, *file_keys in cursor.fetchall():
                digests[(entry.model, key)] = digest
                contents += [((FILE, f"{entry.model} {key}"), file_key) for file_key in file_keys if file_key]
    for place, file_key in contents:
        digests[place] = _content(file_key)
    for pair in KeyPair.objects.filter(wrapped__isnull=False):
        if pair.owner in (KeyPair.Owner.WORKSPACE, KeyPair.Owner.PERSON):
            digests[(KEY, str(pair.owner_id))] = pair.recipient
    return Snapshot(digests)


def recording_and_file(pk: int | str) -> list[Row]:
    """Return the row of a recording, and its content."""
    return [("telecom_records.Recording", str(pk)), (FILE, f"telecom_records.Recording {pk}")]


def _field_names(entry: ModelMap) -> set[str]:
    return {field.name for field in entry.model_class._meta.concrete_fields}


def _content(file_key: str) -> str:
    """Return the hash of what a file says, or why nobody can read it. The ciphertext may change with its owner."""
    try:
        return hashlib.sha256(files.read_encrypted(file_key)).hexdigest()
    except (keys.KeyDestroyed, OSError, LookupError) as error:
        return f"unreadable: {type(error).__name__}"


LAST_LINKS = {  # who leaves with the last of these links: people, and numbers that are no VoIP numbers
    "accounts.Person": "SELECT person_id, workspace_id FROM accounts_membership",
    "telecom_records.Number": "SELECT number_id, workspace_id FROM telecom_records_numberassignment"
    " JOIN telecom_records_number ON telecom_records_number.id = number_id WHERE NOT is_voip",
}


def what_goes_with(workspace_ids: Iterable[uuid.UUID], before: Snapshot) -> dict[Row, set[str]]:
    """Return the rows, contents and keys that leave with these workspaces, each with the workspaces that take it.

    By foreign keys alone: what names the workspace; who has no other workspace; what names such a person; non-VoIP
    numbers that nobody else had; what hangs on any of these. The workspace's own row stays, blank.
    """
    going = {str(pk) for pk in workspace_ids}
    takers: dict[Row, set[str]] = {}
    for label, links in LAST_LINKS.items():
        for key, workspaces in _read(
            f"SELECT links.a::text, array_agg(links.b::text) FROM ({links}) links (a, b) GROUP BY 1"
        ):
            if set(workspaces) <= going:
                takers[(label, key)] = set(workspaces)
    maps = [entry for entry in personal_maps() if entry.model not in LAST_LINKS and entry.model != "accounts.Workspace"]
    for entry in sorted(maps, key=lambda entry: not _owner_columns(entry)):
        table, pk = entry.model_class._meta.db_table, entry.model_class._meta.pk.column  # type: ignore[union-attr]
        for column, parent in _owner_columns(entry) or _parent_columns(entry):
            for key, owner in _read(f"SELECT {pk}::text, {column}::text FROM {table} WHERE {column} IS NOT NULL"):
                if owner in going:
                    takers[(entry.model, key)] = {owner}
                elif (parent, owner) in takers:
                    takers.setdefault((entry.model, key), takers[(parent, owner)])
    for kind, key in before.digests:
        if kind == FILE and (owner := tuple(key.split(" ", 1))) in takers:
            takers[(FILE, key)] = takers[owner]  # type: ignore[index]
        if kind == KEY and (key in going or ("accounts.Person", key) in takers):
            takers[(KEY, key)] = {key} if key in going else takers[("accounts.Person", key)]
    return takers


def _read(statement: str) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def _owner_columns(entry: ModelMap) -> list[tuple[str, str]]:
    """Return the columns that say whose a row is, the workspace's last: it takes the row whoever else is named."""
    names = {field.name for field in entry.model_class._meta.concrete_fields}
    person = [("person_id", "accounts.Person")] if entry.person == "person" else []
    return person + ([("workspace_id", "accounts.Workspace")] if "workspace" in names else [])


def _parent_columns(entry: ModelMap) -> list[tuple[str, str]]:
    """Return the columns that name the row on which another hangs: those that must, and those by which its map finds whose it is."""
    leads = {path.split("__")[0] for path in (entry.workspace, entry.person) if path}
    return [
        (field.column, field.related_model._meta.label)
        for field in entry.model_class._meta.concrete_fields
        if field.is_relation and field.related_model and (not field.null or field.name in leads)
    ]


@dataclasses.dataclass(frozen=True)
class Receipts:
    """What the evidence says at one instant: the entries of each job, and whose job it is.

    After a restore, a deletion of which the log lost the INTENT or the DONE has REPLAYED instead.
    """

    kinds: dict[str, Counter]  # job id → INTENT, DONE and REPLAYED counted
    begun: set[str]  # workspaces and rules whose deletion has an INTENT
    done: set[str]  # workspaces whose last deletion has a DONE
    bodies: dict[str, dict[str, dict]]


def receipts() -> Receipts:
    kinds: dict[str, Counter] = defaultdict(Counter)
    bodies: dict[str, dict[str, dict]] = defaultdict(dict)
    begun, done, taker_of = set(), set(), {}
    for entry in EvidenceEntry.objects.filter(type__in=["INTENT", "DONE", "REPLAYED"]).order_by("sequence"):
        kinds[entry.subject][entry.type] += 1
        bodies[entry.subject][entry.type] = entry.body
        if entry.type == "REPLAYED" and entry.subject not in taker_of:
            job = DeletionJob.objects.get(pk=entry.subject)
            taker_of[entry.subject] = str(job.workspace_id or job.rule_id)
            begun.add(taker_of[entry.subject])
        if entry.type == "INTENT":
            taker_of[entry.subject] = entry.body["workspace"] or entry.body["rule"]
            begun.add(taker_of[entry.subject])
        elif entry.subject in taker_of:
            done.add(taker_of[entry.subject])
    return Receipts(dict(kinds), begun, done, dict(bodies))


def _is_gone(row: Row, before: Snapshot, now: Snapshot) -> bool:
    return row not in now.digests or (row[0] == FILE and now.digests[row] != before.digests[row])


def check_running(world: World) -> list[str]:
    """Return what is wrong while deletions may be under way; empty when nothing is."""
    first = snapshot()
    with transaction.atomic():
        told = receipts()
    second = snapshot()
    wrong = _counted_once(told) + _receipts_are_true(told) + _nobody_came(world, second)
    for row in world.before.digests:
        if _is_gone(row, world.before, first):
            takers = world.takers.get(row)
            if takers is None and row in world.before.digests:
                wrong.append(f"I3: {_named(row)} is gone and should stay")
            elif takers and not takers & told.begun:
                wrong.append(f"I2: {_named(row)} is gone before any INTENT")
    for row, takers in world.takers.items():
        by_workspace = {taker for taker in takers if len(taker) == 36}
        if by_workspace and by_workspace <= told.done and not _is_gone(row, world.before, second):
            wrong.append(f"I4: {_named(row)} is still there after DONE")
    return wrong + _evidence_verifies()


def check_quiet(world: World) -> list[str]:
    """Return what is wrong when nothing is under way any more; empty when every promise was kept."""
    wrong = check_running(world)
    now = snapshot()
    gone = {row for row in world.before.digests if _is_gone(row, world.before, now)}
    wrong += [f"I7: {_named(row)} should be gone and is there" for row in world.goes - gone]
    wrong += [f"I3: {_named(row)} is gone and should stay" for row in gone - world.goes]
    emptied = {taker for takers in world.takers.values() for taker in takers if len(taker) == 36}
    for row, digest in world.before.digests.items():
        if row in now.digests and now.digests[row] != digest and row not in world.goes | world.changed:
            if row[0] == "accounts.Workspace" and row[1] in emptied:
                continue
            wrong.append(f"I3: {_named(row)} was changed and should be as it was")
    wrong += _workspaces_are_blank(emptied)
    wrong += _jobs_are_over(emptied)
    return list(dict.fromkeys(wrong + _files_have_rows()))


def _named(row: Row) -> str:
    return f"{row[0]} {row[1]}"


def _counted_once(told: Receipts) -> list[str]:
    return [
        f"I1: deletion {job} has {count} {kind}"
        for job, kinds in told.kinds.items()
        for kind, count in kinds.items()
        if (count != 1 and kind != "REPLAYED") or (kind == "DONE" and not kinds["INTENT"])
    ]


def _receipts_are_true(told: Receipts) -> list[str]:
    return [
        f"I4: deletion {job} planned {bodies['INTENT']['planned']} and tells of {bodies['DONE']['destroyed']}"
        for job, bodies in told.bodies.items()
        if {"INTENT", "DONE"} <= bodies.keys()
        and bodies["INTENT"]["workspace"]
        and bodies["INTENT"]["planned"] != bodies["DONE"]["destroyed"]
    ]


def _nobody_came(world: World, now: Snapshot) -> list[str]:
    return [f"I8: {_named(row)} has come" for row in sorted(now.digests.keys() - world.before.digests.keys())]


def _evidence_verifies() -> list[str]:
    alone = not connection.in_atomic_block
    with transaction.atomic():
        if alone:  # one instant of the log, while others append to it
            connection.cursor().execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        broken = evidence.broken_entry()
    return [] if broken is None else [f"I5: the evidence breaks at entry {broken}"]


def _workspaces_are_blank(emptied: set[str]) -> list[str]:
    blanks = {name: column.blank for name, column in data_map()["accounts.Workspace"].columns.items() if column.blank is not STAYS}  # fmt: skip
    found = Workspace.objects.filter(pk__in=emptied, state=Workspace.State.EMPTIED, **blanks)
    left = emptied - {str(pk) for pk in found.values_list("pk", flat=True)}
    return [f"I6: workspace {pk} is not emptied" for pk in sorted(left)]


def _jobs_are_over(emptied: set[str]) -> list[str]:
    wrong, done = [], Counter()
    told = receipts()
    for job in DeletionJob.objects.all():
        kinds = told.kinds.get(str(job.pk), Counter())
        if job.state == DeletionJob.State.DONE:
            done[str(job.workspace_id)] += 1
            if (kinds["INTENT"], kinds["DONE"]) != (1, 1):
                wrong.append(f"I1: deletion {job.pk} is done with {kinds['INTENT']} INTENT and {kinds['DONE']} DONE")
        elif job.state in (DeletionJob.State.PENDING, DeletionJob.State.RUNNING, DeletionJob.State.QUARANTINED):
            where = f"attempt {job.attempts}, lease until {job.lease_until}, {job.rows_destroyed} of {job.rows_planned} rows"
            wrong.append(f"I6: deletion {job.pk} is {job.state}, {where}: {job.stopped_because or 'not over'}")
    wrong += [f"I1: workspace {pk} was emptied {done[pk]} times" for pk in emptied if done[pk] > 1]
    return wrong


def _files_have_rows() -> list[str]:
    named = set()
    for entry in personal_maps():
        for column in entry.file_columns:
            named |= set(entry.model_class._default_manager.exclude(**{column: ""}).values_list(column, flat=True))
    stored = set(files.store().list())
    return [f"I7: file {key} belongs to no row" for key in stored - named] + [
        f"I3: file {key} is named by a row and is not stored" for key in named - stored
    ]
