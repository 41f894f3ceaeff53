"""What every test can ask for."""

pytest_plugins = [
    # Before those that import it: pytest rewrites the assertions of what it loads itself.
    "tests.opened_storage",
    "tests.opened_metrics",
    "tests.peers.fixtures",
    "tests.recorded_telemetry",
    "tests.two_at_a_time",
]
