"""Letters say what the law wants in them, in both languages; what is previewed is what is sent; a refusal is logged first."""

import datetime as dt

import pytest

from accounts.models import EvidenceEntry
from accounts.roles import AUDITOR, PRIVACY_OFFICER, SUPPORT_AGENT
from dsar import downloads, outbox
from dsar.deadlines import REGIMES, REQUEST_TYPES
from dsar.identity.proof import Proof, prove
from dsar.letters import laws, sending, words
from dsar.letters.compose import Facts, UnableToCompose, compose
from dsar.models import DownloadLink, Letter, OutgoingMail, Refusal, SubjectRequest
from dsar.packages import states
from dsar.packages.states import UnableToPackage
from dsar.workflow import UnableToMove, move_request
from retention.models import DeletionJob
from retention.purge import carry_out
from tests import factories
from tests.factories import DAY, NOW

LANGUAGES = ["en", "zh-hant"]
Kind = Letter.Kind


def facts(**changes) -> Facts:
    return Facts(
        **{
            "kind": Kind.ANSWER, "language": "en", "regime": "eu_gdpr", "request_type": "access", "reference": "DSR-2026-0042",
            "name": "Anneke Brandt", "received_on": dt.date(2026, 11, 1), "due_on": dt.date(2026, 12, 1), **changes,
        }
    )  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("regime", [*laws.LAWS, "br_lgpd"])
@pytest.mark.parametrize("kind", Kind.values)
def test_every_letter_by_type_law_and_language_is_whole(kind, regime, language):
    for request_type in REQUEST_TYPES:
        reasons = list(laws.reasons_for(regime, request_type)) if kind in (Kind.PARTIAL, Kind.REFUSAL) else []
        if kind == Kind.EXTENSION and not laws.law_of(regime).extension:
            continue
        subject, text = compose(
            facts(
                kind=kind,
                regime=regime,
                request_type=request_type,
                language=language,
                reasons=reasons,
                particulars="My words.",
            )
        )
        law = laws.law_of(regime)
        assert "DSR-2026-0042" in subject and "Anneke Brandt" in text and "My words." in text
        assert (law.name[language] in text) or kind in (Kind.UPHELD, Kind.REJECTED)  # these are about our own answer
        assert "{" not in text + subject
        for code in reasons:
            assert laws.REASONS[code].words[language] in text and laws.provision_of(code, regime) in text
        assert (law.complaint[language] in text) == (kind not in (Kind.RECEIPT, Kind.UPHELD))
        assert words.CLOSING[language] in text


def test_the_two_languages_have_the_same_words():
    for table in (words.SUBJECTS, words.OPENING, words.WHAT, words.DONE, words.LINES):
        assert set(table["en"]) == set(table["zh-hant"])
    assert all(set(law.complaint) == set(law.name) == set(LANGUAGES) for law in laws.LAWS.values())
    assert all(set(reason.words) == set(LANGUAGES) for reason in laws.REASONS.values())
    assert set(words.WHAT["en"]) >= set(words.DONE["en"]) and {regime for regime in REGIMES if regime in laws.LAWS} >= {
        "policy_default",
        "eu_gdpr",
    }


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"kind": Kind.REFUSAL}, "at least one reason"),
        ({"kind": Kind.REFUSAL, "reasons": ["law_keeps"]}, "no ground under this law"),
        ({"kind": Kind.REFUSAL, "reasons": ["fraud"]}, "no ground under this law"),
        ({"kind": Kind.REFUSAL, "reasons": ["invented"]}, "not known"),
        ({"kind": Kind.REFUSAL, "reasons": ["excessive"], "particulars": " "}, "particulars"),
        ({"kind": Kind.ANSWER, "reasons": ["fraud"]}, "Only an answer in part"),
        ({"kind": Kind.EXTENSION, "particulars": ""}, "why more time"),
        ({"kind": Kind.EXTENSION, "regime": "policy_default", "particulars": "x"}, "knows no extension"),
        ({"kind": Kind.RECEIPT, "link": "https://x"}, "Only an answer"),
    ],
)
def test_a_letter_that_would_lack_something_is_not_made(changes, says):
    with pytest.raises(UnableToCompose, match=says):
        compose(facts(**changes))


def test_hong_kong_names_its_commissioner_and_the_log_and_dates_are_written_as_the_language_does():
    _, text = compose(facts(regime="hk_pdpo", language="zh-hant", kind=Kind.REFUSAL, reasons=["not_identified"]))
    for part in ("個人資料私隱專員公署", "section 20(1)(a)", "紀錄簿", "2026 年 11 月 1 日", "閣下"):
        assert part in text, part
    assert "1 November 2026" in compose(facts())[1]


