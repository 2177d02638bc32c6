-- The marks of transactions that wrote something, each the last thing that its transaction wrote; and of those that were not carried out, by
-- whoever found that out (`kept` is 0). Older ones are of no use: nobody asks later than half a minute after a commit.
CREATE TABLE commits (
    id BIGINT PRIMARY KEY,
    made_at BIGINT NOT NULL,
    kept BIGINT NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000);

-- What waits in the journal, as it was when a server last looked: one of them does at a time, for all.
CREATE TABLE waiting (
    id BIGINT PRIMARY KEY,
    looked_at BIGINT NOT NULL,
    count BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    oldest BIGINT
);
INSERT INTO waiting VALUES (1, 0, 0, 0, NULL);
