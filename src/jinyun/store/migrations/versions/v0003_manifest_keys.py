"""The manifest says how many keys have their newest version in a sealed file, so that reading need not compare"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    with op.batch_alter_table("manifest", schema=None) as batch_op:
        batch_op.add_column(sa.Column("keys", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("manifest", schema=None) as batch_op:
        batch_op.drop_column("keys")
