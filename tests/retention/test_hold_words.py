"""Why a hold was placed may name somebody: the words go a while after it was lifted, and what it did stays."""

import datetime as dt

import pytest

from retention.conformance import conformance
from retention.holds import lift_hold, place_hold
from retention.models import Hold, RuleVersion
from retention.purge import carry_out
from retention.rules import without_period
from tests import factories
from tests.factories import DAY, NOW
from tests.retention.state import everything, lost
from tests.retention.test_expiry import tables_with

pytestmark = pytest.mark.django_db
SECOND = dt.timedelta(seconds=1)
PERIOD = 90 * DAY


def make_hold(words: str) -> Hold:
    officer = factories.make_user()
    return place_hold(
        workspace=factories.make_customer(expires_at=NOW + 900 * DAY), reason=words, authority=f"Claim of {words}",
        owner=officer, review_on=NOW.date() + 800 * DAY, user=officer, now=NOW - DAY,
    )  # fmt: skip


def keep_for(period: dt.timedelta) -> None:
    RuleVersion.objects.create(
        rule_id="lifted_hold", number=1, period=period, effective_at=NOW - DAY, asked_by=factories.make_user(),
        approved_by=factories.make_user(), approved_at=NOW,
    )  # fmt: skip


def overdue(at: dt.datetime) -> int:
    return next(line.overdue for line in conformance(at) if line.rule == "lifted_hold")


@pytest.mark.parametrize(("late", "goes"), [(-SECOND, False), (dt.timedelta(0), True)])
def test_the_words_of_a_lifted_hold_are_blanked_and_what_it_covered_stays(late, goes):
    factories.arm("lifted_hold")
    keep_for(PERIOD)
    lifted, in_force = make_hold("Zyzzyva"), make_hold("Wombat")
    lift_hold(lifted.pk, user=factories.make_user(), now=NOW)
    kept = Hold.objects.filter(pk=lifted.pk).values()[0]
    assert tables_with("Zyzzyva") == ["retention_hold"]
    before, at = everything(), NOW + PERIOD + late
    assert overdue(at + DAY) == 1
    carry_out(at, now=at)
    assert overdue(at + DAY) == (0 if goes else 1)
    assert lost(before, everything()) == {}
    blanked = {"reason": "", "authority": ""} if goes else {}
    assert Hold.objects.filter(pk=lifted.pk).values()[0] == {**kept, **blanked}
    assert tables_with("Zyzzyva") == ([] if goes else ["retention_hold"])
    in_force.refresh_from_db()
    assert in_force.reason == "Wombat"


def test_without_a_period_the_words_stay_and_the_portal_says_so():
    factories.arm("lifted_hold")
    lifted = make_hold("Zyzzyva")
    lift_hold(lifted.pk, user=factories.make_user(), now=NOW)
    at = NOW + 9_000 * DAY
    carry_out(at, now=at)
    lifted.refresh_from_db()
    assert lifted.reason == "Zyzzyva" and "lifted_hold" in without_period(at)
