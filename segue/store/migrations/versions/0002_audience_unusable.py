"""How many entries of an audience its platform cannot use"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("audience", sa.Column("unusable", sa.Integer(), server_default=sa.text("0"), nullable=False))
