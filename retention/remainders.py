"""What is left of an emptied workspace because something keeps it, and when that must be looked at again."""

import datetime as dt

from accounts.models import Workspace
from retention import deletion
from retention.keeping import HoldKeeper, LawKeeper
from retention.models import Remainder


def note(workspace: Workspace, scope: deletion.Scope, *, now: dt.datetime) -> None:
    """Write down what the keepers of a scope keep of its workspace, or that nothing is kept any more.

    It is looked at again at once when one of them has ended meanwhile, and otherwise when the first row becomes free.
    """
    if not scope.kept:
        Remainder.objects.filter(workspace=workspace).update(kept={}, look_again_at=None)
        return
    kept: dict[str, dict[str, int]] = {}
    ends = [now] if any(_has_ended(keeper) for keeper in scope.keepers) else []
    for entry in deletion.maps_in_order(scope.rule):
        if entry.model not in scope.kept:
            continue
        rows = deletion.rows_of(entry, scope)
        for keeper in scope.keepers:
            condition = deletion.kept_by(entry, scope, keeper)
            if condition is None or not (count := rows.filter(condition).count()):
                continue
            kept.setdefault(str(keeper.id), {})[entry.model] = count
            if span := keeper.ends(entry, rows):
                ends.append(span[0])
    Remainder.objects.update_or_create(
        workspace=workspace, defaults={"kept": kept, "look_again_at": min(ends, default=None)}
    )


def _has_ended(keeper) -> bool:
    if isinstance(keeper, HoldKeeper):
        return not keeper.hold.is_active
    return isinstance(keeper, LawKeeper) and not keeper.law.is_active
