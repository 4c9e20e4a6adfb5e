"""The cap on the days that customers may choose for their recordings: the period in force, and never under the policy's 30.

Raising it is a change of the rule's period beyond ``Promise.policy_longest``: two officers, and a published policy
version that says so and has come into effect (``periods.py``). The database holds the cap by itself: a trigger on every
column that the data map says is ``capped_by`` a rule refuses a number above it, whoever writes it.
"""

import datetime as dt

from django.db import connections

from accounts.recording_cap import POLICY_DAYS
from accounts.verdicts import data_map
from retention.rules import period_of

RULE = "subscriber_recording"

FUNCTIONS = """
CREATE OR REPLACE FUNCTION callmama_cap_days(of_rule text, of_country text) RETURNS integer LANGUAGE sql STABLE AS $$
    WITH in_force AS (
        SELECT DISTINCT ON (country) country, period FROM retention_ruleversion
        WHERE rule_id = of_rule AND cancelled_at IS NULL AND effective_at <= now() AND country IN ('', of_country)
        ORDER BY country, effective_at DESC, number DESC
    )
    SELECT greatest({policy_days}, floor(extract(epoch FROM coalesce(
        (SELECT period FROM in_force WHERE country = of_country AND country <> ''),
        (SELECT period FROM in_force WHERE country = ''),
        interval '0'
    )) / 86400)::integer)
$$;

CREATE OR REPLACE FUNCTION callmama_refuse_above_cap() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wanted integer := (to_jsonb(NEW) ->> TG_ARGV[1])::integer;
    most integer;
BEGIN
    -- What was chosen under a cap that was lowered since stays written; its recordings go when the rule says.
    IF TG_OP = 'UPDATE' AND wanted IS NOT DISTINCT FROM (to_jsonb(OLD) ->> TG_ARGV[1])::integer THEN
        RETURN NEW;
    END IF;
    most := callmama_cap_days(TG_ARGV[0], (SELECT country FROM accounts_workspace WHERE id = NEW.workspace_id));
    IF wanted > most THEN
        RAISE EXCEPTION 'recordings are kept for % days at most', most
            USING ERRCODE = 'check_violation', CONSTRAINT = 'recording_days_within_the_cap';
    END IF;
    RETURN NEW;
END $$;
"""
TRIGGER = """
CREATE OR REPLACE TRIGGER callmama_cap BEFORE INSERT OR UPDATE OF {column} ON {table} FOR EACH ROW
    WHEN (NEW.{column} > {policy_days}) EXECUTE FUNCTION callmama_refuse_above_cap('{rule}', '{column}');
"""


def cap_days(country: str, now: dt.datetime) -> int:
    """Return the most days that a customer of ``country`` may choose at ``now``: whole days of the period in force."""
    period = period_of(RULE, now, country)
    return max(POLICY_DAYS, period.days if period else 0)


def install_caps(*, using: str = "default", **_) -> None:
    """Put the trigger on every capped column; running it again changes nothing."""
    with connections[using].cursor() as cursor:
        existing = set(connections[using].introspection.table_names(cursor))
        if "retention_ruleversion" not in existing:
            return
        cursor.execute(FUNCTIONS.format(policy_days=POLICY_DAYS))
        for entry in data_map().values():
            table = entry.model_class._meta.db_table
            for name, column in entry.columns.items():
                if column.capped_by and table in existing:
                    cursor.execute(
                        TRIGGER.format(column=name, table=table, rule=column.capped_by, policy_days=POLICY_DAYS)
                    )
