"""manage.py conformance [--json]: is anything past its time right now? Exit 1 when something is."""

import json as json_module

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from retention.conformance import conformance


class Command(BaseCommand):
    help = "Show, rule by rule, what is past its time right now. It must be nothing: otherwise the exit code is 1."

    def add_arguments(self, parser):
        parser.add_argument("--json", action="store_true")

    def handle(self, *, json: bool, **options):
        now = timezone.now()
        lines = conformance(now)
        if json:
            text = json_module.dumps({"at": now.isoformat(), "rules": [line.as_dict() for line in lines]})
            self.stdout.write(text)
        else:
            for line in lines:
                self.stdout.write(self._words(line))
        if late := [line for line in lines if not line.is_kept]:
            raise CommandError(f"Not kept: {', '.join(line.title.lower() for line in late)}.")

    def _words(self, line) -> str:
        words = [f"{line.title}: {line.shown} overdue"]
        if line.oldest:
            words.append(f"oldest of {line.oldest:%-d %b %Y %H:%M %Z}")
        if line.held:
            words.append(f"{line.held:,} kept by a hold")
        if line.stopped:
            words.append(f"{line.stopped} stopped for a decision")
        if not line.armed:
            words.append("the rule only observes")
        if not line.has_period:
            words.append("no period is set, so everything is kept")
        return ", ".join(words)
