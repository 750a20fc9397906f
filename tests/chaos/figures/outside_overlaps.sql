-- Pairs of attempts of one job whose outside work overlaps: a zombie and its successor.
with work as (
  select
    effect.job_id,
    effect.attempt,
    min(effect.at) as from_at,
    max(effect.at) as until_at
  from chaos.effects as effect
  group by effect.job_id, effect.attempt
)
select count(*) as overlaps
from work as one
join work as other
  on other.job_id = one.job_id
  and other.attempt > one.attempt
  and other.from_at < one.until_at;
