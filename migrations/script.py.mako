"""${message}.

Revision ID: ${up_revision}
Revises: ${down_revision | comma,n}
"""

from alembic import op

from pgqueue.store.schema import Schema

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
# "before": its release needs it, and every release that works now works with it too.
# "after": takes away what only releases before the newest "before" revision use.
deploy = "before"
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
