"""An invented company: customers, numbers, calls, requests, and files to try the imports with.

Nobody in here exists. Numbers are from the ranges that regulators keep for fiction (Ofcom, ACMA, the North American 555-01xx).
"""

import csv
import datetime as dt
import io
import math
import random
import wave
from decimal import Decimal
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from accounts import files
from accounts.models import (
    BillingRecord,
    Consent,
    Credit,
    KycDocument,
    Membership,
    PaymentReference,
    Person,
    PolicyVersion,
    Subscription,
    User,
    Workspace,
)
from callmama_privacy.demo import make_staff
from callmama_privacy.demo_tickets import make_tickets
from dsar import searching
from dsar.identity.proof import Kind, Proof, prove
from dsar.letters import sending
from dsar.models import SubjectRequest
from dsar.services import register_request
from dsar.workflow import move_request
from retention.holds import place_hold
from retention.models import Recipient, Rule, RuleVersion
from retention.promises import PROMISES
from retention.rules import without_period
from retention.upstream.recipients import Address, set_address
from telecom_records.imports import import_file, source_for
from telecom_records.models import (
    CallDetailRecord,
    Direction,
    FreeToolSession,
    ImportSource,
    Number,
    NumberAssignment,
    Recording,
    SmsRecord,
    TrafficFigure,
    TrafficMonth,
    UsageRecord,
)
from telecom_records.partitions import ensure_month, ensure_months_ahead, month_of
from telecom_records.remainder import OTHER, floor

DAY = dt.timedelta(days=1)
HOUR = dt.timedelta(hours=1)
# name, kind, country, zone, days until expiry (None: has none), people
COMPANIES = [
    ("Harbour Lights Travel", "business", "GB", "Europe/London", 45, ["Edwin Marsh", "Priya Nayar"]),
    ("Kestrel & Daughters", "business", "GB", "Europe/London", 12, ["Rosalind Kestrel"]),
    ("Blue Gum Surveying", "business", "AU", "Australia/Sydney", 120, ["Darcy Whitlock", "Imogen Tran"]),
    ("Lindenhof Musikschule", "business", "DE", "Europe/Berlin", 3, ["Anneke Brandt"]),
    ("Orchid Lane Florists", "business", "HK", "Asia/Hong_Kong", 200, ["Wing Lam Fong"]),
    ("Petrel Courier Co-op", "business", "US", "America/Chicago", 30, ["Marcus Delacroix", "Joan Abernathy"]),
    ("Odile Fournier", "personal", "FR", "Europe/Paris", 6, ["Odile Fournier"]),
    ("Sami Virtanen", "personal", "FI", "Europe/Helsinki", 75, ["Sami Virtanen"]),
    ("Beatriz Quaresma", "personal", "PT", "Europe/Lisbon", 18, ["Beatriz Quaresma"]),
    ("Theo Vassos", "personal", "GR", "Europe/Athens", None, ["Theo Vassos"]),
    ("Callum Reid", "personal", "GB", "Europe/London", 0, ["Callum Reid"]),
    ("Ines Kowalczyk", "personal", "PL", "Europe/Warsaw", 90, ["Ines Kowalczyk"]),
]
EXPIRING_AFTER = dt.timedelta(minutes=5)  # Callum Reid's workspace, so that the first visitor can watch it go
OTHERS = [
    "+15555550142",
    "+13125550117",
    "+442079460871",
    "+447700900455",
    "+61491570157",
    "+16175550188",
    "+441632960983",
]


def make_demo(*, now: dt.datetime) -> None:
    """Make everything. Instants are relative to ``now``; the random numbers are always the same ones."""
    chance = random.Random(20250908)
    staff = make_staff()
    officer, second = staff["officer@example.test"], staff["second.officer@example.test"]
    with transaction.atomic():
        ensure_months_ahead(now)
        policy = make_policy(now)
        workspaces = [
            make_company(count, *company, policy=policy, now=now) for count, company in enumerate(COMPANIES, 1)
        ]
        for workspace in workspaces:
            make_traffic(workspace, chance, now=now)
        make_requests(workspaces, officer, second, now=now)
        make_tickets(workspaces, staff["agent@example.test"], now=now)
        FreeToolSession.objects.create(
            tool="Number lookup", started_at=now - 10 * dt.timedelta(minutes=1), entered={"prefix": "+44 20"}
        )
        held = workspaces[3]
        place_hold(
            workspace=held,
            reason="Dispute over an invoice; the calls of October are evidence",
            authority="Claim 2026-118, district court",
            owner=officer,
            review_on=(now + 60 * DAY).date(),
            user=officer,
            now=now,
        )
        set_periods(officer, second, now=now)
        tell_platform(now=now)
        make_figures(now=now)
        Rule.objects.update(state=Rule.State.ARMED, armed_at=now)
    folder = settings.VAR_DIR / "samples"
    folder.mkdir(parents=True, exist_ok=True)
    calls = write_call_file(folder / "calls.csv", workspaces, chance, now=now)
    write_customer_files(folder, now=now)
    import_file(calls, source=source_for("demo-switch", country="GB"), now=now)


