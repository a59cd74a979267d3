"""Published figures: what was printed, and the verdicts it rests on"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "publication",
        sa.Column("id", sa.String(length=60), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_publication")),
    )
    op.create_table(
        "publication_input",
        sa.Column("verdict", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("publication", sa.String(length=60), nullable=False),
        sa.ForeignKeyConstraint(["publication"], ["publication.id"], name=op.f("fk_publication_input_publication")),
        sa.PrimaryKeyConstraint("verdict", "publication", name=op.f("pk_publication_input")),
    )
    op.create_index(op.f("ix_publication_input_publication"), "publication_input", ["publication"])


def downgrade() -> None:
    op.drop_table("publication_input")
    op.drop_table("publication")
