"""Who is told: filled in by one officer, begun and ended by two, because either could leave a customer's data where it is."""

import dataclasses
import datetime as dt
import json
from typing import Any

from django.db import router, transaction

from accounts import approvals, evidence, keys
from accounts.models import Approval, User
from accounts.verdicts import Goes, data_map
from retention.models import Recipient

BEGIN, END = "begin_telling", "end_telling"
PURPOSE = "addresses of recipients"
SHORTEST_SECRET = 24


class UnableToTell(ValueError):
    """The recipient cannot be changed, begun or ended; the message says why, for the officer."""


@dataclasses.dataclass(frozen=True)
class Address:
    """Where a recipient is told. A webhook has ``url`` and ``secret``; e-mail has ``email``, and ``key`` (age) if sealed."""

    url: str = ""
    secret: str = ""
    email: str = ""
    key: str = ""


def categories() -> list[tuple[str, str]]:
    """Return the categories that a recipient may receive: models of customers that go, with their name for people."""
    found = [
        (entry.model, entry.plural)
        for entry in data_map().values()
        if entry.goes is Goes.DELETE and (entry.workspace or entry.person or entry.last_of)
    ]
    return [("accounts.Workspace", "workspaces"), *sorted(found, key=lambda pair: pair[1])]


def category_names(labels: list[str]) -> list[str]:
    """Return the names for people of these categories, in the same order."""
    names = dict(categories())
    return [names[label] for label in labels if label in names]


def address_of(recipient: Recipient) -> Address:
    """Return where a recipient is told. Raises UnableToTell when nobody has filled that in."""
    if recipient.sealed_address is None:
        raise UnableToTell("No address has been filled in.")
    plain = keys.unseal(bytes(recipient.sealed_address), purpose=PURPOSE, bound_to=str(recipient.pk))
    return Address(**json.loads(plain))


def set_address(recipient: Recipient, address: Address, *, shown: str) -> None:
    """Seal where a recipient is told into the (unsaved) row; ``shown`` is what people see of it."""
    plain = json.dumps(dataclasses.asdict(address)).encode()
    recipient.sealed_address = keys.seal(plain, purpose=PURPOSE, bound_to=str(recipient.pk))
    recipient.address_shown = shown


def save_recipient(recipient: Recipient, *, user: User) -> None:
    """Save a draft and write down that it changed. Raises UnableToTell when it is active: two officers agreed to that."""
    with transaction.atomic():
        kept = Recipient.objects.select_for_update().filter(pk=recipient.pk).first()
        if kept and kept.is_active:
            raise UnableToTell("It is told of erasures as it is now, by two officers. End that before you change it.")
        recipient.save()
        evidence.append_entry(
            "RECIPIENT_SET",
            subject=str(recipient.pk),
            body={
                "by": user.pk,
                "kind": recipient.kind,
                "channel": recipient.channel,
                "known_by": recipient.known_by,
                "deadline_days": recipient.deadline_days,
                "categories": recipient.categories,
                "facts": facts(str(recipient.pk))["digest"],
            },
        )


def ask_to_begin(recipient: Recipient, *, user: User, now: dt.datetime) -> Approval:
    """Ask a second officer to let a recipient be told. Raises UnableToTell, approvals.UnableToApprove."""
    if recipient.is_active:
        raise UnableToTell("It is told of erasures already.")
    if recipient.sealed_address is None:
        raise UnableToTell("Fill in where it is told first.")
    if not recipient.categories:
        raise UnableToTell("Choose which categories it receives first.")
    summary = (
        f"Tell {recipient.name} ({recipient.address_shown}) of every erasure of: "
        f"{', '.join(category_names(recipient.categories))}. It knows customers by "
        f"{recipient.get_known_by_display().lower()} and must confirm within {recipient.deadline_days} days."
    )
    return approvals.ask(BEGIN, target=str(recipient.pk), summary=summary[:300], user=user, now=now)


