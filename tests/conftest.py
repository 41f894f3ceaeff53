"""What every test can ask for."""

pytest_plugins = ["tests.opened_storage", "tests.opened_metrics", "tests.peers.fixtures", "tests.recorded_telemetry"]
