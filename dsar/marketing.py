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
from collections.abc import Iterable, Iterator

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts import consents, evidence, keys
from accounts.models import Consent, Membership, Person, Subscription, User
from accounts.validators import E164
from dsar.models import OptOut
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

    The person's consents to marketing are withdrawn. Doing it again only moves ``asked_at`` forward. Raises
    UnableToOptOut when there is neither a person nor an address.
    """
    own = [person.email, person.phone] if person else []
    found = {address for text in [*texts, *own] if text and (address := address_of(text))}
    if not found and person is None:
        raise UnableToOptOut("This is neither an e-mail address nor a number in international form (+44…).")
    with transaction.atomic():
        kept = [_remember(kind, address, channel, min(asked_at, now), user, request_id, now)
                for kind, address in sorted(found)]  # fmt: skip
        if person:
            consents.withdraw(person, REACHES, at=min(asked_at, now), user=user, request_id=request_id)
        body = {"addresses": len(kept), "channel": str(channel), "by": user.pk if user else "portal"}
        evidence.append_entry("MARKETING_OPT_OUT", subject=str(request_id or (kept[0].pk if kept else "")), body=body)
    return kept


def _remember(kind, address, channel, asked_at, user, request_id, now) -> OptOut:
    is_ours = kind == Kind.PHONE and Number.objects.filter(e164=address).exists()
    held = NumberAssignment.objects.filter(number__e164=address, window__contains=asked_at)
    told = {
        "kind": kind,
        "asked_at": asked_at,
        "channel": channel,
        "request_id": request_id,
        "recorded_by": user,
        "recorded_at": now,
        "is_ours": is_ours,
        "holder": held.values_list("workspace", flat=True).first() if is_ours else None,
    }
    digest = hash_address(kind, address)
    kept, is_new = OptOut.objects.select_for_update().get_or_create(
        address_hash=digest, ended_at__isnull=True, defaults={"address_hash": digest, **told}
    )
    if not is_new and kept.asked_at < asked_at:
        for name, value in told.items():
            setattr(kept, name, value)
        kept.save(update_fields=list(told))
    return kept


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
        visible(Person.objects.all(), now=now)
        .exclude(child_findings__dropped_at__isnull=True, child_findings__isnull=False)
        .exclude(Exists(mine.filter(Exists(ended))) & ~Exists(mine.filter(Exists(runs) | ~Exists(ended))))
    )
    return (
        consents.in_effect(purpose, now=now)
        .filter(person__in=people)
        .select_related("person")
        .order_by("given_at", "pk")
    )
