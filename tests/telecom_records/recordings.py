"""What the tests of recordings begin with: a customer with call recording, a call of theirs, and a recording that comes in."""

import datetime as dt
import io

from telecom_records.models import CallDetailRecord, ImportSource
from telecom_records.recordings.matching import Facts
from telecom_records.recordings.placing import PlainFile
from telecom_records.recordings.sounds import inspect
from telecom_records.recordings.taking import Taken, take
from tests import factories
from tests.factories import DAY, NOW
from tests.telecom_records import sounds

OURS, HERS, THEIRS = "+442079460101", "+442079460102", "+13125550117"
AT = NOW - 2 * DAY
SECOND = dt.timedelta(seconds=1)
SOUND = sounds.wav(0.5)


def customer(number: str, *, days: int | None = 14, **fields):
    """Return a workspace with a number and, for ``days``, call recording; None: without the feature."""
    workspace = factories.make_workspace(**fields)
    factories.make_assignment(workspace, factories.make_number(number))
    factories.make_subscription(
        workspace, expires_at=NOW + 30 * DAY, recording_enabled=days is not None, recording_days=days
    )
    return workspace


def call(workspace, source, *, own=OURS, other=THEIRS, at=AT, group="1795.1", key=None, **fields) -> CallDetailRecord:
    """Return a call of a minute."""
    made = factories.make_calls(workspace, 1, at=at, own_number=own, other_party=other, call_group=group, **fields)[0]
    made.source, made.source_key = source, key or made.source_key
    made.ended_at = at + 60 * SECOND
    made.save()
    return made


def material(data: bytes = SOUND) -> PlainFile:
    return PlainFile(io.BytesIO(data), inspect(io.BytesIO(data), most_bytes=10**7))


def bring(source: ImportSource, data: bytes | None = SOUND, *, chosen=None, now=NOW, **facts) -> Taken:
    """Let a recording come in; without ``data``, only the word of a list."""
    return take(Facts(**facts), material(data) if data else None, source=source, now=now, call=chosen)
