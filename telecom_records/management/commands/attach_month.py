"""manage.py attach_month --table TABLE --month YYYY-MM [--of messages]"""

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from retention.months import MonthInUse
from telecom_records.attaching import ATTACHABLE, UnableToAttach, attach_month
from telecom_records.management.commands.close_traffic_months import month_from


class Command(BaseCommand):
    help = (
        "Check a table of old records that was loaded beside the portal's, with the same columns, and attach it as a month. "
        "Its rows are then the portal's: every rule applies to them. Whole or not at all."
    )

    def add_arguments(self, parser):
        parser.add_argument("--table", required=True, help="its name, in the portal's own schema")
        parser.add_argument("--month", required=True, type=month_from, help="such as 2024-03, in UTC")
        parser.add_argument("--of", default="calls", choices=list(ATTACHABLE), help="what its rows are")

    def handle(self, *, table, month, of, **options):
        try:
            rows = attach_month(of, table, month, now=timezone.now())
        except (UnableToAttach, MonthInUse) as error:
            raise CommandError(f"{error} The table is as it was.") from error
        self.stdout.write(f"{month:%Y-%m}: {rows:,} {of} attached.")
