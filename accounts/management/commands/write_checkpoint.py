"""manage.py write_checkpoint [--new-place]"""

from django.core.management.base import BaseCommand, CommandError

from accounts import checkpoints, outside


class Command(BaseCommand):
    help = "Copy the evidence log outside the database and write a signed checkpoint there; prints it."

    def add_arguments(self, parser):
        parser.add_argument(
            "--new-place",
            action="store_true",
            help="begin a new folder because the old one is lost for good; the log says so for ever",
        )

    def handle(self, *, new_place: bool, **options):
        try:
            if new_place:
                checkpoints.begin_new_place()
            made = checkpoints.write()
        except (checkpoints.Inconsistent, outside.Damaged, outside.UnableToWrite) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(made.note, ending="")
