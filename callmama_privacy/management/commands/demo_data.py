"""manage.py demo_data: a small invented company, so that there is something to look at."""

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.models import User
from callmama_privacy.demo_data import make_demo


class Command(BaseCommand):
    help = "Fill an empty database with invented people, their records and requests. In demo mode only."

    def handle(self, **options):
        if not settings.DEMO:
            raise CommandError("Demo data is made in demo mode only (PORTAL_MODE=demo).")
        if User.objects.exists():
            raise CommandError("The database is not empty; nothing was changed.")
        make_demo(now=timezone.now())
        self.stdout.write("Made the demo data. Sample files for the imports are in var/samples.")
