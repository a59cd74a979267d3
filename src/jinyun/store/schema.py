"""Tables of the transactional store, the same on SQLite and PostgreSQL. JSON is text, times are µs since the epoch
unless said; no serial order is assumed: the one owner of the store gives the ids of series, manifest and verdicts."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

key_value = Table(
    "key_value",
    metadata,
    Column("space", String(80), primary_key=True),
    Column("key", String(200), primary_key=True),
    Column("value", Text, nullable=False),
)

# --- readings: the dictionary of series and the list of sealed files (their rows live in DuckDB and Parquet) ---------

series = Table(
    "series",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("site", String(120), nullable=False),
    Column("factor", String(80), nullable=False),
    Column("stat", SmallInteger, nullable=False),
    Column("period", SmallInteger, nullable=False),
    UniqueConstraint("site", "factor", "stat", "period"),
)

seal = Table(
    "seal",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq_from", BigInteger, nullable=False, unique=True),
    Column("seq_to", BigInteger, nullable=False, unique=True),
    Column("rows", BigInteger, nullable=False),
    Column("sealed_at", BigInteger, nullable=False),
)

manifest = Table(
    "manifest",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("kind", String(10), nullable=False),  # rows, frames
    Column("path", String(200), nullable=False, unique=True),  # below the sealed folder
    Column("day", String(10), nullable=False),  # China day of the event times (rows) or of sealing (frames)
    Column("seq_from", BigInteger, nullable=False),
    Column("seq_to", BigInteger, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("time_from", BigInteger, nullable=False),  # rows: [s]; frames: received_at [µs]
    Column("time_to", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column(
        "state", String(10), nullable=False
    ),  # live, replaced (by compaction; the file goes when no reader needs it), dropped (by retention: row only)
    Column("made_at", BigInteger, nullable=False),
    Column("keys", BigInteger),  # keys whose newest version of this seal or merge is in the file; NULL: not counted
    Index(None, "kind", "day"),
)

dropped = Table(
    "dropped",
    metadata,
    Column("path", String(200), primary_key=True),  # below the node's folder
    Column("kind", String(20), nullable=False),  # class of retention: journal, readings
    Column("bytes", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("time_from", BigInteger, nullable=False),  # [s], inclusive
    Column("time_to", BigInteger, nullable=False),
    Column("dropped_at", BigInteger, nullable=False),
    Column("reason", String(20), nullable=False),  # age, disk
    Index(None, "kind", "time_from"),
)

# --- registers -------------------------------------------------------------------------------------------------------

record = Table(
    "record",
    metadata,
    Column("type", String(80), primary_key=True),
    Column("id", String(120), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("state", String(40), nullable=False),
    Column("data", Text, nullable=False),
    Column("search", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("updated_by", String(120), nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("procedure", Integer, nullable=False, server_default="1"),  # version of the procedure it runs on
    Column("number", BigInteger),  # in the text index of SQLite; NULL: not in it, or the server keeps its own
    # copies for lists within a reach: the field that leads to the place, the field of the owner; "" without
    Column("anchor", String(120), nullable=False, server_default=""),
    Column("owner", String(120), nullable=False, server_default=""),
    # pages and counts are found in these alone: the rows themselves are long
    Index("ix_record_by_id", "type", "id", "deleted", "state", "updated_at", "number", "anchor", "owner"),
    Index("ix_record_by_change", "type", "deleted", "updated_at", "state", "id", "number", "anchor", "owner"),
    Index("ix_record_by_state", "type", "deleted", "state", "updated_at", "id", "number", "anchor", "owner"),
    Index("ix_record_by_number", "number", "type", "deleted", "state", "updated_at", "id", "anchor", "owner"),
    Index("ix_record_by_birth", "type", "deleted", "created_at", "id", "state", "number", "anchor", "owner"),
)

record_clock = Table(
    "record_clock",
    metadata,
    Column("type", String(80), primary_key=True),
    Column("id", String(120), primary_key=True),
    Column("version", Integer, nullable=False),  # of the record whose history it was computed from
    Column("late_from", BigInteger),  # first moment at which a clock has run out [µs]; NULL: none will as it stands
    Column("look_at", BigInteger),  # first moment of an escalation that is still to be told [µs]
    ForeignKeyConstraint(["type", "id"], ["record.type", "record.id"]),
    Index(None, "type", "id", "late_from"),
    Index(None, "type", "look_at", "id"),
)

record_history = Table(
    "record_history",
    metadata,
    Column("type", String(80), primary_key=True),
    Column("id", String(120), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("actor", String(120), nullable=False),
    Column("step", String(60), nullable=False),
    Column("state_before", String(40), nullable=False),
    Column("state_after", String(40), nullable=False),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    Column("given", Text, nullable=False),
    Column("note", Text, nullable=False),
    ForeignKeyConstraint(["type", "id"], ["record.type", "record.id"]),
)

record_index = Table(
    "record_index",
    metadata,
    Column("type", String(80), primary_key=True),
    Column("field", String(60), primary_key=True),
    Column("value", String(300), primary_key=True),
    Column("id", String(120), primary_key=True),
    Column("number", Float),  # for ordering numbers
    ForeignKeyConstraint(["type", "id"], ["record.type", "record.id"]),
    Index(None, "type", "id", "field", "value", "number"),
    Index(
        None, "type", "field", "number", "value", "id",
        sqlite_where=text("number IS NOT NULL"), postgresql_where=text("number IS NOT NULL"),
    ),
)  # fmt: skip

attachment = Table(
    "attachment",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("sha256", String(64), nullable=False),  # of the bytes that are served; the file's name on disk
    Column("name", String(200), nullable=False),  # as the person called it
    Column("media", String(80), nullable=False),  # by content, not by name
    Column("bytes", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("actor", String(120), nullable=False),
    Column("meta", Text, nullable=False),  # time and place of a photo, taken out of it
    Column("used", Boolean, nullable=False),  # a record has it or once had it
    Index(None, "sha256"),
    Index(None, "used", "at"),
)

attachment_use = Table(
    "attachment_use",
    metadata,
    Column("attachment", String(16), ForeignKey("attachment.id"), primary_key=True),
    Column("type", String(80), primary_key=True),
    Column("id", String(120), primary_key=True),
    ForeignKeyConstraint(["type", "id"], ["record.type", "record.id"]),
    Index(None, "type", "id"),
)

# --- notices ---------------------------------------------------------------------------------------------------------

notice_event = Table(
    "notice_event",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("key", String(300), nullable=False, unique=True),
    Column("topic", String(60), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("type", String(80), nullable=False),
    Column("record", String(120), nullable=False),
    Column("version", Integer, nullable=False),
    Column("matter", String(300), nullable=False),
    Column("subject", String(120), nullable=False),
    Column("kind", String(80), nullable=False),
    Column("level", SmallInteger),
    Column("body", Text, nullable=False),  # facts and to
    Column("state", String(10), nullable=False),  # new, planned
    Column("ack_by", BigInteger),  # NULL: no acknowledgement is waited for
    Column("step", SmallInteger, nullable=False),
    Index(None, "state", "seq"),
    Index(None, "ack_by"),
)

notice = Table(
    "notice",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("event", BigInteger().with_variant(Integer, "sqlite"), ForeignKey("notice_event.seq"), nullable=False),
    Column("person", String(120), nullable=False),
    Column("channel", String(120), nullable=False),
    Column("reason", String(20), nullable=False),
    Column("state", String(10), nullable=False),
    Column("not_before", BigInteger, nullable=False),
    Column("bundle", String(300), nullable=False),
    Column("message", String(80), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("tried_at", BigInteger),
    Column("sent_at", BigInteger),
    Column("read_at", BigInteger),
    Column("acked_at", BigInteger),
    Column("doubt", Boolean, nullable=False),
    Column("error", Text, nullable=False),
    UniqueConstraint("event", "person", "channel"),
    Index(None, "state", "not_before"),
    Index(None, "person", "channel", "id"),
    Index(None, "message"),
)

# --- from the field --------------------------------------------------------------------------------------------------

field_edit = Table(
    "field_edit",
    metadata,
    Column("device", String(64), primary_key=True),
    Column("key", String(64), primary_key=True),
    Column("actor", String(120), nullable=False),
    Column("op", String(10), nullable=False),
    Column("type", String(80), nullable=False),
    Column("record", String(120), nullable=False),
    Column("digest", String(64), nullable=False),  # sha256 of what was asked
    Column("at", BigInteger, nullable=False),  # the device's moment of the edit
    Column("sent_at", BigInteger, nullable=False),  # the device's moment of sending
    Column("received_at", BigInteger, nullable=False),  # the node's
    Column("outcome", String(10), nullable=False),
    Column("version", Integer, nullable=False),
    Column("answer", Text, nullable=False),
    Index(None, "actor", "received_at"),
)

field_upload = Table(
    "field_upload",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("device", String(64), nullable=False),
    Column("actor", String(120), nullable=False),
    Column("name", String(200), nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("meta", Text, nullable=False),
    Column("begun_at", BigInteger, nullable=False),
    Column("attachment", String(16), nullable=False),  # "" until it is whole
    Index(None, "actor", "attachment"),
)

# --- verdicts and rejects --------------------------------------------------------------------------------------------

verdict_key = Table(
    "verdict_key",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("judge", String(80), nullable=False),
    Column("subject", String(120), nullable=False),
    Column("period", SmallInteger, nullable=False),
    UniqueConstraint("judge", "subject", "period"),
)

verdict = Table(
    "verdict",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("key_id", Integer, ForeignKey("verdict_key.id"), nullable=False),
    Column("start", BigInteger, nullable=False),  # [s]
    Column("revision", Integer, nullable=False),  # 0 first; the highest is current
    Column("end", BigInteger, nullable=False),  # [s]
    Column("level", SmallInteger),
    Column("status", SmallInteger, nullable=False),
    Column("computed_at", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    UniqueConstraint("key_id", "start", "revision"),
    Index(None, "start", "key_id"),
)

# --- published figures -----------------------------------------------------------------------------------------------

publication = Table(
    "publication",
    metadata,
    Column("id", String(60), primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),  # zstd of canonical JSON: what was printed and all it rests on
)

publication_input = Table(
    "publication_input",
    metadata,
    Column("verdict", BigInteger, primary_key=True, autoincrement=False),
    Column("publication", String(60), ForeignKey("publication.id"), primary_key=True),
    Index(None, "publication"),
)

reject = Table(
    "reject",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False),
    Column("link", String(80), nullable=False),
    Column("peer", String(120), nullable=False),
    Column("mn", String(120), nullable=False),
    Column("reason", String(60), nullable=False),
    Column("sentence", Text, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("segment", Integer),
    Column("offset", BigInteger),
    Column("digest", LargeBinary(16), unique=True),  # of (ref, reason, sentence): a replay does not say it twice
    Index(None, "mn", "id"),
    Index(None, "reason"),
)
