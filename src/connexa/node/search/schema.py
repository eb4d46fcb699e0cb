"""The tables of the index, a part of the node's first migration.

`message_words` is the index (FTS5), in the same encrypted file, with its own copy of the words: so a row leaves it by its number alone, and
`secure-delete` takes the words off the disk at once. `tags` holds the conversation, the author and what else one can ask for, as words of
their own kind: a filter is one more word that has to be there. Taking words out costs milliseconds for each entry, so triggers note in
`unindexed` what has come, changed, moved or gone, and the indexer follows a little at a time.
"""

from __future__ import annotations

__all__ = ["SEARCH"]

SEARCH = """
CREATE VIRTUAL TABLE message_words USING fts5 (text, subject, tags, tokenize = 'unicode61 remove_diacritics 2', prefix = '3');
INSERT INTO message_words (message_words, rank) VALUES ('secure-delete', 1);
CREATE TABLE unindexed (cursor INTEGER PRIMARY KEY) STRICT;
CREATE TRIGGER message_to_index AFTER INSERT ON message WHEN NEW.kind = 'text' AND NEW.hidden = 0 BEGIN
    INSERT OR IGNORE INTO unindexed (cursor) VALUES (NEW.cursor);
END;
CREATE TRIGGER message_to_index_again AFTER UPDATE OF cursor, conversation, text, subject, hidden ON message WHEN OLD.kind = 'text' BEGIN
    INSERT OR IGNORE INTO unindexed (cursor) VALUES (OLD.cursor);
    INSERT OR IGNORE INTO unindexed (cursor) VALUES (NEW.cursor);
END;
CREATE TRIGGER message_to_unindex AFTER DELETE ON message WHEN OLD.kind = 'text' BEGIN
    INSERT OR IGNORE INTO unindexed (cursor) VALUES (OLD.cursor);
END;
"""
