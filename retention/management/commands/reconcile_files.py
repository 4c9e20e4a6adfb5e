"""manage.py reconcile_files: does every stored file have its row, and every row its file? Exit 1 when not."""

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from retention.reconcile import check_files, destroy_agreed


class Command(BaseCommand):
    help = "Compare the file store with the rows of its files. It deletes nothing but what two officers agreed on."

    def handle(self, **options):
        now = timezone.now()
        if gone := destroy_agreed(now):
            self.stdout.write(f"{gone:,} files without a row were destroyed, as two officers agreed.")
        check = check_files(now)
        if check.failed:
            raise CommandError(check.failed)
        self.stdout.write(f"{check.files:,} things in the store, {check.rows:,} rows.")
        if check.stray or check.missing:
            raise CommandError(
                f"{check.stray:,} files older than a day have no row, {check.missing:,} rows have no file: "
                "see Retention › Files."
            )
