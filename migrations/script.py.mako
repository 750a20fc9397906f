"""${message}.

Revision ID: ${up_revision}
Revises: ${down_revision | comma,n}
Deploy: before the code that needs it.
"""

from alembic import op

from pgqueue.store.schema import Schema

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}

CHANGES = """
"""

UNDONE = """
"""


def upgrade() -> None:
    schema = Schema(op.get_context().opts["pgqueue_schema"])
    op.execute(schema.qualify(CHANGES))


def downgrade() -> None:
    schema = Schema(op.get_context().opts["pgqueue_schema"])
    op.execute(schema.qualify(UNDONE))
