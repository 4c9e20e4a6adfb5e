import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("telecom_records", "0007_feeds"),
    ]

    operations = [
        migrations.CreateModel(
            name="TrafficMonth",
            fields=[
                ("month", models.DateField(help_text="Its first day, in UTC.", primary_key=True, serialize=False)),
                ("closed_at", models.DateTimeField()),
                (
                    "floor",
                    models.PositiveSmallIntegerField(
                        help_text="How many customers every figure of it stands on at least."
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="TrafficFigure",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(choices=[("call", "Calls"), ("message", "Messages")], max_length=7)),
                (
                    "country",
                    models.CharField(
                        help_text="Of the other party; empty: none; other: small countries together.", max_length=5
                    ),
                ),
                (
                    "direction",
                    models.CharField(
                        choices=[("outbound", "Outgoing"), ("inbound", "Incoming"), ("internal", "Internal")],
                        max_length=8,
                    ),
                ),
                ("status", models.CharField(max_length=12)),
                ("count", models.PositiveIntegerField()),
                ("minutes", models.PositiveIntegerField()),
                (
                    "month",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="figures",
                        to="telecom_records.trafficmonth",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("month", "kind", "country", "direction", "status"), name="figure_once"
                    )
                ],
            },
        ),
    ]
