"""The tools that agents use, each run in a process of its own that knows nothing of OpenTelemetry."""
