"""Who may receive marketing, and who wants none (policy § 3.3, § 6.5, § 6.6).

A consent counts when it was given after the last opt-out of its address and the last withdrawal for its purpose. So
an opt-out is in effect with its own transaction, a file or feed that comes late brings nothing back, and only a new
consent of the person does. Essential messages (letters, codes, answers) never ask here.

Addresses are remembered by a hash keyed with the master key, which never changes: epochs of keys come and go without
it, and the erasure of the person does not touch it.
"""

import datetime as dt
import itertools
import re
import uuid
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange as Range
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Lower

from accounts import consents, evidence, keys
from accounts.models import Consent, Membership, Person, Subscription, User
from accounts.validators import E164
from dsar.models import OptOut, SubjectRequest
from retention.restrictions import unrestricted
from retention.visibility import visible
from telecom_records.models import Number, NumberAssignment

Kind, Purpose = OptOut.Kind, Consent.Purpose
HASHES = "addresses without marketing"
BATCH = 2000
# The purposes that are marketing, with the column of a person that each reaches.
REACHES: dict[str, str] = {
    Purpose.MARKETING_EMAIL: Kind.EMAIL,
    Purpose.MARKETING_SMS: Kind.PHONE,
    Purpose.MARKETING_CALL: Kind.PHONE,
}


class UnableToOptOut(ValueError):
    """Nothing that was given is an address; the message says so, for whoever does it."""


def address_of(text: str) -> tuple[str, str] | None:
    """Return the kind and the one form of an e-mail address or international number, None for anything else."""
    text = text.strip()
    number = re.sub(r"[\s().\-/]", "", text)
    if re.fullmatch(E164, number):
        return Kind.PHONE, number
    try:
        validate_email(text)
    except ValidationError:
        return None
    return Kind.EMAIL, text.lower()


def hash_address(kind: str, address: str) -> bytes:
    """Return the keyed hash of an address in its one form (``address_of``)."""
    return keys.keyed_hash(f"{kind}:{address}", purpose=HASHES)


def channel_of(request: SubjectRequest) -> str:
    """Return by which channel an opt-out came that is a request."""
    return request.channel if request.channel in OptOut.Channel.values else OptOut.Channel.TICKET


def opt_out(
    texts: Iterable[str],
    *,
    person: Person | None = None,
    channel: str,
    asked_at: dt.datetime,
    user: User | None,
    request_id: uuid.UUID | None = None,
    now: dt.datetime,
) -> list[OptOut]:
    """Stop all marketing to these addresses, and to a person's own, at once; return what is remembered.

    The person's consents to marketing are withdrawn, and those of whoever else has an address, for what it reaches.
    Doing it again only moves ``asked_at`` forward. Raises UnableToOptOut when there is neither a person nor an address.
    """
    at = min(asked_at, now)
    own = [person.email, person.phone] if person else []
    wanted = [(text, at) for text in [*texts, *own] if text and address_of(text)]
    if not wanted and person is None:
        raise UnableToOptOut("This is neither an e-mail address nor a number in international form (+44…).")
    with transaction.atomic():
        if person:
            consents.withdraw(person, REACHES, at=at, user=user, request_id=request_id)
        return opt_out_many(wanted, channel=channel, user=user, request_id=request_id, now=now)


def opt_out_many(
    wanted: Sequence[tuple[str, dt.datetime]],
    *,
    channel: str,
    user: User | None,
    request_id: uuid.UUID | None = None,
    now: dt.datetime,
) -> list[OptOut]:
    """Stop marketing to these addresses, each as of the instant beside it; text that is no address is left out."""
    asked: dict[tuple[str, str], dt.datetime] = {}
    for text, at in wanted:
        if address := address_of(text):
            asked[address] = max(at, asked.get(address, at))
    told = {"channel": channel, "request_id": request_id, "recorded_by": user, "recorded_at": now}
    found = sorted(asked.items())
    with transaction.atomic():
        kept = [row for start in range(0, len(found), BATCH) for row in _remember(found[start : start + BATCH], told)]
        for start in range(0, len(found), BATCH):
            _withdraw_of_whom(dict(found[start : start + BATCH]), user=user, request_id=request_id)
        body = {"addresses": len(kept), "channel": str(channel), "by": user.pk if user else "portal"}
        subject = str(request_id or (kept[0].pk if kept else ""))
        evidence.append_entry("MARKETING_OPT_OUT", subject=subject, body=body)
    return kept


def _remember(asked: Sequence[tuple[tuple[str, str], dt.datetime]], told: dict[str, Any]) -> list[OptOut]:
    """Make the rows of addresses that are new, and move those forward that were asked again; return all."""
    ours = _windows_of([address for (kind, address), _ in asked if kind == Kind.PHONE])
    rows = {}
    for (kind, address), at in asked:
        windows = ours.get(address)
        holder = next((workspace for window, workspace in windows or () if at in window), None)
        digest = hash_address(kind, address)
        rows[digest] = OptOut(
            kind=kind, address_hash=digest, asked_at=at, is_ours=windows is not None, holder=holder, **told
        )
    known = {
        bytes(row.address_hash): row
        for row in OptOut.objects.select_for_update()
        .filter(address_hash__in=list(rows), ended_at__isnull=True)
        .order_by("pk")
    }
    changed = ["asked_at", "is_ours", "holder", *told]
    again = [row for digest, row in known.items() if row.asked_at < rows[digest].asked_at]
    for row in again:
        for name in changed:
            setattr(row, name, getattr(rows[bytes(row.address_hash)], name))
    OptOut.objects.bulk_update(again, changed)
    made = OptOut.objects.bulk_create([row for digest, row in rows.items() if digest not in known])
    return [*known.values(), *made]


