-- Counts are rewritten all the time and none of their changing columns is indexed: with more than half of a page free a row's
-- next version finds room beside it (HOT), and neither index nor WAL hears of it. Of a flush of 200,000 keys that is half of
-- PostgreSQL's CPU and half of the WAL. Pages written before fill up as they are; their rows move as they change.
ALTER TABLE counters.views SET (fillfactor = 45);
ALTER TABLE counters.reactions SET (fillfactor = 45);
ALTER TABLE counters.comments SET (fillfactor = 45);
ALTER TABLE counters.subscriptions SET (fillfactor = 45);
ALTER TABLE counters.positions SET (fillfactor = 45);
