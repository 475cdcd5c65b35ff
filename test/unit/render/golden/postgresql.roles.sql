-- Written by pi-lab.
\set ON_ERROR_STOP on
SET client_min_messages = warning;

SELECT 'CREATE ROLE sink' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'sink') \gexec
ALTER ROLE sink LOGIN PASSWORD 'SCRAM-SHA-256$4096:AAAAAAAAAAAAAAAAAAAAAA==$nUCB8ni20j6xHNw09WnGgh5rclz9jdZYYbh8bkTRntY=:10bB6L1H6tmqPikBbwcHkSLeFwx8dnwbpZk9iFzTwFE=';
SELECT 'CREATE ROLE readers' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'readers') \gexec
ALTER ROLE readers NOLOGIN;

SELECT 'CREATE ROLE dashboards' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'dashboards') \gexec
ALTER ROLE dashboards LOGIN CONNECTION LIMIT 10 PASSWORD 'SCRAM-SHA-256$4096:AAAAAAAAAAAAAAAAAAAAAA==$nUCB8ni20j6xHNw09WnGgh5rclz9jdZYYbh8bkTRntY=:10bB6L1H6tmqPikBbwcHkSLeFwx8dnwbpZk9iFzTwFE=';
ALTER ROLE dashboards SET default_transaction_read_only = on;
ALTER ROLE dashboards SET statement_timeout = '30s';
GRANT readers TO dashboards;
COMMENT ON ROLE dashboards IS 'pi-lab reader';

SELECT 'CREATE ROLE grafana' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'grafana') \gexec
ALTER ROLE grafana LOGIN CONNECTION LIMIT 10 PASSWORD 'SCRAM-SHA-256$4096:AAAAAAAAAAAAAAAAAAAAAA==$nUCB8ni20j6xHNw09WnGgh5rclz9jdZYYbh8bkTRntY=:10bB6L1H6tmqPikBbwcHkSLeFwx8dnwbpZk9iFzTwFE=';
ALTER ROLE grafana SET default_transaction_read_only = on;
ALTER ROLE grafana SET statement_timeout = '30s';
GRANT readers TO grafana;
COMMENT ON ROLE grafana IS 'pi-lab reader';

DO $$
DECLARE
  former text;
BEGIN
  FOR former IN
    SELECT rolname FROM pg_roles
    WHERE shobj_description(oid, 'pg_authid') = 'pi-lab reader' AND rolcanlogin AND rolname NOT IN ('dashboards', 'grafana')
  LOOP
    EXECUTE format('ALTER ROLE %I NOLOGIN', former);
  END LOOP;
END
$$;

SELECT 'CREATE DATABASE pilab OWNER sink TEMPLATE template0 ENCODING ''UTF8'' LOCALE ''C.UTF-8'''
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'pilab') \gexec
ALTER DATABASE pilab OWNER TO sink;
REVOKE ALL ON DATABASE pilab FROM PUBLIC;
GRANT CONNECT ON DATABASE pilab TO readers;
