"""manage.py close_traffic_months [MONTH…]"""

import datetime as dt

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from telecom_records import remainder


def month_from(text: str) -> dt.date:
    return dt.datetime.strptime(text, "%Y-%m").replace(tzinfo=dt.UTC).date()


class Command(BaseCommand):
    help = (
        "Make the anonymous traffic figures of months that are over: those that are due, or the ones named (2026-10). "
        "A month is counted once and never again, so name an older month only when all of its files are in."
    )

    def add_arguments(self, parser):
        parser.add_argument("months", nargs="*", type=month_from, metavar="MONTH")

    def handle(self, *, months, **options):
        now = timezone.now()
        for month in months or remainder.months_to_close(now):
            if remainder.close_month(month, now=now):
                self.stdout.write(f"{month:%Y-%m}: counted.")
            elif months:
                raise CommandError(f"{month:%Y-%m} has been counted already, or is not over for two days.")
