"""What changed in its place, for the mark of freshness"""

import sqlalchemy as sa
from alembic import op
from segue.store.types import UtcTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "change",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("profile_id", _ID, nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("recorded_at", UtcTime(), nullable=False),
        sa.CheckConstraint("what IN ('order', 'code')", name=op.f("ck_change_what")),
        sa.ForeignKeyConstraint(["profile_id"], ["profile.id"], name=op.f("fk_change_profile_id_profile")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_change")),
    )
    with op.batch_alter_table("change", schema=None) as batch_op:
        batch_op.create_index("ix_change_profile", ["profile_id"], unique=False)


def downgrade() -> None:
    op.drop_table("change")
