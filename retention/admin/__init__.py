from retention.admin import holds, jobs, rules, runs, stops, upstream  # noqa: F401
