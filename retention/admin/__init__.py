from retention.admin import children, files, holds, jobs, laws, rules, runs, stops, suspensions, upstream  # noqa: F401