def _windows_of(numbers: list[str]) -> dict[str, list[tuple[Range, uuid.UUID]]]:
    """Return those of the numbers that are ours, with who had them when."""
    found: dict[str, list[tuple[Range, uuid.UUID]]] = {
        e164: [] for e164 in Number.objects.filter(e164__in=numbers).values_list("e164", flat=True)
    }
    rows = NumberAssignment.objects.filter(number__e164__in=numbers)
    for e164, window, workspace in rows.values_list("number__e164", "window", "workspace"):
        found[e164].append((window, workspace))
    return found


def _withdraw_of_whom(asked: dict[tuple[str, str], dt.datetime], **told: Any) -> None:
    """Withdraw the consents of whoever has such an address, for what it reaches: they may change it later."""
    emails = [address for kind, address in asked if kind == Kind.EMAIL]
    phones = [address for kind, address in asked if kind == Kind.PHONE]
    people = Person.objects.annotate(small=Lower("email")).filter(Q(small__in=emails) | Q(phone__in=phones))
    found = (
        Consent.objects.select_for_update(of=("self",))
        .filter(person__in=people.values("pk"), purpose__in=REACHES, withdrawn_at__isnull=True)
        .select_related("person")
        .order_by("pk")
    )
    ending = []
    for consent in found:
        address = address_of(getattr(consent.person, REACHES[consent.purpose]))
        at = asked.get(address) if address else None
        if at and consent.given_at <= at:
            ending.append((consent, at))
    consents.end(ending, **told)


def number_given(assignment: NumberAssignment) -> None:
    """End the opt-out of a number that somebody else has from the start of this assignment on.

    One of a number that was not ours when its owner asked stays: nobody knows that it changed hands.
    """
    digest, since = hash_address(Kind.PHONE, assignment.number.e164), assignment.window.lower
    kept = OptOut.objects.filter(address_hash=digest, ended_at__isnull=True, is_ours=True, asked_at__lt=since)
    kept.exclude(holder=assignment.workspace_id, holder__isnull=False).update(ended_at=since)


def opted_out_since(text: str, *, now: dt.datetime) -> dt.datetime | None:
    """Return since when the owner of an address wants no marketing, None when nobody said so."""
    address = address_of(text)
    digest = hash_address(*address) if address else b""
    return _asked({digest}, now).get(digest)


def _asked(hashes: set[bytes], now: dt.datetime) -> dict[bytes, dt.datetime]:
    """Return those of the hashes that are opted out at ``now``, each with when it was asked last."""
    rows = OptOut.objects.filter(Q(ended_at__isnull=True) | Q(ended_at__gt=now), address_hash__in=list(hashes))
    return {bytes(digest): asked for digest, asked in rows.order_by("asked_at").values_list("address_hash", "asked_at")}


def audience(purpose: str, *, now: dt.datetime) -> Iterator[Consent]:
    """Yield the consents on which marketing for a purpose rests at ``now``, each with its person, as a stream.

    Left out are people whom no page may show (restricted, past their time), children, those whose contract was
    cancelled, and every address whose owner opted out after the consent.
    """
    column = REACHES[purpose]
    rows = candidates(purpose, now=now).iterator(chunk_size=BATCH)
    for batch in iter(lambda: list(itertools.islice(rows, BATCH)), []):
        addresses = {each.pk: address_of(getattr(each.person, column)) for each in batch}
        hashes = {pk: hash_address(*address) for pk, address in addresses.items() if address and address[0] == column}
        stopped = _asked(set(hashes.values()), now)
        for each in batch:
            if digest := hashes.get(each.pk):
                asked = stopped.get(digest)
                if asked is None or asked < each.given_at:
                    yield each


def candidates(purpose: str, *, now: dt.datetime) -> QuerySet[Consent]:
    """Return the consents to a purpose that are in effect, of people who may receive marketing; opt-outs not yet asked."""
    mine = Membership.objects.filter(person=OuterRef("pk"))
    ended = Subscription.objects.filter(workspace=OuterRef("workspace"), cancelled_at__lte=now)
    runs = Subscription.objects.filter(workspace=OuterRef("workspace")).filter(
        Q(cancelled_at__isnull=True) | Q(cancelled_at__gt=now)
    )
    people = (
        unrestricted(visible(Person.objects.all(), now=now))
        .exclude(child_findings__dropped_at__isnull=True, child_findings__isnull=False)
        .exclude(Exists(mine.filter(Exists(ended))) & ~Exists(mine.filter(Exists(runs) | ~Exists(ended))))
    )
    return (
        consents.in_effect(purpose, now=now)
        .filter(person__in=people)
        .select_related("person")
        .order_by("given_at", "pk")
    )
