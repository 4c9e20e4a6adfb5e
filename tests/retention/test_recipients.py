"""A recipient is filled in by one officer; two let it be told, and two end that."""

import pytest

from accounts import approvals
from accounts.models import Approval, EvidenceEntry
from accounts.roles import AUDITOR
from retention.models import Notice, Recipient
from retention.purge import carry_out
from retention.upstream import recipients
from retention.upstream.recipients import UnableToTell
from tests import factories
from tests.factories import NOW
from tests.retention.recipients import SECRET, make_officers, make_recipient

pytestmark = pytest.mark.django_db
FORM = {
    "name": "Hooked", "kind": "platform", "known_by": "account", "categories": ["telecom_records.Recording"],
    "deadline_days": "14", "contact": "ask for the duty desk", "channel": "webhook",
    "url": "https://hooks.example.test/token/abc", "secret": SECRET, "email": "", "key": "",
}  # fmt: skip
ADD = "/admin/retention/recipient/add/"


def change_url(recipient: Recipient) -> str:
    return f"/admin/retention/recipient/{recipient.pk}/change/"


def test_the_usual_recipients_are_there_as_drafts_with_the_service_platform_and_nobody_is_told():
    assert Recipient.objects.filter(name="Service platform", kind="platform", known_by="account").exists()
    assert Recipient.objects.count() == len(recipients.SEEDS)
    known = dict(recipients.categories())
    for recipient in Recipient.objects.all():
        assert (recipient.is_active, recipient.sealed_address, recipient.address_shown) == (False, None, "")
        assert recipient.categories and set(recipient.categories) <= set(known)
    factories.arm()
    factories.make_customer()
    (job,) = carry_out(NOW, now=NOW)
    assert not job.notices.exists()


def test_an_officer_fills_one_in_and_its_address_is_sealed(client):
    client.force_login(factories.make_user())
    response = client.post(ADD, FORM)
    assert response.status_code == 302, response.context["adminform"].form.errors
    made = Recipient.objects.get(name="Hooked")
    assert recipients.address_of(made) == recipients.Address(url=FORM["url"], secret=SECRET)
    assert made.address_shown == "hooks.example.test" and not made.is_active
    page = client.get(change_url(made)).content.decode()
    assert "hooks.example.test" in page and SECRET not in page and "token/abc" not in page
    body = EvidenceEntry.objects.get(type="RECIPIENT_SET", subject=str(made.pk)).body
    assert "hooks" not in str(body) and "duty desk" not in str(body)
    sealed = bytes(made.sealed_address)
    assert client.post(change_url(made), {**FORM, "url": "", "secret": "", "deadline_days": "10"}).status_code == 302
    made.refresh_from_db()
    assert (made.deadline_days, bytes(made.sealed_address)) == (10, sealed)


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "http://user:x@hooks.example.test/"},
        {"secret": "short"},
        {"secret": ""},
        {"url": ""},
        {"deadline_days": "0"},
        {"deadline_days": "91"},
        {"email": "a@example.test"},
        {"channel": "email"},
        {"channel": "email", "url": "", "secret": "", "key": "age1nothing", "email": "a@example.test"},
        {"channel": "email", "url": "", "secret": "", "known_by": "number", "email": "a@example.test"},
        {"categories": ["accounts.User"]},
        {"categories": ["retention.NoticeContent"]},
    ],
)
def test_a_recipient_that_could_not_be_told_safely_is_not_taken(client, wrong):
    client.force_login(factories.make_user())
    assert client.post(ADD, {**FORM, **wrong}).status_code == 200
    assert not Recipient.objects.filter(name="Hooked").exists()


