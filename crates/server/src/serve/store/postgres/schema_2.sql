-- What a server does, in words; nothing where its program does not say so.
ALTER TABLE nodes ADD COLUMN duties TEXT;

-- The PostgreSQL of which the data are the original, by its identifier; in another one they are a copy, until that is adopted.
ALTER TABLE meta ADD COLUMN origin TEXT;
