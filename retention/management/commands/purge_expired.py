"""manage.py purge_expired [--commit] [--at INSTANT] [--json]"""

import datetime as dt
import json as json_module

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.verdicts import data_map
from retention import stops
from retention.jobs import State
from retention.purge import Preview, carry_out, preview


class Command(BaseCommand):
    help = "Show what is past its time and why; with --commit, delete it now. Nothing is deleted without --commit."

    def add_arguments(self, parser):
        parser.add_argument("--commit", action="store_true", help="delete now what an armed rule says is due")
        parser.add_argument(
            "--at", default="", help="an instant such as 2026-12-01T00:00:00+08:00; a future one only to look"
        )
        parser.add_argument("--json", action="store_true")

    def handle(self, *, commit: bool, at: str, json: bool, **options):
        now = timezone.now()
        moment = _instant(at) if at else now
        if commit and moment > now:
            raise CommandError("--commit refuses an instant in the future: nothing is deleted before its time.")
        if commit:
            stops.clock_is_right(now)
            if stop := stops.active_stop():
                raise CommandError(f"Every deletion is stopped: {stop.reason}")
        previews = preview(moment)
        results = carry_out(moment, now=now) if commit else []
        if json:
            self.stdout.write(
                json_module.dumps(
                    {
                        "at": moment.isoformat(),
                        "due": [item.as_dict() for item in previews],
                        "deleted": [
                            {"job": str(job.pk), "state": job.state, "rows": job.rows_destroyed} for job in results
                        ],
                    }
                )
            )
        else:
            self._tell(previews, results, moment, commit)
        if commit and any(job.state not in (State.DONE, State.HELD, State.CANCELLED) for job in results):
            raise CommandError("Not everything was deleted; the stopped deletions are in the portal under Retention.")
        if commit and any(item.observing for item in previews):
            raise CommandError("A rule is only observing: two officers must arm it before anything is deleted.")

    def _tell(self, previews: list[Preview], results, moment, commit: bool) -> None:
        if not previews:
            self.stdout.write(f"Nothing is past its time at {moment:%-d %b %Y %H:%M %Z}.")
        maps = data_map()
        for item in previews:
            self.stdout.write(f"{item.what}: {item.why}")
            for label, count in item.counts.items():
                self.stdout.write(f"    {count:>9,} {maps[label].plural if label in maps else label}")
            for line in item.kept:
                self.stdout.write(f"    {line['words']}")
        for job in results:
            self.stdout.write(
                f"{job}: {job.get_state_display()}, {job.rows_destroyed:,} rows. {job.stopped_because}".rstrip()
            )
        if previews and not commit:
            self.stdout.write("Nothing was deleted. Add --commit to delete it now.")


def _instant(text: str) -> dt.datetime:
    try:
        instant = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"--at: “{text}” is not an instant. Write it as 2026-12-01T00:00:00+08:00.") from error
    if instant.tzinfo is None:
        raise CommandError("--at: say the time zone too, such as 2026-12-01T00:00:00+08:00.")
    return instant
