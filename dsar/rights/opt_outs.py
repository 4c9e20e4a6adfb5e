"""Opting out: of marketing (policy § 6.6), and of sale and sharing (CCPA § 1798.120): done when the request is registered."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminTextareaWidget

from accounts.models import Consent, User
from dsar import marketing
from dsar.models import Decision, OptOut, SubjectRequest
from dsar.rights import RIGHTS, Line, Preview, Right, UnableToCarryOut, register
from dsar.rights.consent import end, open_consents, tell_withdrawn
from dsar.rights.decisions import decide, digest_of, preview_of
from dsar.rights.forms import RightForm
from dsar.trail import tell

EN = "en"
SHARING = (Consent.Purpose.ADVERTISING_COOKIES, Consent.Purpose.DATA_SHARING)
MARKETING, SALE = "marketing_opt_out", "sale_opt_out"
AT_ONCE = {"unsubscribe": MARKETING, "opt_out": SALE}


class AddressesForm(RightForm):
    """Which addresses, besides those of the customer."""

    addresses = forms.CharField(
        label="E-mail addresses and numbers",
        required=False,
        max_length=2000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="One a line. Those of the customer are opted out in any case.",
    )

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        contact = self.subject_request.requester_contact
        self.fields["addresses"].initial = contact if marketing.address_of(contact) else ""


def _addresses(request: SubjectRequest, choices: Mapping[str, Any]) -> set[tuple[str, str]]:
    person = request.person
    texts = [*choices["addresses"].splitlines(), *([person.email, person.phone] if person else [])]
    return {address for text in texts if (address := marketing.address_of(text))}


def preview(request: SubjectRequest, choices: Mapping[str, Any], now: dt.datetime) -> Preview:
    """Return which marketing stops. Addresses are counted: the page names none."""
    addresses = _addresses(request, choices)
    wrong = [line for line in choices["addresses"].splitlines() if line.strip() and not marketing.address_of(line)]
    obstacles = ["A line is neither an e-mail address nor a number in international form (+44…)."] if wrong else []
    if not addresses and request.person is None:
        obstacles.append("Write down which address wants no marketing, or enter the customer.")
    lines = [
        Line(label, "No marketing from now on", "Remembered by a keyed hash, also when the customer is gone",
             rows=sum(kind == each for each, _ in addresses), tone="success")
        for kind, label in OptOut.Kind.choices
        if any(kind == each for each, _ in addresses)
    ]  # fmt: skip
    ending = open_consents(request).filter(purpose__in=marketing.REACHES, given_at__lte=request.received_at)
    if count := ending.count():
        lines.append(Line("Consents to marketing", "Withdrawn", rows=count, tone="success"))
    return Preview(
        lines=lines,
        button="Stop all marketing",
        summary="stop all marketing",
        facts={"hashes": sorted(marketing.hash_address(*address).hex() for address in addresses)},
        notes=["Letters, codes, bills and warnings about the service go on. Only a new consent brings marketing back."],
        obstacles=obstacles,
    )


def carry_out(decision: Decision, by: Sequence[User], now: dt.datetime) -> dict[str, Any]:
    """Stop it as of the receipt of the request."""
    request = decision.request
    ending = [
        each.purpose
        for each in open_consents(request).filter(purpose__in=marketing.REACHES, given_at__lte=request.received_at)
    ]
    try:
        kept = marketing.opt_out(
            decision.choices["addresses"].splitlines(), person=request.person, channel=marketing.channel_of(request),
            asked_at=request.received_at, user=by[-1], request_id=request.pk, now=now,
        )  # fmt: skip
    except marketing.UnableToOptOut as error:
        raise UnableToCarryOut(str(error)) from error
    tell_withdrawn(request, ending, now=now)
    decision.choices = {"addresses": ""}  # they are remembered by hash alone
    decision.save(update_fields=["choices"])
    return {"opt_outs": [str(each.pk) for each in kept], "consents": len(ending)}


def told(decision: Decision, language: str) -> list[str]:
    """Say that it has stopped, and what goes on."""
    if language == EN:
        return ["We send you no marketing any more. Messages about your account and the services will still come."]
    return ["本公司不再向閣下發送推廣訊息；有關閣下帳戶及服務的訊息仍會發送。"]


def preview_sale(request: SubjectRequest, choices: Mapping[str, Any], now: dt.datetime) -> Preview:
    """Return what could count as sharing and ends. Nothing is sold."""
    lines = [Line("Personal information", "Not sold", "We sell none to anybody (policy § 4)")]
    ending = open_consents(request).filter(purpose__in=SHARING)
    lines += [Line(each.get_purpose_display(), "Withdrawn", tone="success") for each in ending]
    return Preview(
        lines=lines,
        button="Confirm, and end all sharing",
        summary="end all sharing",
        facts={"consents": sorted(str(pk) for pk in ending.values_list("pk", flat=True))},
        notes=["Also asked for by a Global Privacy Control signal. Nobody is verified (11 CCR 7026(d))."],
    )


def carry_out_sale(decision: Decision, by: Sequence[User], now: dt.datetime) -> dict[str, Any]:
    """Withdraw the consents to advertising and to sharing."""
    done = end(decision.request, SHARING, user=by[-1], now=now)
    return {"consents": [str(each.pk) for each in done], "purposes": [each.purpose for each in done]}


def told_sale(decision: Decision, language: str) -> list[str]:
    """Confirm that nothing is sold or shared."""
    if language == EN:
        return [
            "We do not sell your personal information, and we share it with nobody for advertising across contexts."
        ]
    return ["本公司不會出售閣下的個人資料，亦不會為跨情境廣告與任何人共用該等資料。"]


def heed(request: SubjectRequest, *, user: User, now: dt.datetime) -> None:
    """Do at once what a new request wants, if it is an opt-out, whatever way it came: no officer is awaited.

    Where no address is known the request waits for an officer to write it down.
    """
    code = AT_ONCE.get(request.type)
    if code is None:
        return
    right = RIGHTS[code]
    first = right.form(subject_request=request)
    form = right.form(first.initial_choices(), subject_request=request)
    choices = form.chosen() if form.is_valid() else {"addresses": ""}
    shown = preview_of(request, right, choices, now=now)
    if shown.obstacles:
        tell(request, "opt_out_waits", "It waits: no address is known that could be opted out.", user=user, now=now)
        return
    decide(request.pk, code, choices, seen=digest_of(right, choices, shown), user=user, now=now)
    request.refresh_from_db()


register(
    Right(
        code=MARKETING,
        title="Marketing opt-out",
        types=("unsubscribe",),
        about="It was done when the request was registered. More addresses can be added here.",
        preview=preview,
        carry_out=carry_out,
        form=AddressesForm,
        told=told,
    )
)
register(
    Right(
        code=SALE,
        title="Opt-out of sale and sharing",
        types=("opt_out",),
        about="It was done when the request was registered.",
        preview=preview_sale,
        carry_out=carry_out_sale,
        told=told_sale,
    )
)
