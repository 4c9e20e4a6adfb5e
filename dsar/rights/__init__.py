"""The rights of data subjects: what is shown before, what is done, and who must agree (policy § 6, mission D5–D11, P9).

Each right is one module of this package that makes a ``Right`` and registers it; ``dsar/apps.py`` imports the module.
Nothing else is needed: the page, its address, the link on the page of a request, the second officer, the trail, the
evidence and the next state of the request are the same for all (``decisions.py``, ``views.py``).

A right declares

* ``types``: the request types that it answers. A type may have several rights, a right several types. ``regimes``: only
  under these laws, if it is not for all.
* ``form``: what the officer may choose, a ``RightForm`` (``forms.py``). ``form.chosen()`` makes plain JSON of it; that is
  what ``choices`` is below, and what ``Decision.choices`` keeps until the words of the request are blanked.
* ``preview(request, choices, now)``: what would happen, changing nothing. A ``Line`` for each category: how many rows,
  what happens to them, and, for what stays, why and until when, in words. ``obstacles`` say why it cannot be carried
  out now. ``needs_second`` asks for another officer: for whatever cannot be undone or weakens a control. ``facts`` are
  codes and ids of whom and what it touches, not counts that grow by themselves: the approval is bound to their digest,
  and so is the button under the preview.
* ``carry_out(decision, by, now)``: does it, inside the transaction that records it, after the obstacles were asked once
  more; ``by`` are the one or two officers. The request is locked, and so is the lock of holds (``against_deletions``).
  It returns codes, counts and opaque ids, which become ``Decision.result``. Raises UnableToCarryOut: nothing is done.
* ``progress(decision, now)``: only where work goes on after it, as deletions do. None means: over. Asked at every tick.
* ``finish(decision, now)``: what to add to ``Decision.result`` then: the deletions, for their certificates.
* ``answers(decision)``: whether the request is answered by it; a step on the way, such as a weighing, does not.
* ``in_any_state``: also for a request that was answered; what may not be done then is an obstacle of its own preview.
* ``told(decision, language)``: sentences for the page and the letter that say what was done. Languages as in ``Letter``.

When a decision is over and no other one of the request is open, the request moves on to “approved”: its letter is next.
"""

import dataclasses
import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from accounts.models import User
from dsar.models import Decision, SubjectRequest
from dsar.rights.forms import RightForm


class UnableToCarryOut(ValueError):
    """It cannot be done; the message says why, for the officer."""


@dataclasses.dataclass(frozen=True)
class Line:
    """One category in a preview. ``why`` is empty where nothing has to be explained; ``tone`` is that of a badge."""

    what: str
    happens: str
    why: str = ""
    rows: int | None = None
    tone: str = ""


@dataclasses.dataclass(frozen=True)
class Preview:
    """What would happen. ``button`` says it in numbers; ``summary`` is what the second officer reads and names nobody."""

    lines: Sequence[Line]
    button: str
    summary: str
    facts: Mapping[str, Any]
    needs_second: bool = False
    notes: Sequence[str] = ()
    obstacles: Sequence[str] = ()

    @property
    def has_reasons(self) -> bool:
        """Whether any line explains something: else the page needs no column for it."""
        return any(line.why for line in self.lines)


def always(decision: Decision) -> bool:
    """Say that the request is answered by it."""
    return True


def nothing_told(decision: Decision, language: str) -> list[str]:
    """Say no more than the letter for this type of request says by itself."""
    return []


@dataclasses.dataclass(frozen=True)
class Right:
    """One right, as its module declares it; see above."""

    code: str
    title: str
    types: tuple[str, ...]
    about: str
    preview: Callable[[SubjectRequest, Mapping[str, Any], dt.datetime], Preview]
    carry_out: Callable[[Decision, Sequence[User], dt.datetime], dict[str, Any]]
    form: type[RightForm] = RightForm
    progress: Callable[[Decision, dt.datetime], Sequence[str] | None] | None = None
    finish: Callable[[Decision, dt.datetime], dict[str, Any]] | None = None
    told: Callable[[Decision, str], list[str]] = nothing_told
    answers: Callable[[Decision], bool] = always
    in_any_state: bool = False
    regimes: tuple[str, ...] = ()

    def serves(self, request: SubjectRequest) -> bool:
        """Return whether it is for requests of this type, under this law."""
        return request.type in self.types and (not self.regimes or request.regime in self.regimes)


RIGHTS: dict[str, Right] = {}


def register(right: Right) -> None:
    RIGHTS[right.code] = right


def rights_for(request: SubjectRequest) -> list[Right]:
    """Return the rights that answer a request of this type, in the order in which they were registered."""
    return [right for right in RIGHTS.values() if right.serves(request)]
