"""manage.py import_cdrs --source NAME [--format F] [--timezone TZ] [--country CC] FILE…"""

import json
from collections import Counter
from pathlib import Path

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from telecom_records.formats import FORMATS
from telecom_records.imports import UnableToImport, import_file, source_for
from telecom_records.models import ImportRun

REJECTS_SHOWN = 20


class Command(BaseCommand):
    help = "Import call records. The last line is the accounting as JSON: read is the sum of the other figures."

    def add_arguments(self, parser):
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
        parser.add_argument("--source", required=True, help="name of the switch or provider, such as pbx-london")
        parser.add_argument("--format", default="", choices=["", *FORMATS], help="seen from the file when left out")
        parser.add_argument(
            "--timezone", default="", help="IANA zone of times without an offset, such as Europe/London"
        )
        parser.add_argument("--country", default="", help="country whose national numbers the files hold, such as GB")
        parser.add_argument("--json", action="store_true", help="print the accounting only")

    def handle(self, *, files, source, format, timezone: str, country, json: bool, **options):
        self.quiet = json
        try:
            import_source = source_for(source, format=format, time_zone=timezone, country=country.upper())
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from error
        total: Counter[str] = Counter(dict.fromkeys(ImportRun.ACCOUNTING, 0))
        failures = []
        for path in files:
            try:
                run = import_file(path, source=import_source, now=_now())
            except UnableToImport as error:
                failures.append(f"{path.name}: {error}")
                continue
            total.update(run.accounting)
            if run.state == ImportRun.State.REFUSED:
                failures.append(f"{path.name}: {run.message} Nothing of it was stored.")
            self._tell(run)
        self.stdout.write(_as_json(total))
        if failures:
            raise CommandError("\n".join(failures))

    def _tell(self, run: ImportRun) -> None:
        if self.quiet:
            return
        self.stdout.write(f"{run.file_name} ({run.format}): {run.read} rows read. {run.message}".rstrip())
        for reject in run.rejects.order_by("line")[:REJECTS_SHOWN]:
            self.stdout.write(f"  line {reject.line}: {reject.message}")
        if (more := run.rejected - REJECTS_SHOWN) > 0:
            self.stdout.write(f"  … and {more} more; the import's page in the portal lists them all.")


def _now():
    return timezone.now()


def _as_json(total: Counter) -> str:
    return json.dumps({name: total[name] for name in ImportRun.ACCOUNTING})
