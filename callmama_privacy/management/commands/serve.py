"""manage.py serve: the whole portal in one terminal. What ``make run`` calls."""

import os

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from callmama_privacy import demo
from callmama_privacy.safety import refuse_unsafe_production
from callmama_privacy.static_files import collect_if_changed
from callmama_privacy.supervisor import Supervisor, UnableToServe, free_port, only_one


class Command(BaseCommand):
    help = "Run web server, worker and scheduler until Ctrl-C. HOST and PORT choose the address."

    def handle(self, **options):
        host, wanted = os.environ.get("HOST", "127.0.0.1"), os.environ.get("PORT", "8000")
        try:
            refuse_unsafe_production()
            with only_one(settings.VAR_DIR / "run"):
                port = free_port(host, wanted)
                if str(port) != wanted:
                    self.stdout.write(f"Port {wanted} is taken; using {port}.")
                collect_if_changed()
                if settings.DEMO and not User.objects.exists():
                    self.stdout.write("First start: making a small invented data set …")
                    call_command("demo_data", verbosity=0)
                Supervisor(host, port, tell=self._tell, ready=lambda: self._welcome(host, port)).run()
        except (ImproperlyConfigured, UnableToServe) as error:
            raise CommandError(str(error)) from error

    def _tell(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()

    def _welcome(self, host: str, port: int) -> None:
        self._tell(f"\nThe portal is ready: http://{f'[{host}]' if ':' in host else host}:{port}/\n")
        if settings.DEMO:
            rows = demo.sign_ins()
            for role, email, password in rows:
                self._tell(f"  {role:<23} {email:<30} {password}")
            self._tell("\nThese sign-ins are for trying out; production refuses to start with them.")
        self._tell(f"Logs are in {settings.VAR_DIR / 'log'}. Ctrl-C ends everything.")
