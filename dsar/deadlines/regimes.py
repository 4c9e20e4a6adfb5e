"""The regimes: whose law, which requests, which clock, and the function that knows the rule."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from dsar.deadlines.deadline import Reckoned
from dsar.deadlines.eu import ART_12_3, RECEIPT_RULE, reckon_eu
from dsar.deadlines.events import Event
from dsar.deadlines.policy import POLICY, reckon_policy
from dsar.deadlines.regions import MEMBER_STATES, UNKNOWN_MEMBER_STATE, Region

REQUEST_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "access": "Access",
        "rectification": "Correction",
        "erasure": "Erasure",
        "restriction": "Restriction",
        "portability": "Portability",
        "objection": "Objection",
        "automated_decision": "Automated decision",
        "withdraw_consent": "Withdrawal of consent",
    }
)


@dataclass(frozen=True)
class Regime:
    """One law's clock. `regions` maps the codes it accepts to their zones; "" stands for `default_region`.
    `law` and `receipt_rule` are citations: of the period, and of the day of receipt not counting.

    `is_statutory` is False for the company's own promise, whose date is a service target and no statutory one.
    `event_kinds` are the events the rule knows; any other is refused. `reckon` takes the local date of receipt,
    the region's code and the events in order of date. `rule_version` goes up with every change to a date it gives.
    """

    key: str
    label: str
    law: str
    receipt_rule: str
    zone_rule: str
    is_statutory: bool
    rule_version: str
    request_types: tuple[str, ...]
    regions: Mapping[str, Region]
    default_region: str
    event_kinds: frozenset[str]
    reckon: Callable[[date, str, Sequence[Event]], Reckoned]


_ALL = (
    Regime(
        key="policy_default",
        label="Privacy policy (one month)",
        law=POLICY,
        receipt_rule=POLICY,
        zone_rule="Hong Kong, where the company is",
        is_statutory=False,
        rule_version="policy_default-1",
        request_types=tuple(REQUEST_TYPES),
        regions=MappingProxyType({"": Region("everywhere", "Asia/Hong_Kong")}),
        default_region="",
        event_kinds=frozenset(),
        reckon=reckon_policy,
    ),
    Regime(
        key="eu_gdpr",
        label="EU GDPR",
        law=ART_12_3,
        receipt_rule=RECEIPT_RULE,
        zone_rule="The requester's Member State, at its capital",
        is_statutory=True,
        rule_version="eu_gdpr-1",
        # Art 12(3) is about Arts 15 to 22; consent is withdrawn under Art 7(3), which has no month.
        request_types=tuple(key for key in REQUEST_TYPES if key != "withdraw_consent"),
        regions=MEMBER_STATES,
        default_region=UNKNOWN_MEMBER_STATE,
        event_kinds=frozenset({"extend", "pause-identity", "pause-clarification", "pause-fee", "resume"}),
        reckon=reckon_eu,
    ),
)

REGIMES: Mapping[str, Regime] = MappingProxyType({regime.key: regime for regime in _ALL})
