-- Up Migration
-- Purpose: payloads and results of more than 2 KB are compressed by lz4 from now on, where the server has
-- it. What was written before stays as it is, and is read as before.
-- Locks: job_payloads ACCESS EXCLUSIVE, to note it. Breaking: no.

do $$
begin
  if exists (
    select from pg_settings where name = 'default_toast_compression' and 'lz4' = any (enumvals)
  ) then
    alter table job_payloads
      alter column payload set compression lz4, alter column result set compression lz4;
  end if;
end
$$;

-- Down Migration
alter table job_payloads
  alter column payload set compression default, alter column result set compression default;
