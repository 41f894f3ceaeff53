"""Add what was done with dead letters."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create the tables of states, of replays in batches, and of everything that was done."""
    op.create_table(
        "dead_letter_states",
        sa.Column("id", sa.String(200), primary_key=True),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("changed_at_ns", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "dead_letter_batches",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("actor", sa.String(200), nullable=False),
        sa.Column("created_at_ns", sa.BigInteger, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_table(
        "dead_letter_actions",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.String(200), nullable=False),
        sa.Column("action", sa.String(20), nullable=False),
        sa.Column("letter_id", sa.String(200), nullable=False, index=True),
        sa.Column("batch_id", sa.String(40), nullable=False),
        sa.Column("details", sa.Text, nullable=False),
    )
