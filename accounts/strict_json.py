"""JSON from outside, read strictly: no name twice, no NaN, nothing nested too deep, no text that a database cannot hold."""

import datetime as dt
import json
from typing import Any, NoReturn


class NotStrict(ValueError):
    """The bytes are not the JSON that is taken here; the message says why, and holds nothing of them."""


def read(body: bytes) -> Any:
    """Return what ``body`` says. Raises NotStrict."""
    try:
        return json.loads(body.decode("utf-8"), object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
    except NotStrict:
        raise
    except UnicodeDecodeError:
        raise NotStrict("The message is not UTF-8.") from None
    except RecursionError:
        raise NotStrict("The message is nested too deep.") from None
    except ValueError:  # JSONDecodeError is one; its text may hold content
        raise NotStrict("The message is not JSON.") from None


def is_text(value: Any) -> bool:
    """Return whether a value is text that a database can hold: no NUL, and no half of a surrogate pair."""
    if not isinstance(value, str) or "\x00" in value:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def instant(value: Any) -> dt.datetime | None:
    """Return an instant of this century or the next with its offset; None when the value is none."""
    try:
        found = dt.datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found if found and found.tzinfo is not None and 2000 <= found.year <= 2199 else None


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotStrict("A name stands twice in one object.")
    return found


def _no_constant(text: str) -> NoReturn:
    raise NotStrict(f"{text} is not JSON.")
