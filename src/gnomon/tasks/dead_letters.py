"""Dead letters: what failed alike, what is in one, and how it is sent anew or laid to rest."""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal
from uuid import uuid4

import structlog

from gnomon.lifecycle import Clock
from gnomon.model.errors import ConflictError, InvalidInputError, NotFoundError
from gnomon.model.time_ranges import NANOSECONDS, TimeRange
from gnomon.model.timestamps import UnixNanoseconds
from gnomon.sdk.dead_letters import DeadLetter, Replay, republish
from gnomon.sdk.messaging import MessagingError
from gnomon.storage.dead_letter_log import DeadLetterLog, StoredAction, StoredBatch
from gnomon.storage.dead_letter_store import DeadLetterStore, StoredLetter
from gnomon.tasks.brokers import system_of

log = structlog.get_logger(__name__)

LetterStatus = Literal["open", "replayed", "discarded"]
BatchStatus = Literal["watching", "stopped", "done"]

_MOST_LETTERS = 10_000
_STEPS = 40
_YEAR_NS = 366 * 86_400 * NANOSECONDS
_WATCH_NS = 3600 * NANOSECONDS


@dataclass(frozen=True, slots=True)
class DeadLetterCluster:
    """Sum up dead letters that failed alike: same topic, error type, message but for ids and numbers, and place.

    `counts` are letters by step of the range.
    """

    fingerprint: str
    topic: str
    system: str
    error_type: str
    error_shape: str
    sample_message: str
    sample_id: str
    sample_trace_id: str
    letters: int
    open: int
    tasks: int
    services: tuple[str, ...]
    first_ns: UnixNanoseconds
    last_ns: UnixNanoseconds
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LetterSummary:
    """Show a dead letter without what is in it."""

    id: str
    fingerprint: str
    status: LetterStatus
    status_ns: UnixNanoseconds | None
    topic: str
    destination: str
    system: str
    service: str
    error_type: str
    error_message: str
    attempts: int
    time_ns: UnixNanoseconds
    first_failed_ns: UnixNanoseconds | None
    task_id: str
    trace_id: str
    span_id: str


@dataclass(frozen=True, slots=True)
class LetterAction:
    """Tell one thing that somebody did with a letter; details are JSON."""

    at_ns: UnixNanoseconds
    actor: str
    action: str
    letter_id: str
    batch_id: str
    details: str


@dataclass(frozen=True, slots=True)
class OpenedLetter:
    """Show a dead letter whole; body and key as text where they are text, and in base64 in any case.

    `content` is `shown`, `forbidden` where the reader may not see it, or `not_told` where the message was too large to
    be told of: it lies in `destination` still. `replayable` says that a configured broker can take it.
    """

    summary: LetterSummary
    content: Literal["shown", "forbidden", "not_told"]
    body: str | None
    body_base64: str
    key: str | None
    headers: tuple[tuple[str, str], ...]
    stack: str
    brokers: tuple[str, ...]
    replayable: bool
    history: tuple[LetterAction, ...]


@dataclass(frozen=True, slots=True)
class ReplayOutcome:
    """Tell what became of one letter of a batch.

    `outcome` is `waiting` until it is sent, then `sent` until its new trace shows that it was `processed`, or
    `dead_lettered` again; `failed` where the broker did not take it.
    """

    letter_id: str
    outcome: Literal["waiting", "sent", "processed", "dead_lettered", "failed"]
    trace_id: str
    error: str


@dataclass(frozen=True, slots=True)
class ReplayBatch:
    """Tell a replay of letters: the first `canary` are sent, and the rest once all of those were processed.

    It is `watching` until then, `stopped` when one failed or somebody said so, `done` when all are sent.
    """

    id: str
    status: BatchStatus
    actor: str
    created_ns: UnixNanoseconds
    broker: str
    topic: str
    canary: int
    automatic: bool
    letters: tuple[ReplayOutcome, ...]
    reason: str


