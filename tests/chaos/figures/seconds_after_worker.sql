-- Seconds that processes of tasks lived on after the end of their worker; polled each 0.2 s.
select
  count(*) as processes,
  max(outlived.seconds) as longest
from chaos.outlived as outlived;