def tell_platform(*, now: dt.datetime) -> None:
    """Let the service platform be told of erasures, as two officers would have; the mail goes to files under var/mail."""
    platform = Recipient.objects.get(kind=Recipient.Kind.PLATFORM)
    platform.channel, platform.active_from = Recipient.Channel.EMAIL, now
    platform.contact = "Duty desk of the service platform"
    set_address(platform, Address(email="erasures@platform.example"), shown="erasures@platform.example")
    platform.save()


def make_figures(*, now: dt.datetime) -> None:
    """Make the figures of the year before last month: what is left of the traffic of then. Last month is counted by itself."""
    chance = random.Random(7)
    month = month_of(now)
    for back in range(1, 13):
        month = (month - DAY).replace(day=1)
        if back == 1:
            continue
        closed = TrafficMonth.objects.create(month=month, closed_at=now, floor=floor())
        for country, size in {"GB": 900, "US": 640, "AU": 210, "HK": 180, OTHER: 320}.items():
            for direction, share in ((Direction.OUTBOUND, 0.6), (Direction.INBOUND, 0.4)):
                count = round(size * share * (1 - back / 40) * chance.uniform(0.9, 1.1))
                TrafficFigure.objects.create(
                    month=closed, kind=TrafficFigure.Kind.CALL, country=country, direction=direction,
                    status=CallDetailRecord.Status.ANSWERED, count=count, minutes=round(count * 3.4),
                )  # fmt: skip


def make_policy(now: dt.datetime) -> PolicyVersion:
    PolicyVersion.objects.create(
        version="2024-02",
        effective_on=dt.date(2024, 2, 1),
        published_at=now - 660 * DAY,
        summary="Cookies explained anew.",
    )
    return PolicyVersion.objects.create(
        version="2025-09", effective_on=dt.date(2025, 9, 8), published_at=now - 440 * DAY,
        summary="Retention of recordings and of call detail records stated in § 5.2.",
    )  # fmt: skip


def make_company(
    count: int,
    name: str,
    kind: str,
    country: str,
    zone: str,
    days: int | None,
    people: list[str],
    *,
    policy,
    now: dt.datetime,
) -> Workspace:
    """Make one customer with people, subscription, credit, payment, documents, consents and numbers."""
    since = now - (380 + 31 * count) * DAY
    workspace = Workspace.objects.create(
        outside_id=f"W-{1000 + count}", name=name, kind=kind, country=country, time_zone=zone, created_at=since
    )
    expires_at = None if days is None else now + (days * DAY if days else EXPIRING_AFTER)
    records = count % 3 == 0
    Subscription.objects.create(
        outside_id=f"S-{2000 + count}", workspace=workspace, plan="Business 10" if kind == "business" else "Solo",
        starts_at=since, expires_at=expires_at, next_billing_at=expires_at, recording_enabled=records,
        recording_days=14 if records else None,
    )  # fmt: skip
    Credit.objects.create(workspace=workspace, amount=Decimal(count * 7) / 2, currency="USD", as_of=now - DAY)
    PaymentReference.objects.create(
        workspace=workspace, token=f"pm_demo_{count:04d}", last_four=f"{4000 + count * 37 % 6000:04d}"
    )
    for month in range(1, 4):
        BillingRecord.objects.create(
            outside_id=f"INV-{count:02d}-{month}", workspace=workspace, kind=BillingRecord.Kind.INVOICE,
            issued_at=now - 30 * month * DAY, amount=Decimal("29.00") if kind == "business" else Decimal("6.50"),
        )  # fmt: skip
    for place, person_name in enumerate(people):
        make_person(workspace, f"P-{3000 + 10 * count + place}", person_name, country, place, policy, since, now)
    for place in range(1 + (kind == "business")):
        number = Number.objects.create(e164=f"+4420794601{count:02d}" if place == 0 else f"+447700900{100 + count}", country="GB",
                                       is_voip=place == 0)  # fmt: skip
        NumberAssignment.objects.create(
            outside_id=f"A-{4000 + 10 * count + place}",
            number=number,
            workspace=workspace,
            window=DateTimeTZRange(since, None),
        )
    return workspace