def ask_to_end(recipient: Recipient, *, user: User, now: dt.datetime) -> Approval:
    """Ask a second officer to tell a recipient no more. Raises UnableToTell, approvals.UnableToApprove."""
    if not recipient.is_active:
        raise UnableToTell("It is not told of erasures.")
    summary = f"Tell {recipient.name} of no more erasures: it holds nothing of our customers any more"
    return approvals.ask(END, target=str(recipient.pk), summary=summary, user=user, now=now)


def facts(recipient_id: str) -> dict[str, Any]:
    """Return what an approval is bound to: everything of the recipient that decides who is told what, where and by when."""
    recipient = Recipient.objects.get(pk=recipient_id)
    address = dataclasses.asdict(address_of(recipient)) if recipient.sealed_address is not None else {}
    whole: list[Any] = [recipient.name, recipient.kind, recipient.known_by, sorted(recipient.categories)]
    whole += [recipient.deadline_days, recipient.channel, address]
    return {
        "recipient": recipient_id,
        "active": recipient.is_active,
        "digest": keys.keyed_hash(json.dumps(whole, sort_keys=True), purpose="facts of recipients").hex(),
    }


def begin_telling(recipient_id: str, asked_by: User, approved_by: User, now: dt.datetime) -> None:
    """Tell this recipient of every deletion whose INTENT comes from now on."""
    Recipient.objects.filter(pk=recipient_id).update(active_from=now, active_until=None)
    body = {"by": [asked_by.pk, approved_by.pk], "facts": facts(recipient_id)["digest"]}
    evidence.append_entry("RECIPIENT_BEGUN", subject=recipient_id, body=body)


def end_telling(recipient_id: str, asked_by: User, approved_by: User, now: dt.datetime) -> None:
    """Tell this recipient of no deletion whose INTENT comes from now on; what was chosen for it still goes out."""
    Recipient.objects.filter(pk=recipient_id).update(active_until=now)
    evidence.append_entry("RECIPIENT_ENDED", subject=recipient_id, body={"by": [asked_by.pk, approved_by.pk]})


def register() -> None:
    """Make the actions known to four eyes; called once at start."""
    permission = "retention.activate_recipient"
    approvals.register(approvals.Action(BEGIN, "Tell a recipient of erasures", permission, facts, begin_telling))
    approvals.register(approvals.Action(END, "Tell a recipient no more", permission, facts, end_telling))


# name, kind, knows a customer by, models it receives. Drafts: told of nothing until an officer has filled in where, and
# two have agreed. Callmama's own service platform is the first (mission P12).
SEEDS = [
    ("Service platform", "platform", "account", 14, [
        "accounts.Workspace", "accounts.Person", "accounts.Subscription", "accounts.Credit", "accounts.Consent",
        "telecom_records.Number", "telecom_records.NumberAssignment", "telecom_records.CallDetailRecord",
        "telecom_records.SmsRecord", "telecom_records.Recording", "telecom_records.UsageRecord",
    ]),
    ("Stripe", "payment", "payment", 30, ["accounts.PaymentReference", "accounts.BillingRecord"]),
    ("Carrier of the numbers", "carrier", "number", 30, [
        "telecom_records.Number", "telecom_records.NumberAssignment", "telecom_records.CallDetailRecord",
        "telecom_records.SmsRecord",
    ]),
    ("Support desk", "support", "account", 30, ["accounts.Person", "dsar.Ticket", "dsar.TicketMessage"]),
    ("Identity check", "identity", "account", 30, ["accounts.KycDocument"]),
]  # fmt: skip


def make_recipients(*, using: str = "default", **_) -> None:
    """Make the drafts of the usual recipients once, after the first migration; an officer may rename or leave them."""
    if not router.allow_migrate_model(using, Recipient) or Recipient.objects.using(using).exists():
        return
    known = data_map()
    for name, kind, known_by, days, labels in SEEDS:
        Recipient.objects.using(using).create(
            name=name,
            kind=kind,
            known_by=known_by,
            deadline_days=days,
            categories=[label for label in labels if label in known],
        )
