"""Retention that a named law demands. It ships disabled, and two officers activate it once somebody has verified it."""

import dataclasses
import datetime as dt
from typing import Any

from django.core.exceptions import ValidationError
from django.db import router
from django.utils import timezone
from django.utils.text import capfirst

from accounts import approvals, evidence
from accounts.models import Approval, User
from accounts.verdicts import ModelMap, data_map
from retention import keeping
from retention.holds import COUNT_UP_TO, count_kept, holdable
from retention.models import LegalRetention, Remainder

ACTIVATE_LAW, END_LAW = "activate_law", "end_law"


@dataclasses.dataclass(frozen=True)
class Seed:
    """A law that an installation may need: what is known of it, for somebody to verify before it is activated."""

    country: str
    category: str
    law: str
    section: str
    months: int
    counts_from: str = LegalRetention.CountsFrom.ROW
    note: str = "To be verified: nobody has confirmed it for this company yet."


# Each ships disabled: whether it binds this company, and for how long, somebody must verify in the law's own words.
SEEDS = (
    Seed("HK", "accounts.BillingRecord", "Inland Revenue Ordinance (Cap. 112)", "§ 51C", 7 * 12),
    Seed("HK", "accounts.BillingRecord", "Companies Ordinance (Cap. 622)", "§ 377", 7 * 12, LegalRetention.CountsFrom.YEAR),
    Seed("GB", "accounts.BillingRecord", "Value Added Tax Act 1994", "Sch. 11 para. 6", 6 * 12),
    Seed("DE", "accounts.BillingRecord", "Abgabenordnung", "§ 147", 8 * 12, LegalRetention.CountsFrom.YEAR),
)  # fmt: skip


class UnableToKeep(ValueError):
    """The law cannot be written down, activated or ended; the message says why, for the officer."""


def categories() -> list[ModelMap]:
    """Return the categories that a law may keep: those of a workspace or a person, with a date."""
    return [entry for entry in holdable() if entry.dated_by and (entry.workspace or entry.person)]


def refuse_impossible(law: LegalRetention) -> None:
    """Raise ValidationError when no row could ever be kept by a law, or its count has no start."""
    entry = {entry.model: entry for entry in categories()}.get(law.category)
    if entry is None:
        raise ValidationError({"category": "There is no such category."})
    if law.counts_from == LegalRetention.CountsFrom.END and not entry.workspace:
        raise ValidationError(
            {"counts_from": f"{capfirst(entry.plural)} are of no account, so it cannot count from its end."}
        )


def ask_to_activate(
    law: LegalRetention, *, verified_by: str, verified_on: dt.date, review_on: dt.date, user: User, now: dt.datetime
) -> Approval:
    """Ask a second officer to activate a law that somebody has verified. Raises UnableToKeep, approvals.UnableToApprove."""
    today = timezone.localdate(now)
    if law.active_since:
        raise UnableToKeep("This law has been activated before. Write a new one down instead.")
    if not verified_by.strip():
        raise UnableToKeep("Say who has verified this law.")
    if verified_on > today:
        raise UnableToKeep("The law cannot have been verified in the future.")
    if review_on <= today:
        raise UnableToKeep("The review must lie in the future.")
    law.verified_by, law.verified_on, law.review_on = verified_by.strip(), verified_on, review_on
    law.save(update_fields=["verified_by", "verified_on", "review_on"])
    summary = f"{law} ({law.country}) keeps {_what(law)} for {keeping.period_words(law.months)}. {_now(law, now)} kept."
    return approvals.ask(ACTIVATE_LAW, target=str(law.pk), summary=summary[:300], user=user, now=now)


def ask_to_end(law: LegalRetention, *, user: User, now: dt.datetime) -> Approval:
    """Ask a second officer to end a law: what only it keeps is then deleted. Raises UnableToKeep, approvals.UnableToApprove."""
    if not law.is_active:
        raise UnableToKeep("This law keeps nothing.")
    summary = (
        f"{law} ({law.country}) keeps {_what(law)} no more. {_now(law, now)} let go; what is past its time is deleted."
    )
    return approvals.ask(END_LAW, target=str(law.pk), summary=summary[:300], user=user, now=now)


def facts(law_id: str) -> dict[str, Any]:
    """Return what an approval about a law is bound to: everything it says, who verified it, and whether it is active."""
    law = LegalRetention.objects.get(pk=law_id)
    return {
        "law": law_id,
        "country": law.country,
        "category": law.category,
        "named": f"{law.law} {law.section}",
        "months": law.months,
        "counts_from": law.counts_from,
        "verified": [law.verified_by, str(law.verified_on or ""), str(law.review_on or "")],
        "active": law.is_active,
    }


def activate(law_id: str, asked_by: User, approved_by: User, now: dt.datetime) -> None:
    """Let a law keep from now on. A deletion under way ends first; one that begins later obeys it."""
    keeping.against_deletions()
    LegalRetention.objects.filter(pk=law_id, active_since__isnull=True).update(
        active_since=now, activated_by=approved_by
    )
    law = LegalRetention.objects.get(pk=law_id)
    evidence.append_entry(
        "LAW_ACTIVATED",
        subject=law_id,
        body={
            "country": law.country,
            "category": law.category,
            "months": law.months,
            "from": law.counts_from,
            "by": [asked_by.pk, approved_by.pk],
        },
    )


def end(law_id: str, asked_by: User, approved_by: User, now: dt.datetime) -> None:
    """Let a law keep nothing more; what it kept is looked at again at once."""
    keeping.against_deletions()
    LegalRetention.objects.filter(pk=law_id, ended_at__isnull=True).update(ended_at=now, ended_by=approved_by)
    Remainder.objects.filter(kept__has_key=law_id).update(look_again_at=now)
    evidence.append_entry("LAW_ENDED", subject=law_id, body={"by": [asked_by.pk, approved_by.pk]})


def reviews_due(today: dt.date) -> int:
    """Return how many active laws should have been reviewed before ``today``."""
    return LegalRetention.objects.filter(active_since__isnull=False, ended_at__isnull=True, review_on__lt=today).count()


def make_laws(*, using: str = "default", **_) -> None:
    """Write the seeds down after a migration, disabled, where no such law is there yet."""
    if not router.allow_migrate_model(using, LegalRetention):
        return
    for seed in SEEDS:
        fields = dataclasses.asdict(seed)
        key = {name: fields.pop(name) for name in ("country", "category", "law", "section")}
        if not LegalRetention.objects.using(using).filter(**key).exists():
            LegalRetention.objects.using(using).create(**key, **fields)


def _what(law: LegalRetention) -> str:
    return data_map()[law.category].plural


def _now(law: LegalRetention, now: dt.datetime) -> str:
    count = count_kept(keeping.LawKeeper(law, now)).get(law.category, 0)
    return f"{count:,}{' or more' if count >= COUNT_UP_TO else ''} {_what(law)} would be"
