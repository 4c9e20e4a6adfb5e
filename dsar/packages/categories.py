"""What a package collects: for each model of the data map how its rows are found, and what Article 15 wants said of it.

A model with something personal in it that is named neither in ``CATEGORIES`` nor, with a reason, in ``NOT_COLLECTED`` fails
``manage.py check``: nothing that is known about a person is forgotten because it was added later.
"""

import dataclasses
import enum
from collections.abc import Iterable

from django.core import checks

from accounts.verdicts import ModelMap, data_map


class Found(enum.StrEnum):
    """How rows are the person's."""

    SELF = "the person"
    PERSON = "rows of the person, and of nobody in a workspace that only they have"
    ACCOUNT = "rows of the workspaces whose account is theirs"
    TRAFFIC = "by number and time"
    NUMBERS = "the numbers that they had"


@dataclasses.dataclass(frozen=True)
class Category:
    """One kind of data. ``portable`` are the columns that the person gave or that were observed of them (Article 20)."""

    model: str
    name: str  # of its files: “calls”
    title: str
    found: Found
    purposes: str  # policy section 3
    basis: str
    source: str
    ccpa: str  # Cal. Civ. Code § 1798.140(v)(1)
    portable: tuple[str, ...] = ()
    portable_only: tuple[tuple[str, str], ...] = ()  # of portable rows, only those with these values
    folder: str = ""  # where its stored files go
    through: str = ""  # the row by which it leads to a person and a workspace, where the map names neither

    @property
    def entry(self) -> ModelMap:
        return data_map()[self.model]


YOU, YOUR_USE, PLATFORM, US = (
    "You",
    "Your use of the services",
    "The service platform, when you made the contract",
    "We",
)
SERVICE = "To provide and manage the services (policy § 3.1)"
LEGAL = "To comply with legal obligations (policy § 3.5)"
CONTRACT = "Contract (GDPR Art. 6(1)(b))"
OBLIGATION = "Legal obligation (GDPR Art. 6(1)(c))"
INTEREST = "Legitimate interest (GDPR Art. 6(1)(f)): security and fraud prevention"
IDENTIFIERS = "A. Identifiers"
RECORDS = "B. Customer records (Cal. Civ. Code § 1798.80)"
COMMERCIAL = "D. Commercial information"
ACTIVITY = "F. Internet or other electronic network activity"
AUDIO = "H. Audio, electronic or visual information"
SENSITIVE = "L. Sensitive personal information"

