-- Ids are never given twice. See schema.rs, which puts in what ID and TEXT stand for.

CREATE TABLE file_properties (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- Goes up with whatever makes remembered facts of metrics wrong. Nothing remembers absence, so creations do not.
CREATE TABLE catalog (
    id BIGINT PRIMARY KEY,
    epoch BIGINT NOT NULL
);
INSERT INTO catalog VALUES (1, 0);

-- Servers that use the database. Each writes its own row every two seconds; one that was not seen for six is gone.
CREATE TABLE nodes (
    id BIGINT PRIMARY KEY,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    level BIGINT NOT NULL,
    url TEXT,
    credentials TEXT NOT NULL,
    begun BIGINT NOT NULL,
    seen BIGINT NOT NULL
);

-- What one server does at a time. Whoever has a lease keeps it; whoever takes one that nobody keeps gives it another token. That the token is
-- in a key lets transactions that go by it hold it (FOR KEY SHARE) without holding up who keeps the lease. `done` is up to when it is done.
CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    holder BIGINT,
    token BIGINT NOT NULL,
    until BIGINT NOT NULL,
    waiting BIGINT NOT NULL,
    done BIGINT,
    UNIQUE (name, token)
);

-- What users have used of their minutes, taken in slices by the servers that let measurements in.
CREATE TABLE rates (
    account BYTEA NOT NULL,
    minute BIGINT NOT NULL,
    used BIGINT NOT NULL,
    PRIMARY KEY (account, minute)
);

-- Wrong credentials: noted by whichever server was given them, so that guesses at one server count at the others.
CREATE TABLE login_failures (
    id ID,
    failed_at BIGINT NOT NULL,
    address TEXT NOT NULL,
    sent BYTEA NOT NULL
);
CREATE INDEX login_failures_by_time ON login_failures (failed_at, address);

CREATE TABLE metrics (
    id ID,
    key TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    display_name TEXT,
    description TEXT,
    period BIGINT,
    source_lag BIGINT,
    composite TEXT,
    attributes TEXT NOT NULL
);

CREATE TABLE sources (
    id ID,
    key TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    display_name TEXT
);

CREATE TABLE streams (
    id ID,
    key TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    display_name TEXT
);

CREATE TABLE events (
    id ID,
    stream_id BIGINT NOT NULL REFERENCES streams ON DELETE CASCADE,
    title TEXT NOT NULL,
    description TEXT,
    source TEXT,
    start_time BIGINT NOT NULL,
    end_time BIGINT,
    links TEXT NOT NULL
);
CREATE INDEX events_by_time ON events (stream_id, start_time, id);

