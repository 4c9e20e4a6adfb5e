"""Providers' lists of recordings: Twilio and Plivo, pages of their API as JSON, or one recording a line.

A list says what a recording is and of which call; the sound comes with it or later, under the recording's own id.
"""

import dataclasses
import datetime as dt
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, BinaryIO

from telecom_records.formats.documents import Documents
from telecom_records.formats.family import cell
from telecom_records.formats.rows import RowFault, Settings
from telecom_records.formats.values import instant, is_never, milliseconds, seconds, since_1970
from telecom_records.recordings.names import SID, UUID

CALL_ID = re.compile(r"[\w.@-]{1,64}", re.ASCII)
GONE = {"absent", "deleted", "failed"}  # at the provider: there is no sound, and there will be none


@dataclasses.dataclass(frozen=True, slots=True)
class Listed:
    """One recording of a list."""

    recording_id: str
    call_id: str
    started_at: dt.datetime
    duration_s: Decimal | None
    channels: int | None


@dataclasses.dataclass(frozen=True, slots=True)
class Unlisted:
    """One entry that is not taken, and why: a code and words."""

    code: str
    message: str


TWILIO = Documents(marks=("sid", "call_sid"), lists=("recordings",))
PLIVO = Documents(marks=("recording_id", "recording_start_ms"), lists=("objects",))


def looks_like_list(head: bytes) -> bool:
    """Return whether a file that begins so is a provider's list of recordings."""
    text = head.decode("utf-8", "ignore").lstrip("\ufeff")
    return (TWILIO.looks_like(text) and "RE" in text) or PLIVO.looks_like(text)


def read_list(file: BinaryIO) -> Iterator[Listed | Unlisted]:
    """Yield the recordings of a list, from its beginning. Raises UnableToRead for a file that cannot be read at all."""
    for _, record in TWILIO.rows(file) if _is_twilio(file) else PLIVO.rows(file):
        try:
            if isinstance(record, RowFault):
                raise record
            yield _plivo(record) if cell(record, "recording_id") else _twilio(record)
        except RowFault as fault:
            yield Unlisted(fault.code, str(fault))


def _is_twilio(file: BinaryIO) -> bool:
    file.seek(0)
    return b'"recording_id"' not in file.read(64 * 1024)


def _twilio(record: Mapping[str, Any]) -> Listed:
    sid = cell(record, "sid")
    if not SID.fullmatch(sid):
        raise RowFault("not_a_recording", "The entry is not that of a recording.")
    if cell(record, "status").lower() in GONE:
        raise RowFault("gone", "The provider has no sound of this recording.")
    text = cell(record, "start_time") or cell(record, "date_created")
    if is_never(text):
        raise RowFault("no_time", "The entry does not say when the recording began.")
    began, _ = instant(text, "start_time", None)
    length = cell(record, "duration")
    return Listed(
        sid, _call_id(record, "call_sid"), began,
        None if length == "-1" else seconds(length, "duration"), _channels(record.get("channels")),
    )  # fmt: skip


def _plivo(record: Mapping[str, Any]) -> Listed:
    recording_id = cell(record, "recording_id").lower()
    if not UUID.fullmatch(recording_id):
        raise RowFault("not_a_recording", "The entry is not that of a recording.")
    began, _ = since_1970(1000)(cell(record, "recording_start_ms"), "recording_start_ms", Settings(None, ""), None)
    length = milliseconds(cell(record, "recording_duration_ms"), "recording_duration_ms")
    return Listed(recording_id, _call_id(record, "call_uuid"), began, length, None)


def _call_id(record: Mapping[str, Any], name: str) -> str:
    call_id = cell(record, name)
    if not CALL_ID.fullmatch(call_id):
        raise RowFault("no_call", "The entry does not say which call it is of.")
    return call_id


def _channels(value: Any) -> int | None:
    return value if isinstance(value, int) and 1 <= value <= 32 else None
