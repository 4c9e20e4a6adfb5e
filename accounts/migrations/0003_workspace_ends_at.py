"""Keep beside each workspace the instant at which its last subscription ends, so that what is due is read from an index.

The database keeps it itself: whoever writes a workspace, its subscriptions are asked again, so that no form that was
opened earlier puts an old date back; and whoever writes a subscription, its workspace is written. Both wait for the
workspace's row, which a deletion locks first.
"""

from django.db import migrations, models

TRIGGERS = """
CREATE FUNCTION callmama_workspace_end() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT CASE WHEN bool_and(ends_at IS NOT NULL) THEN max(ends_at) END INTO NEW.ends_at
    FROM accounts_subscription WHERE workspace_id = NEW.id;
    RETURN NEW;
END $$;

CREATE FUNCTION callmama_subscription_end() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed uuid[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        changed := ARRAY(SELECT workspace_id FROM new_rows);
    ELSIF TG_OP = 'DELETE' THEN
        changed := ARRAY(SELECT workspace_id FROM old_rows);
    ELSE
        changed := ARRAY(
            SELECT workspace_id FROM (
                (SELECT id, workspace_id, ends_at FROM old_rows EXCEPT SELECT id, workspace_id, ends_at FROM new_rows)
                UNION ALL
                (SELECT id, workspace_id, ends_at FROM new_rows EXCEPT SELECT id, workspace_id, ends_at FROM old_rows)
            ) moved);
    END IF;
    -- In the order of their ids: two imports of the same customers then wait for one another instead of locking up.
    UPDATE accounts_workspace SET ends_at = NULL FROM (
        SELECT id FROM accounts_workspace WHERE id = ANY(changed) ORDER BY id FOR NO KEY UPDATE
    ) locked WHERE accounts_workspace.id = locked.id;
    RETURN NULL;
END $$;

CREATE TRIGGER callmama_end BEFORE INSERT OR UPDATE ON accounts_workspace
    FOR EACH ROW EXECUTE FUNCTION callmama_workspace_end();
CREATE TRIGGER callmama_end_inserted AFTER INSERT ON accounts_subscription REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION callmama_subscription_end();
CREATE TRIGGER callmama_end_updated AFTER UPDATE ON accounts_subscription
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION callmama_subscription_end();
CREATE TRIGGER callmama_end_deleted AFTER DELETE ON accounts_subscription REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION callmama_subscription_end();
"""
DROP = """
DROP TRIGGER callmama_end ON accounts_workspace;
DROP TRIGGER callmama_end_inserted ON accounts_subscription;
DROP TRIGGER callmama_end_updated ON accounts_subscription;
DROP TRIGGER callmama_end_deleted ON accounts_subscription;
DROP FUNCTION callmama_workspace_end();
DROP FUNCTION callmama_subscription_end();
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_subscription_end")]

    operations = [
        migrations.AddField(
            model_name="workspace", name="ends_at", field=models.DateTimeField("ends", editable=False, null=True)
        ),
        migrations.RunSQL(TRIGGERS, DROP),
        migrations.RunSQL("UPDATE accounts_workspace SET ends_at = NULL", migrations.RunSQL.noop),
        migrations.AddIndex(
            model_name="workspace",
            index=models.Index(
                fields=["ends_at", "id"], condition=models.Q(ends_at__isnull=False), name="workspace_ends"
            ),
        ),
    ]