def test_two_officers_begin_it_and_two_end_it():
    first, second = make_officers()
    recipient = make_recipient(active=False)
    asked = recipients.ask_to_begin(recipient, user=first, now=NOW)
    with pytest.raises(approvals.UnableToApprove):
        approvals.decide(asked.pk, user=first, agree=True, now=NOW)
    recipient.refresh_from_db()
    assert not recipient.is_active
    approvals.decide(asked.pk, user=second, agree=True, now=NOW)
    recipient.refresh_from_db()
    assert recipient.is_active and recipient.active_from == NOW
    with pytest.raises(UnableToTell):
        recipients.ask_to_begin(recipient, user=first, now=NOW)
    ending = recipients.ask_to_end(recipient, user=second, now=NOW)
    approvals.decide(ending.pk, user=first, agree=True, now=NOW)
    recipient.refresh_from_db()
    assert not recipient.is_active and recipient.active_until == NOW
    types = set(EvidenceEntry.objects.filter(subject=str(recipient.pk)).values_list("type", flat=True))
    assert types == {"RECIPIENT_BEGUN", "RECIPIENT_ENDED"}


@pytest.mark.parametrize("change", ["address", "categories", "deadline"])
def test_a_change_after_the_asking_makes_it_void(change):
    first, second = make_officers()
    recipient = make_recipient(active=False)
    asked = recipients.ask_to_begin(recipient, user=first, now=NOW)
    if change == "address":
        recipients.set_address(recipient, recipients.Address(url="https://evil.example.test/", secret=SECRET),
                               shown="hooks.example.test")  # fmt: skip
    elif change == "categories":
        recipient.categories = recipient.categories[:1]
    else:
        recipient.deadline_days = 90
    recipients.save_recipient(recipient, user=first)
    with pytest.raises(approvals.UnableToApprove):
        approvals.decide(asked.pk, user=second, agree=True, now=NOW)
    recipient.refresh_from_db()
    assert not recipient.is_active and Approval.objects.get().state == Approval.State.VOID


def test_an_active_one_is_not_changed_by_one_officer(client):
    officer = factories.make_user()
    recipient = make_recipient()
    client.force_login(officer)
    assert client.post(change_url(recipient), {**FORM, "name": "Changed"}).status_code == 403
    recipient.name = "Changed"
    with pytest.raises(UnableToTell):
        recipients.save_recipient(recipient, user=officer)
    assert not Recipient.objects.filter(name="Changed").exists()


def test_one_without_address_or_categories_does_not_begin():
    officer, _ = make_officers()
    for recipient in (Recipient.objects.get(name="Stripe"), make_recipient(active=False, categories=[])):
        with pytest.raises(UnableToTell):
            recipients.ask_to_begin(recipient, user=officer, now=NOW)


def test_pages_of_a_notice_and_of_its_deletion(client):
    factories.arm()
    factories.make_customer()
    make_recipient(name="Platform of tests")
    (job,) = carry_out(NOW, now=NOW)
    notice = Notice.objects.get()
    officer = factories.make_user()
    client.force_login(officer)
    page = client.get(f"/admin/retention/deletionjob/{job.pk}/change/").content.decode()
    assert "Platform of tests" in page and "0 of 1 confirmed" in page and "Gone everywhere by" in page
    assert client.get(f"/admin/retention/notice/{notice.pk}/change/").status_code == 200
    confirm = f"/admin/retention/notice/{notice.pk}/confirm/"
    client.get(confirm)
    notice.refresh_from_db()
    assert notice.is_open
    client.post(confirm, {"_form_submitted": "True", "note": "Told by telephone on 3 December"})
    notice.refresh_from_db()
    assert (notice.state, notice.settled_by, notice.note) == ("confirmed", officer, "Told by telephone on 3 December")
    page = client.get(f"/admin/retention/deletionjob/{job.pk}/change/").content.decode()
    assert "All have confirmed" in page and "Gone everywhere since" in page


def test_an_auditor_looks_and_does_nothing(client):
    factories.arm()
    factories.make_customer()
    recipient = make_recipient()
    carry_out(NOW, now=NOW)
    notice = Notice.objects.get()
    client.force_login(factories.make_user(AUDITOR))
    assert client.get(change_url(recipient)).status_code == 200
    for action in ("confirm", "close", "send_again"):
        assert (
            client.post(
                f"/admin/retention/notice/{notice.pk}/{action}/", {"_form_submitted": "True", "note": "x"}
            ).status_code
            == 403
        )
    for action in ("ask_to_begin", "ask_to_end"):
        assert client.post(f"/admin/retention/recipient/{recipient.pk}/{action}/", {}).status_code == 403
    notice.refresh_from_db()
    assert notice.state == "waiting"
