"""Start Gnomon and the sample agent system that reports to it, until Ctrl-C."""

import argparse
import sys
import time
from pathlib import Path
from typing import NoReturn

from tools.processes import ProgramError, Programs, Stopped, require_free_ports, wait_until_ready

ROOT = Path(__file__).parents[1]
GNOMON_SETTINGS = (
    "costs.models=tiny-markov-1=2/8/0.5",
    "costs.budgets=tenant:acme=20/month,tenant:globex=5/month,total=1/day",
)
"""What the platform's model and its tenants agreed on."""


def main() -> int:
    """Return 0 when stopped by Ctrl-C or SIGTERM, 1 when something could not start or ended by itself."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--data-dir", type=Path, default=ROOT / ".demo")
    parser.add_argument("--port", type=int, default=1212, help="the UI and API")
    parser.add_argument("--otlp-http-port", type=int, default=4318)
    parser.add_argument("--otlp-grpc-port", type=int, default=4317)
    options = parser.parse_args()
    try:
        with Programs() as programs:
            run(programs, options)
    except Stopped:
        print("\nStopped.")
        return 0
    except ProgramError as error:
        print(error, file=sys.stderr)
        return 1


def run(programs: Programs, options: argparse.Namespace) -> NoReturn:
    """Start both and watch them; ends by Stopped or ProgramError alone."""
    ports = {"PORT": options.port, "OTLP_HTTP_PORT": options.otlp_http_port, "OTLP_GRPC_PORT": options.otlp_grpc_port}
    require_free_ports(ports)
    data: Path = options.data_dir.resolve()
    data.mkdir(parents=True, exist_ok=True)
    url = f"http://127.0.0.1:{options.port}"

    print("Starting Gnomon …", flush=True)
    gnomon = programs.start(
        "gnomon serve",
        [
            *(Path(sys.executable).with_name("gnomon"), "serve"),
            *("--data-dir", data / "gnomon", "--port", str(options.port)),
            *("--otlp-http-port", str(options.otlp_http_port), "--otlp-grpc-port", str(options.otlp_grpc_port)),
            *(part for setting in GNOMON_SETTINGS for part in ("--set", setting)),
            *("--set", f"brokers=queue=sqlite:///{data / 'platform' / 'queue.sqlite'}"),
        ],
        log=data / "gnomon.log",
    )
    wait_until_ready(gnomon, f"{url}/health/ready")
    programs.start(
        "the sample agent system",
        [
            *(sys.executable, ROOT / "examples" / "agent_platform" / "run.py"),
            *("--endpoint", url, "--state-dir", data / "platform"),
        ],
        log=data / "agent_platform.log",
    )
    print(banner(url, data), flush=True)
    while (ended := programs.ended()) is None:
        time.sleep(0.5)
    raise ProgramError(ended.describe_end())


def banner(url: str, data: Path) -> str:
    """Return what the person at the terminal wants to know, the URL first."""
    link = f"\033[1;36m{url}\033[0m" if sys.stdout.isatty() else url
    command = f"{Path(sys.executable).with_name('gnomon')} demo incident --data-dir {data}"
    return f"""
    Gnomon is ready:  {link}

    A sample agent system is at work and reports to it: open the URL, its first traces and logs are there in seconds.
    Let something go wrong:  {command} slow-tool
    Data and logs are in {data}. Ctrl-C stops both.
"""


if __name__ == "__main__":
    sys.exit(main())
