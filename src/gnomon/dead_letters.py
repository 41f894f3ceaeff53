"""Dead letters: read them from a queue or from Gnomon's events, whoever wrote them, and send them anew."""

from gnomon.sdk.dead_letters import DeadLetter, Replay, republish

__all__ = ["DeadLetter", "Replay", "republish"]
