"""A file that came to the portal: stored encrypted, with the run that will take it, and a worker woken."""

from typing import BinaryIO, cast

from django.db import transaction

from accounts import files
from accounts.models import KeyPair
from accounts.workers import call_worker
from telecom_records.imports import UnableToImport, open_run
from telecom_records.models import ImportRun, ImportSource
from telecom_records.tasks import run_import


class StillChanging(UnableToImport):
    """The file changed while it was read; nothing of it was stored."""


def take(source: ImportSource, file: BinaryIO, *, file_name: str, user=None, again: bool = False) -> ImportRun:
    """Store the file and make its run, both or neither. Raises UnableToImport (KnownFile unless ``again``), StillChanging, files.UnableToStore."""
    with transaction.atomic():
        run = open_run(source, file, file_name=file_name, user=user, again=again)
        file.seek(0)
        read = files.Measured(file)
        run.file_key = files.put_encrypted(cast(BinaryIO, read), owner=KeyPair.Owner.IMPORT, owner_id=run.pk)
        if read.sha256.hexdigest() != run.file_sha256:
            files.store().delete(run.file_key)
            raise StillChanging("The file changed while it was read.")
        run.save(update_fields=["file_key"])
        transaction.on_commit(lambda: call_worker(run_import, str(run.pk)))
    return run
