"""Large registers within a reach, and by their clocks: copies of two fields, the present end of a record's clocks"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

TAIL = ["anchor", "owner"]
INDEXES = {
    "ix_record_by_id": ["type", "id", "deleted", "state", "updated_at", "number", *TAIL],
    "ix_record_by_change": ["type", "deleted", "updated_at", "state", "id", "number", *TAIL],
    "ix_record_by_state": ["type", "deleted", "state", "updated_at", "id", "number", *TAIL],
    "ix_record_by_number": ["number", "type", "deleted", "state", "updated_at", "id", *TAIL],
    "ix_record_by_birth": ["type", "deleted", "created_at", "id", "state", "number", *TAIL],
}
BEFORE = {
    "ix_record_type_id_deleted_state_updated_at_number": ["type", "id", "deleted", "state", "updated_at", "number"],
    "ix_record_type_deleted_updated_at_state_id_number": ["type", "deleted", "updated_at", "state", "id", "number"],
    "ix_record_type_deleted_state_updated_at_id_number": ["type", "deleted", "state", "updated_at", "id", "number"],
    "ix_record_number_type_deleted_state_updated_at_id": ["number", "type", "deleted", "state", "updated_at", "id"],
    "ix_record_type_deleted_created_at_id": ["type", "deleted", "created_at", "id"],
}


def upgrade() -> None:
    for name in BEFORE:
        op.drop_index(name, "record")
    for name in TAIL:  # filled by `store.record_reindex` at the start, as the declarations say
        op.add_column("record", sa.Column(name, sa.String(120), nullable=False, server_default=""))
    for name, columns in INDEXES.items():
        op.create_index(name, "record", columns)
    op.create_table(
        "record_clock",
        sa.Column("type", sa.String(80), nullable=False),
        sa.Column("id", sa.String(120), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("late_from", sa.BigInteger()),
        sa.Column("look_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("type", "id", name=op.f("pk_record_clock")),
        sa.ForeignKeyConstraint(["type", "id"], ["record.type", "record.id"], name=op.f("fk_record_clock_type_id")),
    )
    op.create_index(op.f("ix_record_clock_type_id_late_from"), "record_clock", ["type", "id", "late_from"])
    op.create_index(op.f("ix_record_clock_type_look_at_id"), "record_clock", ["type", "look_at", "id"])


def downgrade() -> None:
    op.drop_table("record_clock")
    for name in INDEXES:
        op.drop_index(name, "record")
    for name in TAIL:
        op.drop_column("record", name)
    for name, columns in BEFORE.items():
        op.create_index(op.f(name), "record", columns)
    op.execute("DELETE FROM key_value WHERE space IN ('records.columns', 'records.clocks')")
