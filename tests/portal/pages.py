"""What the page walk visits besides what the admin registers. Extend both with every page and model that is added."""

from django.urls import reverse

from accounts.models import User, Workspace
from dsar import routing
from dsar.models import ReplyTemplate
from retention import children
from telecom_records.models import Number
from tests import factories

UNKNOWN_SOURCE = 900_001
CUSTOM_PAGES = [
    "/admin/password_change/",
    "/admin/login/?next=/admin/",
    "/admin/dsar/subjectrequest/bulk/",
    "/admin/retention/console/",
    "/admin/retention/restore/",
    "/admin/retention/due/",
    "/admin/retention/conformance/",
    "/admin/retention/reviews/",
    "/admin/retention/reviews/workspace_expiry/",
    "/admin/retention/schedule/",
    "/admin/retention/rules/closed_ticket/period/",
    "/admin/retention/rules/kyc_image/period/?number=3&unit=days",
    "/admin/calls/import/",
    f"/admin/calls/imports/{factories.DRAFT_ID}/columns/",
    f"/admin/calls/sources/{UNKNOWN_SOURCE}/columns/",
    "/admin/retention/evidence/",
    "/admin/calls/figures/",
    "/admin/calls/recordings/add/",
    "/admin/marketing/",
    "/admin/california/",
]


def pages_of_rows() -> list[str]:
    """Return the addresses of pages about one row that the admin does not register; of the rows that ``make_rows`` made."""
    workspace = Workspace.objects.order_by("created_at", "outside_id").first()
    number = Number.objects.order_by("pk").first()
    return [reverse("calls:of_workspace", args=[workspace.pk]), reverse("calls:of_number", args=[number.pk])]


def make_rows(officer: User) -> None:
    """Make at least one row of each kind that has a change form; ``officer`` registers what needs somebody."""
    workspace = factories.make_customer(expires_at=factories.NOW + 30 * factories.DAY)
    factories.make_customer()
    factories.make_tool_session()
    factories.make_waiting_recording(factories.make_source())
    workspace.recordings.update(call=workspace.call_records.latest("started_at").pk)
    request = factories.make_request(officer, workspace=workspace)
    factories.make_letter(request, officer)
    factories.make_decision(request, officer)
    factories.make_request(officer, type="erasure", workspace=workspace)
    factories.make_california(officer)
    customer = workspace.memberships.get().person
    factories.make_correction(factories.make_request(officer, type="rectification", person=customer), officer)
    factories.make_request(officer, type="unsubscribe", requester_contact="somebody@example.test")
    factories.make_intake().deliveries.create(
        nonce="n" * 16, received_at=factories.NOW, state="refused", problem="fields email"
    )
    ReplyTemplate.objects.create(name="Received", text="Dear {name}, we have your ticket {ticket}.")
    factories.make_notice()
    factories.make_source("unknown-switch", pk=UNKNOWN_SOURCE)
    factories.make_draft(officer, pk=factories.DRAFT_ID)
    factories.make_watched_file()
    client = factories.make_client()
    split = factories.make_request(officer, requester_contact="anneke@brandt.example")
    routing.split_request(
        split.pk, account=client.workspace.outside_id, is_ours_too=True, user=officer, now=factories.NOW
    )
    children.record(
        workspace.memberships.get().person, found_at=factories.NOW, how="staff", authority="not_needed", user=officer,
        now=factories.NOW,
    )  # fmt: skip
    factories.make_feed().deliveries.create(nonce="n" * 16, received_at=factories.NOW, state="refused", problem="items")
