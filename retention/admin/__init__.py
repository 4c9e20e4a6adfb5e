from retention.admin import holds, jobs, rules, runs, stops  # noqa: F401
