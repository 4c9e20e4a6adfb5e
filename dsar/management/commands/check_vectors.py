"""Hold the deadline calculation against a file of worked examples."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from dsar.deadlines.vectors import UnableToReadVectors, check_vectors


class Command(BaseCommand):
    help = (
        "Run a CSV file of deadline vectors; ends with 'N passed, N failed', exit status 1 if any failed or none ran."
    )
    requires_system_checks = []  # needs no database

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")

    def handle(self, *, file: Path, **options: Any) -> None:
        try:
            with file.open(encoding="utf-8-sig", newline="") as lines:
                report = check_vectors(lines)
        except OSError as error:
            raise CommandError(f"{file}: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise CommandError(f"{file}: not a text in UTF-8") from error
        except UnableToReadVectors as error:
            raise CommandError(f"{file}: {error}") from error

        if options["json"]:
            counts = {"passed": report.passed, "failed": len(report.failures), "not_run": dict(report.not_run)}
            self.stdout.write(json.dumps({**counts, "failures": [asdict(each) for each in report.failures]}))
        else:
            for failure in report.failures:
                self.stdout.write(f"{failure.id}: expected {failure.expected}, got {failure.got}")
            if report.not_run:
                regimes = ", ".join(f"{regime} ({rows})" for regime, rows in sorted(report.not_run.items()))
                self.stdout.write(f"{report.not_run.total()} rows not run, their regimes do not exist here: {regimes}")
            self.stdout.write(f"{report.passed} passed, {len(report.failures)} failed")
        if report.failures or not report.passed:
            raise SystemExit(1)
