"""One thing done to many: chosen once, one by one, resumable, and what came of each is listed."""

import pytest

from dsar import bulk, outbox
from dsar.models import BulkAction, BulkItem, OutgoingMail, SubjectRequest, Watcher
from dsar.workflow import move_request
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db
Kind = BulkAction.Kind


@pytest.fixture
def officer():
    return factories.make_user()


@pytest.fixture
def three(officer):
    contacts = ("anneke@brandt.example", "bob@example.test", "")
    return [factories.make_request(officer, requester_contact=contact) for contact in contacts]


def start(kind, officer, target=None, requests=None):
    return bulk.start(
        kind, SubjectRequest.objects.all() if requests is None else requests, target=target, user=officer, now=NOW
    )


def results(action) -> list[tuple[str, str]]:
    return list(action.items.order_by("request__reference").values_list("state", "result"))


def test_receipt_is_confirmed_to_each_and_who_cannot_be_written_to_is_listed(officer, three):
    by_post = bulk.sending.Draft("receipt", "en", way="post")
    bulk.sending.send(three[1].pk, by_post, base_url="", user=officer, now=NOW)
    action = start(Kind.RECEIPT, officer)
    assert bulk.carry_on(action.pk, now=NOW) == 3
    (first, second, third) = results(action)
    assert first == ("done", "The letter is on its way.")
    assert second == ("failed", "Receipt was confirmed on 23 Nov 2026.")
    assert third[0] == "failed" and third[1].startswith("No e-mail address is known")
    assert [outbox.content_of(mail).to for mail in OutgoingMail.objects.all()] == ["anneke@brandt.example"]
    three[0].refresh_from_db()
    three[2].refresh_from_db()
    assert (three[0].acknowledged_at, three[2].acknowledged_at) == (NOW, None)


def test_an_owner_and_a_watcher_are_given_to_the_open_ones_that_were_chosen(officer, three):
    agent = factories.make_user("Support agent")
    closed = move_request(factories.make_request(officer).pk, "withdrawn", user=officer, now=NOW)
    chosen = SubjectRequest.objects.exclude(pk=three[0].pk)
    for kind in (Kind.OWNER, Kind.WATCH):
        bulk.carry_on(start(kind, officer, agent, chosen).pk, now=NOW)
    owned = SubjectRequest.objects.filter(owner=agent)
    assert set(owned) == {three[1], three[2]} == {watcher.request for watcher in Watcher.objects.filter(user=agent)}
    assert closed.owner is None
    assert three[1].events.get(kind="changed").text == f"Owner: {agent}."


def test_what_was_stopped_half_way_goes_on_and_nothing_is_done_twice(officer, three, monkeypatch):
    action = start(Kind.RECEIPT, officer)
    monkeypatch.setattr(bulk, "AT_ONCE", 1)
    assert bulk.carry_on(action.pk, now=NOW) == 1 and bulk.under_way() == [action.pk]
    move_request(three[1].pk, "withdrawn", user=officer, now=NOW)  # meanwhile
    for _ in range(3):
        bulk.carry_on(action.pk, now=NOW)
    assert bulk.under_way() == [] and bulk.counts(action) == {"all": 3, "over": 3, "failed": 2}
    assert OutgoingMail.objects.count() == 1
    assert "is over" in results(action)[1][1]


def test_one_that_breaks_does_not_stop_the_others_and_leaves_nothing_half_done(officer, three, monkeypatch):
    send = bulk.sending.send

    def breaks(request_id, *args, **kwargs):
        letter = send(request_id, *args, **kwargs)
        if request_id == three[0].pk:
            raise RuntimeError("secret@example.test")
        return letter

    monkeypatch.setattr(bulk.sending, "send", breaks)
    action = start(Kind.RECEIPT, officer)
    bulk.carry_on(action.pk, now=NOW)
    assert [state for state, _ in results(action)] == ["failed", "done", "failed"]
    assert results(action)[0][1] == "An unforeseen fault (RuntimeError)."
    three[0].refresh_from_db()
    assert three[0].acknowledged_at is None and OutgoingMail.objects.count() == 1


def test_nothing_too_many_and_nobody_are_refused(officer, three, monkeypatch):
    with pytest.raises(bulk.UnableToStart, match="No open request"):
        start(Kind.OWNER, officer, officer, SubjectRequest.objects.filter(state="closed"))
    with pytest.raises(bulk.UnableToStart, match="Choose who"):
        start(Kind.OWNER, officer)
    monkeypatch.setattr(bulk, "MOST", 2)
    with pytest.raises(bulk.UnableToStart, match="more than 2"):
        start(Kind.OWNER, officer, officer)
    assert not BulkItem.objects.exists()


def test_the_page_takes_the_filter_of_the_list_and_shows_what_came_of_each(client, officer, three):
    other = factories.make_request(officer, type="erasure")
    client.force_login(officer)
    assert "bulk/?type__exact=erasure" in client.get("/admin/dsar/subjectrequest/?type__exact=erasure").content.decode()
    url = "/admin/dsar/subjectrequest/bulk/?type__exact=erasure"
    assert "1 open request on the list" in client.get(url).content.decode()
    assert "Choose who of the staff" in client.post(url, {"kind": "owner"}).content.decode()
    response = client.post(url, {"kind": "owner", "target": officer.pk})
    assert [item.request for item in BulkItem.objects.all()] == [other]
    assert "every 3s" in client.get(response.url).content.decode()
    bulk.carry_on(BulkAction.objects.get().pk, now=NOW)
    html = client.get(response.url, headers={"HX-Request": "true"}).content.decode()
    assert other.reference in html and "Owner:" in html and "every 3s" not in html and "<html" not in html
    client.force_login(factories.make_user("Auditor"))
    assert client.get(url).status_code == client.get(response.url).status_code == 403
    assert "For all of this list" not in client.get("/admin/dsar/subjectrequest/").content.decode()
