"""Withdrawal of consent (policy § 6.5; GDPR Art. 7(3)): in effect at once for everything that rests on it."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.db.models import QuerySet
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from accounts import consents
from accounts.models import Consent, User
from dsar.models import Decision, SubjectRequest
from dsar.rights import Line, Preview, Right, UnableToCarryOut, register
from dsar.rights.forms import RightForm
from retention.upstream.changes import recipients_of, tell_of_change

EN, CONSENT = "en", "accounts.Consent"
Purpose = Consent.Purpose
IN_CHINESE = {
    Purpose.MARKETING_EMAIL: "電郵推廣", Purpose.MARKETING_SMS: "短訊推廣", Purpose.MARKETING_CALL: "電話推廣",
    Purpose.ANALYTICS_COOKIES: "分析用 Cookie", Purpose.ADVERTISING_COOKIES: "廣告用 Cookie",
    Purpose.TESTIMONIAL: "附姓名及照片的推薦語", Purpose.DATA_SHARING: "與合作夥伴共用資料",
}  # fmt: skip


def open_consents(request: SubjectRequest) -> QuerySet[Consent]:
    """Return the consents of the customer that are not withdrawn."""
    found = Consent.objects.filter(person=request.person_id, withdrawn_at__isnull=True) if request.person_id else None
    return (found if found is not None else Consent.objects.none()).order_by("purpose", "pk")


class ConsentForm(RightForm):
    """Which consents; all that were given before the request, unless the person names some."""

    purposes = forms.MultipleChoiceField(
        label="Consents to be withdrawn", required=False, widget=UnfoldAdminCheckboxSelectMultipleWidget
    )

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        given = [each.purpose for each in open_consents(self.subject_request)]
        self.fields["purposes"].choices = [(purpose, Purpose(purpose).label) for purpose in given]  # type: ignore[attr-defined]
        self.fields["purposes"].initial = given


def preview(request: SubjectRequest, choices: Mapping[str, Any], now: dt.datetime) -> Preview:
    """Return what rests on each consent and ends with it. A consent that is newer than the request stands."""
    found = list(open_consents(request).filter(purpose__in=choices["purposes"]))
    ending = [each for each in found if each.given_at <= request.received_at]
    lines = [
        Line(each.get_purpose_display(), "Withdrawn", consents.RESTS_ON[each.purpose].here, tone="success")
        if each in ending
        else Line(each.get_purpose_display(), "Stands", "It was given after this request was received.")
        for each in found
    ]
    told = ", ".join(str(each) for each in recipients_of(CONSENT, now=now))
    obstacles = []
    if request.person_id is None:
        obstacles.append("The request names no customer. Enter the customer first.")
    elif not ending:
        obstacles.append("No consent is chosen that was given before this request and is still open.")
    count = len(ending)
    return Preview(
        lines=lines,
        button=f"Withdraw {count} consent{'' if count == 1 else 's'}",
        summary=f"withdraw {count} consents",
        facts={"consents": sorted(str(each.pk) for each in ending)},
        notes=[
            f"Told of it: {told}."
            if told
            else "No recipient outside is known to have consents: tell the website by hand.",
            "What was done before stays lawful. The consents themselves stay as proof, and go by their own clock.",
        ],
        obstacles=obstacles,
    )


def carry_out(decision: Decision, by: Sequence[User], now: dt.datetime) -> dict[str, Any]:
    """Withdraw as of the receipt of the request, and tell the recipients what has to end there."""
    request = decision.request
    assert request.person
    done = end(request, decision.choices["purposes"], user=by[-1], now=now)
    if not done:
        raise UnableToCarryOut("There is nothing left to withdraw.")
    return {"consents": [str(each.pk) for each in done], "purposes": [each.purpose for each in done]}


def end(request: SubjectRequest, purposes: Sequence[str], *, user: User | None, now: dt.datetime) -> list[Consent]:
    """Withdraw the consents of a request's customer as of its receipt; the recipients are told."""
    person = request.person
    if person is None:
        return []
    at = min(request.received_at, now)
    done = consents.withdraw(person, purposes, at=at, user=user, request_id=request.pk)
    tell_withdrawn(request, [each.purpose for each in done], now=now)
    return done


def tell_withdrawn(request: SubjectRequest, purposes: Sequence[str], *, now: dt.datetime) -> None:
    """Tell whoever has consents of the customer what has to end there."""
    if purposes:
        asks = " ".join(dict.fromkeys(consents.RESTS_ON[purpose].outside for purpose in purposes))
        tell_of_change("withdrawal", CONSENT, request_id=request.pk, person=request.person, asks=asks, now=now)


def names_of(purposes: Sequence[str], language: str) -> str:
    """Return purposes as a letter names them."""
    if language == EN:
        return ", ".join(Purpose(purpose).label.lower() for purpose in purposes)
    return "、".join(IN_CHINESE[Purpose(purpose)] for purpose in purposes)


def told(decision: Decision, language: str) -> list[str]:
    """Say which consents have ended."""
    named = names_of(decision.result["purposes"], language)
    return [f"Withdrawn: {named}." if language == EN else f"已撤回：{named}。"]


register(
    Right(
        code="withdraw_consent",
        title="Withdrawal of consent",
        types=("withdraw_consent",),
        about="Withdrawing is as easy as giving: nobody has to prove anything, and nobody is asked why.",
        preview=preview,
        carry_out=carry_out,
        form=ConsentForm,
        told=told,
    )
)
