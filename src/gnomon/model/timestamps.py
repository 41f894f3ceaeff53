"""Points in time as they leave in JSON."""

from typing import Annotated

from pydantic import PlainSerializer

UnixNanoseconds = Annotated[int, PlainSerializer(str, return_type=str, when_used="json")]
"""Nanoseconds since 1970; decimal text in JSON, since a JavaScript number cannot hold them."""
