-- The roles and databases that Aurora comes with, as its master user finds them. Run by rdsadmin, which is the
-- bootstrap superuser there and here. Statements are separated by empty lines; {master_password} is filled in.

CREATE ROLE rds_superuser NOLOGIN

CREATE ROLE rds_iam NOLOGIN

CREATE ROLE rds_ad NOLOGIN

CREATE ROLE rds_password NOLOGIN

CREATE ROLE rds_replication NOLOGIN

-- Which predefined roles there are depends on the version.
DO $$
DECLARE predefined name;
BEGIN
    FOR predefined IN
        SELECT rolname FROM pg_roles
        WHERE rolname IN ('pg_monitor', 'pg_signal_backend', 'pg_checkpoint', 'pg_maintain',
                          'pg_use_reserved_connections', 'pg_create_subscription')
    LOOP
        EXECUTE format('GRANT %I TO rds_superuser WITH ADMIN OPTION', predefined);
    END LOOP;
END $$

-- Since 16 a CREATEROLE role may only grant what it administers; Aurora gives the right to grant without the
-- membership itself, else every master would have to log in by IAM.
DO $$
BEGIN
    IF current_setting('server_version_num')::int >= 160000 THEN
        EXECUTE 'GRANT rds_iam, rds_ad, rds_password, rds_replication, pg_read_all_data, pg_write_all_data
                 TO rds_superuser WITH ADMIN TRUE, INHERIT FALSE, SET FALSE';
    END IF;
END $$

CREATE ROLE postgres_master LOGIN NOSUPERUSER CREATEDB CREATEROLE PASSWORD '{master_password}' VALID UNTIL 'infinity'

GRANT rds_superuser TO postgres_master

CREATE DATABASE rdsadmin OWNER rdsadmin

REVOKE ALL ON DATABASE rdsadmin FROM PUBLIC

ALTER DATABASE postgres OWNER TO postgres_master

ALTER DATABASE template1 OWNER TO postgres_master
