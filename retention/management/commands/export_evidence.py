"""manage.py export_evidence [--job ID | --job all] [--since FILE] [--to FILE] [--public-key FILE]"""

import sys
import uuid
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from accounts import checkpoints, outside, signing
from retention.bundles import bundle, notes_of
from retention.models import DeletionJob


class Command(BaseCommand):
    help = "Write a bundle for an auditor: the whole evidence log (default), or what it says of one deletion or more."

    def add_arguments(self, parser):
        parser.add_argument("--job", action="append", default=[], help="the id of a deletion, or all; may be repeated")
        parser.add_argument(
            "--since", help="a file with checkpoints that the auditor kept: prove that the log grew out of them"
        )
        parser.add_argument("--to", help="the file to write; without it, the bundle goes to the terminal")
        parser.add_argument("--public-key", help="also write the public keys to this file")

    def handle(self, *, job: list[str], since: str | None, to: str | None, public_key: str | None, **options):
        jobs = None if not job or "all" in job else [_job(text) for text in job]
        try:
            old = notes_of(Path(since).read_text()) if since else []
        except (OSError, ValueError) as error:
            raise CommandError(f"--since: {error}") from error
        try:
            checkpoint = checkpoints.write()
        except (checkpoints.Inconsistent, outside.Damaged, outside.UnableToWrite) as error:
            raise CommandError(str(error)) from error
        if public_key:
            keys = [signing.verifier_key(public) for public in checkpoints.public_keys()]
            Path(public_key).write_text("\n".join(keys) + "\n")
        pieces = bundle(checkpoint, jobs=jobs, since=old)
        if to:
            with Path(to).open("w", encoding="utf-8") as file:
                file.writelines(pieces)
            self.stdout.write(f"Written: {to}, over {checkpoint.size:,} entries.")
        else:
            sys.stdout.writelines(pieces)


def _job(text: str) -> DeletionJob:
    try:
        return DeletionJob.objects.get(pk=uuid.UUID(text))
    except (ValueError, DeletionJob.DoesNotExist) as error:
        raise CommandError(f"--job: there is no deletion “{text}”. Write its whole id, or “all”.") from error