def test_no_reason_refuses_an_objection_to_marketing_without_a_ground_of_law():
    assert "fraud" not in laws.reasons_for("eu_gdpr", "objection")


# --- Sending -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def officer(db):
    return factories.make_user(PRIVACY_OFFICER)


@pytest.fixture
def asked(officer):
    return factories.make_request(
        officer, type="rectification", requester_name="Anneke Brandt", requester_contact="anneke@brandt.example"
    )


@pytest.fixture
def answer(monkeypatch):
    file = downloads.AnswerFile("DSR.zip", "application/zip", 6, lambda: iter([b"abc", b"def"]))
    monkeypatch.setattr(downloads, "_finder", lambda request: file)
    return file


def write(client, asked, *, send=True, **form):
    url = f"/admin/dsar/letter/write/{asked.pk}/"
    form = {
        "kind": "refusal",
        "language": "en",
        "way": "email",
        "reasons": ["not_identified"],
        "particulars": "No proof came.",
        **form,
    }
    shown = client.post(url, {**form, "preview": "1"})
    if not send:
        return shown
    text = shown.context["shown"][1].replace("\n", "\r\n")
    return client.post(url, {**form, "send": "1", "previewed": text})


def test_what_was_previewed_is_sent_logged_and_kept(client, officer, asked):
    client.force_login(officer)
    shown = write(client, asked, send=False)
    assert (
        "We could not make sure" in shown.content.decode()
        and not OutgoingMail.objects.exists()
        and not Refusal.objects.exists()
    )
    assert write(client, asked).status_code == 302
    letter, mail, refusal = Letter.objects.get(), OutgoingMail.objects.get(), Refusal.objects.get()
    content = outbox.content_of(mail)
    assert (content.to, content.subject, content.text) == ("anneke@brandt.example", letter.subject, letter.body)
    assert letter.body == shown.context["shown"][1] and letter.mail == mail.pk
    assert (refusal.request, refusal.letter, refusal.reasons, refusal.regime, refusal.particulars) == (
        asked, letter.pk, ["not_identified"], "policy_default", "No proof came.",
    )  # fmt: skip
    assert asked.events.get(kind="letter").text == "Refusal sent by e-mail, in English."
    body = EvidenceEntry.objects.get(type="LETTER_SENT").body
    assert body["reasons"] == ["not_identified"] and "brandt" not in str(body).lower()


def test_what_was_changed_after_the_preview_is_shown_again_and_not_sent(client, officer, asked):
    client.force_login(officer)
    text = write(client, asked, send=False).context["shown"][1].replace("\n", "\r\n")
    url = f"/admin/dsar/letter/write/{asked.pk}/"
    form = {
        "kind": "refusal",
        "language": "en",
        "way": "email",
        "reasons": ["not_identified"],
        "particulars": "Other words.",
        "send": "1",
        "previewed": text,
    }
    html = client.post(url, form).content.decode()
    assert "Read it once more" in html and "Other words." in html
    assert not Letter.objects.exists() and not Refusal.objects.exists() and not OutgoingMail.objects.exists()


def test_a_letter_by_post_is_kept_and_mailed_to_nobody(client, officer, asked):
    SubjectRequest.objects.filter(pk=asked.pk).update(requester_contact="1 Harbour Road, Wan Chai")
    client.force_login(officer)
    assert "No e-mail address is known" in write(client, asked, send=False).content.decode()
    write(client, asked, way="post")
    assert Letter.objects.get().mail is None and not OutgoingMail.objects.exists()


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"reasons": []}, "at least one reason"),
        ({"particulars": "4111 1111 1111 1111"}, "payment card"),
        ({"kind": "extension", "reasons": []}, "knows no extension"),
    ],
)
def test_a_letter_that_cannot_be_made_says_why(client, officer, asked, form, says):
    client.force_login(officer)
    response = write(client, asked, send=False, **form)
    assert response.status_code == 400 and says in response.content.decode()


def test_html_in_a_name_is_text(client, officer, asked):
    SubjectRequest.objects.filter(pk=asked.pk).update(requester_name="<script>alert(1)</script>")
    client.force_login(officer)
    assert "<script>alert" not in write(client, asked, send=False).content.decode()


def test_roles(client, asked):
    for role, writes, log in ((PRIVACY_OFFICER, 200, 200), (SUPPORT_AGENT, 403, 403), (AUDITOR, 403, 200)):
        client.force_login(factories.make_user(role))
        assert client.get(f"/admin/dsar/letter/write/{asked.pk}/").status_code == writes, role
        assert client.get("/admin/dsar/refusal/").status_code == log, role


