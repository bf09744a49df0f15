-- The export to InfluxDB.

-- One row where it is switched on, by whichever aggregator; none where it is not.
CREATE TABLE influx_export (
    id            INTEGER NOT NULL PRIMARY KEY CHECK (id = 1), -- there is one
    since_us      INTEGER NOT NULL,            -- when it was switched on
    holder        BLOB,                        -- who writes at the moment, 16 random bytes; NULL: nobody
    held_until_us INTEGER NOT NULL,            -- until when, at the longest
    scored_s      INTEGER                      -- the time of the newest scores that were written; NULL: none yet
) STRICT;

-- What has changed and is not written yet: a window has been added that starts there. Noted in the
-- transaction that adds the window, taken away when InfluxDB has what was read after the note.
CREATE TABLE influx_notes (
    number   INTEGER PRIMARY KEY AUTOINCREMENT, -- never used again: who takes a note away knows which
    vantage  INTEGER NOT NULL,                 -- vantages.number
    start    INTEGER NOT NULL,                 -- start of the window
    noted_us INTEGER NOT NULL                  -- when the report with the window was received
) STRICT;
