-- left_behind --
-- Waiting requests that were signed under another rule than the one that holds for them now.
select a.id from public.adjustments_adjustment a
where a.state = 'pending' and a.policy_version <>
    (public.adjustments_policy_for(a.system, a.correction, public.adjustments_size(a.id, a.revision))).version
order by a.number;

-- uses --
-- What counts against the caps: approved within the last 24 hours, by kind of cap and whose it is.
select kind, who, at, size from public.adjustments_uses(
    %(system)s, %(correction)s, %(unit)s, %(since)s, %(but_not)s, %(proposer)s, %(approvers)s, %(customers)s)
order by at;
