"""Reading the mailboxes: each mail is stored in one transaction together with how far the mailbox has been read.

So a run that is killed between storing a mail and marking it on the server finds, at its next start, that it is past it.
Whether a mail was seen by somebody in another program means nothing here. Two runs at once wait for each other, mail by mail.
"""

import dataclasses
import datetime as dt
import logging
import tempfile
import time
from collections.abc import Sequence
from typing import BinaryIO, cast

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, transaction
from django.utils import timezone

from accounts.files import UnableToStore
from accounts.keys import KeyDestroyed
from dsar.mail import taking
from dsar.mail.imap import Address, Inbox, UnableToFetch, Waiting, open_inbox, read_address
from dsar.models import Mailbox

log = logging.getLogger(__name__)

IN_MEMORY_BYTES = 8 * 1024 * 1024  # a larger mail waits in a file without a name, which is gone when its process is
LEFT_THERE = "It is larger than {size:,} bytes: only its beginning was fetched. The whole mail is in {where}."


@dataclasses.dataclass
class Fetched:
    """What came of one look into one mailbox."""

    mailbox: str
    taken: int = 0
    known: int = 0
    problem: str = ""


def fetch_all(urls: Sequence[str], *, now: dt.datetime, seconds: float = 40) -> list[Fetched]:
    """Look into every mailbox, for at most ``seconds`` in all; what is left is the next run's."""
    stop_at = time.monotonic() + seconds
    return [fetch_mailbox(read_address(url), now=now, stop_at=stop_at) for url in urls]


def fetch_mailbox(address: Address, *, now: dt.datetime, stop_at: float) -> Fetched:
    """Take what is new in one mailbox. A fault stands in the answer, on the mailbox's row and on every page until it is over."""
    Mailbox.objects.get_or_create(name=address.name)
    found = Fetched(address.name)
    try:
        with open_inbox(address) as inbox:
            _turn_over(inbox)
            row = Mailbox.objects.get(name=address.name)
            for uid in inbox.not_deleted(before=row.next_uid, at_most=settings.MAIL_LARGEST_BYTES):
                inbox.settle(uid)
            for mail in inbox.waiting(row.next_uid):
                if time.monotonic() > stop_at:
                    break
                _take_one(inbox, mail, found, now=now)
    except (UnableToFetch, UnableToStore) as error:
        found.problem = str(error)[:200]
    except (DatabaseError, InterfaceError, KeyDestroyed, OSError) as error:
        found.problem = f"A mail could not be stored ({type(error).__name__}); it is still on the server."
        log.error("%s: %s", address.host, type(error).__name__)
    rows = Mailbox.objects.filter(name=address.name)
    if found.problem:
        rows.update(problem=found.problem)
        rows.filter(problem_since__isnull=True).update(problem_since=now)
    else:
        rows.update(checked_at=now, problem="", problem_since=None)
    return found


def _turn_over(inbox: Inbox) -> None:
    """Begin from the first mail again when the server has renumbered them; those that were taken are known again."""
    with transaction.atomic():
        row = Mailbox.objects.select_for_update().get(name=inbox.address.name)
        if row.uid_validity != inbox.uid_validity:
            row.uid_validity, row.next_uid = inbox.uid_validity, 1
            row.save(update_fields=["uid_validity", "next_uid"])


def _take_one(inbox: Inbox, mail: Waiting, found: Fetched, *, now: dt.datetime) -> None:
    most = settings.MAIL_LARGEST_BYTES
    with tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES, dir=str(settings.FILE_UPLOAD_TEMP_DIR)) as spooled:
        file = cast(BinaryIO, spooled)
        is_whole = mail.size <= most
        copied = inbox.copy(mail, file, most=most if is_whole else settings.MAIL_PARSE_BYTES)
        where = "" if is_whole else LEFT_THERE.format(size=most, where=inbox.address.name)
        raw = taking.Raw(file, copied, is_whole, where)
        try:
            _store(inbox, mail, raw, found, now=now)
        except (UnableToStore, OperationalError, InterfaceError):  # nothing to do with this mail: it waits where it is
            raise
        except Exception as error:  # whatever is wrong with this mail, the others must not wait behind it
            log.error("mail %s of %s: %s", mail.uid, inbox.address.host, type(error).__name__)
            _store(inbox, mail, raw, found, now=now, unread=True)
    if is_whole:
        inbox.settle(mail.uid)


def _store(
    inbox: Inbox, mail: Waiting, raw: taking.Raw, found: Fetched, *, now: dt.datetime, unread: bool = False
) -> None:
    received_at = min(mail.received_at or now, now)
    with transaction.atomic():
        row = Mailbox.objects.select_for_update().get(name=inbox.address.name)
        if row.uid_validity != inbox.uid_validity or row.next_uid > mail.uid:  # another run was here
            return
        message = taking.take(raw, received_at=received_at, now=now, unread=unread)
        row.next_uid = mail.uid + 1
        row.save(update_fields=["next_uid"])
    found.taken += message is not None
    found.known += message is None


def problems(now: dt.datetime | None = None) -> list[Mailbox]:
    """Return the mailboxes that could not be read the last time, and those that nobody has looked into for half an hour."""
    now = now or timezone.now()
    names = [read_address(url).name for url in settings.MAIL_IN]
    rows = Mailbox.objects.filter(name__in=names).order_by("name")
    silent = now - dt.timedelta(minutes=30)
    return [row for row in rows if row.problem or (row.checked_at and row.checked_at < silent)]
