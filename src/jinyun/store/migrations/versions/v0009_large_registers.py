"""Large registers: lists and counts out of indexes alone, text by its pairs of characters"""

import sqlalchemy as sa
from alembic import op

from jinyun.store.record_text import POSTGRESQL, SQLITE, complete_here

revision = "0009"
down_revision = "0008"

INDEXES = {
    "ix_record_type_id_deleted_state_updated_at_number": ["type", "id", "deleted", "state", "updated_at", "number"],
    "ix_record_type_deleted_updated_at_state_id_number": ["type", "deleted", "updated_at", "state", "id", "number"],
    "ix_record_type_deleted_state_updated_at_id_number": ["type", "deleted", "state", "updated_at", "id", "number"],
    "ix_record_number_type_deleted_state_updated_at_id": ["number", "type", "deleted", "state", "updated_at", "id"],
}


CREATED = "ix_record_type_deleted_created_at_id"
SIDE = "ix_record_index_type_id_field_value_number"


def upgrade() -> None:
    op.add_column("record", sa.Column("number", sa.BigInteger(), nullable=True))
    op.drop_index("ix_record_type_updated_at", "record")
    op.drop_index("ix_record_type_state", "record")
    for name, columns in INDEXES.items():
        op.create_index(op.f(name), "record", columns)
    op.create_index(op.f(CREATED), "record", ["type", "deleted", "created_at", "id"])
    op.drop_index("ix_record_index_type_id", "record_index")
    op.create_index(op.f(SIDE), "record_index", ["type", "id", "field", "value", "number"])
    op.create_index(
        op.f("ix_record_index_type_field_number_value_id"), "record_index", ["type", "field", "number", "value", "id"],
        sqlite_where=sa.text("number IS NOT NULL"), postgresql_where=sa.text("number IS NOT NULL"),
    )  # fmt: skip
    if op.get_bind().dialect.name == "sqlite":
        op.execute(SQLITE)
        complete_here(op.get_bind())
    else:
        for statement in POSTGRESQL:
            op.execute(statement)


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.drop_table("record_grams")
    else:
        op.drop_index("ix_record_grams", "record")
        op.execute("DROP FUNCTION jinyun_grams(text)")
    op.drop_index("ix_record_index_type_field_number_value_id", "record_index")
    op.drop_index(SIDE, "record_index")
    op.create_index(op.f("ix_record_index_type_id"), "record_index", ["type", "id"])
    for name in (*INDEXES, CREATED):
        op.drop_index(name, "record")
    op.create_index(op.f("ix_record_type_state"), "record", ["type", "state"])
    op.create_index(op.f("ix_record_type_updated_at"), "record", ["type", "updated_at"])
    op.drop_column("record", "number")
