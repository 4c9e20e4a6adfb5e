"""Workspaces that are past their time but still there; and when the end of a subscription was last changed.

The instant is the database's own: whatever a form, an import or a statement writes into it is not taken.
"""

from django.db import migrations, models

TRIGGER = """
CREATE FUNCTION callmama_end_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT'
        OR (NEW.workspace_id, NEW.expires_at, NEW.cancelled_at, NEW.next_billing_at, NEW.agreed_end_at)
            IS DISTINCT FROM (OLD.workspace_id, OLD.expires_at, OLD.cancelled_at, OLD.next_billing_at, OLD.agreed_end_at)
    THEN
        NEW.end_changed_at := clock_timestamp();
    ELSE
        NEW.end_changed_at := OLD.end_changed_at;
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER callmama_end_changed BEFORE INSERT OR UPDATE ON accounts_subscription
    FOR EACH ROW EXECUTE FUNCTION callmama_end_changed();
"""
DROP = """
DROP TRIGGER callmama_end_changed ON accounts_subscription;
DROP FUNCTION callmama_end_changed();
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_stored_files")]

    operations = [
        migrations.AlterField(
            model_name="workspace",
            name="state",
            field=models.CharField(
                choices=[
                    ("active", "Active"),
                    ("hidden", "Past its time"),
                    ("emptying", "Being emptied"),
                    ("remainder", "Emptied but for what is kept"),
                    ("emptied", "Emptied"),
                ],
                default="active",
                editable=False,
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="subscription", name="end_changed_at", field=models.DateTimeField(editable=False, null=True)
        ),
        migrations.RunSQL(TRIGGER, DROP),
    ]
