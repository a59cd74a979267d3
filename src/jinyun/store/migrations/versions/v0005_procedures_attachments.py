"""A record keeps the version of the procedure it runs on; attachments and the records that use them"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("record", sa.Column("procedure", sa.Integer(), nullable=False, server_default="1"))
    op.create_table(
        "attachment",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("media", sa.String(length=80), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(length=120), nullable=False),
        sa.Column("meta", sa.Text(), nullable=False),
        sa.Column("used", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachment")),
    )
    op.create_index(op.f("ix_attachment_sha256"), "attachment", ["sha256"])
    op.create_index(op.f("ix_attachment_used_at"), "attachment", ["used", "at"])
    op.create_table(
        "attachment_use",
        sa.Column("attachment", sa.String(length=16), nullable=False),
        sa.Column("type", sa.String(length=80), nullable=False),
        sa.Column("id", sa.String(length=120), nullable=False),
        sa.ForeignKeyConstraint(["attachment"], ["attachment.id"], name=op.f("fk_attachment_use_attachment")),
        sa.ForeignKeyConstraint(["type", "id"], ["record.type", "record.id"], name=op.f("fk_attachment_use_type")),
        sa.PrimaryKeyConstraint("attachment", "type", "id", name=op.f("pk_attachment_use")),
    )
    op.create_index(op.f("ix_attachment_use_type_id"), "attachment_use", ["type", "id"])


def downgrade() -> None:
    op.drop_table("attachment_use")
    op.drop_table("attachment")
    op.drop_column("record", "procedure")
