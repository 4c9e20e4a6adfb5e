"""California: the categories that are held of somebody (Civ. Code § 1798.110), and the limit on sensitive data (§ 1798.121)."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from unfold.widgets import UnfoldBooleanSwitchWidget

from accounts.models import User
from dsar.california.categories import Collected, collected, sensitive_models
from dsar.california.register import REGIME
from dsar.models import Decision, SubjectRequest
from dsar.packages.categories import CATEGORIES, Category
from dsar.packages.subject import Subject, UnableToCollect
from dsar.rights import Line, Preview, Right, UnableToCarryOut, register
from dsar.rights.forms import RightForm

EN = "en"
SOLD = {
    EN: "We have sold none of it, and shared none of it for advertising across contexts, in the preceding twelve months.",
    "zh-hant": "在過去十二個月內，本公司並無出售該等資料，亦無為跨情境廣告共用該等資料。",
}


class CategoriesForm(RightForm):
    """Whether the categories are all that they ask for (11 CCR 7024)."""

    with_pieces = forms.BooleanField(
        label="They ask for the specific pieces too",
        required=False,
        initial=True,
        widget=UnfoldBooleanSwitchWidget,
        help_text="Then the answer needs an approved package. Off: the letter that names the categories is the answer.",
    )


def _held(request: SubjectRequest, now: dt.datetime) -> list[Collected]:
    try:
        subject = Subject.of(request, as_of=now)
    except UnableToCollect as error:
        raise UnableToCarryOut(str(error)) from error

    def is_held(category: Category) -> bool:
        return any(part.exists() for part in subject.rows(category))

    return collected(is_held)


def preview(request: SubjectRequest, choices: Mapping[str, Any], now: dt.datetime) -> Preview:
    """Return the categories that are held of this person, with sources, purposes and recipients."""
    held = _held(request, now)
    lines = [
        Line(each.name, "Disclosed", f"{', '.join(each.holds)}. From: {'; '.join(each.sources)}. To: {'; '.join(each.recipients)}.")
        for each in held
    ]  # fmt: skip
    return Preview(
        lines=lines,
        button="Disclose these categories",
        summary="disclose the categories",
        facts={"categories": [each.name for each in held]},
        notes=[
            SOLD[EN],
            "The specific pieces go in a package, once the person is identified more surely (11 CCR 7062).",
        ],
    )


def carry_out(decision: Decision, by: Sequence[User], now: dt.datetime) -> dict[str, Any]:
    """Keep which models are held: the letter says the rest of them."""
    names = {each.name for each in _held(decision.request, now)}
    return {
        "models": [category.model for category in CATEGORIES if category.ccpa in names],
        "letters": sorted(each[0] for each in names),
        "in_words": not decision.choices["with_pieces"],
    }


def is_the_answer(decision: Decision) -> bool:
    """Return whether the letter that names the categories is all of the answer, and no package goes with it."""
    return decision.result["in_words"]


def told(decision: Decision, language: str) -> list[str]:
    """Name the categories, their sources, purposes and recipients, and say that nothing is sold."""
    found = collected(lambda category: category.ccpa[0] in decision.result["letters"])
    if language == EN:
        said = [
            f"{each.name}: {', '.join(each.holds).lower()}. Sources: {'; '.join(each.sources)}. Purposes: {'; '.join(each.purposes)}. "
            f"Disclosed for a business purpose to: {'; '.join(each.recipients)}."
            for each in found
        ]
    else:
        said = [
            f"{each.name}：{'、'.join(each.holds)}。來源：{'；'.join(each.sources)}。用途：{'；'.join(each.purposes)}。"
            f"為業務目的披露予：{'；'.join(each.recipients)}。"
            for each in found
        ]
    return [*said, SOLD.get(language, SOLD[EN])]


def preview_limit(request: SubjectRequest, choices: Mapping[str, Any], now: dt.datetime) -> Preview:
    """Return what is sensitive here and that it serves only what the law lets it (11 CCR 7027(m))."""
    return Preview(
        lines=[
            Line(name, "Not used for anything else", "Only to verify identity, as the law demands (policy § 3.5)")
            for name in sensitive_models()
        ],
        button="Confirm the limit",
        summary="confirm the limit on sensitive data",
        facts={"models": sensitive_models()},
        notes=["Nothing has to be stopped: no sensitive data is used to infer anything about anybody."],
    )


def carry_out_limit(decision: Decision, by: Sequence[User], now: dt.datetime) -> dict[str, Any]:
    """Record that it was confirmed."""
    return {"limited": len(sensitive_models())}


def told_limit(decision: Decision, language: str) -> list[str]:
    """Say what sensitive data is used for."""
    if language == EN:
        return [
            "We use your identity documents only to verify who you are, as the law demands, and infer nothing from them."
        ]
    return ["本公司只按法律要求使用閣下的身分證明文件以核實身分，並不據此作任何推斷。"]


register(
    Right(
        code="categories",
        title="Categories of data",
        types=("access",),
        regimes=(REGIME,),
        about="Whoever asks to know gets at least the categories; whoever cannot be identified for the specific pieces, these.",
        form=CategoriesForm,
        preview=preview,
        carry_out=carry_out,
        told=told,
        answers=is_the_answer,
    )
)
register(
    Right(
        code="limit_sensitive",
        title="Limit on sensitive data",
        types=("limit",),
        about="Sensitive data may then serve only what the person expects and the law lets it.",
        preview=preview_limit,
        carry_out=carry_out_limit,
        told=told_limit,
    )
)
