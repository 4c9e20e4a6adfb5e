"""An end that officers decided comes before that of the subscriptions: a child's workspace, one suspended for fraud."""

from django.db import migrations, models

FUNCTION = """
CREATE OR REPLACE FUNCTION callmama_workspace_end() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT least(NEW.goes_at, CASE WHEN bool_and(ends_at IS NOT NULL) THEN max(ends_at) END) INTO NEW.ends_at
    FROM accounts_subscription WHERE workspace_id = NEW.id;
    RETURN NEW;
END $$;
"""
BEFORE = FUNCTION.replace("least(NEW.goes_at, CASE", "(CASE")


class Migration(migrations.Migration):
    dependencies = [("accounts", "0010_feeds")]

    operations = [
        migrations.AddField(
            model_name="workspace",
            name="goes_at",
            field=models.DateTimeField("goes by decision", editable=False, null=True),
        ),
        migrations.RunSQL(FUNCTION, BEFORE),
    ]
