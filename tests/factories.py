"""Invented people and what belongs to them: plain functions, each with only what a test is about.

The cast: ``alice`` owns what the test is about, ``bob`` has his own workspace and must lose nothing.
"""

import datetime as dt
import hashlib
import io
import itertools
import uuid
from decimal import Decimal

from django.db import connection, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from accounts import files
from accounts.models import (
    BillingRecord,
    BusinessClient,
    Consent,
    Credit,
    Feed,
    KycDocument,
    Membership,
    PaymentReference,
    Person,
    PolicyVersion,
    Subscription,
    Suspension,
    User,
    Workspace,
)
from accounts.models.feeds import Kind
from accounts.roles import PRIVACY_OFFICER
from dsar import attachments, corrections, downloads, outbox, searching
from dsar.identity.proof import Proof, prove
from dsar.letters import sending
from dsar.letters.guards import unanswered
from dsar.models import (
    Attachment,
    Correction,
    Decision,
    DownloadLink,
    Identifier,
    IntakeSource,
    Letter,
    OutgoingMail,
    Package,
    Refusal,
    Statement,
    SubjectRequest,
    Ticket,
    TicketMessage,
)
from dsar.packages.answers import unapproved
from dsar.packages.states import KINDS
from dsar.services import open_ticket, register_request
from dsar.workflow import move_request
from retention.models import DeletionJob, Notice, NoticeContent, Recipient, Rule
from telecom_records.models import (
    CallDetailRecord,
    FreeToolSession,
    ImportRun,
    ImportSource,
    Number,
    NumberAssignment,
    Recording,
    SmsRecord,
    UsageRecord,
    WaitingRecording,
    WatchedFile,
    WatchedPlace,
)
from telecom_records.partitions import ensure_month, month_of
from telecom_records.recordings.matching import Facts
from telecom_records.recordings.placing import PlainFile
from telecom_records.recordings.sounds import inspect
from telecom_records.recordings.taking import take
from tests.telecom_records import sounds

