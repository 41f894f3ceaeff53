"""How a Gnomon is: asked from the server that runs, or read from its directory where none does."""

from dataclasses import dataclass
from typing import Any

import httpx

from gnomon import __version__
from gnomon.config import Config
from gnomon.model.errors import GnomonError
from gnomon.model.storage_usage import JournalUsage, StorageUsage, TableUsage
from gnomon.server import open_engine
from gnomon.storage.usage import StorageMeter

_TIMEOUT_S = 10.0


class DoctorError(GnomonError):
    """Tell that the doctor cannot look."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Tell how one part is."""

    name: str
    healthy: bool
    message: str


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Tell how everything is; `storage` is None where it could not be measured."""

    version: str
    source: str
    checks: tuple[Finding, ...]
    storage: StorageUsage | None

    @property
    def healthy(self) -> bool:
        """Return whether nothing is wrong."""
        return all(check.healthy for check in self.checks)


async def diagnose(config: Config, *, url: str | None, key: str | None) -> Diagnosis:
    """Return how the Gnomon of `config` is; raises a GnomonError when neither server nor directory can be looked at."""
    address = url or f"{config.web.scheme}://{config.web.host}:{config.web.port}"
    data_dir = config.options.data_dir
    try:
        online = await _ask(config, address, key)
    except httpx.TransportError as error:
        if url is not None:
            message = (
                f"No Gnomon answers at {url!r} ({error}). Correct --url, or leave it out to look into the directory."
            )
            raise DoctorError(message) from error
        online = None
    if online is not None:
        return online
    if not data_dir.is_dir():
        message = (
            f"No server answers at {address}, and there is no data directory {str(data_dir)!r}. Correct --data-dir."
        )
        raise DoctorError(message)
    return await _open(config)


async def _ask(config: Config, address: str, key: str | None) -> Diagnosis | None:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    # The certificate was chosen by whoever runs this server; it is the same machine's own.
    verify = str(config.web.tls_certificate) if config.web.tls_certificate else True
    async with httpx.AsyncClient(
        base_url=address, headers=headers, timeout=_TIMEOUT_S, verify=verify, trust_env=False
    ) as client:
        status = await _get(client, "/api/status")
        health = await _get(client, "/health/detail")
        storage = await _get(client, "/api/storage")
    checks = tuple(Finding(check["name"], check["healthy"], check["message"]) for check in health["checks"])
    return Diagnosis(status["version"], f"running at {address}", checks, _usage(storage))


async def _get(client: httpx.AsyncClient, path: str) -> Any:
    answer = await client.get(path)
    if answer.is_success:
        return answer.json()
    try:
        reason = answer.json()["error"]["message"]
    except (ValueError, KeyError, TypeError):
        reason = f"{path} answers {answer.status_code}; is this a Gnomon?"
    message = f"The server at {client.base_url} refuses: {reason}"
    raise DoctorError(message)


async def _open(config: Config) -> Diagnosis:
    storage = config.storage
    engine = open_engine(storage)
    await engine.start()
    try:
        meter = StorageMeter(engine, storage)
        finding = Finding("engine", healthy=True, message=await meter.check())
        return Diagnosis(__version__, f"not running, data in {storage.data_dir}", (finding,), await meter.usage())
    finally:
        await engine.stop()


def _usage(answer: dict[str, Any]) -> StorageUsage:
    return StorageUsage(
        engine=answer["engine"],
        tables=tuple(
            TableUsage(
                name=table["name"],
                rows=table["rows"],
                compressed_bytes=table["compressed_bytes"],
                uncompressed_bytes=table["uncompressed_bytes"],
                oldest_ns=table["oldest_ns"],
                newest_ns=table["newest_ns"],
            )
            for table in answer["tables"]
        ),
        used_bytes=answer["used_bytes"],
        budget_bytes=answer["budget_bytes"],
        disk_free_bytes=answer["disk_free_bytes"],
        disk_total_bytes=answer["disk_total_bytes"],
        journal=JournalUsage(**answer["journal"]),
    )
