"""Parts of a file that a player asks for (RFC 9110 § 14): one range of bytes, no list of them, no validators."""

import re

ONE_RANGE = re.compile(r"\s*(\d{0,18})-(\d{0,18})\s*", re.ASCII)


class NotSatisfiable(ValueError):
    """There is no such part of the file, or several were asked for."""


def range_of(header: str, size: int) -> tuple[int, int] | None:
    """Return where the wanted part begins and how long it is, or None for all of the file. Raises NotSatisfiable.

    A unit that is not known is ignored, as the RFC wants; what cannot be read, or is more than one range, is refused.
    """
    unit, _, wanted = header.partition("=")
    if unit.strip().lower() != "bytes":
        return None
    match = ONE_RANGE.fullmatch(wanted)
    if match is None or not any(match.groups()):
        raise NotSatisfiable
    first, last = match.groups()
    if not first:
        begin, end = max(0, size - int(last)), size
    else:
        begin, end = int(first), min(int(last) + 1, size) if last else size
    if begin >= end:
        raise NotSatisfiable
    return begin, end - begin
