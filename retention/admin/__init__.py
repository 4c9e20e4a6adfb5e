from retention.admin import files, holds, jobs, rules, runs, stops  # noqa: F401