def test_when_a_mail_cannot_be_queued_nothing_is_kept_of_it(officer, asked, monkeypatch):
    def fail(**kwargs):
        raise outbox.UnableToSend("no")

    monkeypatch.setattr(outbox, "send", fail)
    with pytest.raises(UnableToCompose):
        sending.send(
            asked.pk, sending.Draft("refusal", "en", ["not_identified"]), base_url="https://x", user=officer, now=NOW
        )
    assert not Letter.objects.exists() and not Refusal.objects.exists()


def test_a_link_is_offered_only_when_there_is_an_answer_and_its_token_is_kept_nowhere(client, officer, asked, answer):
    client.force_login(officer)
    factories.bring_to(asked, "approved", officer)
    prove(asked.pk, "email", "anneke@brandt.example", Proof.LETTER, user=officer, now=NOW)
    form = {"kind": "answer", "reasons": [], "link_days": "7"}
    offered = client.get(f"/admin/dsar/letter/write/{asked.pk}/").context["form"].fields["code_to"].choices
    assert [value for value, _ in offered] == ["", "anneke@brandt.example", "somebody@example.test"]
    assert "Select a valid choice" in write(client, asked, send=False, code_to="x@x.example", **form).content.decode()
    assert "leads to no data" in write(client, asked, send=False, **form).content.decode()
    assert write(client, asked, code_to="anneke@brandt.example", **form).status_code == 302
    text = outbox.content_of(OutgoingMail.objects.get(purpose="letter")).text
    token = text.partition("/download/")[2].partition("/")[0]
    link = downloads.find(token, now=NOW)
    assert token not in Letter.objects.get().body and "https://…/download/…/" in Letter.objects.get().body
    assert token.encode() not in bytes(link.token_hash) and DownloadLink.objects.get() == link
    assert (link.expires_at - link.made_at) == 7 * DAY


def test_without_an_answer_no_link_is_offered(client, officer, asked):
    client.force_login(officer)
    factories.bring_to(asked, "approved", officer)
    assert "code_to" not in client.get(f"/admin/dsar/letter/write/{asked.pk}/").content.decode()
    with pytest.raises(UnableToCompose, match="nothing to download"):
        sending.preview(asked, sending.Draft("answer", "en", code_to="somebody@example.test"), user=officer, now=NOW)


def send(asked, officer, kind, *, now=NOW, **draft):
    return sending.send(asked.pk, sending.Draft(kind, "en", way="post", **draft), base_url="", user=officer, now=now)


def test_a_code_for_the_download_goes_to_no_address_that_was_not_proved(officer, asked, answer):
    factories.bring_to(asked, "approved", officer)
    with pytest.raises(UnableToCompose, match="not been proved"):
        send(asked, officer, Kind.ANSWER, code_to="anneke@brandt.example")
    assert not DownloadLink.objects.exists()


def test_the_letter_does_what_it_says(officer, asked):
    send(asked, officer, Kind.RECEIPT)
    asked.refresh_from_db()
    assert (asked.acknowledged_at, asked.state) == (NOW, "received")
    factories.bring_to(asked, "approved", officer)
    send(asked, officer, Kind.ANSWER)
    asked.refresh_from_db()
    assert (asked.state, asked.closed_at) == ("delivered", NOW)
    send(asked, officer, Kind.ANSWER, now=NOW + DAY)  # once more, by another way
    asked.refresh_from_db()
    assert (asked.state, asked.closed_at) == ("delivered", NOW)


@pytest.mark.parametrize(
    ("state", "kind", "says"),
    [
        ("received", Kind.ANSWER, "check their identity first"),
        ("collecting", Kind.ANSWER, "must be “Approved” first"),
        ("review", Kind.PARTIAL, "must be “Approved” first"),
        ("delivered", Kind.REFUSAL, "reopen it first"),
        ("closed", Kind.RECEIPT, "reopen it first"),
        ("delivered", Kind.EXTENSION, "reopen it first"),
    ],
)
def test_a_letter_that_the_state_does_not_bear_is_not_sent(officer, asked, state, kind, says):
    if state != "received":
        factories.bring_to(asked, state, officer)
    before = Letter.objects.count()
    reasons = ["not_identified"] if kind in (Kind.REFUSAL, Kind.PARTIAL) else []
    with pytest.raises(UnableToCompose, match=says):
        send(asked, officer, kind, reasons=reasons, particulars="My words.")
    assert Letter.objects.count() == before and not Refusal.objects.exists()
    asked.refresh_from_db()
    assert asked.state == state


