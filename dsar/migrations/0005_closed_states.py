from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("dsar", "0004_carry_over")]

    operations = [
        migrations.RemoveField(model_name="subjectrequest", name="explanation"),
        migrations.AddConstraint(
            model_name="subjectrequest",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("closed_at__isnull", True),
                        ("state__in", ["received", "identity", "collecting", "review", "approved"]),
                    ),
                    models.Q(
                        models.Q(
                            ("state__in", ["received", "identity", "collecting", "review", "approved"]), _negated=True
                        ),
                        ("closed_at__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="request_closed_with_date",
            ),
        ),
    ]
