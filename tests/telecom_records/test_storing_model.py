"""Storing by sets against the simplest thing that could be right: a loop over rows and a dictionary."""

import dataclasses
import io
from collections import Counter

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telecom_records import imports
from telecom_records.imports import open_run, source_for
from telecom_records.models import CallDetailRecord, ImportRun
from tests import factories
from tests.factories import DAY, NOW

pytestmark = pytest.mark.django_db
HEADER = "call_id,started_at,from,to,duration_seconds,status,cost,currency\n"
OURS, OTHERS, THEIRS = "+442079460101", "+442079460102", "+13125550117"
ROW = st.tuples(
    st.sampled_from("abc"), st.sampled_from([OURS, OTHERS, THEIRS]), st.sampled_from([OURS, OTHERS, THEIRS]),
    st.sampled_from([1, 2]), st.sampled_from([1, 2]),
)  # fmt: skip


@dataclasses.dataclass
class Loop:
    """What rows do one after another. ``known`` has a record's values and how often they changed, by its key."""

    known: dict = dataclasses.field(default_factory=dict)

    def take(self, key: str, caller: str, dialled: str, days: int, cost: int) -> str:
        outcomes = set()
        for own, other in ((caller, dialled), *([(dialled, caller)] if caller != dialled else [])):
            if own == THEIRS:
                continue
            record, values = (own, key, days), (own == caller, other, cost, caller, dialled)
            if record not in self.known:
                self.known[record] = (values, 0)
                outcomes.add("inserted")
            elif self.known[record][0] != values:
                self.known[record] = (values, self.known[record][1] + 1)
                outcomes.add("revised")
        if caller == dialled == THEIRS or not {caller, dialled} & {OURS, OTHERS}:
            return "skipped"
        return "inserted" if "inserted" in outcomes else "revised" if outcomes else "duplicates"


@pytest.fixture
def customers():
    for number in (OURS, OTHERS):
        workspace = factories.make_workspace()
        factories.make_assignment(workspace, factories.make_number(number), since=NOW - 30 * DAY)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=st.lists(st.lists(ROW, min_size=1, max_size=9), min_size=1, max_size=3), chunk=st.sampled_from([2, 5, 50]))
def test_sets_and_a_loop_come_to_the_same(customers, files, chunk):
    loop = Loop()
    with transaction.atomic(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(imports, "CHUNK_ROWS", chunk)
        for rows in files:
            text = "".join(
                f"{key},{(NOW - days * DAY).isoformat()},{caller},{dialled},60,answered,{cost},USD\n"
                for key, caller, dialled, days, cost in rows
            )
            file = io.BytesIO((HEADER + text).encode())
            run = imports.carry_on(imports.claim(open_run(source_for("switch"), file, file_name="x").pk), file, now=NOW)
            in_time = sorted(rows, key=lambda row: -row[3])  # stored in the order of time
            expected = Counter(loop.take(*row) for row in in_time)
            told = {name: count for name, count in run.accounting.items() if count and name != "read"}
            assert (run.state, run.read, told) == (ImportRun.State.DONE, len(rows), dict(expected))
        found = {
            (call.own_number, call.source_key, (NOW - call.started_at).days):
            (call.direction == "outbound", call.other_party, int(call.cost), call.revision)
            for call in CallDetailRecord.objects.all()
        }  # fmt: skip
        assert found == {record: (*values[:3], changes) for record, (values, changes) in loop.known.items()}
        transaction.set_rollback(True)
