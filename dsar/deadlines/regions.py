"""Where a requester is, as a clock sees it: a country or part of one, and the zone its dates are taken in."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Region:
    """`name` for people, `zone` an IANA time zone."""

    name: str
    zone: str


# A state with several zones counts at its capital: Spain at Madrid, Portugal at Lisbon, France at Paris. The last
# three are no Member States, but the GDPR applies there through the Agreement on the European Economic Area.
# Where the Member State is not known, the seat of the Union's institutions gives the zone.
UNKNOWN_MEMBER_STATE = "EU"
MEMBER_STATES: Mapping[str, Region] = MappingProxyType(
    {
        UNKNOWN_MEMBER_STATE: Region("Member State not known", "Europe/Brussels"),
        "AT": Region("Austria", "Europe/Vienna"),
        "BE": Region("Belgium", "Europe/Brussels"),
        "BG": Region("Bulgaria", "Europe/Sofia"),
        "CY": Region("Cyprus", "Asia/Nicosia"),
        "CZ": Region("Czechia", "Europe/Prague"),
        "DE": Region("Germany", "Europe/Berlin"),
        "DK": Region("Denmark", "Europe/Copenhagen"),
        "EE": Region("Estonia", "Europe/Tallinn"),
        "ES": Region("Spain", "Europe/Madrid"),
        "FI": Region("Finland", "Europe/Helsinki"),
        "FR": Region("France", "Europe/Paris"),
        "GR": Region("Greece", "Europe/Athens"),
        "HR": Region("Croatia", "Europe/Zagreb"),
        "HU": Region("Hungary", "Europe/Budapest"),
        "IE": Region("Ireland", "Europe/Dublin"),
        "IT": Region("Italy", "Europe/Rome"),
        "LT": Region("Lithuania", "Europe/Vilnius"),
        "LU": Region("Luxembourg", "Europe/Luxembourg"),
        "LV": Region("Latvia", "Europe/Riga"),
        "MT": Region("Malta", "Europe/Malta"),
        "NL": Region("Netherlands", "Europe/Amsterdam"),
        "PL": Region("Poland", "Europe/Warsaw"),
        "PT": Region("Portugal", "Europe/Lisbon"),
        "RO": Region("Romania", "Europe/Bucharest"),
        "SE": Region("Sweden", "Europe/Stockholm"),
        "SI": Region("Slovenia", "Europe/Ljubljana"),
        "SK": Region("Slovakia", "Europe/Bratislava"),
        "IS": Region("Iceland", "Atlantic/Reykjavik"),
        "LI": Region("Liechtenstein", "Europe/Vaduz"),
        "NO": Region("Norway", "Europe/Oslo"),
    }
)

# England and Wales share their bank holidays; "GB" is the United Kingdom with the nation not known.
UNITED_KINGDOM: Mapping[str, Region] = MappingProxyType(
    {
        "GB-ENG": Region("England", "Europe/London"),
        "GB-WLS": Region("Wales", "Europe/London"),
        "GB-SCT": Region("Scotland", "Europe/London"),
        "GB-NIR": Region("Northern Ireland", "Europe/London"),
        "GB": Region("United Kingdom, nation not known", "Europe/London"),
    }
)
EVERYWHERE: Mapping[str, Region] = MappingProxyType({"": Region("everywhere", "Asia/Hong_Kong")})


def only(code: str, name: str, zone: str) -> Mapping[str, Region]:
    """The regions of a law that counts in one zone, whatever part of the country the requester is in."""
    return MappingProxyType({code: Region(name, zone)})
