"""The form of a figure (architecture.md, "Commands")."""

import math
import statistics
import time
from collections.abc import Callable


def figure(name: str, value: float, unit: str, *, against: str, rows: int, **more) -> dict:
    return {"figure": name, "value": round(value, 3), "unit": unit, "against": against, "rows": rows, **more}


def seconds(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def median(values: list[float]) -> float:
    return statistics.median(values)


def p95(values: list[float]) -> float:
    return sorted(values)[math.ceil(len(values) * 0.95) - 1]
