-- How many objects there are of each kind that is listed, without counting them, and the state of their list: sums over rows, of which each
-- statement that changes a list adds one, so that nobody waits for anybody. States are random numbers, and their sum another one after every
-- change; also where a failover took back what was seen. Servers put rows together from time to time.
CREATE TABLE counts (
    id ID,
    kind TEXT NOT NULL,
    n BIGINT NOT NULL,
    state BIGINT NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
CREATE INDEX counts_by_kind ON counts (kind);

CREATE FUNCTION count_changes() RETURNS trigger LANGUAGE plpgsql AS $function$
DECLARE
    more BIGINT := 0;
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT count(*) INTO more FROM changed;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT -count(*) INTO more FROM changed;
    END IF;
    IF more <> 0 OR TG_OP = 'UPDATE' THEN
        INSERT INTO librato_apply.counts (kind, n, state)
            VALUES (TG_TABLE_NAME, more, CAST(floor(random() * 9007199254740992) AS BIGINT));
    END IF;
    RETURN NULL;
END
$function$;

-- Each kind with the columns that its lists are sorted by or looked through. Making a trigger locks writers out, so what is counted then is
-- what there is.
DO $each$
DECLARE
    one RECORD;
BEGIN
    FOR one IN SELECT * FROM (VALUES
        ('metrics', 'key'), ('sources', 'key, display_name'), ('streams', 'key'), ('services', 'key, updated_at'),
        ('alerts', 'key, updated_at'), ('spaces', 'key'), ('instruments', 'updated_at'), ('dashboards', 'key')
    ) AS listed (kind, columns) LOOP
        EXECUTE format('CREATE TRIGGER counts_made AFTER INSERT ON %I REFERENCING NEW TABLE AS changed
            FOR EACH STATEMENT EXECUTE FUNCTION count_changes()', one.kind);
        EXECUTE format('CREATE TRIGGER counts_deleted AFTER DELETE ON %I REFERENCING OLD TABLE AS changed
            FOR EACH STATEMENT EXECUTE FUNCTION count_changes()', one.kind);
        EXECUTE format('CREATE TRIGGER counts_changed AFTER UPDATE OF %s ON %I
            FOR EACH STATEMENT EXECUTE FUNCTION count_changes()', one.columns, one.kind);
        EXECUTE format('INSERT INTO counts (kind, n, state) SELECT %L, count(*), 0 FROM %I', one.kind, one.kind);
    END LOOP;
END
$each$;
