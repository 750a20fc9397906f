"""The first schema: jobs, attempts, logs, workers and tasks, with functions and views.

Revision ID: 0001
Revises:
"""

from alembic import op

from pgqueue.store.schema_name import Schema, read_whole

revision = "0001"
down_revision = None
deploy = "before"
branch_labels = None
depends_on = None

FILES = (
    "domains",
    "tables",
    "views/listening_queues",
    "functions/wake_at_commit",
    "triggers/wake_ups_commit",
    "functions/notify",
    "functions/checked_options",
    "functions/enqueue_named",
    "functions/enqueue",
    "functions/cancel",
    "functions/retry",
    "functions/refuse_status",
    "triggers/jobs_begin",
    "views/new_jobs",
    "views/queue_stats",
    "views/task_stats",
    "views/running_jobs",
    "views/failure_groups",
    "views/unknown_tasks",
    "rights",
)
"""The files of `pgqueue/schema/sql/0001`, in the order in which they are run."""


def upgrade() -> None:
    for file in FILES:
        _run(file)


def downgrade() -> None:
    _run("drop")


def _run(file: str) -> None:
    schema = Schema(op.get_context().opts["pgqueue_schema"])
    op.execute(schema.qualify(read_whole(f"schema:{revision}/{file}")).removesuffix(";"))