CATEGORIES: tuple[Category, ...] = (
    Category(
        "accounts.Person", "person", "Who you are", Found.SELF, SERVICE, CONTRACT,
        "You, or the source named in the row (policy § 2.3)", IDENTIFIERS,
        portable=(
            "name", "email", "phone", "billing_address", "business_name", "country", "language", "notify_by_email",
            "notify_by_sms",
        ),
    ),
    Category(
        "accounts.Workspace", "workspaces", "Your workspaces", Found.ACCOUNT, SERVICE, CONTRACT, PLATFORM, COMMERCIAL,
        portable=("outside_id", "name", "country", "time_zone"),
    ),
    Category(
        "accounts.Membership", "memberships", "Your place in workspaces", Found.PERSON, SERVICE, CONTRACT, PLATFORM, COMMERCIAL
    ),
    Category(
        "accounts.Subscription", "subscriptions", "Subscriptions", Found.ACCOUNT, SERVICE, CONTRACT, PLATFORM, COMMERCIAL,
        portable=("outside_id", "plan", "starts_at", "expires_at", "cancelled_at", "recording_enabled", "recording_days"),
    ),
    Category(
        "accounts.BusinessClient", "client-agreements", "What was agreed with you as a business client", Found.ACCOUNT, SERVICE,
        CONTRACT, YOU, COMMERCIAL,
    ),
    Category(
        "accounts.Suspension", "suspensions", "Suspensions", Found.ACCOUNT,
        "For security and fraud prevention (policy § 3.4)", INTEREST, US, COMMERCIAL,
    ),
    Category("accounts.Credit", "credits", "Remaining credits", Found.ACCOUNT, SERVICE, CONTRACT, PLATFORM, COMMERCIAL),
    Category(
        "accounts.PaymentReference", "payment-references", "Payment references", Found.ACCOUNT,
        "For billing and collection (policy § 3.1)", CONTRACT, "You, by the payment processor", RECORDS,
    ),
    Category(
        "accounts.BillingRecord", "billing", "Invoices and payments", Found.ACCOUNT,
        "For billing and collection (policy § 3.1)", f"{CONTRACT}; {OBLIGATION}", US, COMMERCIAL,
    ),
    Category(
        "accounts.KycDocument", "identity-documents", "Identity documents", Found.PERSON, LEGAL, OBLIGATION, YOU, SENSITIVE,
        folder="identity-documents",
    ),
    Category(
        "accounts.Consent", "consents", "Consents", Found.PERSON, "To communicate with you (policy § 3.3)",
        "Consent (GDPR Art. 6(1)(a)); its proof, Art. 7(1)", YOU, IDENTIFIERS,
        portable=("purpose", "policy_version_id", "given_at", "channel", "withdrawn_at"),
    ),
    Category(
        "telecom_records.Number", "numbers", "Numbers", Found.NUMBERS, SERVICE, CONTRACT, US, IDENTIFIERS,
        portable=("e164", "country", "is_voip"),
    ),
    Category(
        "telecom_records.NumberAssignment", "number-assignments", "When you had which number", Found.PERSON, SERVICE, CONTRACT,
        PLATFORM, IDENTIFIERS, portable=("number_id", "window"),
    ),
    Category(
        "telecom_records.CallDetailRecord", "calls", "Call records", Found.TRAFFIC, SERVICE, CONTRACT, YOUR_USE, ACTIVITY,
        portable=(
            "own_number", "other_party", "direction", "started_at", "answered_at", "ended_at", "duration_s", "talk_s",
            "billed_s", "status", "cost", "currency",
        ),
    ),
    Category(
        "telecom_records.SmsRecord", "messages", "Message records", Found.TRAFFIC, SERVICE, CONTRACT, YOUR_USE, ACTIVITY,
        portable=("own_number", "other_party", "direction", "sent_at", "status", "segments", "cost", "currency"),
    ),
    Category(
        "telecom_records.Recording", "recordings", "Call recordings", Found.TRAFFIC, SERVICE, CONTRACT, YOUR_USE, AUDIO,
        portable=("kind", "started_at", "duration_s", "own_number", "other_party", "content_type", "channels"), folder="recordings",
    ),
    Category(
        "telecom_records.UsageRecord", "usage", "Device and usage records", Found.PERSON,
        "To improve the services and for their security (policy § 3.2, § 3.4)", INTEREST, YOUR_USE, ACTIVITY,
        portable=(
            "occurred_at", "event", "ip_address", "device", "browser", "operating_system", "country", "privacy_control",
        ),
    ),
    Category(
        "dsar.Ticket", "tickets", "Correspondence", Found.PERSON, SERVICE, CONTRACT, "You and our answers", IDENTIFIERS,
        portable=("reference", "subject", "channel", "opened_at", "closed_at"),
    ),
    Category(
        "dsar.TicketMessage", "ticket-messages", "Messages of the correspondence", Found.PERSON, SERVICE, CONTRACT,
        "You and our answers", IDENTIFIERS, portable=("ticket_id", "kind", "body", "at"), portable_only=(("kind", "received"),),
    ),
    Category(
        "dsar.Attachment", "ticket-files", "Files of the correspondence", Found.PERSON, SERVICE, CONTRACT, "You and our answers",
        IDENTIFIERS, portable=("message_id", "name", "content_type", "size"), portable_only=(("message__kind", "received"),),
        folder="ticket-files",
    ),
    Category(
        "dsar.SubjectRequest", "requests", "Your requests about your data", Found.PERSON, LEGAL, OBLIGATION, YOU, IDENTIFIERS
    ),
    Category(
        "dsar.Identifier", "identifiers", "By what you were identified", Found.PERSON, LEGAL, OBLIGATION, YOU, IDENTIFIERS,
        through="request",
    ),
    Category(
        "dsar.Agent", "agents", "Who asked for you", Found.PERSON, LEGAL, OBLIGATION, "Who asked for you", IDENTIFIERS,
        through="request",
    ),
    Category(
        "dsar.Letter", "letters", "Letters about your requests", Found.PERSON, LEGAL, OBLIGATION, US, IDENTIFIERS,
        through="request",
    ),
    Category(
        "dsar.Decision", "decisions", "What was decided about your requests", Found.PERSON, LEGAL, OBLIGATION, US, IDENTIFIERS,
        through="request",
    ),
    Category(
        "dsar.Correction", "corrections", "What was corrected", Found.PERSON, LEGAL, OBLIGATION, YOU, IDENTIFIERS
    ),
    Category(
        "dsar.Statement", "statements", "What you say of your data", Found.PERSON, LEGAL, OBLIGATION, YOU, IDENTIFIERS
    ),
    Category(
        "dsar.DownloadLink", "download-links", "Links by which answers were taken", Found.PERSON, LEGAL, OBLIGATION, US,
        IDENTIFIERS, through="request",
    ),
)  # fmt: skip

