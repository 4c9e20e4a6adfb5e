"""What the database itself refuses, whoever asks.

* A table with personal data refuses DELETE and TRUNCATE unless the door is open (``retention/deletion.py``).
* A table with rows of a workspace refuses new ones when that workspace is being emptied, or has been; and no row moves
  into such a workspace, or out of it.
* The evidence log refuses every change.

The triggers follow from the data map, so a new model is guarded by having a verdict. A row trigger is inherited by
every partition; a TRUNCATE trigger is not, so each partition gets its own (measured, see architecture.md, "The guard").
"""

from django.db import connections

from accounts.verdicts import Goes, data_map

FUNCTIONS = """
CREATE OR REPLACE FUNCTION callmama_refuse_delete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % leave only by the door', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE OR REPLACE FUNCTION callmama_refuse_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('callmama.door', true) IS DISTINCT FROM 'open' THEN
        RAISE EXCEPTION 'rows of % leave only by the door', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION callmama_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE OR REPLACE FUNCTION callmama_refuse_emptied_workspace() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    found_state text;
BEGIN
    -- The lock makes a deletion that starts now wait for this transaction, and so see its rows.
    FOR found_state IN
        SELECT state FROM accounts_workspace
        WHERE id IN (SELECT workspace_id FROM new_rows) ORDER BY id FOR KEY SHARE
    LOOP
        IF found_state NOT IN ('active', 'hidden') THEN
            RAISE EXCEPTION 'the workspace is emptied: % takes no new rows for it', TG_TABLE_NAME
                USING ERRCODE = 'check_violation', CONSTRAINT = 'workspace_is_active';
        END IF;
    END LOOP;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION callmama_refuse_move() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    found_state text;
BEGIN
    FOR found_state IN
        SELECT state FROM accounts_workspace
        WHERE id IN (OLD.workspace_id, NEW.workspace_id) ORDER BY id FOR KEY SHARE
    LOOP
        IF found_state NOT IN ('active', 'hidden') THEN
            RAISE EXCEPTION 'the workspace is emptied: no row of % moves into it or out of it', TG_TABLE_NAME
                USING ERRCODE = 'check_violation', CONSTRAINT = 'workspace_is_active';
        END IF;
    END LOOP;
    RETURN NEW;
END $$;
"""

GUARD_DELETE = """
CREATE OR REPLACE TRIGGER callmama_delete BEFORE DELETE ON {table} FOR EACH ROW
    WHEN (current_setting('callmama.door', true) IS DISTINCT FROM 'open')
    EXECUTE FUNCTION callmama_refuse_delete();
"""
GUARD_TRUNCATE = """
CREATE OR REPLACE TRIGGER callmama_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT
    EXECUTE FUNCTION callmama_refuse_truncate();
"""
GUARD_INSERT = """
CREATE OR REPLACE TRIGGER callmama_insert AFTER INSERT ON {table} REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT
    EXECUTE FUNCTION callmama_refuse_emptied_workspace();
"""
GUARD_MOVE = """
CREATE OR REPLACE TRIGGER callmama_move BEFORE UPDATE OF workspace_id ON {table} FOR EACH ROW
    WHEN (OLD.workspace_id IS DISTINCT FROM NEW.workspace_id
          AND current_setting('callmama.door', true) IS DISTINCT FROM 'open')
    EXECUTE FUNCTION callmama_refuse_move();
"""
GUARD_APPEND_ONLY = """
CREATE OR REPLACE TRIGGER callmama_change BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW
    EXECUTE FUNCTION callmama_refuse_change();
CREATE OR REPLACE TRIGGER callmama_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT
    EXECUTE FUNCTION callmama_refuse_change();
"""
KEPT_AND_GUARDED = {"accounts.KeyPair", "accounts.StoredFile"}  # what makes files readable
PARTITIONS = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass"


def install_guards(*, using: str = "default", **_) -> None:
    """Put the triggers on every table whose verdict asks for them; running it again changes nothing."""
    with connections[using].cursor() as cursor:
        cursor.execute(FUNCTIONS)
        existing = set(connections[using].introspection.table_names(cursor))
        for entry in data_map().values():
            table = entry.model_class._meta.db_table
            if table not in existing:
                continue
            if entry.model == "accounts.EvidenceEntry":
                cursor.execute(GUARD_APPEND_ONLY.format(table=table))
            elif entry.guarded and (entry.goes is not Goes.KEEP or entry.model in KEPT_AND_GUARDED):
                cursor.execute(GUARD_DELETE.format(table=table))
                cursor.execute(GUARD_TRUNCATE.format(table=table))
            if entry.workspace == "workspace":
                cursor.execute(GUARD_INSERT.format(table=table))
                cursor.execute(GUARD_MOVE.format(table=table))
            if entry.partitioned_by:
                cursor.execute(PARTITIONS, [table])
                for (partition,) in cursor.fetchall():
                    guard_partition(cursor, partition)


def guard_partition(cursor, partition: str) -> None:
    """Put on a partition what it does not inherit from its parent."""
    cursor.execute(GUARD_TRUNCATE.format(table=partition))
