"""See in a test what an application told Gnomon: `with gnomon.testing.capture() as told:`."""

from gnomon.sdk.testing import Captured, Event, Span, capture

__all__ = ["Captured", "Event", "Span", "capture"]
