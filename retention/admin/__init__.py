from retention.admin import children, files, holds, jobs, rules, runs, stops, suspensions, upstream  # noqa: F401
