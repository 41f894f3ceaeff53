"""What runs as `gnomon` and as `python -m gnomon`."""

import gc

# Whatever imports make stays; to look through it again and again takes a sixth of a start.
gc.disable()

from gnomon.cli import main  # noqa: E402 - the collector is to rest while this is imported

gc.enable()

if __name__ == "__main__":
    main()
