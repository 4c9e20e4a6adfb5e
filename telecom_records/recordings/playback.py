"""Listening to a recording: who may, why, and the sound as a stream that touches no disk.

Whoever may listen says why and for which ticket, once for each recording and session; that is written down, and only then does
the browser get any of it. A recording that no page shows any more, because its day has come, its customer is restricted or
gone, is not played: each request asks anew, and a stream under way ends within ``LOOK_AGAIN_S`` seconds.
"""

import contextlib
import datetime as dt
import errno
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import chain

from django.db.models import QuerySet
from django.http import HttpRequest

from accounts import files, keys
from accounts.access import log_access
from accounts.epoch_keys import EpochKeyMissing
from accounts.models import AccessLogEntry
from accounts.portal_admin import shown
from telecom_records.models import Recording
from telecom_records.recordings.sounds import ENDINGS, is_played

LOOK_AGAIN_S = 1.0
GRANTS = "recordings"  # in the session: the ids of those that may be heard in it
MOST_GRANTS = 200
UNREADABLE = (keys.KeyDestroyed, EpochKeyMissing, FileNotFoundError, files.FileChanged, files.UnableToAsk)


def recordings_shown() -> QuerySet[Recording]:
    """Return the recordings that pages may show now."""
    return shown(Recording.objects.all())


def may_listen(request: HttpRequest) -> bool:
    """Return whether this person's role lets them listen."""
    return request.user.has_perm("telecom_records.play_recording")


def is_granted(request: HttpRequest, recording: Recording) -> bool:
    """Return whether this person has said in this session why they listen to this recording."""
    return str(recording.pk) in request.session.get(GRANTS, [])


def grant(request: HttpRequest, recordings: Sequence[Recording], *, reason: str, ticket: str, now: dt.datetime) -> None:
    """Write down why somebody listens, and let them for the length of their session. What is no sound to play is taken out."""
    for recording in recordings:
        played = is_played(recording.content_type)
        log_access(
            request.user,  # type: ignore[arg-type]
            AccessLogEntry.Action.LOOK if played else AccessLogEntry.Action.EXPORT,
            of=Recording._meta.label, subject=str(recording.pk), rows=None if played else 1, reason=reason, ticket=ticket, now=now,
        )  # fmt: skip
    granted = [*request.session.get(GRANTS, []), *(str(recording.pk) for recording in recordings)]
    request.session[GRANTS] = granted[-MOST_GRANTS:]


def file_name(recording: Recording) -> str:
    """Return what a recording is called where it is taken out: nothing of its call."""
    return f"recording-{str(recording.pk)[:8]}.{ENDINGS.get(recording.content_type, 'bin')}"


def pieces_of(recording: Recording, begin: int, length: int) -> Iterator[bytes]:
    """Return the bytes of a part of the sound, decrypted as they go. Raises one of UNREADABLE, before the first piece."""
    stream = files.stream(recording.file_key)
    first = next(stream, b"")
    still_there = recordings_shown().filter(pk=recording.pk, file_key=recording.file_key)
    return _part(stream, first, begin, length, still_there.exists)


def _part(
    stream: Iterator[bytes], first: bytes, begin: int, length: int, may_go_on: Callable[[], bool]
) -> Iterator[bytes]:
    looked_at = time.monotonic()
    with contextlib.closing(stream):  # type: ignore[type-var]
        for piece in chain([first], stream):
            if time.monotonic() - looked_at >= LOOK_AGAIN_S:
                if not may_go_on():  # quietly, as if the other side had gone: a shorter answer must not look whole
                    raise ConnectionResetError(errno.ECONNRESET, "The recording may not be heard any more.")
                looked_at = time.monotonic()
            if begin >= len(piece):
                begin -= len(piece)
                continue
            wanted = piece[begin : begin + length]
            begin, length = 0, length - len(wanted)
            yield wanted
            if not length:
                return
