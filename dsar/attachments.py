"""Files of tickets: encrypted to the key of the ticket's customer, or to a key of the ticket's own while it has none.

So the files of a customer are unreadable the moment the customer's keys go. When the customer of a ticket is found out, or
corrected, its files are encrypted anew (``hand_over``).
"""

import io
import uuid
from typing import BinaryIO

from accounts import files
from accounts.models import KeyPair, StoredFile
from dsar import content_types
from dsar.models import Attachment, Ticket, TicketMessage
from retention import deletion

OWN = uuid.UUID("5c1f6c1e-6b1e-4c0e-8f55-0b1a3c1e7d41")  # the namespace of tickets' own keys
LARGEST_UPLOAD_BYTES = 25 * 1024 * 1024


class UnableToAttach(ValueError):
    """The file cannot be attached; the message says why, for whoever does it."""


def owner_of(ticket: Ticket) -> tuple[str, uuid.UUID]:
    """Return whose key a ticket's files are encrypted to."""
    if ticket.workspace_id:
        return KeyPair.Owner.WORKSPACE.value, ticket.workspace_id
    if ticket.person_id:
        return KeyPair.Owner.PERSON.value, ticket.person_id
    return KeyPair.Owner.IMPORT.value, uuid.uuid5(OWN, str(ticket.pk))


def attach(
    message: TicketMessage, source: BinaryIO, *, name: str, said_type: str, size: int, kind: str = Attachment.Kind.PART
) -> Attachment:
    """Store one file of a message. Raises as ``files.put_encrypted``."""
    head = source.read(content_types.HEAD_BYTES)
    source.seek(0)
    if kind == Attachment.Kind.ORIGINAL:
        content_type = "message/rfc822"
    elif head.startswith(b"PK\x03\x04"):
        content_type = content_types.type_of(source.read())  # what an archive is stands at its end
        source.seek(0)
    else:
        content_type = content_types.type_of(head)
    owner, owner_id = owner_of(message.ticket)
    key = files.put_encrypted(source, owner=owner, owner_id=owner_id)
    return Attachment.objects.create(
        message=message,
        kind=kind,
        name=name[:200] or "unnamed",
        content_type=content_type,
        said_type=said_type[:100],
        size=size,
        file_key=key,
    )


def attach_bytes(message: TicketMessage, data: bytes, *, name: str, said_type: str) -> Attachment:
    """Store one small file of a message. Raises as ``files.put_encrypted``."""
    return attach(message, io.BytesIO(data), name=name, said_type=said_type, size=len(data))


def hand_over(ticket: Ticket) -> int:
    """Encrypt the files of a ticket to the key of its customer as it is now; return how many. Raises as ``files.reencrypt``.

    Runs in the transaction that changes the customer: when it is rolled back, the old files are still there.
    """
    owner, owner_id = owner_of(ticket)
    rows = Attachment.objects.filter(message__ticket=ticket).exclude(file_key="").order_by("pk")
    keys = {row.file_key: row for row in rows}
    wrong = StoredFile.objects.filter(key__in=keys).exclude(owner=owner, owner_id=owner_id).order_by("key")
    moved = 0
    for stored in wrong:
        row, old = keys[stored.key], stored.key
        row.file_key = files.reencrypt(old, owner=owner, owner_id=owner_id)
        row.save(update_fields=["file_key"])
        deletion.discard_old_copy(old)
        moved += 1
    return moved
