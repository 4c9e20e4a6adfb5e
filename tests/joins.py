"""What statements join, read from the plans that PostgreSQL makes for them. Used to show how the large tables distribute.

A join of two large tables must go by ``workspace_id``, or have one workspace on both sides: then all that it needs lies on
one node. What else a large table is joined with must be a copy on every node (a reference table).
"""

import contextlib
import json
import re
from collections.abc import Iterator

import psycopg
from django.db import connection

MONTH = re.compile(r"_\d{4}_\d{2}$")
BY_WORKSPACE = re.compile(r"workspace_id = (\(?\w+\.)?\"?workspace_id")
ONE_WORKSPACE = re.compile(r"workspace_id = (ANY \()?'")
CONDITIONS = ("Hash Cond", "Merge Cond", "Join Filter", "Index Cond", "Recheck Cond", "Filter")
STATEMENT = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH|MERGE|\()", re.I)
COPY_OUT = re.compile(r"\s*COPY \((.*)\) TO STDOUT", re.I | re.S)


Side = tuple[set[str], list[str]]  # the tables that are read below a join, and the conditions there


class Joins:
    """What the statements of a block join: ``apart`` the large tables of those without a workspace, ``beside`` the other tables."""

    def __init__(self, large: set[str]):
        self.large = large
        self.apart: dict[str, frozenset[str]] = {}
        self.beside: set[tuple[str, str]] = set()
        self.seen: set[str] = set()

    def look_at(self, text: str, params) -> None:
        if copied := COPY_OUT.match(text):
            text = copied[1]
        if text in self.seen or not STATEMENT.match(text) or not any(name in text for name in self.large):
            return
        self.seen.add(text)
        with connection.connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (VERBOSE, FORMAT JSON) {text}", params or None)
            (plan,) = cursor.fetchone()
        self._walk((plan if isinstance(plan, list) else json.loads(plan))[0]["Plan"], text)

    def _walk(self, node: dict, text: str) -> set[str]:
        """Judge every join below a node; return the tables that it reads."""
        sides = [(child, self._walk(child, text)) for child in node.get("Plans", [])]
        own = {MONTH.sub("", node["Relation Name"])} if "Relation Name" in node else set()
        if "Append" not in node["Node Type"] and node["Node Type"] not in ("ModifyTable", "SetOp"):
            read, words = own, _conditions(node)
            for child, tables in sides:
                if child.get("Parent Relationship") == "InitPlan":  # asked once, for itself
                    continue
                of_child = _conditions(child, deep=True)
                self._judge((read, words), (tables, of_child), _conditions(node) + of_child, text)
                read, words = read | tables, words + of_child
        return own.union(*(found for _, found in sides))

    def _judge(self, one: Side, two: Side, words: list[str], text: str) -> None:
        for (tables, of_tables), (others, _) in ((one, two), (two, one)):
            if not ONE_WORKSPACE.search(" ".join(of_tables)):
                self.beside |= {(large, other) for large in tables & self.large for other in others - self.large}
        joined, all_words = one[0] & self.large and two[0] & self.large, " ".join(words)
        if joined and not BY_WORKSPACE.search(all_words) and not ONE_WORKSPACE.search(all_words):
            self.apart[text] = frozenset((one[0] | two[0]) & self.large)


def _conditions(node: dict, *, deep: bool = False) -> list[str]:
    found = [str(node[name]) for name in CONDITIONS if name in node]
    if deep:
        for child in node.get("Plans", []):
            found += _conditions(child, deep=True)
    return found


@contextlib.contextmanager
def watched(large: set[str]) -> Iterator[Joins]:
    """Look at every statement that the block sends, also those of COPY, before it is carried out."""
    joins = Joins(large)

    def watch(execute, text, params, many, context):
        if not many and isinstance(text, str):
            joins.look_at(text, params)
        return execute(text, params, many, context)

    plain = psycopg.Cursor.copy

    def copy(cursor, statement, params=None, **options):
        if isinstance(statement, str):
            joins.look_at(statement, params)
        return plain(cursor, statement, params, **options)

    psycopg.Cursor.copy = copy
    try:
        with connection.execute_wrapper(watch):
            yield joins
    finally:
        psycopg.Cursor.copy = plain
