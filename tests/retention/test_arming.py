"""A new installation only observes; two officers arm a rule, and one stops it."""

import pytest
from django.core.management import call_command

from accounts import approvals
from accounts.models import EvidenceEntry
from accounts.roles import AUDITOR, SUPPORT_AGENT
from retention.approved_actions import ARM_RULE, observe_again
from retention.models import DeletionJob, Rule
from retention.purge import carry_out
from tests import factories
from tests.factories import NOW

OBSERVING_NOTICE = "This installation only observes: nothing is deleted until two officers arm a rule."
pytestmark = pytest.mark.django_db
PAGES = [
    "/admin/",
    "/admin/dsar/subjectrequest/",
    "/admin/retention/due/",
    "/admin/calls/import/",
    "/admin/accounts/person/",
]


def test_every_rule_of_a_new_installation_observes_and_deletes_nothing():
    assert set(Rule.objects.values_list("state", flat=True)) == {Rule.State.OBSERVING}
    factories.make_customer()
    assert carry_out(NOW, now=NOW) == []
    assert not DeletionJob.objects.exists()


def test_every_page_says_that_nothing_is_deleted_until_the_rules_are_armed(client):
    client.force_login(factories.make_user())
    for url in PAGES:
        assert OBSERVING_NOTICE in client.get(url).content.decode(), url
    factories.arm()
    for url in PAGES:
        assert OBSERVING_NOTICE not in client.get(url).content.decode(), url


def test_arming_takes_two_officers_and_stopping_one():
    first, second = factories.make_user(), factories.make_user()
    rule = Rule.objects.get(pk="workspace_expiry")
    approval = approvals.ask(ARM_RULE, target=rule.pk, summary="Arm", user=first, now=NOW)
    rule.refresh_from_db()
    assert rule.state == Rule.State.OBSERVING
    with pytest.raises(approvals.UnableToApprove, match="Another officer"):
        approvals.decide(approval.pk, user=first, agree=True, now=NOW)
    approvals.decide(approval.pk, user=second, agree=True, now=NOW)
    rule.refresh_from_db()
    assert (rule.state, rule.armed_at) == (Rule.State.ARMED, NOW)
    observe_again(rule, user=first)
    rule.refresh_from_db()
    assert (rule.state, rule.armed_at) == (Rule.State.OBSERVING, None)
    kinds = list(EvidenceEntry.objects.order_by("sequence").values_list("type", flat=True))
    assert kinds == ["APPROVAL_ASKED", "RULE_ARMED", "APPROVAL_GIVEN", "RULE_OBSERVES"]


def test_a_refusal_leaves_the_rule_observing_and_a_decision_is_final():
    first, second = factories.make_user(), factories.make_user()
    approval = approvals.ask(ARM_RULE, target="workspace_expiry", summary="Arm", user=first, now=NOW)
    with pytest.raises(approvals.UnableToApprove, match="asked for already"):
        approvals.ask(ARM_RULE, target="workspace_expiry", summary="Arm", user=second, now=NOW)
    approvals.decide(approval.pk, user=second, agree=False, now=NOW)
    assert Rule.objects.get(pk="workspace_expiry").state == Rule.State.OBSERVING
    with pytest.raises(approvals.UnableToApprove, match="decided already"):
        approvals.decide(approval.pk, user=second, agree=True, now=NOW)


@pytest.mark.parametrize("role", [SUPPORT_AGENT, AUDITOR])
def test_who_is_no_officer_can_neither_ask_nor_agree(role):
    officer, other = factories.make_user(), factories.make_user(role)
    factories.make_user()
    with pytest.raises(approvals.UnableToApprove, match="may not ask"):
        approvals.ask(ARM_RULE, target="workspace_expiry", summary="Arm", user=other, now=NOW)
    approval = approvals.ask(ARM_RULE, target="workspace_expiry", summary="Arm", user=officer, now=NOW)
    with pytest.raises(approvals.UnableToApprove, match="Another officer"):
        approvals.decide(approval.pk, user=other, agree=True, now=NOW)


def test_an_officer_who_left_is_no_second_pair_of_eyes():
    officer = factories.make_user()
    factories.make_user(is_active=False)
    with pytest.raises(approvals.UnableToApprove, match="there is none"):
        approvals.ask(ARM_RULE, target="workspace_expiry", summary="Arm", user=officer, now=NOW)


def test_a_migration_does_not_disarm_what_was_armed():
    factories.arm("workspace_expiry")
    call_command("migrate", verbosity=0)
    assert Rule.objects.get(pk="workspace_expiry").state == Rule.State.ARMED
