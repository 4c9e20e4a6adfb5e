"""manage.py replay_erasures: after a restore, delete again what was deleted since the backup (mission P11)."""

import json as json_module

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.put_back import difference
from retention import restore
from retention.deletion import UnableToDelete


class Command(BaseCommand):
    help = "After an old copy of the database was restored: show, or with --commit do, the deletions since then again."

    def add_arguments(self, parser):
        parser.add_argument(
            "--commit", action="store_true", help="do it; without it, it is only said what would be done"
        )
        parser.add_argument("--json", action="store_true")

    def handle(self, *, commit: bool, json: bool, **options):
        seal = restore.current()
        if seal is None:
            self.stdout.write(json_module.dumps({"sealed": False}) if json else "The database is no restored copy.")
            return
        try:
            if commit:
                seal = restore.replay(seal, now=timezone.now())
        except (restore.UnableToRestore, UnableToDelete) as error:
            raise CommandError(str(error)) from error
        left = len(restore.to_replay(seal))
        if json:
            report = {
                "sealed": True, "put_back": seal.put_back, "replayed": seal.replayed, "left": left,
                "rows": seal.rows_gone, "remains": seal.remains, "verified": seal.verified_at is not None,
            }  # fmt: skip
            self.stdout.write(json_module.dumps(report))
        else:
            self.stdout.write(f"{difference()} {seal.replayed} deletions done again, {left} to go.".strip())
        if commit and seal.verified_at is None:
            raise CommandError(f"Something is still there, in {len(seal.remains)} deletions.")
        if not json:
            self.stdout.write(
                "Verified. Two people now end the seal on the page “After a restore”."
                if commit
                else "With --commit it is done."
            )