@pytest.mark.parametrize(
    ("state", "says"), [("refused", "its reasons and its letter"), ("delivered", "No answer has been sent")]
)
def test_nothing_is_refused_or_delivered_without_its_letter_and_a_reopened_one_needs_a_new_one(
    officer, asked, state, says
):
    factories.bring_to(asked, "approved", officer)
    with pytest.raises(UnableToMove, match=says):
        move_request(asked.pk, state, user=officer, now=NOW)
    if state == "refused":
        factories.refuse(asked, officer)
    else:
        factories.bring_to(asked, "delivered", officer)
    move_request(asked.pk, "collecting", user=officer, now=NOW + DAY)
    factories.bring_to(asked, "approved", officer, now=NOW + DAY)
    with pytest.raises(UnableToMove, match=says):
        move_request(asked.pk, state, user=officer, now=NOW + DAY)


def test_an_opt_out_is_answered_by_doing_it(officer):
    request = factories.make_request(officer, type="unsubscribe")
    for state in ("collecting", "review", "approved", "delivered"):
        request = move_request(request.pk, state, user=officer, now=NOW)
    assert request.state == "delivered"


def test_the_notice_of_an_extension_is_on_the_clock_and_names_the_new_date(officer):
    request = factories.make_request(officer, regime="eu_gdpr", region="IE")  # received 20 Nov
    letter = send(request, officer, Kind.EXTENSION, particulars="It is complex.")
    assert request.clock_events.get().kind == "extend"
    assert "by 22 February 2027" in letter.body  # 20 Feb is a Saturday
    late = factories.make_request(officer, regime="eu_gdpr", region="IE", received_at=NOW - 40 * DAY)
    with pytest.raises(UnableToCompose, match="the last day for this notice has passed"):
        send(late, officer, Kind.EXTENSION, particulars="It is complex.")
    assert not late.clock_events.exists()


def test_a_preview_leaves_nothing_behind(officer):
    request = factories.make_request(officer, regime="eu_gdpr", region="IE")
    before = EvidenceEntry.objects.count()
    draft = sending.Draft(Kind.EXTENSION, "en", way="post", particulars="It is complex.")
    assert "22 February 2027" in sending.preview(request, draft, user=officer, now=NOW)[1]
    assert not Letter.objects.exists() and not request.clock_events.exists()
    assert EvidenceEntry.objects.count() == before


@pytest.mark.parametrize("type", ["access", "portability"])
def test_data_is_neither_approved_nor_delivered_before_somebody_else_approved_its_package(officer, type):
    person = factories.make_person(factories.make_workspace(), email="alice@example.test")
    request = factories.make_request(officer, type=type, person=person)
    factories.bring_to(request, "review", officer)
    with pytest.raises(UnableToMove, match="Its package has not been approved"):
        move_request(request.pk, "approved", user=officer, now=NOW)
    package = factories.make_package(request, state="sealed")
    with pytest.raises(UnableToPackage, match="Somebody else must approve"):
        states.approve(package.pk, user=package.asked_by, now=NOW)
    states.approve(package.pk, user=officer, now=NOW)
    move_request(request.pk, "approved", user=officer, now=NOW)
    states.drop(package.pk, user=officer, now=NOW)
    with pytest.raises(UnableToCompose, match="Its package has not been approved"):
        send(request, officer, Kind.ANSWER)


@pytest.mark.parametrize(("late", "goes"), [(dt.timedelta(seconds=-1), False), (dt.timedelta(0), True)])
def test_letters_go_with_the_register_and_the_refusal_log_after_four_years(officer, asked, late, goes):
    factories.arm("sent_letter", "refusal_log")
    factories.make_letter(asked, officer)
    still_open = factories.make_request(officer)
    kept = sending.send(still_open.pk, sending.Draft("receipt", "en", way="post"), base_url="", user=officer, now=NOW)
    jobs = carry_out(NOW + 731 * DAY + late, now=NOW + 731 * DAY + late)
    assert [job.state for job in jobs] == ([DeletionJob.State.DONE] if goes else [])
    assert (
        Letter.objects.filter(request=asked).exists() != goes
        and DownloadLink.objects.filter(request=asked).exists() != goes
    )
    assert Refusal.objects.exists() and Letter.objects.filter(pk=kept.pk).exists()
    carry_out(NOW + 1461 * DAY + late, now=NOW + 1461 * DAY + late)
    assert Refusal.objects.exists() != goes
