"""A look through everything that proves something: the whole log, its copy outside, and every checkpoint there."""

import dataclasses
import itertools

from accounts import checkpoints, evidence, outside, signing


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing that was looked at, in words, and whether it holds."""

    words: str
    holds: bool


def check_everything() -> list[Finding]:
    """Return what was found, one finding for each thing; reads the whole log once, and its copy beside it."""
    return [_log(), _copy(), *_checkpoints()]


def _log() -> Finding:
    check = evidence.check_log()
    if check.is_sound:
        return Finding(f"All {check.size:,} entries fit their hashes, the chain and the tree.", True)
    return Finding(f"Entry {check.broken:,} was changed, added or removed.", False)


def _copy() -> Finding:
    copied = 0
    try:
        for entry, line in itertools.zip_longest(evidence.entries_after(0), outside.lines(checkpoints.COPY)):
            if line is None:
                break  # what is newer than the last checkpoint
            if entry is None or evidence.as_dict(entry) != line:
                return Finding(f"The copy outside has another entry {line.get('sequence')} than the database.", False)
            copied += 1
    except outside.Damaged as error:
        return Finding(str(error), False)
    return Finding(f"The copy outside the database has the same first {copied:,} entries.", True)


def _checkpoints() -> list[Finding]:
    count, size = 0, 0
    roots, keys = evidence.stored_subtrees(), checkpoints.public_keys()
    try:
        for line in outside.lines(checkpoints.CHECKPOINTS):
            note = checkpoints.read_line(line, keys)
            count += 1
            if note.size < size:
                return [Finding(f"Checkpoint {count:,} outside speaks of fewer entries than the one before it.", False)]
            if note.size and roots(0, note.size) != note.root:
                return [Finding(f"The log is not the one that was signed on {signing.words_of(note.at)}.", False)]
            size = note.size
    except LookupError:
        return [Finding(f"The log is shorter than the {note.size:,} entries that were signed.", False)]
    except (outside.Damaged, checkpoints.Inconsistent) as error:
        return [Finding(str(error), False)]
    return [Finding(f"All {count:,} checkpoints outside are signed, and the log has grown out of each.", True)]
