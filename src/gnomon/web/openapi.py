"""Print the API's OpenAPI description without starting anything: `python -m gnomon.web.openapi`."""

import json
import sys

from gnomon.web.app import create_api


def main() -> None:
    """Write the description to standard output, keys sorted, so that it compares well."""
    json.dump(create_api().openapi(), sys.stdout, indent=2, sort_keys=True, ensure_ascii=False)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
