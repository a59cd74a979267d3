"""The outbox: what happened that people must be told, and one row for each person and channel"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def _number() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "notice_event",
        sa.Column("seq", _number(), autoincrement=True, nullable=False),
        sa.Column("key", sa.String(length=300), nullable=False),
        sa.Column("topic", sa.String(length=60), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.String(length=80), nullable=False),
        sa.Column("record", sa.String(length=120), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("matter", sa.String(length=300), nullable=False),
        sa.Column("subject", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=80), nullable=False),
        sa.Column("level", sa.SmallInteger()),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("ack_by", sa.BigInteger()),
        sa.Column("step", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_notice_event")),
        sa.UniqueConstraint("key", name=op.f("uq_notice_event_key")),
    )
    op.create_index(op.f("ix_notice_event_state_seq"), "notice_event", ["state", "seq"])
    op.create_index(op.f("ix_notice_event_ack_by"), "notice_event", ["ack_by"])
    op.create_table(
        "notice",
        sa.Column("id", _number(), autoincrement=True, nullable=False),
        sa.Column("event", _number(), nullable=False),
        sa.Column("person", sa.String(length=120), nullable=False),
        sa.Column("channel", sa.String(length=120), nullable=False),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("not_before", sa.BigInteger(), nullable=False),
        sa.Column("bundle", sa.String(length=300), nullable=False),
        sa.Column("message", sa.String(length=80), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("tried_at", sa.BigInteger()),
        sa.Column("sent_at", sa.BigInteger()),
        sa.Column("read_at", sa.BigInteger()),
        sa.Column("acked_at", sa.BigInteger()),
        sa.Column("doubt", sa.Boolean(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["event"], ["notice_event.seq"], name=op.f("fk_notice_event")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
        sa.UniqueConstraint("event", "person", "channel", name=op.f("uq_notice_event_person_channel")),
    )
    op.create_index(op.f("ix_notice_state_not_before"), "notice", ["state", "not_before"])
    op.create_index(op.f("ix_notice_person_channel_id"), "notice", ["person", "channel", "id"])
    op.create_index(op.f("ix_notice_message"), "notice", ["message"])


def downgrade() -> None:
    op.drop_table("notice")
    op.drop_table("notice_event")