NOW = dt.datetime(2026, 11, 23, 12, 0, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
PASSWORD = "a long enough password"
# Ofcom keeps the last thousand of each for fiction: London first. Tests write those under 200 themselves.
FICTION = ["2079460", *(f"{area}4960" for area in (113, 114, 115, 116, 117, 118, 121, 131, 141, 151, 161))]
_counter = itertools.count(1)


def next_number() -> int:
    return next(_counter)


def make_user(role: str | None = PRIVACY_OFFICER, **fields) -> User:
    from django.contrib.auth.models import Group

    count = next(_counter)
    user = User.objects.create_user(
        fields.pop("email", f"staff{count}@example.test"), PASSWORD, name=f"Staff {count}", **fields
    )
    if role:
        user.groups.add(Group.objects.get(name=role))
    return user


def make_workspace(**fields) -> Workspace:
    count = next(_counter)
    defaults = {
        "outside_id": f"W-{count:05d}",
        "name": f"Workspace {count}",
        "country": "GB",
        "created_at": NOW - 400 * DAY,
    }
    return Workspace.objects.create(**{**defaults, **fields})


def make_person(workspace: Workspace | None = None, **fields) -> Person:
    count = next(_counter)
    defaults = {
        "outside_id": f"P-{count:05d}",
        "name": f"Person {count}",
        "email": f"person{count}@example.test",
        "phone": f"+4477009{count % 100000:05d}"[:13],
        "created_at": NOW - 400 * DAY,
    }
    person = Person.objects.create(**{**defaults, **fields})
    if workspace:
        Membership.objects.create(workspace=workspace, person=person, since=NOW - 400 * DAY)
    return person


def make_subscription(workspace: Workspace, *, expires_at=NOW - DAY, **fields) -> Subscription:
    defaults = {"outside_id": f"S-{next(_counter):05d}", "plan": "Basic", "starts_at": NOW - 300 * DAY}
    return Subscription.objects.create(workspace=workspace, expires_at=expires_at, **{**defaults, **fields})


def make_client(workspace: Workspace | None = None, **fields) -> BusinessClient:
    workspace = workspace or make_workspace(kind="business", name="Harbour Bakery Ltd")
    return BusinessClient.objects.create(workspace=workspace, contact_email="privacy@harbour.example", **fields)


def make_number(e164: str | None = None, **fields) -> Number:
    if e164 is None:
        block, place = divmod(next(_counter), 800)
        e164 = f"+44{FICTION[block % len(FICTION)]}{200 + place}"
    return Number.objects.create(e164=e164, country="GB", **fields)


def make_assignment(workspace: Workspace, number: Number | None = None, *, since=NOW - 300 * DAY, until=None, **fields):
    return NumberAssignment.objects.create(
        outside_id=f"A-{next(_counter):05d}",
        number=number or make_number(),
        workspace=workspace,
        window=DateTimeTZRange(since, until),
        **fields,
    )


DRAFT_ID = uuid.UUID("d0000000-0000-4000-8000-000000000001")
UNKNOWN_FILE = b"Begin;A number;B number;Sec;Result\n01/07/2026 10:00:00;02079460101;02079460871;60;OK\n"


def make_draft(user, *, data: bytes = UNKNOWN_FILE, file_name: str = "calls.txt", **fields) -> ImportRun:
    """Make an upload that waits for somebody to say what its columns are."""
    run = ImportRun.objects.create(
        source=make_source("unknown-switch"), state="mapping", file_name=file_name, file_bytes=len(data),
        file_sha256=hashlib.sha256(data).hexdigest(), started_by=user, **fields,
    )  # fmt: skip
    run.file_key = files.put_encrypted(io.BytesIO(data), owner="import", owner_id=run.pk)
    run.save(update_fields=["file_key"])
    return run


def make_source(name: str = "test-switch", **fields) -> ImportSource:
    return ImportSource.objects.get_or_create(name=name, defaults=fields)[0]


def make_watched_file(name: str = "calls.csv", **fields) -> WatchedFile:
    place, _ = WatchedPlace.objects.get_or_create(kind="folder", defaults={"looked_at": NOW})
    defaults = {"source": make_source(), "size": 100, "fingerprint": f"{next(_counter)}:100:1", "seen_at": NOW}
    return WatchedFile.objects.create(place=place, name=name, **{**defaults, **fields})


def make_calls(workspace: Workspace, count: int = 1, *, at=NOW - 2 * DAY, **fields) -> list[CallDetailRecord]:
    ensure_month("telecom_records_calldetailrecord", month_of(at))
    defaults = {
        "own_number": "+442079460100",
        "other_party": "+442079460199",
        "direction": "outbound",
        "status": "answered",
        "duration_s": Decimal(60),
        "talk_s": Decimal(55),
        "time_source": "explicit_offset",
        "row_hash": b"x",
    }
    return CallDetailRecord.objects.bulk_create(
        [
            CallDetailRecord(
                workspace=workspace,
                source=make_source(),
                source_key=f"call-{next(_counter)}",
                started_at=at,
                **{**defaults, **fields},
            )
            for _ in range(count)
        ]
    )


def make_message(workspace: Workspace, *, at=NOW - 2 * DAY) -> SmsRecord:
    ensure_month("telecom_records_smsrecord", month_of(at))
    return SmsRecord.objects.create(
        workspace=workspace,
        own_number="+442079460100",
        other_party="+442079460199",
        direction="inbound",
        sent_at=at,
        source=ImportSource.objects.get_or_create(name="tests")[0],
        source_key=f"sms-{next(_counter)}",
        row_hash=b"x",
    )


def make_usage(workspace: Workspace, person: Person | None = None, *, at=NOW - 2 * DAY) -> UsageRecord:
    ensure_month("telecom_records_usagerecord", month_of(at))
    return UsageRecord.objects.create(
        workspace=workspace, person=person, occurred_at=at, event="page", ip_address="192.0.2.7", browser="Firefox"
    )


def make_recording(workspace: Workspace, *, sound: bytes = b"RIFF....WAVE") -> Recording:
    key = files.put_encrypted(io.BytesIO(sound), owner="workspace", owner_id=workspace.pk)
    return Recording.objects.create(
        workspace=workspace,
        kind=Recording.Kind.SUBSCRIBER,
        started_at=NOW - 2 * DAY,
        own_number="+442079460100",
        content_type="audio/wav",
        keep_days=30,
        file_key=key,
        file_bytes=len(sound),
    )


def make_waiting_recording(source: ImportSource, *, now=NOW) -> WaitingRecording:
    """Return a recording of which only the numbers and the time are known, and no call."""
    facts = Facts(numbers=("+442079460177",), started_at=now - DAY)
    sound = sounds.wav(0.1, level=next(_counter) % 30_000)
    take(facts, PlainFile(io.BytesIO(sound), inspect(io.BytesIO(sound), most_bytes=10**6)), source=source, now=now)
    return WaitingRecording.objects.latest("received_at")


def make_kyc(person: Person, workspace: Workspace | None = None, *, image: bytes = b"\x89PNG image") -> KycDocument:
    key = files.put_encrypted(io.BytesIO(image), owner="person", owner_id=person.pk)
    return KycDocument.objects.create(
        person=person,
        workspace=workspace,
        type=KycDocument.Type.PASSPORT,
        issuing_country="GB",
        file_key=key,
        file_bytes=len(image),
    )


def make_policy(version: str = "2025-09") -> PolicyVersion:
    return PolicyVersion.objects.get_or_create(version=version, defaults={"effective_on": dt.date(2025, 9, 8)})[0]


def make_consent(person: Person, **fields) -> Consent:
    defaults = {"outside_id": f"C-{next(_counter):05d}", "purpose": "marketing_email", "given_at": NOW - 100 * DAY}
    return Consent.objects.create(person=person, policy_version=make_policy(), **{**defaults, **fields})


def make_ticket(workspace: Workspace | None = None, person: Person | None = None, **fields) -> Ticket:
    ticket = open_ticket(Ticket(subject="Bad line", workspace=workspace, person=person, **fields), now=NOW - DAY)
    TicketMessage.objects.create(ticket=ticket, body="I hear nothing.", at=NOW - DAY)
    return ticket


def make_correspondence(ticket: Ticket) -> tuple[Attachment, OutgoingMail]:
    """Return a file of a ticket and a mail that is to be sent of it."""
    file = attachments.attach_bytes(ticket.messages.first(), b"a scan", name="scan.txt", said_type="text/plain")
    mail = outbox.send(
        to="person@example.test",
        subject="Bad line",
        text="We look into it.",
        purpose="reply",
        ticket=ticket,
        now=NOW - DAY,
    )
    return file, mail


def make_intake(name: str = "website", **fields) -> IntakeSource:
    account = make_user(None, is_active=False, is_staff=False)
    return IntakeSource.objects.create(name=name, account=account, **fields)


def make_letter(request: SubjectRequest, user: User) -> tuple[Letter, Refusal, DownloadLink]:
    """Return a refusal of a request, its entry in the log, and a link to an answer of it."""
    draft = sending.Draft(
        kind="refusal", language="en", reasons=["not_identified"], way="post", particulars="No proof came."
    )
    letter = sending.send(request.pk, draft, base_url="https://portal.example", user=user, now=NOW)
    link, _ = downloads.make_link(request, code_to="a@b.example", language="en", days=14, user=user, now=NOW)
    return letter, Refusal.objects.get(letter=letter.pk), link


def make_request(user: User, **fields) -> SubjectRequest:
    defaults = {
        "type": "access",
        "regime": "policy_default",
        "received_at": NOW - 3 * DAY,
        "requester_name": "Somebody",
    }
    return register_request(SubjectRequest(**{**defaults, **fields}), user=user, now=NOW)


def make_decision(request: SubjectRequest, user: User, right: str = "restriction", **fields) -> Decision:
    """Return a decision under a right that was carried out: for pages and packages that only show it."""
    return Decision.objects.create(
        request=request, right=right, decided_by=user, decided_at=NOW, **{"state": "done", "ended_at": NOW, **fields}
    )


def prove_identity(request: SubjectRequest, user: User, *, now: dt.datetime = NOW) -> Identifier:
    """Let an officer have made sure who asks: by a call back to the account of the customer, or to somebody's e-mail."""
    if request.person:
        return prove(
            request.pk, Identifier.Kind.ACCOUNT, request.person.outside_id, Proof.CALL_BACK, user=user, now=now
        )
    return prove(request.pk, Identifier.Kind.EMAIL, "somebody@example.test", Proof.LETTER, user=user, now=now)


def make_package(request: SubjectRequest, *, state: str = "approved", decided_by: User | None = None) -> Package:
    """Return a package that somebody asked for and somebody else decided about; its archive holds no rows."""
    asked_by, owner_id, data = make_user(None), uuid.uuid4(), b"an archive"
    key = files.put_encrypted(io.BytesIO(data), owner="package", owner_id=owner_id)
    return Package.objects.create(
        request=request, kind=request.type, state=state, asked_by=asked_by, asked_at=NOW, as_of=NOW, key_id=owner_id, file_key=key,
        file_bytes=len(data), sha256=hashlib.sha256(data).hexdigest(), sealed_at=NOW, decided_by=decided_by or make_user(None),
        decided_at=NOW,
    )  # fmt: skip


def bring_to(request: SubjectRequest, state: str, user: User, *, now: dt.datetime = NOW) -> SubjectRequest:
    """Bring a request by its moves to a state between collecting and closed, with all that these moves want."""
    if state not in ("received", "identity"):
        prove_identity(request, user, now=now)
    way = ["collecting", "review", "approved", "delivered", "closed"]
    request.refresh_from_db()
    begun = way.index(request.state) + 1 if request.state in way else 0
    for each in way[begun : way.index(state) + 1]:
        if each == "approved" and unapproved(request):
            make_package(request, decided_by=user)
        if each == "delivered" and unanswered(request):
            is_nobody = request.type in KINDS and not (request.person_id or request.workspace_id)
            if is_nobody:
                searching.search(request.pk, "somebody@example.test", on=None, user=user, now=now)
            draft = sending.Draft(kind="nothing" if is_nobody else "answer", language="en", way="post")
            sending.send(request.pk, draft, base_url="https://portal.example", user=user, now=now)
        else:
            move_request(request.pk, each, user=user, now=now)
    request.refresh_from_db()
    return request


def deliver_mails(now: dt.datetime = NOW) -> None:
    """Send what the outbox has for now, as the workers do."""
    for mail in outbox.to_send(now):
        outbox.deliver(mail.pk, now=now)


def refuse(request: SubjectRequest, user: User, *, now: dt.datetime = NOW) -> SubjectRequest:
    """Refuse a request as an officer does: by its letter."""
    draft = sending.Draft("refusal", "en", ["not_identified"], "No proof came.", way="post")
    sending.send(request.pk, draft, base_url="https://portal.example", user=user, now=now)
    request.refresh_from_db()
    return request


def make_correction(request: SubjectRequest, user: User) -> tuple[Correction, Statement]:
    """Return a correction of the customer of a request, and what they say of something that was not corrected."""
    changes = corrections.changes_of(request, {"accounts.Person.business_name": "Brandt Ltd"})
    with transaction.atomic():
        (made,) = corrections.apply(request, changes, shown_by="word", file=None, now=NOW)
    said = corrections.state_disagreement(request, "That is not so.", ["accounts.Person.name"], user=user, now=NOW)
    return made, said


def make_california(officer: User) -> SubjectRequest:
    """Return a request under the CCPA that was refused, which stands in the register."""
    request = bring_to(make_request(officer, regime="us_ca_ccpa"), "approved", officer)
    draft = sending.Draft(kind="refusal", language="en", reasons=["fraud"], way="post", particulars="As it says.")
    sending.send(request.pk, draft, base_url="https://portal.example", user=officer, now=NOW)
    request.refresh_from_db()
    return request


def make_tool_session(**fields) -> FreeToolSession:
    return FreeToolSession.objects.create(
        **{"tool": "number lookup", "started_at": NOW - DAY, "entered": {"q": "x"}, **fields}
    )


def make_notice() -> Notice:
    """Return a notice about a deletion that ends nothing: for pages that only show it."""
    job = DeletionJob.objects.create(rule=Rule.objects.get(pk="workspace_expiry"), due_at=NOW, cutoff=NOW)
    recipient = Recipient.objects.order_by("name").first() or Recipient.objects.create(name="Somebody")
    notice = Notice.objects.create(recipient=recipient, job=job, prepared_at=NOW)
    NoticeContent.objects.create(notice=notice, sealed=b"sealed")
    return notice


def make_feed(name: str = "platform", **fields) -> Feed:
    return Feed.objects.create(name=name, **{"carries": list(Kind.values), "expected_minutes": 60, **fields})


def make_customer(*, expires_at=NOW - DAY, calls: int = 3) -> Workspace:
    """Return a workspace with something in every table that a workspace leads to."""
    workspace = make_workspace()
    person = make_person(workspace)
    make_subscription(workspace, expires_at=expires_at)
    Credit.objects.create(workspace=workspace, amount=Decimal("12.50"))
    PaymentReference.objects.create(workspace=workspace, token=f"tok_{next(_counter)}", last_four="4242")
    BillingRecord.objects.create(
        outside_id=f"INV-{next(_counter)}", workspace=workspace, kind=BillingRecord.Kind.INVOICE, amount=Decimal("9.99")
    )
    make_assignment(workspace)
    make_assignment(workspace, make_number(is_voip=False))
    make_calls(workspace, calls)
    make_calls(workspace, 1, at=NOW - 40 * DAY)
    make_message(workspace)
    make_usage(workspace, person)
    make_recording(workspace)
    make_kyc(person, workspace)
    make_consent(person)
    make_correspondence(make_ticket(workspace, person))
    Suspension.objects.create(
        workspace=workspace, code="other", reason="A mistake", suspended_by=make_user(None), suspended_at=NOW - 50 * DAY,
        lifted_at=NOW - 49 * DAY,
    )  # fmt: skip
    make_client(workspace)
    return workspace


def correct(workspace: Workspace) -> None:
    """Let the person of a workspace have had something corrected, and said something of the rest."""
    officer = make_user()
    make_correction(make_request(officer, type="rectification", person=workspace.memberships.get().person), officer)


def arm(*keys: str) -> None:
    """Arm rules as two officers would have; the way there has tests of its own."""
    Rule.objects.filter(**({"pk__in": keys} if keys else {})).update(state=Rule.State.ARMED, armed_at=NOW)


def know_for_long(since: dt.datetime | None = NOW - 300 * DAY) -> None:
    """Make every end that is written down now known since long ago. Only the database writes that instant itself."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE accounts_subscription DISABLE TRIGGER callmama_end_changed")
        cursor.execute("UPDATE accounts_subscription SET end_changed_at = %s", [since])
        cursor.execute("ALTER TABLE accounts_subscription ENABLE TRIGGER callmama_end_changed")
