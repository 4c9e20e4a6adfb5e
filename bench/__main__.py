"""python -m bench [FIGURE …]: measure, print a JSON line for each figure and append it to ``var/bench.jsonl``.

``SIZE=1m`` (default), ``SIZE=5m`` or ``SIZE=20m`` chooses how many call records the large table has where that matters.
"""

import os
import sys

from bench import environment

environment.set_up()  # before Django reads its settings

import django  # noqa: E402

django.setup()

from bench import figures  # noqa: E402

SIZES = {"1m": 1_000_000, "5m": 5_000_000, "20m": 20_000_000}


def main(names: list[str]) -> int:
    size = os.environ.get("SIZE", "1m")
    if size not in SIZES:
        print(f"SIZE must be one of {', '.join(SIZES)}, not “{size}”.", file=sys.stderr)
        return 2
    if unknown := [name for name in names if name not in figures.MEASURES]:
        print(f"There is no figure {', '.join(unknown)}. There are: {', '.join(figures.MEASURES)}.", file=sys.stderr)
        return 2
    return figures.measure(names or list(figures.MEASURES), rows=SIZES[size])


if __name__ == "__main__":
    sys.exit(main([name for name in sys.argv[1:] if name]))
