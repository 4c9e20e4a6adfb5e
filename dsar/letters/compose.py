"""A letter from its facts: pure, so that what is previewed is what is sent. No clock, no database."""

import dataclasses
import datetime as dt
from collections.abc import Sequence

from dsar.letters import words
from dsar.letters.laws import EN, REASONS, STATE_ATTORNEYS, law_of, provision_of, reasons_for
from dsar.models.letters import Letter

Kind = Letter.Kind
WITH_REASONS = (Kind.PARTIAL, Kind.REFUSAL)
DECISIONS = (Kind.UPHELD, Kind.REJECTED)  # on a complaint or an appeal


class UnableToCompose(ValueError):
    """The letter would lack something that the law wants in it; the message says what, for the officer."""


@dataclasses.dataclass(frozen=True)
class Facts:
    """What a letter is about. Days are those of the request's own zone; ``particulars`` are the officer's own words.

    ``done`` says what was carried out for the request, in the language of the letter.
    """

    kind: str
    language: str
    regime: str
    request_type: str
    reference: str
    name: str
    received_on: dt.date
    due_on: dt.date
    reasons: Sequence[str] = ()
    particulars: str = ""
    contested: str = ""
    searched: Sequence[tuple[str, str, dt.date | None]] = ()  # for what nothing was found: kind, value, day
    client: str = ""
    is_ours_too: bool = True
    link: str = ""
    link_until: dt.date | None = None
    done: Sequence[str] = ()


def compose(facts: Facts) -> tuple[str, str]:
    """Return the subject and the text of a letter. Raises UnableToCompose."""
    check(facts)
    language, law, lines = facts.language, law_of(facts.regime), words.LINES[facts.language]
    filled = {
        "reference": facts.reference,
        "received": day(facts.received_on, language),
        "due": day(facts.due_on, language),
        "what": words.WHAT[language].get(facts.request_type, words.OTHER_WHAT[language]),
        "law": law.name[language],
        "right": law.rights.get(
            facts.request_type, law_of("policy_default").rights.get(facts.request_type, "section 6")
        ),
        "extension": law.extension,
        "contested": facts.contested,
        "client": facts.client,
        "link": facts.link,
        "until": day(facts.link_until, language) if facts.link_until else "",
    }
    with_name, without = words.GREETING[language]
    text = [with_name.format(name=facts.name) if facts.name else without]
    text.append(words.OPENING[language][Kind(facts.kind)].format(**filled))
    if facts.kind == Kind.RECEIPT:
        text.append(lines["receipt"].format(**filled))
    elif facts.kind == Kind.EXTENSION:
        text.append(lines["extension"].format(**filled))
    elif facts.kind == Kind.NOTHING:
        text.append(lines["searched"])
        text += [searched_for(each, language) for each in facts.searched]
        text.append(lines["nothing"])
    elif facts.kind in DECISIONS:
        text.append(lines["again" if facts.contested else "again_unnamed"].format(**filled) + lines[str(facts.kind)])
    elif facts.kind == Kind.FORWARDED:
        text.append(lines["forwarded" if facts.client else "forwarded_unnamed"].format(**filled))
        text.append(lines["ours_too" if facts.is_ours_too else "not_ours"].format(**filled))
    elif facts.kind in (Kind.ANSWER, Kind.PARTIAL) and facts.request_type in words.DONE[language]:
        text.append(words.DONE[language][facts.request_type])
        text += facts.done
    elif facts.kind == Kind.LIFTING:
        text.append(lines["lifting"])
    if facts.link:
        text.append(lines["link"].format(**filled))
    if facts.kind in WITH_REASONS:
        text.append(lines["refused" if facts.kind == Kind.REFUSAL else "reasons"])
        text += [f"• {REASONS[code].words[language]} ({provision_of(code, facts.regime)})" for code in facts.reasons]
    if facts.particulars:
        text.append(facts.particulars)
    if facts.kind == Kind.EXTENSION:
        text.append(lines["extension_until"].format(**filled))
    if facts.kind in WITH_REASONS and facts.regime == "hk_pdpo":
        text.append(lines["log"])
    if facts.kind == Kind.ANSWER and facts.request_type == "access":
        text.append(lines["correction"])
    if facts.kind in WITH_REASONS and facts.regime in STATE_ATTORNEYS:
        text.append(lines["appeal"])
    if facts.kind == Kind.REJECTED and facts.regime in STATE_ATTORNEYS:
        text.append(STATE_ATTORNEYS[facts.regime][language])
    elif facts.kind not in (Kind.RECEIPT, Kind.UPHELD):
        text.append(law.complaint[language])
    text.append(words.CLOSING[language])
    return words.SUBJECTS[language][Kind(facts.kind)].format(**filled), "\n\n".join(text)


def searched_for(what: tuple[str, str, dt.date | None], language: str) -> str:
    """Return one thing that was searched for, as a line of a letter."""
    kind, value, on = what
    line = f"• {words.SEARCHED[language][kind]} {value}"
    return f"{line} ({day(on, language)})" if on else line


def check(facts: Facts) -> None:
    """Raise UnableToCompose when a letter of this kind would lack what the law wants in it."""
    known = reasons_for(facts.regime, facts.request_type)
    if facts.kind in WITH_REASONS:
        if not facts.reasons:
            raise UnableToCompose(
                "Choose at least one reason: whoever is refused something is told why (Article 12(4) GDPR)."
            )
        if wrong := [code for code in facts.reasons if code not in known]:
            raise UnableToCompose(
                f"“{REASONS[wrong[0]].label}” is no ground under this law for this request."
                if wrong[0] in REASONS
                else "This reason is not known."
            )
        if {"excessive", "law_keeps", "client_decides"} & set(facts.reasons) and not facts.particulars.strip():
            raise UnableToCompose("Write the particulars: this reason says that they stand below.")
    elif facts.reasons:
        raise UnableToCompose("Only an answer in part or a refusal has reasons.")
    if facts.kind == Kind.REJECTED and not facts.particulars.strip():
        raise UnableToCompose("Write why the decision stays: whoever complains or appeals is told the reasons.")
    if facts.kind == Kind.EXTENSION:
        if not law_of(facts.regime).extension:
            raise UnableToCompose("This law knows no extension: the promise of the privacy policy is one month.")
        if not facts.particulars.strip():
            raise UnableToCompose("Write why more time is needed: the notice must give the reasons.")
    if facts.kind == Kind.LIFTING and not facts.particulars.strip():
        raise UnableToCompose("Write why the restriction ends: the person may want to answer.")
    if facts.link and facts.kind not in (Kind.ANSWER, Kind.PARTIAL):
        raise UnableToCompose("Only an answer has something to download.")


def day(date: dt.date, language: str) -> str:
    """Return a day as a language writes it."""
    return f"{date:%-d %B %Y}" if language == EN else f"{date.year} 年 {date.month} 月 {date.day} 日"
