"""What a letter says of the law: its name, the right, to whom to complain; and the coded reasons of a refusal. Pure words.

Sources: GDPR and UK GDPR Articles 12, 15–22 and 77; PDPO (Cap 486) sections 18–28; California Civil Code 1798.100 ff. and
11 CCR 7020 ff.; the deadline rules of the portal. A law that has no entry is answered under the promise of the privacy policy.
"""

import dataclasses
from collections.abc import Mapping

Words = Mapping[str, str]  # by language: en, zh-hant
EN, ZH = "en", "zh-hant"


@dataclasses.dataclass(frozen=True)
class Law:
    """One regime in words. ``rights`` are the provisions by request type; ``complaint`` names the body and what else can be done."""

    name: Words
    rights: Mapping[str, str]
    complaint: Words
    extension: str = ""  # the provision under which more time may be taken; empty: none


@dataclasses.dataclass(frozen=True)
class Reason:
    """Why something is refused: a code for the register, words for the person, the provision by regime. No provision: not there."""

    label: str
    words: Words
    provisions: Mapping[str, str]
    types: frozenset[str] = frozenset()  # only these request types; empty: any


ARTICLES = {
    "access": "15", "rectification": "16", "erasure": "17", "restriction": "18", "portability": "20", "objection": "21",
    "automated_decision": "22", "withdraw_consent": "7(3)", "unsubscribe": "21(2) and (3)",
}  # fmt: skip
POLICY = "policy_default"

LAWS: dict[str, Law] = {
    POLICY: Law(
        name={EN: "our Privacy Policy", ZH: "本公司《私隱政策》"},
        rights=dict.fromkeys(
            ["access", "rectification", "erasure", "restriction", "portability", "objection", "automated_decision", "withdraw_consent"],
            "section 6",
        ),
        complaint={
            EN: "If you are not satisfied, write to us and another member of the privacy office will look at it. You may also complain to "
            "the data protection authority of the place where you live; in Hong Kong this is the Office of the Privacy Commissioner "
            "for Personal Data (www.pcpd.org.hk).",
            ZH: "如閣下不滿意，請致函本公司，我們會由私隱事務處另一位職員覆核。閣下亦可向居住地的資料保障機構投訴；在香港，該機構為個人資料私隱專員公署"
            "（www.pcpd.org.hk）。",
        },
    ),
    "eu_gdpr": Law(
        name={EN: "the General Data Protection Regulation (EU) 2016/679", ZH: "歐盟《一般資料保護規則》(EU) 2016/679"},
        rights={key: f"Article {article}" for key, article in ARTICLES.items()},
        complaint={
            EN: "You may complain to a supervisory authority, in particular in the Member State where you live or work (Article 77 GDPR; "
            "their addresses: www.edpb.europa.eu/about-edpb/about-edpb/members_en), and you may go to court (Article 79 GDPR).",
            ZH: "閣下可向監管機構投訴，特別是閣下居住或工作所在成員國的監管機構（GDPR 第 77 條；地址見 "
            "www.edpb.europa.eu/about-edpb/about-edpb/members_en），亦可向法院提出訴訟（GDPR 第 79 條）。",
        },
        extension="Article 12(3)",
    ),
    "uk_gdpr": Law(
        name={EN: "the UK General Data Protection Regulation", ZH: "英國《一般資料保護規則》"},
        rights={key: f"Article {article}" for key, article in ARTICLES.items()},
        complaint={
            EN: "You may complain to us (section 164A of the Data Protection Act 2018), to the Information Commissioner (Wycliffe House, Water "
            "Lane, Wilmslow, Cheshire SK9 5AF; ico.org.uk), and you may go to court.",
            ZH: "閣下可向本公司投訴（《2018 年資料保護法》第 164A 條），向英國資訊專員投訴（Information Commissioner, Wycliffe House, Water Lane, "
            "Wilmslow, Cheshire SK9 5AF；ico.org.uk），亦可向法院提出訴訟。",
        },
        extension="Article 12(3)",
    ),
    "us_ca_ccpa": Law(
        name={EN: "the California Consumer Privacy Act", ZH: "《加州消費者私隱法》"},
        rights={
            "access": "section 1798.110 of the Civil Code", "portability": "section 1798.130 of the Civil Code",
            "rectification": "section 1798.106 of the Civil Code", "erasure": "section 1798.105 of the Civil Code",
            "objection": "section 1798.120 of the Civil Code", "restriction": "section 1798.121 of the Civil Code",
            "opt_out": "section 1798.120 of the Civil Code", "limit": "section 1798.121 of the Civil Code",
        },
        complaint={
            EN: "You may complain to the California Privacy Protection Agency (cppa.ca.gov) or to the Attorney General of California "
            "(oag.ca.gov). You will not be treated worse for using your rights.",
            ZH: "閣下可向加州私隱保護局（cppa.ca.gov）或加州總檢察長（oag.ca.gov）投訴。閣下不會因行使權利而受到較差待遇。",
        },
        extension="section 1798.130(a)(2) of the Civil Code",
    ),
    "hk_pdpo": Law(
        name={EN: "the Personal Data (Privacy) Ordinance (Cap. 486)", ZH: "《個人資料（私隱）條例》（第 486 章）"},
        rights={"access": "section 18", "portability": "section 18", "rectification": "section 22", "erasure": "section 26", "objection": "section 35G",
                "unsubscribe": "section 35G"},
        complaint={
            EN: "You may complain to the Office of the Privacy Commissioner for Personal Data, Unit 1303, 13/F, Dah Sing Financial Centre, "
            "248 Queen’s Road East, Wan Chai, Hong Kong (www.pcpd.org.hk).",
            ZH: "閣下可向個人資料私隱專員公署投訴：香港灣仔皇后大道東 248 號大新金融中心 13 樓 1303 室（www.pcpd.org.hk）。",
        },
        extension="section 19(2)",
    ),
}  # fmt: skip

