"""Parts of an order that came back, as events tell of them"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    with op.batch_alter_table("order_return", schema=None) as batch_op:
        batch_op.add_column(sa.Column("by_event", sa.Boolean(), server_default=sa.text("(false)"), nullable=False))
        batch_op.alter_column("variant_id", existing_type=_ID, nullable=True)


def downgrade() -> None:
    op.execute(sa.text("DELETE FROM order_return WHERE by_event"))
    with op.batch_alter_table("order_return", schema=None) as batch_op:
        batch_op.alter_column("variant_id", existing_type=_ID, nullable=False)
        batch_op.drop_column("by_event")
