"""A mailbox over IMAP (RFC 3501 and 9051), by the standard library. Reads by UID, in pieces, and marks nothing as seen by reading."""

import contextlib
import dataclasses
import datetime as dt
import email.utils
import imaplib
import re
import ssl
from collections.abc import Iterator
from typing import BinaryIO
from urllib.parse import parse_qs, unquote, urlsplit

SECONDS = 30  # of one answer
PIECE_BYTES = 1024 * 1024
AT_ONCE = 50  # mails named in one answer


class UnableToFetch(RuntimeError):
    """The mailbox cannot be read now; the message says why, without any secret."""


@dataclasses.dataclass(frozen=True)
class Address:
    """Where a mailbox is: imaps://user:password@host:993/Folder?after=delete (imap:// for a server on this machine)."""

    host: str
    port: int
    tls: bool
    user: str
    password: str = dataclasses.field(repr=False)
    folder: str
    after: str  # what becomes of a mail on the server when it is stored here: "flag" or "delete"

    @property
    def name(self) -> str:
        return f"{self.user} on {self.host}, {self.folder}"[:200]


@dataclasses.dataclass(frozen=True)
class Waiting:
    """One mail on the server: its UID, size in bytes and when the server received it (aware; None when it does not say)."""

    uid: int
    size: int
    received_at: dt.datetime | None


def read_address(url: str) -> Address:
    """Return the parts of a mailbox's address. Raises ValueError, saying what is missing and never the password."""
    parts = urlsplit(url)
    if parts.scheme not in ("imaps", "imap") or not parts.hostname or not parts.username or parts.password is None:
        raise ValueError("A mailbox is written as imaps://user:password@host/INBOX, with %40 for @ in the user’s name.")
    after = parse_qs(parts.query).get("after", ["flag"])[0]
    if after not in ("flag", "delete"):
        raise ValueError("What follows ?after= is flag or delete.")
    tls = parts.scheme == "imaps"
    return Address(
        host=parts.hostname,
        port=parts.port or (993 if tls else 143),
        tls=tls,
        user=unquote(parts.username),
        password=unquote(parts.password),
        folder=unquote(parts.path.strip("/")) or "INBOX",
        after=after,
    )


class Inbox:
    """An open mailbox."""

    def __init__(self, client: imaplib.IMAP4, address: Address, uid_validity: int):
        self._client, self.address, self.uid_validity = client, address, uid_validity

    def waiting(self, first_uid: int) -> Iterator[Waiting]:
        """Yield the mails from ``first_uid`` on, the oldest first."""
        _, data = self._command("SEARCH", None, f"UID {first_uid}:*")  # gives the last one even when it is below
        uids = sorted({int(uid) for uid in b" ".join(line or b"" for line in data).split() if int(uid) >= first_uid})
        for start in range(0, len(uids), AT_ONCE):
            named = ",".join(map(str, uids[start : start + AT_ONCE]))
            _, answers = self._command("FETCH", named, "(UID RFC822.SIZE INTERNALDATE)")
            yield from sorted(filter(None, map(_waiting, answers)), key=lambda mail: mail.uid)

    def copy(self, mail: Waiting, target: BinaryIO, *, most: int) -> int:
        """Write at most ``most`` bytes of a mail to ``target``, in pieces; return how many."""
        copied = 0
        while copied < most:
            wanted = min(PIECE_BYTES, most - copied)
            _, data = self._command("FETCH", str(mail.uid), f"(BODY.PEEK[]<{copied}.{wanted}>)")
            piece = next((bytes(one[1]) for one in data if isinstance(one, tuple)), b"")
            target.write(piece)
            copied += len(piece)
            if len(piece) < wanted:
                break
        return copied

    def settle(self, uid: int) -> None:
        """Say on the server that a mail is stored here: mark it as seen, or delete it, as the address says."""
        deletes = self.address.after == "delete"
        self._command("STORE", str(uid), "+FLAGS.SILENT", r"(\Seen \Deleted)" if deletes else r"(\Seen)")
        if (
            deletes and "UIDPLUS" in self._client.capabilities
        ):  # a plain EXPUNGE would take what others have marked, too
            self._command("EXPUNGE", str(uid))

    def not_deleted(self, *, before: int, at_most: int) -> list[int]:
        """Return the UIDs of mails of at most so many bytes that should be deleted: a run ended before it came to that."""
        if self.address.after != "delete" or before <= 1:
            return []
        _, data = self._command("SEARCH", None, f"UID 1:{before - 1} NOT DELETED SMALLER {at_most + 1}")
        return sorted(int(uid) for uid in b" ".join(line or b"" for line in data).split())

    def _command(self, name: str, *arguments: str | None) -> tuple[str, list]:
        try:
            status, data = self._client.uid(name, *arguments)  # type: ignore[arg-type]
        except (imaplib.IMAP4.error, OSError) as error:
            raise UnableToFetch(f"The mail server broke off at {name} ({type(error).__name__}).") from error
        if status != "OK":
            raise UnableToFetch(f"The mail server refused {name}.")
        return status, data


@contextlib.contextmanager
def open_inbox(address: Address) -> Iterator[Inbox]:
    """Sign in and open the folder for as long as the block lasts. Raises UnableToFetch."""
    try:
        client = (
            imaplib.IMAP4_SSL(address.host, address.port, ssl_context=ssl.create_default_context(), timeout=SECONDS)
            if address.tls
            else imaplib.IMAP4(address.host, address.port, timeout=SECONDS)
        )
    except (OSError, imaplib.IMAP4.error) as error:
        raise UnableToFetch(f"The mail server cannot be reached ({type(error).__name__}).") from error
    try:
        try:
            client.login(address.user, address.password)
            _, said = client.capability()  # it may be able to do more for those who are signed in
            client.capabilities = tuple(str(said[-1] or b"", "ascii").upper().split())
            status, _ = client.select(f'"{address.folder}"')
            validity = client.response("UIDVALIDITY")[1][0]
        except imaplib.IMAP4.error as error:
            raise UnableToFetch("The mail server does not let us in: look at the user and the password.") from error
        except OSError as error:
            raise UnableToFetch(f"The mail server broke off ({type(error).__name__}).") from error
        if status != "OK" or not validity:
            raise UnableToFetch(f"The folder {address.folder} cannot be opened.")
        yield Inbox(client, address, int(validity))
    finally:
        with contextlib.suppress(OSError, imaplib.IMAP4.error):
            client.logout()


def _waiting(answer: object) -> Waiting | None:
    line = answer if isinstance(answer, bytes) else answer[0] if isinstance(answer, tuple) else b""
    uid, size = re.search(rb"UID (\d+)", line), re.search(rb"RFC822\.SIZE (\d+)", line)
    when = re.search(rb'INTERNALDATE "([^"]+)"', line)
    if not uid:
        return None
    return Waiting(
        int(uid[1]), int(size[1]) if size else 0, _instant(when[1].decode("ascii", "replace")) if when else None
    )


def _instant(text: str) -> dt.datetime | None:
    try:
        return email.utils.parsedate_to_datetime(text.replace("-", " ", 2))
    except (ValueError, TypeError):
        return None
