"""Faults in real processes, in short; ``make chaos`` is the long form. Each runs in a process of its own, on its own servers."""

import json
import subprocess
import sys

import pytest

from tests.plugin import ROOT

pytestmark = [pytest.mark.processes, pytest.mark.timeout(600), pytest.mark.xdist_group("chaos")]


@pytest.fixture(scope="module")
def ground(tmp_path_factory):
    """Return a folder in which the first run leaves its empty database for the others."""
    return tmp_path_factory.mktemp("chaos") / "ground"


def chaos(ground, *arguments: str) -> tuple[dict, str]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.chaos", "--ground", str(ground), *arguments],
        cwd=ROOT, capture_output=True, text=True, timeout=590,
    )  # fmt: skip
    lines = done.stdout.strip().splitlines()
    assert lines, done.stderr
    return json.loads(lines[-1]), done.stderr


def test_nothing_is_lost_left_or_told_twice_whatever_breaks(ground):
    told, said = chaos(ground, "--workspaces", "20", "--kills", "16", "--rounds", "1")
    assert told["value"] == 0, said
    assert told["faults"] >= 11
    assert told["killed"] >= 16
    assert told["killed inside a deletion"] >= 8, told
    assert {"before keys", "within a batch", "between batches", "before DONE"} <= told["where"].keys(), told
    assert told["taken up again and done"] == told["deletions hit"] >= 3, told
    for fault in ("rows held mid-batch", "keys wrapped anew", "calls of old files refused", "deletions replayed",
                  "writes refused by a full disk"):  # fmt: skip
        assert told[fault] > 0, f"{fault}: this fault hit nothing, {told}"


@pytest.mark.parametrize(
    ("mistake", "kind"), [("delete_before_intent", "I3"), ("recount_at_done", "I4"), ("skip_the_holds", "I3")]
)
def test_the_checker_catches_an_engine_with_a_mistake(ground, mistake, kind):
    told, said = chaos(ground, "--workspaces", "12", "--kills", "12", "--rounds", "0", "--broken", mistake)
    assert kind in told["kinds"], said
