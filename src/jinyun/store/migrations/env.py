"""Alembic's entry: runs on the connection that `jinyun.store.database` hands over."""

from alembic import context

from jinyun.store import audit
from jinyun.store.schema import metadata

TABLES = audit.__name__  # declares its table beside the schema's


def _ours(_thing: object, name: str | None, kind: str, _reflected: bool, _compare_to: object) -> bool:
    """The text index is made and kept by hand: alembic knows nothing of FTS5 and of indexes over functions."""
    return not (kind in ("table", "index") and str(name).startswith(("record_grams", "ix_record_grams")))


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    include_object=_ours,
    render_as_batch=True,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