# Models with something personal in them of which nothing is collected, and why; the reason stands in the manifest.
NOT_COLLECTED: dict[str, str] = {
    "dsar.Refusal": "The refusal log names what the law keeps back, and why; the letter of refusal is collected.",
    "dsar.RecordSearch": "Searches are made for people who are no customers, of whom no package is made; the letter names them.",
    "telecom_records.FreeToolSession": "Free-tool sessions are discarded within the hour and lead to nobody.",
    "telecom_records.WaitingRecording": "A recording of which it is not known whose call it is; what is found out becomes a recording.",
}


def category_of(model: str) -> Category:
    """Return the category of a model. Raises KeyError."""
    return {category.model: category for category in CATEGORIES}[model]


def categories_for(kind: str) -> list[Category]:
    """Return what a package of this kind is made of: all for access, what was given or observed for portability."""
    return [category for category in CATEGORIES if kind == "access" or category.portable]


def exported_columns(category: Category, kind: str) -> list[str]:
    """Return the columns of a category that a package of this kind shows, in the order of the data map."""
    shown = [name for name, column in category.entry.columns.items() if column.label]
    shown += [name for name in category.portable if name not in shown]  # a link that only the package resolves
    return [name for name in shown if kind == "access" or name in category.portable]


def uncollected(entries: Iterable[ModelMap]) -> list[checks.CheckMessage]:
    """Return an error for each model that says something of people and is neither collected nor left out with a reason."""
    known = {category.model for category in CATEGORIES} | set(NOT_COLLECTED)
    return [
        checks.Error(
            f"{entry.model} says something of people, and no package collects it.",
            hint="Add a Category for it to CATEGORIES in dsar/packages/categories.py, or to NOT_COLLECTED with the reason.",
            obj=entry.model_class,
            id="packages.E001",
        )
        for entry in entries
        if entry.model not in known and any(column.label or column.file for column in entry.columns.values() if column)
        and entry.model not in _FILES_OF_OURS
    ]  # fmt: skip


_FILES_OF_OURS = {"telecom_records.ImportRun", "dsar.Package"}  # a switch's file while it is read; the package itself


def check_categories(app_configs, **kwargs) -> list[checks.CheckMessage]:
    """System check: every model with something personal in it has a collector (mission D4)."""
    return uncollected(data_map().values())
