"""Run the agent platform: `python -m examples.agent_platform --endpoint http://127.0.0.1:4318`."""

import argparse
import logging
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from examples.agent_platform.incidents import INCIDENTS
from examples.agent_platform.launcher import Platform, PlatformSettings, StartError


def main(arguments: Sequence[str] | None = None) -> int:
    """Start the platform, drive load, and stop at SIGINT or SIGTERM; returns the exit status."""
    options = _make_parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s agent platform: %(message)s", datefmt="%H:%M:%S")
    logger = logging.getLogger(__name__)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stop.set())

    with _open_state_dir(options.state_dir) as state_dir:
        settings = PlatformSettings(
            endpoint=options.endpoint,
            state_dir=state_dir,
            rate=options.rate,
            duration_s=options.duration,
            incidents=options.incident,
            incident_after_s=options.incident_after,
            incident_for_s=options.incident_for,
            seed=options.seed,
            broker=options.broker,
            database=options.database,
            cache=options.cache,
        )
        try:
            with Platform(settings) as platform:
                platform.start_load()
                logger.info("running; gateway at %s, telemetry to %s", platform.urls["gateway"], settings.endpoint)
                platform.run(stop)
                logger.info("stopping")
        except StartError as error:
            logger.error("%s", error)  # noqa: TRY400 - the message says it all
            return 1
    return 0


@contextmanager
def _open_state_dir(wanted: Path | None) -> Iterator[Path]:
    if wanted is not None:
        yield wanted.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="agent-platform-") as folder:
        yield Path(folder)


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="agent_platform", description="A small agent platform to watch.")
    parser.add_argument("--endpoint", default="http://127.0.0.1:4318", help="OTLP/HTTP receiver (default: %(default)s)")
    parser.add_argument("--rate", type=float, default=4.0, help="tasks per second on average (default: %(default)s)")
    parser.add_argument("--duration", type=float, help="seconds to run (default: until stopped)")
    parser.add_argument(
        "--state-dir", type=Path, help="folder for queue, ledger, files and logs (default: a temporary one)"
    )
    parser.add_argument(
        "--incident", action="append", default=[], choices=sorted(INCIDENTS), help="what goes wrong; may be repeated"
    )
    parser.add_argument(
        "--incident-after", type=float, default=30.0, help="seconds before each incident (default: %(default)s)"
    )
    parser.add_argument("--incident-for", type=float, default=60.0, help="seconds it lasts (default: %(default)s)")
    parser.add_argument(
        "--broker", default="", help="kafka://…, redis://…, amqp://…, nats://… (default: a queue in the state folder)"
    )
    parser.add_argument("--database", default="", help="postgresql://… (default: SQLite in the state folder)")
    parser.add_argument("--cache", default="", help="redis://… (default: one in each process)")
    parser.add_argument("--seed", type=int, help="make the personas' choices repeatable")
    return parser


if __name__ == "__main__":
    sys.exit(main())
