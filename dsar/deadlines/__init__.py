"""When a data subject's request must be answered, and the steps that lead to the date.

Pure functions: no clock, no database, nothing of Django. A regime is an entry of `REGIMES` and one small
function; the dates, the zones and the holidays they share are in the modules beside them.
"""

from dsar.deadlines.compute import FIRST_YEAR, LAST_YEAR, compute_deadline
from dsar.deadlines.deadline import Deadline, Step, UnableToComputeDeadline
from dsar.deadlines.events import EVENT_KINDS, Event, parse_event
from dsar.deadlines.regimes import REGIMES, REGIONS, REQUEST_TYPES, Regime
from dsar.deadlines.regions import Region

__all__ = [
    "EVENT_KINDS",
    "FIRST_YEAR",
    "LAST_YEAR",
    "REGIMES",
    "REGIONS",
    "REQUEST_TYPES",
    "Deadline",
    "Event",
    "Regime",
    "Region",
    "Step",
    "UnableToComputeDeadline",
    "compute_deadline",
    "parse_event",
]
