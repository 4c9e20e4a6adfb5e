"""Faults in real processes, in short; ``make chaos`` is the long form. Each runs in a process of its own, on its own servers."""

import json
import subprocess
import sys

import pytest

from tests.plugin import ROOT

pytestmark = [pytest.mark.processes, pytest.mark.timeout(400), pytest.mark.xdist_group("chaos")]


def chaos(*arguments: str) -> tuple[dict, str]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.chaos", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=390
    )
    lines = done.stdout.strip().splitlines()
    assert lines, done.stderr
    return json.loads(lines[-1]), done.stderr


def test_nothing_is_lost_left_or_told_twice_whatever_breaks():
    told, said = chaos("--workspaces", "16", "--kills", "16", "--rounds", "1")
    assert told["value"] == 0, said
    assert told["killed"] >= 16
    assert told["faults"] >= 8


# A receipt that recounts is false only when a worker dies within a job, which these few kills seldom hit: see test_checker.
@pytest.mark.parametrize(("mistake", "kind"), [("delete_before_intent", "I3"), ("skip_the_holds", "I3")])
def test_the_checker_catches_an_engine_with_a_mistake(mistake, kind):
    told, said = chaos("--workspaces", "12", "--kills", "8", "--rounds", "0", "--broken", mistake)
    assert kind in told["kinds"], said
