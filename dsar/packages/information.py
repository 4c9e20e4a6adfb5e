"""What Article 15 wants said beside the data: purposes, recipients, periods, source, rights, complaint.

The periods are those of the rules in force, not words of their own, so that the answer cannot differ from what happens.
"""

from typing import Any

from accounts.verdicts import ModelMap
from dsar.models import Package
from dsar.packages.authorities import complaint_bodies
from dsar.packages.categories import Category, categories_for
from dsar.packages.parties import Parties
from dsar.packages.subject import Subject, own_places
from retention.models import Notice, Recipient
from retention.rules import words_of

# Policy § 4.1 to § 4.5: kinds of recipients whose single disclosures are not rows of this portal.
KINDS_OF_RECIPIENTS = [
    "Payment processors, such as Stripe (policy § 4.1)",
    "Hosting, maintenance, analytics, chat and customer support providers (policy § 4.1)",
    "Carriers, for what they require to provide a number (policy § 4.1)",
    "Group companies, for operational purposes (policy § 4.2)",
    "Public authorities, where the law demands it (policy § 4.4)",
]
RIGHTS = [
    "Correction of what is wrong or incomplete (policy § 6.1; GDPR Art. 16)",
    "Erasure (policy § 6.2; GDPR Art. 17)",
    "Restriction of processing, and objection to it (policy § 6.3; GDPR Art. 18 and 21)",
    "Portability: what you gave us, in a machine-readable form (policy § 6.4; GDPR Art. 20)",
    "Withdrawal of a consent at any time (policy § 6.5; GDPR Art. 7(3))",
    "Opting out of marketing at any time (policy § 6.6)",
    "In California: to know the categories and the specific pieces, and not to be treated worse for asking (policy § 6.7)",
]
CONTROLLER = (
    "Callmama Limited, 8/F., China Hong Kong Tower, 8-12 Hennessy Road, Wan Chai, Hong Kong; info@callmama.com; "
    "+1 914-454-3728 (policy § 13)"
)
TRANSFERS = (
    "Your data is processed in Hong Kong and where our service providers work, under standard contractual clauses or an "
    "adequacy decision (policy § 7)."
)
DECISIONS = "The portal holds no decision about you that was made by a machine alone (GDPR Art. 15(1)(h))."
NOT_SOLD = "We do not sell your personal information (policy § 4; CCPA § 1798.100)."


def information(package: Package, subject: Subject, parties: Parties) -> dict[str, Any]:
    """Return the information for one package: of each category, and for all of them."""
    told = {recipient.name: recipient.categories for recipient in Recipient.objects.filter(active_from__isnull=False)}
    return {
        "controller": CONTROLLER,
        "categories": [_about(category, told, subject) for category in categories_for(package.kind)],
        "kinds_of_recipients": KINDS_OF_RECIPIENTS,
        "transfers": TRANSFERS,
        "rights": RIGHTS,
        "complaints": complaint_bodies(package.request.regime, package.request.region),
        "automated_decisions": DECISIONS,
        "sale": NOT_SOLD,
        "other_parties": parties.words,
    }


def _about(category: Category, told: dict[str, list[str]], subject: Subject) -> dict[str, Any]:
    return {
        "name": category.name,
        "title": category.title,
        "purposes": category.purposes,
        "lawful_basis": category.basis,
        "source": category.source,
        "recipients": sorted(name for name, models in told.items() if category.model in models),
        "kept": periods_of(category.entry, subject),
        "ccpa_category": category.ccpa,
    }


def periods_of(entry: ModelMap, subject: Subject) -> list[str]:
    """Return how long rows of a model are kept, in the words of the rules in force; what is decided of one person is no period."""
    keys = [entry.clock] if entry.clock else []
    keys += [age.rule for age in entry.ages if age.rule not in ("childs_data", "erasure_request", *keys)]
    return [words_of(key, subject.as_of) for key in keys]


def recipients_told(subject: Subject) -> list[dict[str, Any]]:
    """Return who outside receives data like the person's, and who was told of an erasure in their workspaces."""
    found: list[dict[str, Any]] = [
        {
            "recipient": recipient.name,
            "kind": recipient.get_kind_display(),
            "since": recipient.active_from.isoformat() if recipient.active_from else None,
            "until": recipient.active_until.isoformat() if recipient.active_until else None,
            "told": "receives data like yours",
        }
        for recipient in Recipient.objects.filter(active_from__isnull=False).order_by("name", "pk")
    ]
    notices = Notice.objects.filter(job__workspace__in=own_places(subject), sent_at__isnull=False).select_related(
        "recipient"
    )
    return found + [
        {
            "recipient": notice.recipient.name,
            "kind": notice.recipient.get_kind_display(),
            "since": notice.sent_at.isoformat() if notice.sent_at else None,
            "until": notice.settled_at.isoformat() if notice.settled_at else None,
            "told": "was told that data was erased",
        }
        for notice in notices.order_by("sent_at", "pk")
    ]
