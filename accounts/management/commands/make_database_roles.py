"""manage.py make_database_roles [--prefix PREFIX]"""

import re

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from accounts.database_roles import UnableToMakeRoles, make_roles


class Command(BaseCommand):
    help = (
        "Make or bring in line the database roles PREFIX_web, PREFIX_worker and PREFIX_auditor. Run it as the owner of the "
        "tables, after every migration. The schedule “Make the months ahead” makes tables: give the worker that runs it the owner."
    )

    def add_arguments(self, parser):
        parser.add_argument("--prefix", default="portal")

    def handle(self, *, prefix: str, **options):
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,30}", prefix):
            raise CommandError("--prefix: small letters, digits and _ only.")
        try:
            with transaction.atomic():
                names = make_roles(prefix)
        except UnableToMakeRoles as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Ready: {', '.join(names)}. Make sign-ins for them: CREATE ROLE … LOGIN IN ROLE {names[0]}.")
