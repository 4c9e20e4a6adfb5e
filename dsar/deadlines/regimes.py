"""The regimes: whose law, which requests, which clock, and the function that knows the rule."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from dsar.deadlines import presets
from dsar.deadlines.california import OPT_OUTS, TIMELINES, reckon_california
from dsar.deadlines.case import Case
from dsar.deadlines.deadline import Reckoned
from dsar.deadlines.eu import ART_12_3, RECEIPT_RULE, reckon_eu
from dsar.deadlines.hong_kong import LAST_DAY_RULE, SECTIONS, UNSUBSCRIBE, reckon_pdpo, reckon_uemo
from dsar.deadlines.policy import POLICY, reckon_policy
from dsar.deadlines.regions import EVERYWHERE, MEMBER_STATES, UNITED_KINGDOM, UNKNOWN_MEMBER_STATE, Region, only
from dsar.deadlines.uk import ART_12A, COMPLAINT, TIME_RULE, reckon_complaint, reckon_uk

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
        "unsubscribe": "Marketing opt-out",
        "opt_out": "Opt-out of sale and sharing",
        "limit": "Limit on sensitive data",
        "complaint": "Complaint",
        "appeal": "Appeal",
        "child": "Child’s data",
    }
)
# GDPR Art 12(3) is about Arts 15 to 22; consent is withdrawn under Art 7(3), which has no month.
ARTS_15_TO_22 = (
    "access", "rectification", "erasure", "restriction", "portability", "objection", "automated_decision",
)  # fmt: skip
AMERICAN_WORDS = MappingProxyType({"know": "access", "delete": "erasure", "correct": "rectification"})
QUESTIONS = ("pause-identity", "pause-clarification", "pause-fee")


@dataclass(frozen=True)
class Regime:
    """One law's clock. `regions` maps the codes it accepts to their zones; "" stands for `default_region`.
    `law` and `receipt_rule` are citations: of the period, and of the day of receipt not counting.

    `is_statutory` is False for the company's own promise, whose date is a service target and no statutory one.
    `own_words` maps the law's words for a type of request to ours. `event_kinds` are the events the rule looks at; any
    other has no effect. `is_offered` is False while the law is not in force. `rule_version` goes up with every change
    to a date it gives.
    """

    key: str
    label: str
    law: str
    zone_rule: str
    rule_version: str
    request_types: tuple[str, ...]
    regions: Mapping[str, Region]
    default_region: str
    reckon: Callable[[Case], Reckoned]
    event_kinds: frozenset[str] = frozenset()
    receipt_rule: str = ""
    is_statutory: bool = True
    own_words: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    is_offered: bool = True


def _preset(
    key: str,
    label: str,
    region: tuple[str, str, str],
    types: Iterable[str],
    law: str,
    reckon: Callable[[Case], Reckoned],
    *,
    own_words: Mapping[str, str] = MappingProxyType({}),
    is_offered: bool = True,
) -> Regime:
    return Regime(
        key=key,
        label=label,
        law=law,
        receipt_rule=law,
        zone_rule=region[1],
        rule_version=f"{key}-1",
        request_types=tuple(types),
        regions=only(*region),
        default_region=region[0],
        event_kinds=frozenset({"extend", *QUESTIONS}),
        reckon=reckon,
        own_words=own_words,
        is_offered=is_offered,
    )


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
        regions=EVERYWHERE,
        default_region="",
        reckon=reckon_policy,
    ),
    Regime(
        key="eu_gdpr",
        label="EU GDPR",
        law=ART_12_3,
        receipt_rule=RECEIPT_RULE,
        zone_rule="The requester's Member State, at its capital",
        rule_version="eu_gdpr-1",
        request_types=ARTS_15_TO_22,
        regions=MEMBER_STATES,
        default_region=UNKNOWN_MEMBER_STATE,
        event_kinds=frozenset({"extend", *QUESTIONS}),
        reckon=reckon_eu,
    ),
    Regime(
        key="uk_gdpr",
        label="UK GDPR",
        law=ART_12A,
        receipt_rule=TIME_RULE,
        zone_rule="London",
        rule_version="uk_gdpr-1",
        request_types=ARTS_15_TO_22,
        regions=UNITED_KINGDOM,
        default_region="GB-ENG",
        event_kinds=frozenset({"extend", *QUESTIONS}),
        reckon=reckon_uk,
    ),
    Regime(
        key="us_ca_ccpa",
        label="California (CCPA)",
        law=TIMELINES,
        receipt_rule=f"{TIMELINES}: 90 days at most from the day the request is received",
        zone_rule="Los Angeles",
        rule_version="us_ca_ccpa-1",
        request_types=("access", "erasure", "rectification", "portability", *OPT_OUTS),
        own_words=AMERICAN_WORDS,
        regions=only("US", "California", "America/Los_Angeles"),
        default_region="US",
        event_kinds=frozenset({"extend", "confirm", *QUESTIONS}),
        reckon=reckon_california,
    ),
    Regime(
        key="hk_pdpo",
        label="Hong Kong (PDPO)",
        law="Cap. 486 ss. 19, 23",
        receipt_rule="Cap. 1 s. 71(1)(a)",
        zone_rule="Hong Kong",
        rule_version="hk_pdpo-1",
        request_types=tuple(SECTIONS),
        own_words=MappingProxyType({"correction": "rectification"}),
        regions=only("HK", "Hong Kong", "Asia/Hong_Kong"),
        default_region="HK",
        event_kinds=frozenset({"extend", "gale", "blackrain", *QUESTIONS}),
        reckon=reckon_pdpo,
    ),
    Regime(
        key="uk_complaint",
        label="UK complaint",
        law=COMPLAINT,
        receipt_rule=COMPLAINT,
        zone_rule="London",
        rule_version="uk_complaint-1",
        request_types=("complaint",),
        regions=UNITED_KINGDOM,
        default_region="GB-ENG",
        reckon=reckon_complaint,
    ),
    Regime(
        key="hk_uemo",
        label="Hong Kong unsubscribe",
        law=UNSUBSCRIBE,
        receipt_rule=LAST_DAY_RULE,
        zone_rule="Hong Kong",
        rule_version="hk_uemo-1",
        request_types=("unsubscribe",),
        regions=only("HK", "Hong Kong", "Asia/Hong_Kong"),
        default_region="HK",
        event_kinds=frozenset({"gale", "blackrain"}),
        reckon=reckon_uemo,
    ),
    _preset(
        "br_lgpd", "Brazil (LGPD)", ("BR", "Brazil", "America/Sao_Paulo"), (*ARTS_15_TO_22, "withdraw_consent"),
        "LGPD Arts 18, 19", presets.reckon_brazil,
    ),
    _preset(
        "ca_pipeda", "Canada (PIPEDA)", ("CA", "Canada", "America/Toronto"), presets.CANADA,
        "PIPEDA s. 8", presets.Preset(presets.CANADA).reckon,
    ),
    _preset(
        "sg_pdpa", "Singapore (PDPA)", ("SG", "Singapore", "Asia/Singapore"), presets.SINGAPORE,
        "PDPA s. 21; Regulations 2021 reg. 5", presets.Preset(presets.SINGAPORE).reckon,
    ),
    _preset(
        "au_privacy", "Australia (Privacy Act)", ("AU", "Australia", "Australia/Sydney"), presets.AUSTRALIA,
        "Privacy Act 1988, APP 12.4", presets.Preset(presets.AUSTRALIA).reckon,
    ),
    _preset(
        "in_dpdp", "India (DPDP)", ("IN", "India", "Asia/Kolkata"), presets.INDIA,
        "DPDP Rules 2025 r. 14(3)", presets.reckon_india, is_offered=False,
    ),
    _preset(
        "ch_fadp", "Switzerland (FADP)", ("CH", "Switzerland", "Europe/Zurich"), presets.SWITZERLAND,
        "Data Protection Ordinance Art 18", presets.Preset(presets.SWITZERLAND).reckon,
    ),
    _preset(
        "us_va_vcdpa", "Virginia (VCDPA)", ("US", "Virginia", "America/New_York"), presets.VIRGINIA,
        "Va. Code 59.1-577", presets.Preset(presets.VIRGINIA).reckon, own_words=AMERICAN_WORDS,
    ),
    _preset(
        "us_co_cpa", "Colorado (CPA)", ("US", "Colorado", "America/Denver"), presets.COLORADO,
        "C.R.S. 6-1-1306", presets.Preset(presets.COLORADO).reckon, own_words=AMERICAN_WORDS,
    ),
    _preset(
        "vn_pdpl", "Vietnam (PDPL)", ("VN", "Vietnam", "Asia/Ho_Chi_Minh"), presets.VIETNAM,
        "Decree 356/2025 Art 5", presets.reckon_vietnam,
    ),
    _preset(
        "sa_pdpl", "Saudi Arabia (PDPL)", ("SA", "Saudi Arabia", "Asia/Riyadh"), presets.SAUDI_ARABIA,
        "PDPL Implementing Regulation Art 3", presets.Preset(presets.SAUDI_ARABIA).reckon,
    ),
    _preset(
        "tw_pdpa", "Taiwan (PDPA)", ("TW", "Taiwan", "Asia/Taipei"), presets.TAIWAN,
        "PDPA Art 13", presets.Preset(presets.TAIWAN).reckon,
    ),
    _preset(
        "id_pdp", "Indonesia (PDP)", ("ID", "Indonesia", "Asia/Jakarta"), presets.INDONESIA.split(),
        presets.INDONESIA_SOURCE, presets.reckon_indonesia,
    ),
)  # fmt: skip

REGIMES: Mapping[str, Regime] = MappingProxyType({regime.key: regime for regime in _ALL})

# Every region by its code, for a form that does not know the law yet; the same code may count in several zones.
REGIONS: Mapping[str, str] = MappingProxyType(
    {
        code: region.name
        for regime in (REGIMES["eu_gdpr"], REGIMES["uk_gdpr"])
        for code, region in regime.regions.items()
    }
)