def make_person(workspace, outside_id, name, country, place, policy, since, now) -> Person:
    first, _, last = name.lower().partition(" ")
    person = Person.objects.create(
        outside_id=outside_id, name=name, email=f"{first}@{(last or first).replace(' ', '-')}.example", country=country,
        phone=f"+447700900{int(outside_id[-3:]):03d}", billing_address=f"{12 + place} Sample Street, Exampleton",
        business_name=workspace.name if workspace.kind == "business" else "", created_at=since,
    )  # fmt: skip
    Membership.objects.create(workspace=workspace, person=person, since=since,
                              role=Membership.Role.OWNER if place == 0 else Membership.Role.MEMBER)  # fmt: skip
    Consent.objects.create(
        outside_id=f"C-{outside_id}", person=person, purpose=Consent.Purpose.MARKETING_EMAIL, policy_version=policy,
        given_at=now - 200 * DAY, evidence="sign-up form", withdrawn_at=now - 20 * DAY if place else None,
    )  # fmt: skip
    if place == 0:
        image = io.BytesIO(f"An invented identity document of {outside_id}".encode())
        KycDocument.objects.create(
            person=person, workspace=workspace, type=KycDocument.Type.PASSPORT, issuing_country=country,
            result=KycDocument.Result.ACCEPTED, decided_at=now - 300 * DAY, received_at=now - 301 * DAY,
            file_key=files.put_encrypted(image, owner="person", owner_id=person.pk), file_bytes=image.getbuffer().nbytes,
        )  # fmt: skip
    return person


def make_traffic(workspace: Workspace, chance: random.Random, *, now: dt.datetime) -> None:
    """Make messages, usage and recordings; calls come in by the import."""
    number = workspace.number_assignments.select_related("number").order_by("pk")[0].number.e164
    person = Person.objects.filter(memberships__workspace=workspace).first()
    platform, _ = ImportSource.objects.get_or_create(name="platform")
    for count in range(chance.randint(3, 9)):
        at = now - chance.random() * 25 * DAY
        ensure_month("telecom_records_smsrecord", month_of(at))
        ensure_month("telecom_records_usagerecord", month_of(at))
        SmsRecord.objects.create(
            workspace=workspace, own_number=number, other_party=chance.choice(OTHERS), sent_at=at,
            direction=chance.choice(["inbound", "outbound"]), status="delivered", source_key=f"sms-{workspace.outside_id}-{count}",
            source=platform, row_hash=b"", time_source="explicit_offset", segments=1,
        )  # fmt: skip
        UsageRecord.objects.create(
            workspace=workspace, person=person, occurred_at=at, event=chance.choice(["sign-in", "invoice opened", "number list"]),
            ip_address=f"192.0.2.{chance.randint(1, 250)}", device="Laptop", browser="Firefox", operating_system="Linux",
            country=workspace.country,
        )  # fmt: skip
    if workspace.subscriptions.filter(recording_enabled=True).exists():
        for count in range(2):
            sound = tone(seconds=1 + count)
            Recording.objects.create(
                workspace=workspace, kind=Recording.Kind.SUBSCRIBER, started_at=now - (count + 1) * DAY, duration_s=1 + count,
                own_number=number, other_party=chance.choice(OTHERS), content_type="audio/wav", keep_days=14,
                file_key=files.put_encrypted(io.BytesIO(sound), owner="workspace", owner_id=workspace.pk), file_bytes=len(sound),
            )  # fmt: skip


