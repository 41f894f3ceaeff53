"""Expenses in a SQLite ledger, written by several processes at once.

Each expense reads the balance and then writes in one deferred transaction. When two processes do so at the same time,
SQLite refuses the later writer at once ("database is locked"): its snapshot is out of date. Callers have to try again.
"""

import sqlite3
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from examples.agent_platform.tools.steps import Steps

LIMIT_CENTS = 500_000_00
BUSY_TIMEOUT_S = 1.2
_INSERT = "INSERT INTO entry (account, cents) VALUES (?, ?)"
_BALANCE = "SELECT coalesce(sum(cents), 0) FROM entry WHERE account = ?"


class LedgerTool:
    """Record expenses of accounts and tell their balance."""

    def __init__(self, state_dir: Path) -> None:
        """Open the ledger in the state folder."""
        path = state_dir / "ledger.sqlite"
        self._connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.execute("CREATE TABLE IF NOT EXISTS entry (account TEXT, cents INTEGER)")

    def call(self, arguments: dict[str, Any], steps: Steps) -> dict[str, Any]:
        """Add `amount` to `account` and return the balance in cents; raises ValueError when over the limit."""
        account = str(arguments["account"])
        try:
            cents = int(Decimal(str(arguments["amount"])) * 100)
        except InvalidOperation as error:
            message = f"Invalid amount: {arguments['amount']!r}. Use a decimal number such as 12.50."
            raise ValueError(message) from error
        self._connection.execute("BEGIN DEFERRED")
        try:
            with steps.step("SELECT entry", db_system_name="sqlite", db_query_text=_BALANCE, db_namespace="ledger"):
                (balance,) = self._connection.execute(_BALANCE, (account,)).fetchone()
            if balance + cents > LIMIT_CENTS:
                message = f"Account {account!r} would have {balance + cents} cents; its limit is {LIMIT_CENTS}."
                raise ValueError(message)  # noqa: TRY301 - rolled back like any other error
            with steps.step("INSERT entry", db_system_name="sqlite", db_query_text=_INSERT, db_namespace="ledger"):
                self._connection.execute(_INSERT, (account, cents))
            with steps.step("COMMIT", db_system_name="sqlite", db_query_text="COMMIT", db_namespace="ledger"):
                self._connection.execute("COMMIT")
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        return {"account": account, "balance_cents": balance + cents}
