-- What a server does, in words; nothing where its program does not say so.
ALTER TABLE nodes ADD COLUMN duties TEXT;
