-- No process that a task started outlives its worker by more than five seconds.
--
-- The time in which its supervisor is frozen does not count.
-- When: stopped.
select outlived.at, outlived.worker_pid, outlived.pid, outlived.seconds, outlived.command
from chaos.outlived as outlived
where outlived.seconds > 5;