CREATE TABLE services (
    id ID,
    key TEXT NOT NULL,
    type TEXT NOT NULL,
    title TEXT NOT NULL,
    settings TEXT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX services_by_title ON services (key, id);

CREATE TABLE alerts (
    id ID,
    key TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    description TEXT,
    attributes TEXT NOT NULL,
    active BIGINT NOT NULL,
    rearm_seconds BIGINT NOT NULL,
    rearm_per_signal BIGINT NOT NULL,
    md BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    revision BIGINT NOT NULL DEFAULT 0,
    incidents BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX alerts_by_change ON alerts (updated_at, id);

CREATE TABLE conditions (
    id ID,
    alert_id BIGINT NOT NULL REFERENCES alerts ON DELETE CASCADE,
    position BIGINT NOT NULL,
    type TEXT NOT NULL,
    metric_name TEXT NOT NULL,
    source TEXT,
    tags TEXT NOT NULL,
    threshold DOUBLE PRECISION,
    summary_function TEXT,
    duration BIGINT,
    detect_reset BIGINT,
    since BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX conditions_by_alert ON conditions (alert_id, position);
CREATE INDEX conditions_by_metric ON conditions (lower(metric_name));

CREATE TABLE alert_services (
    alert_id BIGINT NOT NULL REFERENCES alerts ON DELETE CASCADE,
    service_id BIGINT NOT NULL REFERENCES services ON DELETE CASCADE,
    position BIGINT NOT NULL,
    PRIMARY KEY (alert_id, service_id)
);
CREATE INDEX alert_services_by_service ON alert_services (service_id);

CREATE TABLE spaces (
    id ID,
    key TEXT NOT NULL,
    name TEXT NOT NULL,
    tags BIGINT
);
CREATE INDEX spaces_by_name ON spaces (key, id);

CREATE TABLE charts (
    id ID,
    space_id BIGINT NOT NULL REFERENCES spaces ON DELETE CASCADE,
    body TEXT NOT NULL
);
CREATE INDEX charts_by_space ON charts (space_id, id);

CREATE TABLE instruments (
    id ID,
    name TEXT NOT NULL,
    attributes TEXT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX instruments_by_change ON instruments (updated_at, id);

CREATE TABLE streams_of_charts (
    id ID,
    chart_id BIGINT REFERENCES charts ON DELETE CASCADE,
    instrument_id BIGINT REFERENCES instruments ON DELETE CASCADE,
    body TEXT NOT NULL,
    CHECK ((chart_id IS NULL) <> (instrument_id IS NULL))
);
CREATE INDEX streams_by_chart ON streams_of_charts (chart_id, id);
CREATE INDEX streams_by_instrument ON streams_of_charts (instrument_id, id);

CREATE TABLE dashboards (
    id ID,
    key TEXT NOT NULL,
    name TEXT NOT NULL
);
CREATE INDEX dashboards_by_name ON dashboards (key, id);

CREATE TABLE dashboard_instruments (
    dashboard_id BIGINT NOT NULL REFERENCES dashboards ON DELETE CASCADE,
    position BIGINT NOT NULL,
    instrument_id BIGINT NOT NULL REFERENCES instruments ON DELETE CASCADE,
    PRIMARY KEY (dashboard_id, position)
);
CREATE INDEX dashboards_by_instrument ON dashboard_instruments (instrument_id);

CREATE TABLE chart_tokens (
    id ID,
    token TEXT NOT NULL UNIQUE,
    entity_type TEXT NOT NULL,
    entity_id BIGINT NOT NULL
);

CREATE TABLE jobs (
    id ID,
    state TEXT NOT NULL,
    output TEXT
);
CREATE INDEX jobs_by_state ON jobs (state, id);

CREATE TABLE snapshots (
    id ID,
    job_id BIGINT NOT NULL REFERENCES jobs,
    subject TEXT NOT NULL,
    duration BIGINT NOT NULL,
    end_time BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX snapshots_by_job ON snapshots (job_id);

CREATE TABLE pictures (
    snapshot_id BIGINT PRIMARY KEY REFERENCES snapshots,
    key TEXT NOT NULL UNIQUE,
    made_at BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    png BYTEA NOT NULL
);
CREATE INDEX pictures_by_time ON pictures (made_at);

CREATE TABLE api_tokens (
    id ID,
    key TEXT NOT NULL,
    name TEXT,
    token TEXT NOT NULL UNIQUE,
    digest BYTEA NOT NULL UNIQUE,
    active BIGINT NOT NULL,
    role TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE idempotency_keys (
    id ID,
    account BYTEA NOT NULL,
    path TEXT NOT NULL,
    request_key TEXT NOT NULL,
    digest BYTEA NOT NULL,
    object_id BIGINT NOT NULL,
    made_at BIGINT NOT NULL,
    UNIQUE (account, path, request_key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (made_at);

CREATE TABLE audit (
    id ID,
    made_at BIGINT NOT NULL,
    made_by TEXT NOT NULL,
    address TEXT,
    kind TEXT NOT NULL,
    object_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    key TEXT NOT NULL,
    action TEXT NOT NULL,
    before_change TEXT NOT NULL,
    after_change TEXT NOT NULL
);
CREATE INDEX audit_by_time ON audit (made_at, id);

CREATE TABLE alert_clock (
    id BIGINT PRIMARY KEY,
    file BIGINT NOT NULL,
    clock BIGINT,
    wall BIGINT,
    held BIGINT NOT NULL
);

CREATE TABLE alert_states (
    id ID,
    alert_id BIGINT NOT NULL REFERENCES alerts ON DELETE CASCADE,
    page BIGINT NOT NULL,
    pages BIGINT NOT NULL,
    through BIGINT NOT NULL,
    body BYTEA NOT NULL,
    UNIQUE (alert_id, page)
);

CREATE TABLE incidents (
    id ID,
    key TEXT NOT NULL UNIQUE,
    alert_id BIGINT NOT NULL,
    alert TEXT NOT NULL,
    stream TEXT,
    opened BIGINT NOT NULL,
    triggered BIGINT,
    closed BIGINT,
    how TEXT,
    silent BIGINT NOT NULL,
    event_id BIGINT,
    snapshot TEXT NOT NULL
);
CREATE INDEX incidents_by_alert ON incidents (alert_id, id);
CREATE INDEX incidents_by_opening ON incidents (opened, id);
CREATE INDEX incidents_by_end ON incidents (closed, id);

CREATE TABLE deliveries (
    id ID,
    key TEXT NOT NULL,
    seq BIGINT NOT NULL,
    alert_id BIGINT NOT NULL,
    alert TEXT NOT NULL,
    service_id BIGINT NOT NULL,
    service_type TEXT NOT NULL,
    service_title TEXT NOT NULL,
    kind TEXT NOT NULL,
    at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    next_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    first_at BIGINT,
    last_at BIGINT,
    ended_at BIGINT,
    status TEXT NOT NULL,
    in_doubt BIGINT NOT NULL,
    digest BIGINT,
    detail TEXT,
    rest TEXT NOT NULL,
    payload TEXT NOT NULL,
    UNIQUE (key, service_id, seq)
);
CREATE INDEX deliveries_by_status ON deliveries (status, next_at, id);
CREATE INDEX deliveries_by_time ON deliveries (created_at, id);
CREATE INDEX deliveries_by_end ON deliveries (ended_at, id);

CREATE TABLE silences (
    id ID,
    alert TEXT NOT NULL,
    stream TEXT NOT NULL,
    starts BIGINT NOT NULL,
    ends BIGINT NOT NULL,
    made_by TEXT NOT NULL,
    why TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    ended_at BIGINT
);
CREATE INDEX silences_by_end ON silences (ends, id);

CREATE TABLE series (
    id ID,
    metric_id BIGINT NOT NULL REFERENCES metrics ON DELETE CASCADE,
    dialect TEXT NOT NULL,
    key TEXT NOT NULL,
    labels TEXT NOT NULL,
    checksum BIGINT NOT NULL,
    UNIQUE (metric_id, dialect, key)
);

-- Whoever appends to the journal does so by a lane, in batches with numbers that go up; those of one lane commit in order. What is written
-- in a transaction of other things goes by lane 0. Numbers may be left out.
CREATE TABLE lanes (
    lane BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    node TEXT NOT NULL,
    seq BIGINT NOT NULL,
    used_at BIGINT NOT NULL
) WITH (fillfactor = 50);
INSERT INTO lanes VALUES (0, '', 0, 0);

-- Rows are just under the 8 kB of a page of the database, so they are kept whole: compressing what is packed already costs a third of
-- the throughput.
CREATE TABLE journal (
    part BIGINT NOT NULL,
    id BIGINT GENERATED BY DEFAULT AS IDENTITY,
    lane BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    first_series BIGINT NOT NULL,
    last_series BIGINT NOT NULL,
    block BYTEA NOT NULL,
    PRIMARY KEY (part, id)
) WITH (toast_tuple_target = 8160, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
    autovacuum_vacuum_cost_delay = 0);
ALTER TABLE journal ALTER COLUMN block SET STORAGE EXTERNAL;
CREATE INDEX journal_by_lane ON journal (lane, seq);

-- Up to where rows of each lane have left the journal of a part: who has not read as far has missed some of them.
CREATE TABLE compacted (
    part BIGINT NOT NULL,
    lane BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    PRIMARY KEY (part, lane)
) WITH (fillfactor = 50);

-- Who follows the journal, and how far each lane was read. Compaction waits for those that were seen lately.
CREATE TABLE tails (
    holder TEXT PRIMARY KEY,
    seen BIGINT NOT NULL,
    lanes BIGINT[] NOT NULL,
    seqs BIGINT[] NOT NULL
) WITH (fillfactor = 50);

-- What was written together has one `seq`, the younger the larger, and numbers from nothing on.
CREATE TABLE pages (
    part BIGINT NOT NULL,
    tier BIGINT NOT NULL,
    start BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    first BIGINT NOT NULL,
    no BIGINT NOT NULL,
    level BIGINT NOT NULL,
    last BIGINT NOT NULL,
    block BYTEA NOT NULL,
    PRIMARY KEY (part, tier, start, first, seq, no) INCLUDE (last)
) WITH (toast_tuple_target = 8160, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
    autovacuum_vacuum_cost_delay = 0);
ALTER TABLE pages ALTER COLUMN block SET STORAGE EXTERNAL;
CREATE INDEX layers ON pages (part, tier, start, seq, level) WHERE no = 0;
CREATE INDEX pages_by_layer ON pages (part, tier, start, seq, first, no);

-- Locked by whoever writes pages of a part. `seq` is that of its last layer.
-- For how many seconds each tier is kept, and since when all of that is there; by default where it is empty.
CREATE TABLE retention (
    tier BIGINT PRIMARY KEY,
    kept BIGINT NOT NULL,
    since BIGINT NOT NULL
);

CREATE TABLE parts (
    part BIGINT PRIMARY KEY,
    seq BIGINT NOT NULL
);

-- Rows of the journal and pages that could not be read, as they were.
CREATE TABLE damaged (
    id ID,
    found_at BIGINT NOT NULL,
    origin TEXT NOT NULL,
    origin_row BIGINT NOT NULL,
    bytes BYTEA NOT NULL
);
