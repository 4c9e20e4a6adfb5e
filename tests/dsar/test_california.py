"""The register of Californian requests, its yearly figures, and the categories that are disclosed."""

import csv
import datetime as dt
import io

import pytest
from django.urls import reverse

from accounts.models import AccessLogEntry
from accounts.roles import AUDITOR, PRIVACY_OFFICER, SUPPORT_AGENT
from dsar import clocks
from dsar.california import categories, register
from dsar.letters import sending
from dsar.letters.compose import UnableToCompose
from dsar.models import RegisterEntry, SubjectRequest
from dsar.packages.categories import CATEGORIES
from dsar.rights import RIGHTS, rights_for
from dsar.rights.decisions import decide, digest_of, preview_of
from dsar.services import redate_request
from dsar.workflow import move_request
from tests import factories
from tests.dsar.rights import carry_out
from tests.factories import DAY, NOW
from tests.retention.recipients import make_recipient

pytestmark = pytest.mark.django_db
CA = "us_ca_ccpa"


@pytest.fixture
def officer():
    return factories.make_user()


def of_customer(officer, **fields) -> SubjectRequest:
    return factories.make_request(officer, regime=CA, workspace=factories.make_customer(), **fields)


def answer(request, officer, kind: str, *, after: int, reasons=()):
    """Send a letter and close the request so many days after its receipt."""
    now = request.received_at + after * DAY
    request = factories.bring_to(request, "approved", officer, now=now)
    draft = sending.Draft(kind=kind, language="en", reasons=list(reasons), way="post", particulars="As it says.")
    sending.send(request.pk, draft, base_url="https://portal.example", user=officer, now=now)
    request.refresh_from_db()
    return request


def test_the_figures_count_what_became_of_each_request_of_the_year(officer):
    for days, kind, reasons in (
        (10, "answer", []),
        (20, "answer", []),
        (31, "partial", ["others_rights"]),
        (40, "refusal", ["not_identified"]),
    ):
        answer(
            of_customer(officer, received_at=NOW - 3 * DAY),
            officer,
            kind,
            after=days,
            reasons=reasons,
        )
    factories.make_request(officer, regime=CA, type="erasure")
    gone = factories.make_request(officer, regime=CA, type="erasure")
    move_request(gone.pk, "withdrawn", user=officer, now=NOW)
    factories.make_request(officer, regime="eu_gdpr")
    factories.make_request(officer, regime=CA, received_at=NOW - 400 * DAY)
    lines = {line.type: line for line in register.metrics(2026)}
    assert set(lines) == {"access", "erasure", ""}
    know = lines["access"]
    assert (know.received, know.complied, know.partial, know.denied, know.median_days) == (4, 2, 1, 1, 25.5)
    rest = lines["erasure"]
    assert (rest.received, rest.open, rest.other, rest.median_days) == (2, 1, 1, None)
    assert lines[""].received == 6 and register.years() == [2026, 2025]


def test_the_year_is_californias(officer):
    late = dt.datetime(2026, 1, 1, 7, 30, tzinfo=dt.UTC)  # 31 December, 23:30 in Los Angeles
    factories.make_request(officer, regime=CA, received_at=late)
    assert [line.received for line in register.metrics(2025)] == [1, 1] and register.metrics(2026) == []


def test_an_entry_follows_its_request_and_outlives_its_words(officer):
    request = factories.make_request(officer, regime=CA)
    closed = answer(request, officer, "refusal", after=5, reasons=["not_identified"])
    entry = RegisterEntry.objects.get()
    assert (entry.outcome, entry.reasons, entry.ended_at) == ("denied", ["not_identified"], closed.closed_at)
    move_request(request.pk, "collecting", user=officer, now=NOW + 6 * DAY)
    assert RegisterEntry.objects.get().outcome == "open" and RegisterEntry.objects.get().ended_at is None
    request.refresh_from_db()
    request.regime = "eu_gdpr"
    redate_request(request, user=officer, now=NOW + 7 * DAY)
    assert RegisterEntry.objects.get().outcome == "moved" and register.metrics(2026) == []


def test_an_entry_goes_24_months_after_the_answer_and_an_open_one_never(officer):
    done = answer(of_customer(officer), officer, "answer", after=5)
    factories.make_request(officer, regime=CA)
    period = dt.timedelta(days=731)

    def past(now):
        return list(
            RegisterEntry.objects.filter(clocks.register_entry_is_old(now, period)).values_list("request_id", flat=True)
        )

    assert past(done.closed_at + period - dt.timedelta(seconds=1)) == []
    assert past(done.closed_at + period) == [done.pk]
    assert clocks.register_entry_goes_at(RegisterEntry.objects.get(ended_at__isnull=True), period) is None


