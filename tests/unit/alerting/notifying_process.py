"""A process that tells alerts to webhooks, to be killed. Arguments: data folder, webhook URL, names of alerts."""

import asyncio
import sys
import time
from ipaddress import ip_network
from pathlib import Path

from gnomon.alerting.alertmanager_config import parse_alertmanager_config
from gnomon.alerting.fired_alerts import FiredAlert
from gnomon.alerting.notification_service import NotificationService, NotificationSettings
from gnomon.alerting.outgoing_http import OutgoingSettings
from gnomon.lifecycle import SystemClock
from gnomon.model.labels import Labels
from gnomon.storage.state_store import StateStore

CONFIG = """
route:
  receiver: other
  group_by: [alertname]
  group_wait: 3s
  group_interval: 1s
  repeat_interval: 1h
  routes:
    - {matchers: [alertname=Refused], receiver: refused, group_wait: 0s}
    - {matchers: [alertname=Deadly], receiver: deadly, group_wait: 1s}
receivers:
  - {name: refused, webhook_configs: [{url: URL/refused}]}
  - {name: deadly, webhook_configs: [{url: URL/deadly}]}
  - {name: other, webhook_configs: [{url: URL/other}]}
"""
HOUR_NS = 3_600_000_000_000


async def main(folder: Path, url: str, *names: str) -> None:
    """Tell alerts with these names and go on until killed."""
    clock = SystemClock()
    state = StateStore(folder, None, clock)
    await state.start()
    config = parse_alertmanager_config(CONFIG.replace("URL", url), folder / "alertmanager.yml")
    outgoing = OutgoingSettings((ip_network("127.0.0.0/8"),))
    service = NotificationService(state, clock, lambda: NotificationSettings(config, outgoing))
    await service.start()
    now_ns = time.time_ns()
    await service.put([FiredAlert(Labels.of({"alertname": name}), {}, now_ns, now_ns + HOUR_NS) for name in names])
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), *sys.argv[2:]))
