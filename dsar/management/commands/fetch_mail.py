import json

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from dsar.mail.fetching import fetch_all
from dsar.mail.imap import read_address


class Command(BaseCommand):
    help = "Takes new mail from the mailboxes of MAIL_IN, or those named, as messages of tickets."

    def add_arguments(self, parser):
        parser.add_argument("mailboxes", nargs="*", help="imaps://user:password@host/INBOX; default: those of MAIL_IN")
        parser.add_argument("--json", action="store_true", help="print one JSON line a mailbox")
        parser.add_argument(
            "--seconds", type=float, default=600, help="stop after so long; the next run takes the rest"
        )

    def handle(self, *, mailboxes, json: bool, seconds: float, **options):
        urls = mailboxes or settings.MAIL_IN
        if not urls:
            raise CommandError("No mailbox is set: name one, or set MAIL_IN (see .env.example).")
        try:
            for url in urls:
                read_address(url)
        except ValueError as error:
            raise CommandError(str(error)) from error
        found = fetch_all(urls, now=timezone.now(), seconds=seconds)
        for one in found:
            self.stdout.write(_line(one) if not json else _json(one))
        if any(one.problem for one in found):
            raise CommandError("Not every mailbox could be read; what was not taken is still on the server.")


def _line(found) -> str:
    told = f"{found.mailbox}: {found.taken} taken, {found.known} known already"
    return f"{told}. {found.problem}" if found.problem else told


def _json(found) -> str:
    return json.dumps(vars(found))
