"""What came of one attempt to tell a recipient."""

import dataclasses
import enum


class Result(enum.Enum):
    CONFIRMED = "confirmed"  # they have erased it
    TAKEN = "taken"  # they have the message; the confirmation comes later
    REFUSED = "refused"  # they will not take it as it is: somebody must look
    FAILED = "failed"  # it did not get there; try again


@dataclasses.dataclass(frozen=True)
class Outcome:
    """``answer`` is a code for people, such as “HTTP 500” or “timeout”: never a text of the other side."""

    result: Result
    answer: str
