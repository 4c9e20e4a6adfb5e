from retention.admin import holds, jobs, rules, stops  # noqa: F401
