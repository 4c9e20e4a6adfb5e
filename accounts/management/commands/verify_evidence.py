"""manage.py verify_evidence BUNDLE PUBLIC_KEY [OLD_CHECKPOINT]: the stand-alone verifier, run here."""

import sys

from django.core.management.base import BaseCommand

from accounts import verify_evidence


class Command(BaseCommand):
    help = "Check a bundle of manage.py export_evidence or a certificate; exit code 0 is PASS, 1 FAIL, 2 UNKNOWN."

    def add_arguments(self, parser):
        parser.add_argument("bundle")
        parser.add_argument("public_key")
        parser.add_argument("old_checkpoint", nargs="?")

    def handle(self, *, bundle: str, public_key: str, old_checkpoint: str | None, **options):
        result = verify_evidence.main([name for name in (bundle, public_key, old_checkpoint) if name])
        if result:
            sys.exit(result)
