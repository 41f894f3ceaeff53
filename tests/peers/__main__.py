"""List the peers, or install those that are missing: `python -m tests.peers [list | install [NAME …]]`."""

import argparse
import os
import sys

from tests.peers.installation import PEERS, InstallationError, Peer


def main() -> int:
    """Return 0, or 1 in CI when a peer cannot be installed: elsewhere its tests are skipped by name."""
    parser = argparse.ArgumentParser(prog="python -m tests.peers", description=__doc__)
    parser.add_argument("command", choices=("list", "install"))
    parser.add_argument("names", nargs="*", metavar="NAME", help="; ".join(peer.name for peer in PEERS))
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - {peer.name for peer in PEERS}:
        parser.error(f"No such peer: {', '.join(sorted(unknown))}. There are: {', '.join(peer.name for peer in PEERS)}")
    chosen = [peer for peer in PEERS if not arguments.names or peer.name in arguments.names]
    if arguments.command == "list":
        for peer in chosen:
            print(f"{peer.name} {peer.version}: {peer.find() or 'not installed'}")
        return 0
    installed = [_install(peer) for peer in chosen]
    return 0 if all(installed) or os.environ.get("CI") != "true" else 1


def _install(peer: Peer) -> bool:
    if peer.find() is not None:
        return True
    print(f"Installing {peer.name} {peer.version}; this takes minutes, and only the first time", flush=True)
    try:
        peer.install()
    except InstallationError as error:
        print(f"{error} Until then the tests that need {peer.name} are skipped.", file=sys.stderr)
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