class DeadLetters:
    """Show dead letters and act on them; every action is written down with who did it."""

    def __init__(
        self, store: DeadLetterStore, journal: DeadLetterLog, brokers: Mapping[str, str], clock: Clock
    ) -> None:
        """Replay through `brokers`, URLs by name."""
        self._store = store
        self._log = journal
        self._brokers = dict(brokers)
        self._clock = clock

    async def clusters(self, time_range: TimeRange) -> list[DeadLetterCluster]:
        """Return what failed alike in a range."""
        closed = await self._log.states()
        step_ns = max(NANOSECONDS, -(-time_range.duration_ns // _STEPS))
        return [
            DeadLetterCluster(
                fingerprint=found.fingerprint,
                topic=found.topic,
                system=found.system,
                error_type=found.error_type,
                error_shape=found.error_shape,
                sample_message=found.sample_message,
                sample_id=found.sample_id,
                sample_trace_id=found.sample_trace_id,
                letters=found.letters,
                open=found.open,
                tasks=found.tasks,
                services=found.services,
                first_ns=found.first_ns,
                last_ns=found.last_ns,
                counts=found.counts,
            )
            for found in await self._store.clusters(time_range, list(closed), step_ns)
        ]

    async def letters(
        self, time_range: TimeRange, fingerprint: str, topic: str, status: LetterStatus | None, limit: int
    ) -> list[LetterSummary]:
        """Return the letters of a range, the latest first."""
        most = _MOST_LETTERS if status else limit
        found = await self._store.letters(time_range, fingerprint=fingerprint, topic=topic, limit=most)
        summaries = await self._summarize(found)
        return [letter for letter in summaries if status in {None, letter.status}][:limit]

    async def open(self, letter_id: str, *, content: bool) -> OpenedLetter:
        """Return one letter with its history; raises NotFoundError where nobody told of it."""
        stored = await self._find(letter_id)
        [summary] = await self._summarize([stored])
        told = stored.attributes.get("dlq.message.body")
        body = _bytes(told) if told is not None else b""
        key = stored.attributes.get("dlq.message.key")
        brokers = self._brokers_for(summary.system)
        return OpenedLetter(
            summary=summary,
            content="not_told" if told is None else "shown" if content else "forbidden",
            body=_text(body) if content and told is not None else None,
            body_base64=told or "" if content else "",
            key=_text(_bytes(key)) if content and key is not None else None,
            headers=_headers(stored.attributes.get("dlq.message.headers", "")) if content else (),
            stack=stored.attributes.get("error.stack", ""),
            brokers=tuple(brokers),
            replayable=bool(brokers) and told is not None,
            history=tuple(_action(found) for found in await self._log.actions(letter_id)),
        )

    async def discard(self, letter_ids: Sequence[str], actor: str, note: str) -> None:
        """Lay letters to rest; raises NotFoundError for one that nobody told of, and does nothing then."""
        for letter in await self._find_all(letter_ids):
            await self._log.set_state(letter.id, "discarded")
            await self._log.record(actor, "discard", letter.id, {"note": note})

    async def reopen(self, letter_ids: Sequence[str], actor: str) -> None:
        """Open letters again; raises NotFoundError for one that nobody told of, and does nothing then."""
        for letter in await self._find_all(letter_ids):
            await self._log.set_state(letter.id, "")
            await self._log.record(actor, "reopen", letter.id, {})

    async def replay(
        self,
        letter_ids: Sequence[str],
        actor: str,
        *,
        broker: str = "",
        topic: str = "",
        body: bytes | None = None,
        canary: int = 0,
        automatic: bool = True,
    ) -> ReplayBatch:
        """Send letters anew: all, or `canary` of them first and the rest once those were processed.

        `body` takes the place of what is in a single letter. Raises NotFoundError, InvalidInputError where the broker
        or the message is not known, and ConflictError for letters that are not open.
        """
        if body is not None and len(letter_ids) != 1:
            raise InvalidInputError(f"A changed body is for one letter, not for {len(letter_ids)}. Replay it alone.")
        stored = await self._find_all(letter_ids)
        for letter, shown in zip(stored, await self._summarize(stored), strict=True):
            if shown.status != "open":
                raise ConflictError(f"Dead letter {letter.id!r} is {shown.status}. Reopen it first.")
            self._choose(letter, broker)
            _dead_letter(letter)
        first = min(canary, len(stored)) if canary else len(stored)
        document: dict[str, Any] = {
            "broker": broker,
            "topic": topic,
            "canary": canary,
            "automatic": automatic,
            "reason": "",
            "letters": [{"id": letter.id, "outcome": "waiting", "trace": "", "error": ""} for letter in stored],
        }
        batch = await self._log.add_batch(uuid4().hex, "watching", actor, document)
        return await self._show(await self._send(batch, first, {letter.id: letter for letter in stored}, body))

    async def batches(self) -> list[ReplayBatch]:
        """Return what was replayed, the latest first."""
        return [await self._show(batch) for batch in await self._log.batches()]

    async def batch(self, batch_id: str) -> ReplayBatch:
        """Return one replay as it stands now; raises NotFoundError where there is none."""
        return await self._show(await self._find_batch(batch_id))

    async def go_on(self, batch_id: str, actor: str) -> ReplayBatch:
        """Send the rest of a replay, whatever became of its first letters; raises ConflictError when all are sent."""
        batch = await self._find_batch(batch_id)
        if batch.state == "done":
            raise ConflictError(f"All letters of the replay {batch_id!r} are sent.")
        await self._log.record(actor, "continue", "", {}, batch_id)
        return await self._show(await self._send_rest(batch))

    async def stop(self, batch_id: str, actor: str) -> ReplayBatch:
        """Send no more of a replay; raises ConflictError when all are sent."""
        batch = await self._find_batch(batch_id)
        if batch.state == "done":
            raise ConflictError(f"All letters of the replay {batch_id!r} are sent.")
        await self._log.record(actor, "stop", "", {}, batch_id)
        document = {**batch.document, "reason": f"stopped by {actor}"}
        return await self._show(await self._log.change_batch(batch, "stopped", document))

    async def advance(self) -> None:
        """Go on with every watched replay whose first letters were processed, and stop those where one was not."""
        for batch in await self._log.batches(state="watching"):
            if not batch.document["automatic"]:
                continue
            sent = [each for each in (await self._show(batch)).letters if each.outcome != "waiting"]
            bad = [each for each in sent if each.outcome in {"failed", "dead_lettered"}]
            try:
                if bad:
                    reason = f"dead letter {bad[0].letter_id} {bad[0].outcome.replace('_', ' ')} again"
                    await self._log.change_batch(batch, "stopped", {**batch.document, "reason": reason})
                elif all(each.outcome == "processed" for each in sent):
                    await self._send_rest(batch)
                elif self._clock.now_ns() - batch.created_at_ns > _WATCH_NS:
                    reason = "its first letters were not processed within an hour"
                    await self._log.change_batch(batch, "stopped", {**batch.document, "reason": reason})
            except ConflictError:
                log.info("somebody else went on with a replay", batch=batch.id)

    async def actions(self, limit: int) -> list[LetterAction]:
        """Return what was done with dead letters, the latest first."""
        return [_action(found) for found in await self._log.actions(limit=limit)]

    async def _send_rest(self, batch: StoredBatch) -> StoredBatch:
        waiting = [each["id"] for each in batch.document["letters"] if each["outcome"] == "waiting"]
        stored = {letter.id: letter for letter in await self._store.find(waiting)}
        return await self._send(batch, len(waiting), stored, None)

    async def _send(
        self, batch: StoredBatch, count: int, stored: Mapping[str, StoredLetter], body: bytes | None
    ) -> StoredBatch:
        """Send the next letters of a batch; claimed before, so that no two processes send the same ones."""
        letters = [dict(each) for each in batch.document["letters"]]
        chosen = [each for each in letters if each["outcome"] == "waiting"][:count]
        for each in chosen:
            each["outcome"] = "sent"
        rest = any(each["outcome"] == "waiting" for each in letters)
        document = {**batch.document, "letters": letters}
        batch = await self._log.change_batch(batch, "watching" if rest else "done", document)
        for each in chosen:
            letter = stored.get(each["id"])
            try:
                if letter is None:
                    raise NotFoundError(f"Dead letter {each['id']!r} is past retention.")  # noqa: TRY301
                replay = await self._publish(letter, batch, body)
            except (MessagingError, NotFoundError, InvalidInputError, OSError) as error:
                each.update(outcome="failed", error=str(error))
                await self._log.record(batch.actor, "replay", each["id"], {"error": str(error)}, batch.id)
                continue
            each["trace"] = replay.trace_id
            details = {
                "topic": replay.topic,
                "position": replay.position,
                "trace_id": replay.trace_id,
                "replayed_trace_id": replay.replayed_trace_id,
                "edited": body is not None,
            }
            await self._log.set_state(each["id"], "replayed")
            await self._log.record(batch.actor, "replay", each["id"], details, batch.id)
        return await self._log.change_batch(batch, batch.state, document)

    async def _publish(self, letter: StoredLetter, batch: StoredBatch, body: bytes | None) -> Replay:
        url = self._choose(letter, batch.document["broker"])
        topic = batch.document["topic"] or None
        return await republish(_dead_letter(letter), url, topic=topic, body=body, replay_id=batch.id)

    def _choose(self, letter: StoredLetter, name: str) -> str:
        if name:
            if name not in self._brokers:
                known = ", ".join(sorted(self._brokers)) or "none"
                raise InvalidInputError(f"There is no broker {name!r}. The setting `brokers` has: {known}.")
            return self._brokers[name]
        system = letter.attributes.get("messaging.system", "")
        fitting = self._brokers_for(system)
        if not fitting:
            raise InvalidInputError(
                f"No broker of the kind {system!r} is configured. Add one to the setting `brokers`."
            )
        return self._brokers[fitting[0]]

    def _brokers_for(self, system: str) -> list[str]:
        return [name for name, url in self._brokers.items() if system_of(url) == system or system == "gnomon"]

    async def _show(self, batch: StoredBatch) -> ReplayBatch:
        letters = [
            ReplayOutcome(each["id"], each["outcome"], each["trace"], each["error"])
            for each in batch.document["letters"]
        ]
        traces = [each.trace_id for each in letters if each.trace_id]
        again = await self._store.of_traces(traces)
        processed = await self._store.processed(traces)

        def judge(each: ReplayOutcome) -> ReplayOutcome:
            if each.outcome != "sent" or not each.trace_id:
                return each
            if each.trace_id in again:
                return replace(each, outcome="dead_lettered")
            return replace(each, outcome="processed") if processed.get(each.trace_id) is False else each

        status: Any = batch.state
        return ReplayBatch(
            id=batch.id,
            status=status,
            actor=batch.actor,
            created_ns=batch.created_at_ns,
            broker=batch.document["broker"],
            topic=batch.document["topic"],
            canary=batch.document["canary"],
            automatic=batch.document["automatic"],
            letters=tuple(map(judge, letters)),
            reason=batch.document["reason"],
        )

    async def _find(self, letter_id: str) -> StoredLetter:
        return (await self._find_all([letter_id]))[0]

    async def _find_all(self, letter_ids: Sequence[str]) -> list[StoredLetter]:
        if len(letter_ids) > _MOST_LETTERS:
            raise InvalidInputError(f"{len(letter_ids)} letters are too many at once. Take {_MOST_LETTERS} at most.")
        found = {letter.id: letter for letter in await self._store.find(letter_ids)}
        missing = next((letter_id for letter_id in letter_ids if letter_id not in found), None)
        if missing is not None:
            raise NotFoundError(f"There is no dead letter {missing!r}. It was never told of, or it is past retention.")
        return [found[letter_id] for letter_id in dict.fromkeys(letter_ids)]

    async def _find_batch(self, batch_id: str) -> StoredBatch:
        found = await self._log.batches(batch_id)
        if not found:
            raise NotFoundError(f"There is no replay {batch_id!r}.")
        return found[0]

    async def ids_of(self, fingerprint: str) -> list[str]:
        """Return the ids of a cluster's open letters, the latest first."""
        now_ns = self._clock.now_ns()
        whole = TimeRange(now_ns - _YEAR_NS, now_ns + NANOSECONDS)
        return [letter.id for letter in await self.letters(whole, fingerprint, "", "open", _MOST_LETTERS)]

    async def _summarize(self, letters: Sequence[StoredLetter]) -> list[LetterSummary]:
        states = await self._log.states([letter.id for letter in letters])
        return [_summary(letter, states.get(letter.id)) for letter in letters]


def _summary(letter: StoredLetter, state: Any) -> LetterSummary:
    told = letter.attributes
    # Told again after it was replayed, it is a new failure of the same message.
    closed = state is not None and (state.state == "discarded" or state.changed_at_ns >= letter.time_ns)
    status: Any = state.state if closed else "open"
    return LetterSummary(
        id=letter.id,
        fingerprint=letter.fingerprint,
        status=status,
        status_ns=state.changed_at_ns if closed else None,
        topic=told.get("messaging.destination.name", ""),
        destination=told.get("dlq.destination", ""),
        system=told.get("messaging.system", ""),
        service=letter.service,
        error_type=told.get("error.type", ""),
        error_message=told.get("error.message", ""),
        attempts=_integer(told.get("dlq.attempts", "")),
        time_ns=letter.time_ns,
        first_failed_ns=_nanoseconds(told.get("dlq.first_failed_at", "")),
        task_id=letter.task_id,
        trace_id=letter.trace_id,
        span_id=letter.span_id,
    )


def _dead_letter(letter: StoredLetter) -> DeadLetter:
    try:
        return DeadLetter.from_event(letter.attributes)
    except ValueError as error:
        raise InvalidInputError(str(error)) from error


def _headers(text: str) -> tuple[tuple[str, str], ...]:
    try:
        pairs = json.loads(text or "[]")
    except ValueError:
        return (("", text),)
    found = pairs.items() if isinstance(pairs, dict) else [pair for pair in pairs if isinstance(pair, list | tuple)]
    return tuple((str(pair[0]), pair[1] if isinstance(pair[1], str) else json.dumps(pair[1])) for pair in found)


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return text.encode()


def _text(data: bytes) -> str | None:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def _action(found: StoredAction) -> LetterAction:
    details = json.dumps(found.details, ensure_ascii=False)
    return LetterAction(found.at_ns, found.actor, found.action, found.letter_id, found.batch_id, details)


def _integer(text: str) -> int:
    return int(text) if text.isdecimal() else 0


def _nanoseconds(text: str) -> int | None:
    try:
        return round(float(text) * NANOSECONDS)
    except ValueError:
        return None