# To whom an appeal that was rejected is taken further (Va. Code 59.1-577(C), C.R.S. 6-1-1306(3)(c)): the letter must say.
STATE_ATTORNEYS: dict[str, Words] = {
    "us_va_vcdpa": {
        EN: "If you do not agree, you may submit a complaint to the Attorney General of Virginia (www.oag.state.va.us).",
        ZH: "如閣下不同意，可向維珍尼亞州總檢察長投訴（www.oag.state.va.us）。",
    },
    "us_co_cpa": {
        EN: "If you do not agree, or have concerns about the result, you may contact the Attorney General of Colorado (coag.gov).",
        ZH: "如閣下不同意或對結果有疑問，可聯絡科羅拉多州總檢察長（coag.gov）。",
    },
}

REASONS: dict[str, Reason] = {
    "not_identified": Reason(
        "The person could not be identified",
        {
            EN: "We could not make sure that the request comes from the person whom the data is about, although we asked for it.",
            ZH: "雖經查詢，本公司仍未能確定該要求由資料當事人提出。",
        },
        {POLICY: "section 6 of the Privacy Policy", "eu_gdpr": "Articles 11(2) and 12(6)", "uk_gdpr": "Articles 11(2) and 12(6)",
         "us_ca_ccpa": "11 CCR sections 7060 to 7062", "hk_pdpo": "section 20(1)(a)"},
    ),
    "nothing_held": Reason(
        "No data is held",
        {EN: "We hold no personal data about you.", ZH: "本公司並無持有閣下的個人資料。"},
        {POLICY: "section 6 of the Privacy Policy", "eu_gdpr": "Article 15(1)", "uk_gdpr": "Article 15(1)",
         "us_ca_ccpa": "section 1798.130 of the Civil Code", "hk_pdpo": "section 19(1)"},
    ),
    "others_rights": Reason(
        "It would reveal data of other people",
        {
            EN: "Parts of the data are about other people as well. What identifies them was left out.",
            ZH: "部分資料亦涉及其他人士，可識別該等人士的內容已予刪去。",
        },
        {POLICY: "section 6 of the Privacy Policy", "eu_gdpr": "Articles 15(4) and 20(4)", "uk_gdpr": "Articles 15(4) and 20(4)",
         "us_ca_ccpa": "section 1798.145(k) of the Civil Code", "hk_pdpo": "section 20(1)(b) and (2)"},
        frozenset({"access", "portability"}),
    ),
    "excessive": Reason(
        "Manifestly unfounded or excessive",
        {
            EN: "The request is manifestly unfounded or excessive. Why we think so stands below; it is for us to prove it.",
            ZH: "該要求明顯沒有根據或屬過度，理由見下文；舉證責任在本公司。",
        },
        {POLICY: "section 6 of the Privacy Policy", "eu_gdpr": "Article 12(5)(b)", "uk_gdpr": "Article 12(5)",
         "us_ca_ccpa": "section 1798.145(h)(3) of the Civil Code", "hk_pdpo": "section 20(3)(c)"},
    ),
    "law_keeps": Reason(
        "A law demands that it is kept",
        {
            EN: "A law demands that we keep this data. Which law, and until when, stands below.",
            ZH: "法律規定本公司須保留該等資料；有關法律及保留期限見下文。",
        },
        {POLICY: "section 6.2 of the Privacy Policy", "eu_gdpr": "Article 17(3)(b)", "uk_gdpr": "Article 17(3)(b)",
         "us_ca_ccpa": "section 1798.105(d)(8) of the Civil Code", "hk_pdpo": "section 26(1)(a)"},
        frozenset({"erasure", "restriction", "objection"}),
    ),
    "legal_claims": Reason(
        "Needed for legal claims",
        {
            EN: "The data is needed to establish, exercise or defend legal claims.",
            ZH: "該等資料為確立、行使或抗辯法律申索所需。",
        },
        {POLICY: "section 6.2 of the Privacy Policy", "eu_gdpr": "Articles 17(3)(e), 18(2) and 21(1)",
         "uk_gdpr": "Articles 17(3)(e), 18(2) and 21(1)", "us_ca_ccpa": "section 1798.145(a) of the Civil Code", "hk_pdpo": "section 26(1)"},
        frozenset({"erasure", "restriction", "objection"}),
    ),
    "fraud": Reason(
        "It would hinder the prevention of crime",
        {
            EN: "Giving or deleting the data would hinder the prevention or detection of crime.",
            ZH: "提供或刪除該等資料會妨礙罪行的防止或偵測。",
        },
        {POLICY: "section 6.2 of the Privacy Policy", "us_ca_ccpa": "section 1798.105(d)(2) of the Civil Code", "hk_pdpo": "section 58",
         "uk_gdpr": "Data Protection Act 2018, Schedule 2, paragraph 2"},
        frozenset({"access", "erasure"}),
    ),
    "not_inaccurate": Reason(
        "The data is correct",
        {
            EN: "We looked at the data and found no inaccuracy. Your statement is kept with it if you wish.",
            ZH: "本公司已核對有關資料，並無發現不準確之處。如閣下希望，閣下的陳述可與資料一併保存。",
        },
        {POLICY: "section 6.1 of the Privacy Policy", "eu_gdpr": "Article 16", "uk_gdpr": "Article 16",
         "us_ca_ccpa": "11 CCR section 7023", "hk_pdpo": "section 24(3)"},
        frozenset({"rectification"}),
    ),
    "client_decides": Reason(
        "Another company decides about it",
        {
            EN: "We hold this data only on behalf of a client of ours, to whom we have passed your request on. The name stands below.",
            ZH: "本公司只代客戶持有該等資料，並已將閣下的要求轉交該客戶；其名稱見下文。",
        },
        {POLICY: "section 2.4 of the Privacy Policy", "eu_gdpr": "Articles 4(7) and 28(3)(e)", "uk_gdpr": "Articles 4(7) and 28(3)(e)",
         "us_ca_ccpa": "section 1798.130(a)(3) of the Civil Code", "hk_pdpo": "sections 20(3)(d) and 21(1)(c)"},
    ),
}  # fmt: skip


def law_of(regime: str) -> Law:
    """Return the words of a regime, those of the privacy policy for one that has none of its own."""
    return LAWS.get(regime, LAWS[POLICY])


def reasons_for(regime: str, request_type: str) -> dict[str, Reason]:
    """Return the reasons for which a request may be refused under its law. An objection to marketing may never be."""
    key = regime if regime in LAWS else POLICY
    return {
        code: reason for code, reason in REASONS.items()
        if key in reason.provisions and (not reason.types or request_type in reason.types)
    }  # fmt: skip


def provision_of(code: str, regime: str) -> str:
    """Return the provision of a reason under a regime."""
    return REASONS[code].provisions[regime if regime in LAWS else POLICY]
