"""Heartbeats: one an interval, none while something is wrong."""

from ipaddress import ip_network

from gnomon.alerting.heartbeat import Heartbeat, HeartbeatSettings
from gnomon.alerting.outgoing_http import OutgoingSettings
from gnomon.lifecycle import SystemClock
from tests.webhook_recorder import recording


class SetClock(SystemClock):
    now_s = 1000.0

    def monotonic(self) -> float:
        return self.now_s


async def test_one_is_sent_an_interval_and_none_while_something_is_wrong() -> None:
    clock, problems = SetClock(), [""]
    with recording() as recorder:
        settings = HeartbeatSettings(recorder.url, 60, OutgoingSettings((ip_network("127.0.0.0/8"),)))
        heartbeat = Heartbeat(lambda: settings, lambda: problems[0], clock)
        await heartbeat.look()
        clock.now_s += 59
        await heartbeat.look()
        assert len(recorder.received) == 1
        clock.now_s += 1
        problems[0] = "rule group 'a' was not evaluated for 90 s"
        await heartbeat.look()
        assert len(recorder.received) == 1
        clock.now_s += 60
        problems[0] = ""
        await heartbeat.look()
        assert len(recorder.received) == 2


async def test_none_is_sent_without_a_url() -> None:
    await Heartbeat(HeartbeatSettings, lambda: "", SetClock()).look()