@pytest.mark.parametrize(("role", "status"), [(PRIVACY_OFFICER, 200), (AUDITOR, 200), (SUPPORT_AGENT, 403)])
def test_who_may_see_the_register(client, role, status):
    client.force_login(factories.make_user(role))
    assert client.get(reverse("california:page")).status_code == status
    for name in ("metrics", "register"):
        assert client.get(reverse(f"california:{name}", args=[2026])).status_code == status


def test_the_files_hold_the_year_and_nobodys_name(client, officer):
    person = factories.make_person(name="Alice Brandt")
    request = factories.make_request(officer, regime=CA, person=person, requester_name="Alice Brandt")
    answer(request, officer, "refusal", after=4, reasons=["fraud"])
    client.force_login(factories.make_user(AUDITOR))
    text = b"".join(client.get(reverse("california:register", args=[2026]))).decode()
    (row,) = csv.DictReader(io.StringIO(text))
    assert row["request"] == request.reference and row["outcome"] == "Denied" and "Alice" not in text
    assert row["basis of the denial"] == "It would hinder the prevention of crime"
    assert AccessLogEntry.objects.get(action="export").rows == 1
    figures = b"".join(client.get(reverse("california:metrics", args=[2026]))).decode()
    assert list(csv.DictReader(io.StringIO(figures)))[0]["denied"] == "1"
    assert client.get(reverse("california:register", args=[9999])).status_code == 404
    assert client.get(reverse("california:page") + "?year=9999999999").status_code == 200


def test_every_category_of_the_data_map_is_disclosed_with_its_source_and_recipients():
    make_recipient(kind="payment", categories=["accounts.PaymentReference"])
    found = categories.collected()
    assert {category.ccpa for category in CATEGORIES} == {each.name for each in found}
    assert all(each.sources and each.purposes and each.recipients for each in found)
    records = next(each for each in found if each.name.startswith("B."))
    assert records.recipients == ["Payment processor"]
    assert [each.name for each in found if each.is_sensitive] == ["L. Sensitive personal information"]


def test_who_asks_to_know_is_told_the_categories_held_of_them_and_that_nothing_is_sold(officer):
    workspace = factories.make_workspace()
    alice = factories.make_person(workspace)
    factories.make_calls(workspace, 1)
    request = factories.make_request(officer, regime=CA, person=alice)
    right = RIGHTS["categories"]
    assert right in rights_for(request)
    assert right not in rights_for(SubjectRequest(type="access", regime="eu_gdpr"))
    factories.prove_identity(request, officer)
    choices = {"with_pieces": True}
    shown = preview_of(request, right, choices, now=NOW)
    decision = decide(request.pk, "categories", choices, seen=digest_of(right, choices, shown), user=officer, now=NOW)
    for language in ("en", "zh-hant"):
        said = " ".join(right.told(decision, language))
        assert (
            "A. Identifiers" in said and "F. Internet" in said and "L. Sensitive" not in said and "H. Audio" not in said
        )
    assert "We have sold none of it" in " ".join(right.told(decision, "en"))


@pytest.mark.parametrize("with_pieces", [True, False])
def test_only_who_asks_for_no_more_than_the_categories_is_answered_without_a_package(officer, with_pieces):
    request = of_customer(officer)
    factories.prove_identity(request, officer)
    request.refresh_from_db()
    carry_out(request, "categories", officer, **({"with_pieces": "on"} if with_pieces else {"with_pieces": ""}))
    request.refresh_from_db()
    assert request.state == ("received" if with_pieces else "approved")
    draft = sending.Draft(kind="answer", language="en", way="post")
    if with_pieces:
        with pytest.raises(UnableToCompose, match="package has not been approved"):
            sending.preview(request, draft, user=officer, now=NOW)
    else:
        assert "A. Identifiers" in sending.preview(request, draft, user=officer, now=NOW)[1]


def test_a_limit_is_confirmed_without_any_proof(officer):
    request = factories.make_request(officer, regime=CA, type="limit")
    right = RIGHTS["limit_sensitive"]
    shown = preview_of(request, right, {}, now=NOW)
    decide(request.pk, right.code, {}, seen=digest_of(right, {}, shown), user=officer, now=NOW)
    assert SubjectRequest.objects.get(pk=request.pk).state == "approved"
