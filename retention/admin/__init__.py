from retention.admin import children, files, holds, jobs, rules, runs, stops, upstream  # noqa: F401
