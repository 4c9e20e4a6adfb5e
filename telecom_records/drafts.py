"""Uploads that wait for somebody to say what their columns are: kept encrypted, with a run in the state “mapping”.

From there a run goes on as any other, or its file is destroyed. Nothing of the file is ever stored in clear.
"""

import datetime as dt
import hashlib
import os
import tempfile
from typing import BinaryIO

from django.db import transaction

from accounts import files
from accounts.models import KeyPair, User
from retention.deletion import discard_file
from telecom_records.formats import UnableToRead, UnknownTable, detect_format, head_of
from telecom_records.formats.lines import UTF_16
from telecom_records.formats.mapped import FORMAT_OF
from telecom_records.formats.mapping import TableMapping
from telecom_records.formats.packed import GZIP, ZIP
from telecom_records.imports import HEAD_BYTES, UnableToImport
from telecom_records.models import ImportRun, ImportSource

State = ImportRun.State


def needs_mapping(source: ImportSource, file: BinaryIO) -> bool:
    """Return whether no format knows the file, but its columns can be mapped."""
    if source.format:
        return False
    try:
        detect_format(head_of(file, HEAD_BYTES))
    except UnknownTable:
        return True
    except UnableToRead:
        return False
    return False


def keep_draft(source: ImportSource, file: BinaryIO, *, file_name: str, user: User) -> ImportRun:
    """Store an upload whose columns are to be mapped. Raises UnableToImport, files.UnableToStore."""
    file.seek(0)
    digest, size = hashlib.file_digest(file, "sha256").hexdigest(), file.tell()  # type: ignore[arg-type]
    try:
        if not head_of(file, HEAD_BYTES).strip():
            raise UnableToImport("The file is empty.")
    except UnableToRead as error:
        raise UnableToImport(str(error)) from error
    file.seek(0)
    with transaction.atomic():
        run = ImportRun.objects.create(
            source=source,
            state=State.MAPPING,
            file_name=os.path.basename(file_name)[:200],
            file_bytes=size,
            file_sha256=digest,
            started_by=user,
        )
        run.file_key = files.put_encrypted(file, owner=KeyPair.Owner.IMPORT, owner_id=run.pk)
        run.save(update_fields=["file_key"])
    return run


def head_of_draft(run: ImportRun) -> bytes:
    """Return whole lines from the beginning of a draft's file, unpacked, at most 256 KiB.

    Raises UnableToImport when the file is no longer there.
    """
    try:
        head = b"".join(_pieces(run.file_key))[:HEAD_BYTES]
        if head.startswith(GZIP) or head.startswith(ZIP):
            with tempfile.TemporaryFile() as plain:
                files.decrypt_to(plain, run.file_key)
                head = head_of(plain, HEAD_BYTES)
    except (LookupError, FileNotFoundError, files.FileChanged, UnableToRead) as error:
        raise UnableToImport("The uploaded file is no longer there. Upload it again.") from error
    if len(head) < HEAD_BYTES:
        return head
    after_line = 2 if head.startswith(UTF_16[0]) else 1
    return head[: head.rfind(b"\n") + after_line] if b"\n" in head else head


def start_draft(run_id, mapping: TableMapping, *, time_zone: str, country: str) -> ImportRun:
    """Save the mapping with the source and let the draft's import begin. Raises ValidationError, UnableToImport."""
    with transaction.atomic():
        run = _locked(run_id)
        save_mapping(run.source, mapping, time_zone=time_zone, country=country)
        run.format, run.mapping = run.source.format, run.source.mapping
        run.time_zone, run.country, run.state, run.kind = time_zone, country, State.WAITING, mapping.kind
        run.save(update_fields=["format", "kind", "mapping", "time_zone", "country", "state"])
    return run


def save_mapping(source: ImportSource, mapping: TableMapping, *, time_zone: str, country: str) -> None:
    """Save what the columns of a source's files are, for this file and the next. Raises ValidationError."""
    source.format, source.mapping = FORMAT_OF[mapping.kind], mapping.as_json()
    source.time_zone, source.country = time_zone, country
    source.full_clean()
    source.save(update_fields=["format", "mapping", "time_zone", "country"])


def discard_draft(run_id, *, now: dt.datetime, why: str) -> None:
    """Destroy a draft's file and end its run. Raises UnableToImport when it is no draft any more."""
    with transaction.atomic():
        run = _locked(run_id)
        key, run.state, run.message, run.finished_at, run.file_key = run.file_key, State.REFUSED, why, now, ""
        run.save(update_fields=["state", "message", "finished_at", "file_key"])
    if key:
        discard_file(key, owner=KeyPair.Owner.IMPORT, owner_id=run.pk)


def end_forgotten(now: dt.datetime) -> int:
    """End the drafts whose files have gone by their own rule; return how many."""
    return ImportRun.objects.filter(state=State.MAPPING, file_key="").update(
        state=State.REFUSED, finished_at=now, message="Nobody mapped its columns in time, and the file was destroyed."
    )


def _locked(run_id) -> ImportRun:
    run = ImportRun.objects.select_for_update(of=("self",)).select_related("source").get(pk=run_id)
    if run.state != State.MAPPING:
        raise UnableToImport("The columns of this file do not wait to be mapped any more.")
    return run


def _pieces(key: str):
    taken = 0
    for piece in files.stream(key):
        yield piece
        taken += len(piece)
        if taken >= HEAD_BYTES:
            return
