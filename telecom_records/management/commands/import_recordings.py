"""manage.py import_recordings --source NAME --folder DIR [--kind diagnostic --ticket T] [--timezone TZ] [--country CC]"""

import datetime as dt
import json
from pathlib import Path

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from telecom_records.imports import source_for
from telecom_records.models import Recording
from telecom_records.recordings.arriving import FAULTS, UnableToTake, Way, accounting, take_folder
from telecom_records.recordings.taking import Outcome

REFUSED_SHOWN = 20


class Command(BaseCommand):
    help = (
        "Import the recordings in a folder, and providers' lists of them. The last line is the accounting as JSON: read is the "
        "sum of the other figures. Files are named by their place in the folder, in order: their names hold numbers."
    )

    def add_arguments(self, parser):
        parser.add_argument("--folder", required=True, type=Path, metavar="DIR", help="read with the folders in it")
        parser.add_argument("--source", required=True, help="name of the switch or provider, such as pbx-london")
        parser.add_argument("--kind", default=Recording.Kind.SUBSCRIBER.value, choices=Recording.Kind.values)
        parser.add_argument("--ticket", default="", help="of recordings made to find a fault: the open ticket")
        parser.add_argument("--timezone", default="", help="IANA zone of the times in names, such as Europe/London")
        parser.add_argument("--country", default="", help="country whose national numbers the names hold, such as GB")
        parser.add_argument(
            "--settled", default=60, type=int, metavar="SECONDS", help="leave what was written to since for later (60)"
        )
        parser.add_argument("--json", action="store_true", help="print the accounting only")

    def handle(
        self, *, folder: Path, source, kind, ticket, timezone: str, country, settled: int, json: bool, **options
    ):
        try:
            import_source = source_for(source, time_zone=timezone, country=country.upper())
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from error
        outcomes, refused, faults = [], 0, 0
        way = Way(import_source, kind, ticket)
        try:
            for place, taken in take_folder(folder, way, now=_now(), settled=dt.timedelta(seconds=settled)):
                outcomes.append(taken.outcome)
                if taken.outcome == Outcome.REFUSED:
                    refused += 1
                    faults += taken.code in FAULTS
                    if not json and refused <= REFUSED_SHOWN:
                        self.stdout.write(f"  file {place}: {taken.message}")
        except UnableToTake as error:
            raise CommandError(str(error)) from error
        if not json and refused > REFUSED_SHOWN:
            self.stdout.write(f"  … and {refused - REFUSED_SHOWN} more.")
        self.stdout.write(_as_json(accounting(outcomes)))
        if faults:
            raise CommandError(f"{faults} of the files could not be read as recordings.")


def _now() -> dt.datetime:
    return timezone.now()


def _as_json(counts: dict[str, int]) -> str:
    return json.dumps(counts)
