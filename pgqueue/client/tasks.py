"""Verbs that read the tasks that workers recorded."""

import asyncio

from pgqueue.client.verbs import Verbs
from pgqueue.core.job import TaskRecord, UnknownTaskRecord
from pgqueue.store import tasks


class TaskReading(Verbs):
    """The verbs of a client that read tasks."""

    def tasks(self) -> list[TaskRecord]:
        """List the tasks that workers recorded, by name."""
        from pgqueue.store.reports.tasks import list_tasks

        return self._read(list_tasks())

    async def atasks(self) -> list[TaskRecord]:
        """List the tasks that workers recorded: the asyncio twin of `tasks`."""
        return await asyncio.to_thread(self.tasks)

    def task(self, name: str) -> TaskRecord | None:
        """Read the recorded task with that name, else with that alias; None without one."""
        from pgqueue.store.reports.tasks import task_named

        return self._read(task_named(name))

    async def atask(self, name: str) -> TaskRecord | None:
        """Read one recorded task: the asyncio twin of `task`."""
        return await asyncio.to_thread(self.task, name)

    def unknown_tasks(self) -> list[UnknownTaskRecord]:
        """List the tasks that have queued jobs and that no live worker of their queue knows."""
        return self._run(tasks.unknown_tasks())

    async def aunknown_tasks(self) -> list[UnknownTaskRecord]:
        """List the tasks that no live worker knows: the asyncio twin of `unknown_tasks`."""
        return await self._arun(tasks.unknown_tasks())
