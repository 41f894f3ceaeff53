"""Run Gnomon and Vite's development server: the UI follows edits at once, the server restarts with each."""

import argparse
import sys
import time
from pathlib import Path
from typing import NoReturn

from tools.processes import Program, ProgramError, Programs, Stopped, require_free_ports, wait_until_ready

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "src" / "gnomon"
DATA = ROOT / ".cache" / "dev"
UI_PORT = 5173


def main() -> int:
    """Return 0 when stopped by Ctrl-C or SIGTERM, 1 when something could not start or ended by itself."""
    parser = argparse.ArgumentParser(prog="make dev", description=__doc__)
    parser.add_argument("--port", type=int, default=1212)
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
    """Start both, restart the server whenever its sources change; ends by Stopped or ProgramError alone."""
    ports = {"PORT": options.port, "OTLP_HTTP_PORT": options.otlp_http_port, "OTLP_GRPC_PORT": options.otlp_grpc_port}
    require_free_ports(ports)
    url = f"http://127.0.0.1:{options.port}"
    server = start_server(programs, options)
    wait_until_ready(server, f"{url}/health/ready")
    vite = programs.start(
        "vite",
        ["npm", "run", "dev", "--", "--host", "127.0.0.1", "--port", str(UI_PORT), "--strictPort"],
        environment={"GNOMON_URL": url},
        folder=ROOT / "ui",
    )
    print(f"\n    The UI that follows your edits: http://127.0.0.1:{UI_PORT}\n    The server: {url}\n", flush=True)
    seen = fingerprint()
    while vite.process.poll() is None:
        time.sleep(0.5)
        now = fingerprint()
        if now == seen:
            continue
        seen = now
        print("Sources changed: the server restarts", flush=True)
        programs.stop(server)
        server = start_server(programs, options)
    raise ProgramError(vite.describe_end())


def start_server(programs: Programs, options: argparse.Namespace) -> Program:
    """Start the server with its log on the terminal; one that an edit broke waits there for the next edit."""
    DATA.mkdir(parents=True, exist_ok=True)
    command: list[str | Path] = [
        *(Path(sys.executable).with_name("gnomon"), "serve", "--data-dir", DATA, "--port", str(options.port)),
        *("--otlp-http-port", str(options.otlp_http_port), "--otlp-grpc-port", str(options.otlp_grpc_port)),
    ]
    return programs.start("gnomon serve", command)


def fingerprint() -> dict[Path, int]:
    """Return when each source of the server was changed."""
    found = (path for pattern in ("*.py", "*.sql", "*.proto") for path in SOURCES.rglob(pattern))
    return {path: path.stat().st_mtime_ns for path in found}


if __name__ == "__main__":
    sys.exit(main())
