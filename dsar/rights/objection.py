"""Objection (GDPR Art. 21, policy § 6.3): to direct marketing it is absolute and works at once; to anything else it is weighed.

While the grounds are weighed the data is restricted (Art. 18(1)(d)). If they prevail, it stays so. If ours are compelling, two
officers say so, with the weighing in words; the restriction ends when the person was told (``restriction.py``).
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldAdminTextareaWidget

from accounts import evidence
from accounts.models import Consent, Person, Restriction, User
from accounts.validators import refuse_card_numbers
from dsar import marketing
from dsar.models import Decision, SubjectRequest
from dsar.rights import Line, Preview, Right, register
from dsar.rights.forms import RightForm
from dsar.rights.restriction import lines_of
from dsar.rights.subject import person_of
from retention import restrictions
from retention.suspensions import MARKETING as MARKETING_PURPOSES

MARKETING = "marketing"
WEIGH, STOP, CONTINUE = "weigh", "stop", "continue"
SHORTEST_WEIGHING = 40  # letters: a sentence


class ObjectionForm(RightForm):
    """What the person objects to and, unless it is marketing, how far the weighing is."""

    purpose = forms.ChoiceField(
        label="They object to",
        choices=[
            (MARKETING, "Direct marketing (21(2)): nothing is weighed"),
            ("statistics", "Statistics and the improvement of the services"),
            ("security", "Security and the prevention of fraud"),
            ("other", "Something else that rests on a legitimate interest"),
        ],
        initial=MARKETING,
        widget=UnfoldAdminRadioSelectWidget,
    )
    outcome = forms.ChoiceField(
        label="If it is not marketing",
        choices=[
            (WEIGH, "The grounds are being weighed: restrict meanwhile"),
            (STOP, "Their grounds prevail: the data stays restricted"),
            (CONTINUE, "Our grounds are compelling: the use goes on (a second officer)"),
        ],
        initial=WEIGH,
        widget=UnfoldAdminRadioSelectWidget,
    )
    weighing = forms.CharField(
        label="The weighing",
        required=False,
        max_length=4000,
        validators=[refuse_card_numbers],
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        help_text="Their grounds, ours, and why one side prevails. Needed for the last two.",
    )

    def clean(self):
        cleaned = super().clean() or {}
        if cleaned.get("purpose") == MARKETING:
            cleaned["outcome"], cleaned["weighing"] = STOP, ""
        elif (
            cleaned.get("outcome") in (STOP, CONTINUE) and len(cleaned.get("weighing", "").strip()) < SHORTEST_WEIGHING
        ):
            self.add_error("weighing", "Write the weighing down: it must be shown to whoever asks (Art. 21(1) GDPR).")
        return cleaned


def preview(request: SubjectRequest, choices: Mapping[str, Any], now: dt.datetime) -> Preview:
    """Show which consents end, or what is restricted, or what is used again."""
    person = person_of(request)
    facts = {"person": str(person.pk), "purpose": choices["purpose"], "outcome": choices["outcome"]}
    if choices["purpose"] == MARKETING:
        count = _marketing_of(person).count()
        return Preview(
            lines=[Line("consents to marketing", "end now", rows=count, tone="danger")],
            notes=[
                "No marketing any more, by any channel, from this moment. Messages that the service needs continue."
            ],
            button="Stop all marketing now",
            summary="stop all marketing",
            facts=facts,
        )
    if choices["outcome"] == CONTINUE:
        in_force = restrictions.in_force(request.pk).exists()
        notes = (
            ["The restriction stays until the person was told: it is lifted under “Restriction”."] if in_force else []
        )
        return Preview(
            lines=[],
            notes=[
                "The use for this purpose goes on. The answer is a refusal, with the weighing as its reason.",
                *notes,
            ],
            button="Go on with the use",
            summary=f"go on with the use for {choices['purpose']} in spite of an objection",
            facts={**facts, "weighing": evidence.digest({"weighing": choices["weighing"]})},
            needs_second=True,
        )
    return Preview(
        lines=lines_of(person, "only stored", "warning"),
        notes=[
            "The data is in no list, page, search, export or marketing: stored, and used for their own requests and claims."
        ],
        button="Restrict while it is weighed" if choices["outcome"] == WEIGH else "Keep it restricted",
        summary=f"restrict because of an objection to {choices['purpose']}",
        facts=facts,
    )


def _marketing_of(person: Person):
    return Consent.objects.filter(person=person, purpose__in=MARKETING_PURPOSES, withdrawn_at__isnull=True)


def carry_out(decision: Decision, by: Sequence[User], now: dt.datetime) -> dict[str, Any]:
    """Stop marketing, restrict, or write down that the use goes on."""
    request, choices = decision.request, decision.choices
    person = person_of(request)
    result: dict[str, Any] = {"purpose": choices["purpose"], "outcome": choices["outcome"]}
    if choices["purpose"] == MARKETING:
        result["consents"] = _marketing_of(person).filter(given_at__lte=now).count()
        marketing.opt_out(
            [request.requester_contact], person=person, channel=marketing.channel_of(request), asked_at=now, user=by[-1],
            request_id=request.pk, now=now,
        )  # fmt: skip
    elif choices["outcome"] != CONTINUE:
        made = restrictions.restrict(
            person, ground=Restriction.Ground.OBJECTION, request_id=request.pk, user=by[-1], now=now
        )
        result["restriction"] = str(made.pk)
    return result


def answers(decision: Decision) -> bool:
    """Say whether the person can be answered: not while it is weighed."""
    return decision.choices["outcome"] != WEIGH


def told(decision: Decision, language: str) -> list[str]:
    words = {
        (
            "en",
            MARKETING,
        ): "You get no marketing from us any more, by any channel. Messages that the service needs continue.",
        ("zh-hant", MARKETING): "本公司不會再以任何途徑向閣下發送推廣訊息；服務所需的訊息則會繼續。",
        (
            "en",
            STOP,
        ): "Your grounds prevail: we only store this data, and use it for legal claims and your own requests.",
        ("zh-hant", STOP): "閣下的理由成立：本公司只會儲存該等資料，除法律申索及閣下本人的要求外不作其他用途。",
    }
    result = decision.result
    key = MARKETING if result.get("purpose") == MARKETING else result.get("outcome", "")
    return [words[language, key]] if (language, key) in words else []


register(
    Right(
        code="objection",
        title="Objection",
        types=("objection",),
        about="Direct marketing stops at once, without a reason. Any other objection is weighed, and the data is restricted meanwhile.",
        form=ObjectionForm,
        preview=preview,
        carry_out=carry_out,
        answers=answers,
        told=told,
    )
)
