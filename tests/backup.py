"""A backup of the database that Django is connected to, and its restore, as an operator would do them."""

import os
import subprocess
from pathlib import Path

from django.db import connection, connections

from callmama_privacy import embedded
from retention import restore


class Backup:
    """A dump of the database by ``pg_dump``, and a restore of it into a new one of the same name."""

    def __init__(self, folder: Path):
        self.name = connection.settings_dict["NAME"]
        self.dump = folder / "backup.dump"

    def take(self) -> None:
        self._run("pg_dump", "--format=custom", "--compress=0", f"--file={self.dump}", self.name)

    def restore(self) -> None:
        connections.close_all()
        self._run("dropdb", "--force", self.name)
        self._run("createdb", self.name)
        self._run("pg_restore", "--exit-on-error", f"--dbname={self.name}", str(self.dump))
        restore.forget()

    def _run(self, program: str, *arguments: str) -> None:
        server = connection.get_connection_params()
        variables = {"PGHOST": "host", "PGPORT": "port", "PGUSER": "user", "PGPASSWORD": "password"}
        environment = {name: str(server[key]) for name, key in variables.items() if server.get(key)}
        path = embedded.postgres_program(program)
        subprocess.run(
            [path if path.exists() else program, *arguments], env={**os.environ, **environment}, check=True, timeout=120
        )