def tone(*, seconds: int) -> bytes:
    """Return a sound as WAV, 8 kHz mono: a hum, so that a recording is one."""
    target = io.BytesIO()
    with wave.open(target, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        samples = (int(6000 * math.sin(2 * math.pi * 440 * place / 8000)) for place in range(8000 * seconds))
        sound.writeframes(b"".join(sample.to_bytes(2, "little", signed=True) for sample in samples))
    return target.getvalue()


def set_periods(officer: User, second: User, *, now: dt.datetime) -> None:
    """Set the periods that the policy leaves to the company, as two officers would have."""
    for key in without_period(now):
        RuleVersion.objects.create(
            rule_id=key,
            number=1,
            period=max(365 * DAY, PROMISES[key].shortest),
            effective_at=now,
            asked_by=officer,
            approved_by=second,
            approved_at=now,
        )


State = SubjectRequest.State


def make_requests(workspaces: list[Workspace], officer: User, second: User, *, now: dt.datetime) -> None:
    """Make a queue: some late, some near, some just in, some closed."""
    wanted = [
        (1, "access", "eu_gdpr", "IE", 36, officer, "email"), (3, "erasure", "policy_default", "", 33, None, "website"),
        (6, "access", "eu_gdpr", "FR", 28, second, "email"), (7, "rectification", "eu_gdpr", "FI", 20, officer, "chat"),
        (8, "portability", "eu_gdpr", "PT", 12, None, "letter"), (4, "objection", "policy_default", "", 5, second, "phone"),
        (2, "access", "policy_default", "", 2, officer, "email"), (11, "restriction", "eu_gdpr", "PL", 0, None, "website"),
    ]  # fmt: skip
    for place, type, regime, region, days, owner, channel in wanted:
        person = Person.objects.filter(memberships__workspace=workspaces[place]).order_by("pk")[0]
        register_request(
            SubjectRequest(
                type=type, regime=regime, region=region, received_at=now - days * DAY - HOUR, channel=channel, person=person,
                workspace=workspaces[place], requester_name=person.name, requester_contact=person.email, owner=owner,
            ),
            user=officer, now=now - days * DAY,
        )  # fmt: skip
    for days in (50, 41, 26, 15, 9):
        request = register_request(
            SubjectRequest(
                type="access", regime="policy_default", received_at=now - days * DAY, channel="email",
                requester_name="Somebody who is no customer", owner=second,
            ),
            user=second, now=now - days * DAY + HOUR,
        )  # fmt: skip
        prove(request.pk, Kind.EMAIL, "nobody@example.test", Proof.LETTER, user=second, now=now - (days - 7) * DAY)
        answered = now - (days - 7) * DAY
        for state in (State.COLLECTING, State.REVIEW, State.APPROVED):
            move_request(request.pk, state, user=second, now=answered)
        searching.search(request.pk, "nobody@example.test", on=None, user=second, now=answered)
        sending.send(request.pk, sending.Draft("nothing", "en", way="post"), base_url="", user=second, now=answered)
        move_request(request.pk, State.CLOSED, user=second, now=answered)


def write_call_file(path: Path, workspaces: list[Workspace], chance: random.Random, *, now: dt.datetime) -> Path:
    """Write a plain call record file of the last weeks, with some rows that are nobody's and one that is broken."""
    numbers = [
        assignment.number.e164
        for workspace in workspaces
        for assignment in workspace.number_assignments.select_related("number").order_by("pk")
    ]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            [
                "call_id",
                "started_at",
                "ended_at",
                "from",
                "to",
                "duration_seconds",
                "talk_seconds",
                "status",
                "cost",
                "currency",
            ]
        )
        for count in range(420):
            ours = chance.choice(numbers)
            other = chance.choice(numbers) if count % 23 == 0 else chance.choice(OTHERS)
            sides = (ours, other) if chance.random() < 0.6 else (other, ours)
            if count % 70 == 69:
                sides = ("+442079460999", chance.choice(OTHERS))
            started = now - chance.random() * 35 * DAY
            talk = chance.choice([0, 12, 34, 61, 125, 340, 901])
            status = "answered" if talk else chance.choice(["no_answer", "busy", "cancelled"])
            writer.writerow(
                [f"demo-{count:05d}", started.isoformat(timespec="seconds"), (started + dt.timedelta(seconds=talk + 9)).isoformat(timespec="seconds"),
                 *sides, talk + 9, talk, status, f"{Decimal(talk) / 60 * Decimal('0.012'):.4f}", "USD"]
            )  # fmt: skip
        writer.writerow(["demo-broken", "yesterday", "", numbers[0], OTHERS[0], "10", "1", "answered", "", ""])
    return path


def write_customer_files(folder: Path, *, now: dt.datetime) -> None:
    """Write one sample file for each customer import; together they make one new customer."""
    soon = (now + 400 * DAY).isoformat(timespec="seconds")
    since = (now - 2 * DAY).isoformat(timespec="seconds")
    samples: dict[str, list[list[str]]] = {
        "workspaces.csv": [
            ["outside_id", "name", "kind", "country", "time_zone", "created_at"],
            ["W-9001", "Tern Island Ferries", "business", "GB", "Europe/London", since],
        ],
        "people.csv": [
            ["outside_id", "name", "email", "phone", "country", "workspaces", "created_at"],
            ["P-9001", "Hannah Okoro", "hannah@tern-island.example", "+447700900901", "GB", "W-9001", since],
            ["P-9002", "Prospect Without Account", "prospect@tern-island.example", "", "GB", "", since],
        ],
        "subscriptions.csv": [
            ["outside_id", "workspace", "plan", "starts_at", "expires_at", "recording_enabled", "recording_days"],
            ["S-9001", "W-9001", "Business 10", since, soon, "1", "14"],
        ],
        "assignments.csv": [
            ["outside_id", "number", "voip", "workspace", "person", "from", "until"],
            ["A-9001", "+442079460999", "yes", "W-9001", "P-9001", (now - 40 * DAY).isoformat(timespec="seconds"), ""],
        ],
        "consents.csv": [
            ["outside_id", "person", "purpose", "policy_version", "given_at", "channel"],
            ["C-9001", "P-9001", "marketing_email", "2025-09", since, "website"],
        ],
    }
    for name, rows in samples.items():
        with (folder / name).open("w", newline="") as file:
            csv.writer(file).writerows(rows)
